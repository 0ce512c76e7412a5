from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.model import Presence
from gateway.site import Site
from gateway.tags.follower import PRESENCES, Followers
from gateway.tags.hearing import Hearing
from gateway.tags.levels import Level
from gateway.tags.tile import Ground
from gateway.tags.tracker import Estimate
from gateway.tags.weighing import Heard
from tests.unit.tags.places import alive_at, heard_at, levels_at, road, site

FAR_APART = site(
    paths=[[(0, 0), (1_000, 0)], [(5_000, 0), (6_000, 0)]],
    receivers={"here": (500, 3), "there": (5_500, 3)},
)


class Watched(NamedTuple):
    """What a second told of the one tag that is followed."""

    estimate: Estimate
    east: float
    radius68_m: float
    presence: Presence
    changed: bool
    ended: bool


def one_tag(place: Site, zones: Sequence[str] = ("end",)) -> Followers:
    followers = Followers(Ground(place), zones)
    followers.add("tag")
    return followers


def update(
    followers: Followers, second: int, heard: Heard, alive: NDArray[np.bool_]
) -> Watched | None:
    seen = followers.follow(second, Hearing(np.array([0, len(heard.receivers)]), heard, alive))
    if not len(seen.rows):
        return None
    east, _, radius68_m, *_ = seen.told.outcomes.points[seen.at[0]].tolist()
    return Watched(
        seen.estimate(0),
        east,
        radius68_m,
        PRESENCES[seen.presence[0]],
        bool(seen.changed[0]),
        bool(seen.ended[0]),
    )


def test_nothing_is_known_of_a_tag_before_it_is_heard() -> None:
    place = road()
    follower = one_tag(place)
    assert update(follower, 0, heard_at(place, {}), alive_at(place, "r0")) is None


def test_presence_changes_are_told_once() -> None:
    place = road()
    alive = alive_at(place)
    follower = one_tag(place)
    told = []
    for second in range(100):
        heard = levels_at(place, (60.0, 0.0)) if second < 30 else {}
        seen = update(follower, second, heard_at(place, heard), alive)
        if seen is not None and seen.changed:
            told.append((seen.presence, seen.ended))
    assert told[-3:] == [
        (Presence.TRACKED, False),
        (Presence.UNCERTAIN, False),
        (Presence.SILENT, True),
    ]


def test_a_tag_that_was_carried_off_is_followed_anew_where_it_is_heard() -> None:
    follower = one_tag(FAR_APART, ())
    here, there = (heard_at(FAR_APART, {one: Level(-70.0, 2)}) for one in ("here", "there"))
    for second in range(10):
        before = update(follower, second, here, alive_at(FAR_APART))
    after = update(follower, 10, there, alive_at(FAR_APART))
    assert before is not None
    assert after is not None
    assert before.east < 1_000
    assert after.east > 5_000
    assert after.estimate.since == 10


def test_what_was_learned_of_a_tag_outlives_its_silence() -> None:
    place = road()
    alive = alive_at(place)

    def first_radius(*, known: bool) -> float:
        follower = one_tag(place)
        for second in range(200 if known else 0):
            heard = levels_at(place, (60.0, 0.0)) if second < 60 else {}
            update(follower, second, heard_at(place, heard), alive)
        seen = update(follower, 300, heard_at(place, levels_at(place, (30.0, 0.0))), alive)
        assert seen is not None
        return seen.radius68_m

    assert first_radius(known=True) < first_radius(known=False)


@pytest.mark.parametrize("silent", [False, True])
def test_on_another_ground_a_tag_is_still_known_followed_or_not(silent: bool) -> None:
    """Its offset helps on a ground without the first pole, where all others have new numbers."""
    place = road()
    fewer = replace(place, receivers=place.receivers[1:])
    begin = 300 if silent else 60
    weak = heard_at(place, levels_at(place, (60.0, 0.0), offset_db=-10.0))
    moved = one_tag(place)
    for second in range(begin):
        here = weak if second < 60 else heard_at(place, {})
        update(moved, second, here, alive_at(place))
    moved.move_to(Ground(fewer), second=begin - 1)
    again = heard_at(fewer, levels_at(fewer, (60.0, 0.0), offset_db=-10.0))
    radii = []
    for follower in (moved, one_tag(fewer)):
        seen = update(follower, begin, again, alive_at(fewer))
        assert seen is not None
        assert seen.east == pytest.approx(60.0, abs=6.0)
        assert seen.estimate.since == (begin if silent or follower is not moved else 0)
        radii.append(seen.radius68_m)
    assert radii[0] < radii[1]


def test_a_presence_that_was_told_is_not_told_again_on_another_ground() -> None:
    place = road()
    here = heard_at(place, levels_at(place, (60.0, 0.0)))
    follower = one_tag(place)
    for second in range(30):
        update(follower, second, here, alive_at(place))
    follower.move_to(Ground(place), second=29)
    seen = [update(follower, second, here, alive_at(place)) for second in range(30, 60)]
    assert not any(one is None or one.changed or one.ended for one in seen)


def test_a_tag_that_was_never_heard_moves_to_another_ground_too() -> None:
    place = road()
    follower = one_tag(FAR_APART)
    follower.move_to(Ground(place), second=5)
    seen = update(follower, 6, heard_at(place, levels_at(place, (30.0, 0.0))), alive_at(place))
    assert seen is not None
    assert seen.east == pytest.approx(30.0, abs=6.0)

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.model import Presence
from gateway.tags.follower import Follower, Seen, follow
from gateway.tags.levels import Level
from gateway.tags.tile import Ground
from gateway.tags.weighing import Heard
from tests.unit.tags.places import alive_at, heard_at, levels_at, road, site

FAR_APART = site(
    paths=[[(0, 0), (1_000, 0)], [(5_000, 0), (6_000, 0)]],
    receivers={"here": (500, 3), "there": (5_500, 3)},
)


def update(follower: Follower, second: int, heard: Heard, alive: NDArray[np.bool_]) -> Seen | None:
    seen = follow([follower], second, {follower.tag: heard}, alive)
    return seen[0] if seen else None


def test_nothing_is_known_of_a_tag_before_it_is_heard() -> None:
    place = road()
    follower = Follower("tag", Ground(place), ["end"])
    assert update(follower, 0, heard_at(place, {}), alive_at(place, "r0")) is None


def test_presence_changes_are_told_once() -> None:
    place = road()
    alive = alive_at(place)
    follower = Follower("tag", Ground(place), ["end"])
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
    follower = Follower("tag", Ground(FAR_APART), [])
    here, there = (heard_at(FAR_APART, {one: Level(-70.0, 2)}) for one in ("here", "there"))
    for second in range(10):
        before = update(follower, second, here, alive_at(FAR_APART))
    after = update(follower, 10, there, alive_at(FAR_APART))
    assert before is not None
    assert after is not None
    assert before.fix.xy[0] < 1_000
    assert after.fix.xy[0] > 5_000
    assert after.estimate.since == 10


def test_what_was_learned_of_a_tag_outlives_its_silence() -> None:
    place = road()
    alive = alive_at(place)

    def first_radius(*, known: bool) -> float:
        follower = Follower("tag", Ground(place), ["end"])
        for second in range(200 if known else 0):
            heard = levels_at(place, (60.0, 0.0)) if second < 60 else {}
            update(follower, second, heard_at(place, heard), alive)
        seen = update(follower, 300, heard_at(place, levels_at(place, (30.0, 0.0))), alive)
        assert seen is not None
        return seen.fix.radius68_m

    assert first_radius(known=True) < first_radius(known=False)


@pytest.mark.parametrize("silent", [False, True])
def test_on_another_ground_a_tag_is_still_known_followed_or_not(silent: bool) -> None:
    """Its offset helps on a ground without the first pole, where all others have new numbers."""
    place = road()
    fewer = replace(place, receivers=place.receivers[1:])
    begin = 300 if silent else 60
    weak = heard_at(place, levels_at(place, (60.0, 0.0), offset_db=-10.0))
    moved = Follower("tag", Ground(place), ["end"])
    for second in range(begin):
        here = weak if second < 60 else heard_at(place, {})
        update(moved, second, here, alive_at(place))
    other = Ground(fewer)
    moved.move_to(other, second=begin - 1)
    again = heard_at(fewer, levels_at(fewer, (60.0, 0.0), offset_db=-10.0))
    radii = []
    for follower in (moved, Follower("tag", other, ["end"])):
        seen = update(follower, begin, again, alive_at(fewer))
        assert seen is not None
        assert seen.fix.xy[0] == pytest.approx(60.0, abs=6.0)
        assert seen.estimate.since == (begin if silent or follower is not moved else 0)
        radii.append(seen.fix.radius68_m)
    assert radii[0] < radii[1]


def test_a_presence_that_was_told_is_not_told_again_on_another_ground() -> None:
    place = road()
    here = heard_at(place, levels_at(place, (60.0, 0.0)))
    follower = Follower("tag", Ground(place), ["end"])
    for second in range(30):
        update(follower, second, here, alive_at(place))
    follower.move_to(Ground(place), second=29)
    seen = [update(follower, second, here, alive_at(place)) for second in range(30, 60)]
    assert not any(one is None or one.changed or one.ended for one in seen)


def test_a_tag_that_was_never_heard_moves_to_another_ground_too() -> None:
    place = road()
    follower = Follower("tag", Ground(FAR_APART), ["end"])
    follower.move_to(Ground(place), second=5)
    seen = update(follower, 6, heard_at(place, levels_at(place, (30.0, 0.0))), alive_at(place))
    assert seen is not None
    assert seen.fix.xy[0] == pytest.approx(30.0, abs=6.0)

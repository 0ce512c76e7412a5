from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from gateway.model import Presence
from gateway.site import Site
from gateway.tags.crowd import GOES_ON, SILENT_AFTER_S, News
from gateway.tags.fix import fix_of
from gateway.tags.follower import AT_THE_END, PRESENCES
from gateway.tags.levels import Level
from gateway.tags.looking_back import held_states
from gateway.tags.tile import Ground
from gateway.tags.tracker import LONGEST_PATIENCE_S, Crowd, Estimate, Track
from gateway.tags.weighing import FIRST, FREE, Heard
from tests.unit.tags.places import alive_at, heard_at, levels_at, loop, road, site

LEARNED_DB = -8.0
NOBODY = heard_at(road(), {})


def heard(place: Site, xy: tuple[float, float], *, offset_db: float = 0.0) -> Heard:
    return heard_at(place, levels_at(place, xy, offset_db=offset_db))


def walk(
    place: Site, xs: np.ndarray, *, offset_db: float = 0.0
) -> Iterator[tuple[float, Estimate, Track]]:
    ground = Ground(place)
    track = Track(Crowd(ground), second=0, heard=heard(place, (xs[0], 0), offset_db=offset_db))
    for second, x in enumerate(xs):
        here = heard(place, (x, 0), offset_db=offset_db)
        yield x, track.update(second, here, alive_at(place)).estimate(0), track


def stay(place: Site, xy: tuple[float, float], *, seconds: int) -> tuple[Track, Estimate]:
    here = heard(place, xy)
    track = Track(Crowd(Ground(place)), second=0, heard=here)
    for second in range(seconds):
        estimate = track.update(second, here, alive_at(place)).estimate(0)
    return track, estimate


def end(track: Track, since: int, alive: NDArray[np.bool_]) -> tuple[Presence, int]:
    """Nothing more is heard from `since` on: how the track ends, and when."""
    for second in range(since, since + 200):
        (ending,) = track.update(second, NOBODY, alive).outcomes.ending
        if ending != GOES_ON:
            return PRESENCES[AT_THE_END[ending]], second
    raise AssertionError("the track never ends")


@pytest.mark.parametrize("offset_db", [0.0, -8.0, 6.0])
def test_a_walker_is_followed_whatever_the_strength_of_the_tag(offset_db: float) -> None:
    errors = [
        abs(fix_of(estimate.tile, estimate.mass).xy[0] - x)
        for x, estimate, _ in walk(road(), np.arange(10, 110, 1.3), offset_db=offset_db)
    ]
    assert np.median(errors[10:]) < 4.0


def test_the_belief_is_a_distribution() -> None:
    for _, estimate, _ in walk(road(), np.arange(10, 20, 1.3)):
        states, owners = held_states(estimate.tile.moves, estimate.held.places)
        assert len(states) == len(estimate.held.states)
        assert estimate.held.states.sum() == pytest.approx(1.0, abs=1e-5)
        assert estimate.held.states.min() >= 0
        by_place = np.bincount(estimate.held.places[owners], estimate.held.states)
        assert estimate.mass == pytest.approx(by_place)


def test_a_tag_that_rests_below_a_pole_is_found_there_for_minutes() -> None:
    place = road()
    _, estimate = stay(place, (60.0, 0.0), seconds=300)
    assert fix_of(estimate.tile, estimate.mass).xy[0] == pytest.approx(60.0, abs=10.0)


def test_silence_of_a_living_receiver_says_where_the_tag_is_not() -> None:
    place = road(length_m=60, poles=3)
    one = heard_at(place, {"r1": Level(-75.0, 2)})

    def mass_near(*alive: str) -> float:
        track = Track(Crowd(Ground(place)), second=0, heard=one)
        for second in range(30):
            estimate = track.update(second, one, alive_at(place, *alive)).estimate(0)
        return float(estimate.mass[:-1][estimate.tile.cells[:, 0] > 40].sum())

    assert mass_near("r0", "r1", "r2") < 0.8 * mass_near("r0", "r1")


def test_a_tag_that_falls_silent_in_the_middle_is_silent() -> None:
    place = loop()
    track, _ = stay(place, (30.0, 0.0), seconds=20)
    assert end(track, 20, alive_at(place)) == (Presence.SILENT, 19 + SILENT_AFTER_S)


def test_a_tag_that_walked_off_the_end_of_the_road_is_out_of_coverage() -> None:
    place = road()
    *_, (_, _, track) = walk(place, np.arange(60, 120, 1.3))
    assert end(track, 47, alive_at(place))[0] is Presence.OUT_OF_COVERAGE


def test_a_tag_that_nobody_alive_could_hear_is_uncertain() -> None:
    track, _ = stay(loop(), (30.0, 0.0), seconds=20)
    assert end(track, 20, alive_at(loop(), "nobody"))[0] is Presence.UNCERTAIN


def test_a_tag_that_sends_seldom_is_waited_for() -> None:
    place = loop()
    here = heard(place, (30.0, 0.0))
    track = Track(Crowd(Ground(place)), second=0, heard=here)
    for second in range(600):
        track.update(second, here if second % 15 == 0 else NOBODY, alive_at(place))
    _, at = end(track, 600, alive_at(place))
    assert SILENT_AFTER_S + 10 < at - 585 <= LONGEST_PATIENCE_S


def test_while_nothing_is_heard_the_belief_widens() -> None:
    place = road()
    track, before = stay(place, (60.0, 0.0), seconds=20)
    for second in range(20, 35):
        after = track.update(second, NOBODY, alive_at(place, "nobody")).estimate(0)
    assert after.unheard_s == 15
    radius = [fix_of(one.tile, one.mass).radius68_m for one in (before, after)]
    assert radius[1] > 1.5 * radius[0]


def test_a_walker_is_handed_from_tile_to_tile() -> None:
    length_m = 1_600.0
    place = site(
        paths=[[(0, 0), (length_m, 0)]],
        receivers={f"r{x:.0f}": (x, 3.0) for x in np.arange(0, length_m, 30)},
    )
    tiles, errors = [], []
    for x, estimate, _ in walk(place, np.arange(300, 1_300, 1.3)):
        tiles.append(estimate.tile)
        errors.append(abs(fix_of(estimate.tile, estimate.mass).xy[0] - x))
    assert len({id(tile) for tile in tiles}) > 1
    assert np.percentile(errors[10:], 95) < 8.0


def test_a_tag_that_is_heard_only_far_away_is_lost() -> None:
    far = site(
        paths=[[(0, 0), (1_000, 0)], [(5_000, 0), (6_000, 0)]],
        receivers={"here": (500, 0), "there": (5_500, 0)},
    )
    track = Track(Crowd(Ground(far)), second=0, heard=heard_at(far, {"here": Level(-70.0, 1)}))
    both = {"here": Level(-80.0, 1), "there": Level(-70.0, 1)}
    assert not track.lost(heard_at(far, both))
    assert track.lost(heard_at(far, {"there": Level(-70.0, 1)}))
    assert not track.lost(NOBODY)


def test_a_tag_that_is_heard_best_elsewhere_is_lost_after_a_while() -> None:
    length_m = 1_600.0
    place = site(
        paths=[[(0, 0), (length_m, 0)]],
        receivers={f"r{x}": (float(x), 3.0) for x in range(0, 1_600, 40)},
    )
    track = Track(Crowd(Ground(place)), second=0, heard=heard_at(place, {"r400": Level(-70.0, 1)}))
    beyond = heard_at(place, {"r400": Level(-90.0, 1), "r760": Level(-80.0, 1)})
    assert [track.lost(beyond) for _ in range(5)] == [False] * 4 + [True]
    assert not track.lost(heard_at(place, {"r400": Level(-80.0, 1), "r760": Level(-90.0, 1)}))


def test_a_new_track_begins_with_what_the_last_one_learned() -> None:
    place = road()
    *_, (_, _, track) = walk(place, np.arange(10, 110, 1.3), offset_db=-10.0)
    learned = track.knowledge()
    assert learned.mean[0] < -5
    here = heard(place, (60.0, 0.0), offset_db=-10.0)
    radii = []
    for knowledge in (learned, None):
        again = Track(Crowd(Ground(place)), second=100, heard=here, knowledge=knowledge)
        first = again.update(100, here, alive_at(place)).estimate(0)
        radii.append(fix_of(first.tile, first.mass).radius68_m)
    assert radii[0] < radii[1]


def test_on_another_ground_a_track_knows_its_tag_but_no_receiver() -> None:
    place = road()
    *_, (_, estimate, track) = walk(place, np.arange(10, 110, 1.3), offset_db=LEARNED_DB)
    before = track.knowledge()
    assert (before.learned.owners != FREE).any()
    fewer = replace(place, receivers=place.receivers[1:])
    track.move_to(Crowd(Ground(fewer)), second=estimate.second)
    after = track.knowledge()
    assert set(after.learned.owners.tolist()) == {FREE}
    assert after.mean[:FIRST] == pytest.approx(before.mean[:FIRST], abs=1e-4)
    assert not after.mean[FIRST:].any()
    assert after.mean[0] < LEARNED_DB / 2
    assert after.learned.covariance[0, 0] == pytest.approx(before.learned.covariance[0, 0])


def test_a_walker_is_followed_on_from_one_ground_to_another() -> None:
    """The other has lost its first pole, so all receivers have other numbers."""
    place = road()
    fewer = replace(place, receivers=place.receivers[1:])
    *_, (x, before, track) = walk(place, np.arange(10, 60, 1.3))
    track.move_to(Crowd(Ground(fewer)), second=before.second)
    alive = alive_at(fewer)
    dark = track.update(before.second + 1, NOBODY, alive_at(fewer, "nobody")).estimate(0)
    assert fix_of(dark.tile, dark.mass).xy[0] == pytest.approx(
        fix_of(before.tile, before.mass).xy[0] + 1.3, abs=2.0
    )
    errors = []
    for second in range(2, 30):
        x += 1.3
        told = track.update(before.second + second, heard(fewer, (x + 1.3, 0.0)), alive)
        estimate = told.estimate(0)
        errors.append(abs(fix_of(estimate.tile, estimate.mass).xy[0] - x - 1.3))
    assert np.median(errors) < 4.0
    assert (estimate.since, estimate.unheard_s) == (0, 0)


def test_a_crowd_grows_and_its_slots_are_used_again() -> None:
    """Tracks that were admitted, carried and moved among others find what they would find alone."""
    place = road()
    crowd, here = Crowd(Ground(place)), heard(place, (60.0, 0.0))
    alone = Track(Crowd(Ground(place)), second=0, heard=here)
    track = Track(crowd, second=0, heard=here)
    others = [Track(crowd, second=0, heard=heard(place, (20.0, 0.0))) for _ in range(150)]
    for second in range(6):
        wanted = alone.update(second, here, alive_at(place)).estimate(0)
        estimate = track.update(second, here, alive_at(place)).estimate(0)
        assert estimate.held.states.tolist() == wanted.held.states.tolist()
        others.pop().leave()
        others[second].update(second, heard(place, (20.0, 0.0)), alive_at(place))
    freed = {one.slot for one in others}
    for one in others:
        one.leave()
    again = [Track(crowd, second=6, heard=here) for _ in range(150)]
    assert freed <= {one.slot for one in again}
    assert track.slot not in {one.slot for one in again}
    members = np.array([one.slot for one in (track, *again)])
    count = len(members)
    news = News(6, np.zeros(count, int), np.full(count, len(here.dbm)), here, alive_at(place))
    told = crowd.step(members, news)
    assert told.estimate(0).since == 0
    assert {told.estimate(k).since for k in range(1, count)} == {6}

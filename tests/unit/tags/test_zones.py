"""Crossings told with hindsight. Beliefs are put together by hand: so much here, the rest there."""

from dataclasses import replace

import numpy as np
import pytest

from gateway.model import Crossing, ZoneEvent
from gateway.tags.motion import WIDTH, Belief, Singles, mass_of
from gateway.tags.packing import Dense, Packed, member_of, pack, room_for
from gateway.tags.tile import Ground, Tile
from gateway.tags.tracker import Estimate
from gateway.tags.zones import (
    CONFIRMED_AFTER_S,
    DOUBT,
    OVER_S,
    SURE_LATER,
    SURE_LOG,
    ZoneWatches,
)
from tests.unit.tags.places import road

TILE = Ground(road()).tile_at((60.0, 0.0))
EAST = TILE.zones[0] > 0
HOME, SCHOOL = (int(np.abs(TILE.cells[:, 0] - east).argmin()) for east in (40.0, 100.0))
OUT, IN = Crossing.LEAVE, Crossing.ENTER


def seen(second: int, inside: float, *, says: float = 0.5, since: int = 0) -> Estimate:
    """`inside` is believed live; what was heard in the second `says` so, to who looks back."""
    states = np.full(len(TILE.moves.stays), 1e-9, dtype=np.float32)  # a way is never shut
    states[SCHOOL], states[HOME] = inside, 1 - inside
    likelihood = np.append(np.where(EAST, says, 1 - says), 0.0).astype(np.float32)
    return Estimate(
        second=second,
        since=since,
        tile=TILE,
        held=held(TILE, states, likelihood),
        log_evidence=0.0,
        n_heard=3,
        unheard_s=0,
    )


def held(tile: Tile, states: Singles, likelihood: Singles) -> Packed:
    room = room_for(1, tile.sizes)
    rows = np.zeros((len(likelihood), WIDTH), dtype=np.float32)
    belief = Belief(states, mass_of(tile.moves, states), rows)
    pack(tile.moves, Dense(belief, likelihood), room, 0)
    return member_of(room, 0)


class Watched:
    """A tag that is watched, and what was told of it so far."""

    def __init__(self) -> None:
        self.watches = ZoneWatches(["school"])
        self.watches.add("tag")
        self.second = 0
        self.events: list[ZoneEvent] = []
        self.retracted: list[ZoneEvent] = []
        self.looked_at = 0

    def see(self, *inside: float, says: float = 0.5, since: int = 0) -> None:
        for chance in inside:
            self.take(seen(self.second, chance, says=says, since=since))

    def take(self, estimate: Estimate) -> None:
        def ask(_index: int) -> Estimate:
            self.looked_at += 1
            return estimate

        told = self.watches.update(np.array([0]), np.array([[_chance(estimate)]]), ask)
        self.events += told.events
        self.retracted += told.retracted
        self.second += 1

    @property
    def crossings(self) -> list[tuple[float, Crossing]]:
        return [(event.at, event.event) for event in self.events]

    @property
    def kinds(self) -> list[Crossing]:
        return [event.event for event in self.events]


def _chance(estimate: Estimate) -> float:
    return float(estimate.mass[:-1][EAST].sum())


def chance_of(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-log_odds)))


def test_a_tag_that_comes_and_goes_enters_and_leaves() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[1.0] * 20, *[0.0] * 20)
    assert tag.crossings == [(6 + OVER_S, IN), (26 + OVER_S, OUT)]
    assert tag.retracted == []


def test_the_surer_the_sooner() -> None:
    delays = []
    for chance in (0.99, 0.9, 0.8):
        tag = Watched()
        tag.see(*[0.0] * 6, *[chance] * 20)
        ((at, kind),) = tag.crossings
        assert kind is IN
        delays.append(at - 6)
    assert delays[0] < delays[1] < delays[2] <= 3 * OVER_S


def test_who_is_sure_of_the_one_side_takes_longer_to_be_sure_of_the_other() -> None:
    surely, hardly = Watched(), Watched()
    surely.see(*[0.01] * 10, *[0.95] * 10)
    hardly.see(*[0.2] * 10, *[0.95] * 10)
    assert hardly.crossings[0] < surely.crossings[0]


def test_doubt_that_stays_changes_nothing() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[chance_of(SURE_LOG - 0.05), DOUBT] * 20, *[1.0] * 20)
    assert tag.kinds == [IN]
    assert tag.crossings[0][0] > 46
    tag.see(*[1 - DOUBT] * 40)
    assert len(tag.crossings) == 1


def test_a_tag_that_is_first_seen_inside_did_not_come_in_now() -> None:
    tag = Watched()
    tag.see(*[0.9] * 20)
    assert tag.crossings == []
    tag.see(*[0.0] * 10)
    assert tag.kinds == [OUT]


def test_a_tag_that_was_not_tracked_did_not_cross_when_it_comes_back() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6)
    tag.watches.restart(0)
    tag.see(*[1.0] * 20, since=6)
    assert tag.crossings == []


def test_what_was_told_before_a_hole_is_not_retracted_after_it() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[1.0] * OVER_S)
    assert tag.kinds == [IN]
    tag.watches.restart(0)
    again = tag.second
    tag.see(0.8, since=again)
    tag.see(*[0.0] * 20, says=0.01, since=again)
    assert tag.kinds == [IN, OUT]
    assert tag.retracted == []


def test_a_visit_that_is_over_before_it_is_sure_is_told() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[0.93] * (OVER_S - 1), *[0.0] * 20)
    assert tag.kinds == [IN, OUT]
    assert tag.crossings[0] == (6 + CONFIRMED_AFTER_S + 1, IN)
    assert tag.events[0].probability >= SURE_LATER
    assert tag.retracted == []


def test_what_later_seconds_gainsay_at_once_is_not_told() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[0.9] * 2)
    tag.see(*[0.0] * 20, says=0.01)
    assert tag.crossings == []


def test_an_event_that_later_seconds_gainsay_is_retracted_and_no_leaving_is_told() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[0.99] * OVER_S)
    (told,) = tag.events
    tag.see(*[0.0] * 20, says=0.01)
    assert tag.events == [told]
    assert tag.retracted == [told]
    tag.see(*[1.0] * 20, says=0.99)
    assert tag.kinds == [IN, IN]


def test_an_event_that_is_only_doubted_is_retracted_once_it_was_to_be_confirmed() -> None:
    """The tag may be there now; it was not when that was told."""
    tag = Watched()
    tag.see(*[0.0] * 6, *[0.99] * OVER_S)
    tag.see(*[0.4] * (CONFIRMED_AFTER_S - 1), says=0.2)
    assert tag.retracted == []
    tag.see(0.4)
    assert tag.retracted == tag.events


def test_a_confirmed_event_stays() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[0.99] * (OVER_S + CONFIRMED_AFTER_S))
    tag.see(*[0.0] * 20, says=0.01)
    assert tag.kinds == [IN, OUT]
    assert tag.retracted == []


def test_another_track_that_begins_elsewhere_takes_back_what_the_last_one_told() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[0.99] * OVER_S)
    assert len(tag.events) == 1
    tag.see(*[0.0] * CONFIRMED_AFTER_S, since=tag.second)
    assert tag.retracted == tag.events
    assert len(tag.events) == 1


def test_hindsight_does_not_reach_into_another_track() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[0.93] * (OVER_S - 1))
    tag.see(*[0.0] * 20, since=tag.second)
    assert tag.events == []


def test_hindsight_does_not_reach_before_what_was_told_last() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, DOUBT + 0.02, *[0.0] * 4, *[1.0] * OVER_S)
    assert tag.kinds == [IN]
    tag.see(*[0.98 - DOUBT] * 3)
    assert tag.kinds == [IN]


def test_zones_are_watched_apart_and_the_event_says_how_sure_it_is() -> None:
    sides = np.stack([EAST, ~EAST]).astype(np.float32)
    tile = replace(TILE, zone_count=2, zone_numbers=np.arange(2, dtype=np.int32), inside=sides)
    watches = ZoneWatches(["school", "park"])
    watches.add("tag")
    events: list[ZoneEvent] = []
    for second, chance in enumerate([0.0] * 3 + [0.97] * 10):
        estimate = seen(second, chance)._replace(tile=tile)
        chances = np.array([[chance, 1 - chance]])
        events += watches.update(np.array([0]), chances, [estimate].__getitem__).events
    assert [(event.zone, event.event) for event in events] == [("school", IN), ("park", OUT)]
    assert [event.probability for event in events] == pytest.approx([0.97, 0.03], abs=0.001)


def test_tags_are_watched_apart() -> None:
    watches = ZoneWatches(["school"])
    for tag in ("a", "b", "c"):
        watches.add(tag)
    events: list[ZoneEvent] = []
    for second in range(20):
        sides = [0.0, float(second >= 6)]
        estimates = [seen(second, side) for side in sides]
        chances = np.array([[side] for side in sides])
        events += watches.update(np.array([2, 1]), chances, estimates.__getitem__).events
    assert [(event.tag, event.event) for event in events] == [("b", IN)]


def test_a_tag_far_from_all_borders_is_not_looked_at() -> None:
    tag = Watched()
    tag.see(*[0.1] * 3 * CONFIRMED_AFTER_S)
    assert tag.looked_at == 0
    tag.see(*[0.9] * 3 * CONFIRMED_AFTER_S)
    assert 0 < tag.looked_at <= 2 * CONFIRMED_AFTER_S

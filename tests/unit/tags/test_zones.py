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
    MOST_S,
    SOONEST_S,
    SURE_AFTER,
    Told,
    ZoneWatch,
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
    """A watch, and what it told so far."""

    def __init__(self) -> None:
        self.watch = ZoneWatch("tag", ["school"])
        self.second = 0
        self.events: list[ZoneEvent] = []
        self.retracted: list[ZoneEvent] = []

    def see(self, *inside: float, says: float = 0.5, since: int = 0) -> None:
        for chance in inside:
            self.take(seen(self.second, chance, says=says, since=since))

    def take(self, estimate: Estimate) -> None:
        told = self.watch.update(estimate, np.array([_chance(estimate)]))
        self.events += told.events
        self.retracted += told.retracted
        self.second += 1

    @property
    def crossings(self) -> list[tuple[float, Crossing]]:
        return [(event.at, event.event) for event in self.events]


def _chance(estimate: Estimate) -> float:
    return float(estimate.mass[:-1][EAST].sum())


def test_a_tag_that_comes_and_goes_enters_and_leaves() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[1.0] * 20, *[0.0] * 20)
    assert tag.crossings == [(7, IN), (27, OUT)]
    assert tag.retracted == []


@pytest.mark.parametrize(("lag_s", "sure"), SURE_AFTER)
def test_the_less_sure_the_more_hindsight_it_takes(lag_s: int, sure: float) -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[sure + 0.01] * 20)
    assert tag.crossings == [(6 + lag_s + 1, IN)]


def test_doubt_that_stays_changes_nothing() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[SURE_AFTER[-1][1] - 0.01, DOUBT] * 20, *[1.0] * 20)
    assert [crossing for _, crossing in tag.crossings] == [IN]
    tag.see(*[0.25] * 40)
    assert len(tag.crossings) == 1


def test_a_tag_that_is_first_seen_inside_did_not_come_in_now() -> None:
    tag = Watched()
    tag.see(*[0.9] * 20)
    assert tag.crossings == []
    tag.see(*[0.0] * 10)
    assert [crossing for _, crossing in tag.crossings] == [OUT]


def test_a_visit_that_is_over_before_it_is_sure_is_told() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[0.93] * (SOONEST_S - 1), *[0.0] * 20)
    assert [crossing for _, crossing in tag.crossings] == [IN, OUT]
    assert tag.retracted == []


def test_what_later_seconds_gainsay_at_once_is_not_told() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[0.9] * 2)
    tag.see(*[0.0] * 20, says=0.01)
    assert tag.crossings == []


def test_an_event_that_later_seconds_gainsay_is_retracted_and_no_leaving_is_told() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[0.93] * (SOONEST_S + 1))
    (told,) = tag.events
    tag.see(*[0.0] * 20, says=0.01)
    assert tag.events == [told]
    assert tag.retracted == [told]
    tag.see(*[1.0] * 20, says=0.99)
    assert [crossing for _, crossing in tag.crossings] == [IN, IN]


def test_an_event_that_is_only_doubted_is_retracted_once_it_was_to_be_confirmed() -> None:
    """The tag may be there now; it was not when that was told."""
    tag = Watched()
    tag.see(*[0.0] * 6, *[0.93] * (SOONEST_S + 1))
    tag.see(*[0.4] * (CONFIRMED_AFTER_S - 1), says=0.2)
    assert tag.retracted == []
    tag.see(0.4)
    assert tag.retracted == tag.events


def test_a_confirmed_event_stays() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[0.93] * (SOONEST_S + CONFIRMED_AFTER_S + 1))
    tag.see(*[0.0] * 20, says=0.01)
    assert [crossing for _, crossing in tag.crossings] == [IN, OUT]
    assert tag.retracted == []


def test_another_track_that_begins_elsewhere_takes_back_what_the_last_one_told() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[0.93] * (SOONEST_S + 1))
    assert len(tag.events) == 1
    tag.see(*[0.0] * CONFIRMED_AFTER_S, since=tag.second)
    assert tag.retracted == tag.events
    assert len(tag.events) == 1


def test_hindsight_does_not_reach_into_another_track() -> None:
    tag = Watched()
    tag.see(*[0.0] * 6, *[0.93] * SOONEST_S)
    tag.see(*[0.93] * SOONEST_S, since=tag.second)
    assert tag.events == []
    tag.see(0.93, since=6 + SOONEST_S)
    assert [crossing for _, crossing in tag.crossings] == [IN]


def test_zones_are_watched_apart_and_the_event_says_how_sure_it_is() -> None:
    sides = np.stack([EAST, ~EAST]).astype(np.float32)
    tile = replace(TILE, zone_count=2, zone_numbers=np.arange(2, dtype=np.int32), inside=sides)
    watch = ZoneWatch("tag", ["school", "park"])
    told = [
        watch.update(seen(second, chance)._replace(tile=tile), np.array([chance, 1 - chance]))
        for second, chance in enumerate([0.0] * 3 + [0.97] * 10)
    ]
    events = [event for one in told for event in one.events]
    assert [(event.zone, event.event) for event in events] == [("school", IN), ("park", OUT)]
    assert [event.probability for event in events] == pytest.approx([0.97, 0.03], abs=0.001)


def test_a_tag_far_from_all_borders_is_not_looked_back_at() -> None:
    watch = ZoneWatch("tag", ["school"])
    assert all(
        watch.update(seen(second, 0.1), np.array([0.1])) == Told() for second in range(MOST_S * 3)
    )

"""A year of tags whose clocks drift and lose their time, and of somebody who plays recordings.

The tags live as a child's does: at school on weekdays, at home out of reach, two weeks away three
times a year. Each has its battery changed three times: its clock goes on from a time stored up to a
day before. What the hub is told is measured against what was sent, and by whom.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import pi, sin
from typing import NamedTuple

import pytest

from gateway.model import Doubt
from gateway.tags import eid
from gateway.tags.rotation import Heard, RotatingKey, Rotation

ZERO = 1_790_000_000.0 // 86_400 * 86_400.0
HEARD_EVERY_S, HOUR_S, DAY_S = 120.0, 3_600.0, 86_400.0
SLOT_S = 1024.0
DAYS = 365
HOLIDAYS = (range(80, 94), range(110, 124), range(270, 284))
EDGES_OFF_S = 30.0
AT_SCHOOL, IN_THE_EVENING, ON_SUNDAY = 11 * HOUR_S, 20 * HOUR_S, 14 * HOUR_S
OWN, PLAYED, AHEAD = "own", "played", "played ahead"


@dataclass
class Tag:
    """A tag as it truly is. `ppm` is its drift on a day; at the times of `changes` it goes back."""

    name: str
    ppm: Callable[[int], float]
    changes: dict[float, float]
    _days_s: list[float] = field(default_factory=lambda: [0.0])
    _sent: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = RotatingKey(self.name, self.name.encode().ljust(16), 10, ZERO)

    def sends(self, at: float) -> str:
        day, part_s = divmod(at - ZERO, DAY_S)
        while len(self._days_s) <= day:
            today = len(self._days_s) - 1
            self._days_s.append(self._days_s[-1] + DAY_S * (1 + self.ppm(today) * 1e-6))
        shown_s = self._days_s[int(day)] + part_s * (1 + self.ppm(int(day)) * 1e-6)
        shown_s -= sum(back_s for changed_at, back_s in self.changes.items() if changed_at <= at)
        start = eid.slot_start(max(0, int(shown_s)), exponent=10)
        if start not in self._sent:
            sent = eid.eid(self.key.identity_key, exponent=10, beacon_time=start)
            self._sent[start] = f"eid:{sent.hex()}"
        return self._sent[start]


class Event(NamedTuple):
    """Something heard; `arrives_at` orders them.

    `source`: the tag's OWN, a recording that is PLAYED, or one of a day of which the hub has not
    got the tag's own adverts yet, as the edge's uplink was down (AHEAD).
    """

    arrives_at: float
    captured_at: float
    tag: str
    identifier: str
    source: str


class Year:
    """The hub's view of the year: what became of each tag's own adverts, and of recordings."""

    def __init__(self, tags: list[Tag]) -> None:
        self.rotation = Rotation([tag.key for tag in tags])
        self.fates: dict[str, Counter[str]] = {OWN: Counter(), PLAYED: Counter(), AHEAD: Counter()}
        self.longest_lost = 0  # of a tag's own, one after the other
        self._lost: Counter[str] = Counter()

    def hear(self, event: Event) -> None:
        if self.rotation.due(event.arrives_at):
            self.rotation.prepare(event.arrives_at)
        heard = self.rotation.hear(event.identifier, event.captured_at)
        if self.rotation.wants_search(event.arrives_at):
            found = self.rotation.search(event.arrives_at)
            if (event.identifier, event.captured_at) in found:
                heard = self.rotation.hear(event.identifier, event.captured_at)
        self.fates[event.source][_fate(event, heard)] += 1
        if event.source is OWN:
            self._lost[event.tag] = 0 if heard and heard.use else self._lost[event.tag] + 1
            self.longest_lost = max(self.longest_lost, self._lost[event.tag])


def _fate(event: Event, heard: Heard | None) -> str:
    if heard is None:
        return "nobody's"
    if heard.tag != event.tag:
        return "another's"
    if not heard.use:
        return "aside"
    return "provisional" if heard.doubt is Doubt.PROVISIONAL else "sure"


def _in_reach(day: int, rng: random.Random) -> tuple[float, float] | None:
    """From when until when the tag is where receivers are."""
    morning = ZERO + day * DAY_S
    if any(day in holiday for holiday in HOLIDAYS):
        return None
    if day % 7 < 5:
        return morning + rng.uniform(7.5, 8.2) * HOUR_S, morning + 15.5 * HOUR_S
    if day % 7 == 5 and rng.random() < 0.5:
        since = morning + rng.uniform(9, 16) * HOUR_S
        return since, since + 2 * HOUR_S
    return None


def _own(tag: Tag, day: int, rng: random.Random) -> Iterator[Event]:
    """What receivers hear. Of every tenth day all comes hours late; edges' clocks are off."""
    reach = _in_reach(day, rng)
    if reach is None:
        return
    late_s = rng.uniform(1, 30) * HOUR_S if rng.random() < 0.1 else 0.0
    at, until = reach
    while at < until:
        captured_at = at + rng.choice((-EDGES_OFF_S, 0.0, rng.uniform(-1, 1) * EDGES_OFF_S))
        yield Event(max(at, captured_at) + late_s, captured_at, tag.name, tag.sends(at), OWN)
        at += HEARD_EVERY_S


def _played(own: list[Event], rng: random.Random) -> Iterator[Event]:
    """What was recorded within reach: hours of it in their order, later; and single identifiers."""

    def played(event: Event, late_s: float) -> Event:
        at = event.captured_at + late_s
        source = AHEAD if event.arrives_at > at else PLAYED
        return Event(at, at, event.tag, event.identifier, source)

    for late_s in (HOUR_S / 2, 3 * HOUR_S, 12 * HOUR_S, 24 * HOUR_S):
        begin = rng.randrange(len(own))
        for event in own[begin : begin + 60]:
            yield played(event, late_s)
    for event in rng.sample(own, 10):
        yield played(event, rng.uniform(HOUR_S / 2, 24 * HOUR_S))


def _lived(tags: list[Tag], *, seed: int, days: int = DAYS) -> Year:
    year, rng = Year(tags), random.Random(seed)
    waiting: list[Event] = []
    for day in range(days):
        for tag in tags:
            own = list(_own(tag, day, rng))
            waiting += own
            if own and day % 5 == 0:
                waiting += _played(own, rng)
        waiting.sort()
        midnight = ZERO + (day + 1) * DAY_S
        for event in waiting:
            if event.arrives_at < midnight:
                year.hear(event)
        waiting = [event for event in waiting if event.arrives_at >= midnight]
    return year


def _on(day: int, time_s: float) -> float:
    return ZERO + day * DAY_S + time_s


@pytest.fixture(scope="module")
def year() -> Year:
    """Four tags, at the limits of drift and between, with three changes of battery each."""
    return _lived(
        [
            Tag(
                "fast",
                lambda _: 150.0,
                {
                    _on(43, AT_SCHOOL): 9 * HOUR_S,
                    _on(128, IN_THE_EVENING): 24 * HOUR_S,
                    _on(250, ON_SUNDAY): 400.0,
                },
            ),
            Tag(
                "slow",
                lambda _: -150.0,
                {
                    _on(44, AT_SCHOOL): 500.0,
                    _on(115, ON_SUNDAY): 13 * HOUR_S,
                    _on(300, IN_THE_EVENING): 5 * HOUR_S,
                },
            ),
            Tag(
                "warm",
                lambda day: 150.0 * sin(2 * pi * day / DAYS),
                {
                    _on(51, AT_SCHOOL): 24 * HOUR_S,
                    _on(52, IN_THE_EVENING): 20 * HOUR_S,
                    _on(200, ON_SUNDAY): 3_000.0,
                },
            ),
            Tag(
                "fitful",
                lambda day: 150.0 if day % 2 else -150.0,
                {
                    _on(79, IN_THE_EVENING): 7 * HOUR_S,
                    _on(95, AT_SCHOOL): 1_500.0,
                    _on(360, AT_SCHOOL): 2 * HOUR_S,
                },
            ),
        ],
        seed=5,
    )


def test_no_tag_is_lost_for_longer_than_a_slot(year: Year) -> None:
    own = year.fates[OWN]
    lost_s = year.longest_lost * HEARD_EVERY_S
    sys.stdout.write(
        f"\na year: {own.total()} hearings, the longest loss {lost_s:.0f} s; "
        f"{year.fates[PLAYED].total()} played recordings, {year.fates[PLAYED]['sure']} believed\n"
    )
    assert own.total() > 150_000
    assert lost_s <= SLOT_S
    assert own["aside"] + own["nobody's"] < 0.001 * own.total()


def test_no_tag_is_taken_for_another(year: Year) -> None:
    assert all(fates["another's"] == 0 for fates in year.fates.values())


def test_no_recording_of_what_we_heard_is_ever_believed(year: Year) -> None:
    played = year.fates[PLAYED]
    assert played.total() > 20_000
    assert played["sure"] == 0


def test_what_is_played_before_we_have_the_tags_own_is_taken_back(year: Year) -> None:
    """Nothing tells it from a change of battery, until the edge's backlog is there."""
    assert year.fates[AHEAD]["sure"] > 0
    assert year.rotation.counts["taken_back"] > 0
    assert len(year.rotation.taken_back()) == year.rotation.counts["taken_back"]


def test_changes_of_battery_are_doubted_for_two_days_at_most(year: Year) -> None:
    changes, a_day = 12, 8 * HOUR_S / HEARD_EVERY_S
    assert 0 < year.fates[OWN]["provisional"] < changes * 2 * a_day


def test_ten_thousand_tags_do_not_hide_a_change_of_battery() -> None:
    crowd = [RotatingKey(f"t-{n}", n.to_bytes(16, "big"), 10, ZERO) for n in range(10_000)]
    tags = [Tag(f"t-{n}", lambda _: 0.0, {}) for n in range(5)]
    now = ZERO + 5 * DAY_S
    tags[3].changes[now + 0.8 * HOUR_S] = 20 * HOUR_S
    year = Year(tags)
    year.rotation.replace([tag.key for tag in tags] + crowd[len(tags) :])
    for second in range(0, int(1.6 * HOUR_S), int(HEARD_EVERY_S)):
        at = now + second
        for tag in tags:
            year.hear(Event(at, at, tag.name, tag.sends(at), OWN))
    assert year.fates[OWN]["another's"] == 0
    assert year.longest_lost * HEARD_EVERY_S <= SLOT_S
    assert year.fates[OWN]["provisional"] > 0
    assert year.rotation.counts["collisions"] == 0

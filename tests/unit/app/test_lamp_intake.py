"""What edges say of lamps, in one transaction with the marks, also late, twice or beyond belief."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import msgspec
import pytest

from gateway.app.hub_lights import HubLights
from gateway.app.intake import Intake
from gateway.app.lamp_intake import DAY_S, IMPLAUSIBLE
from gateway.app.registry import Registry
from gateway.app.telling import LONGEST_ROW
from gateway.lamps import LampEvent, LampEventKind, Outcome, OutcomeState
from gateway.lights.energy import NightEnergy
from gateway.link.envelope import LONGEST_PAYLOAD, Envelope, Kind, Stream, encode_items
from gateway.link.receiver import CommitError
from gateway.model import Lane
from gateway.outputs.ngsi import Shown
from gateway.settings import Settings
from gateway.store import (
    lamp_energy,
    lamp_events,
    lamp_meters,
    lamps,
    outgoing,
    overrides,
    sightings,
)
from gateway.store.database import Database
from tests.unit.app.lamp_pieces import (
    NOW,
    OUT,
    TYPES,
    lit_street,
    override,
    queued,
    reading,
    row,
)
from tests.unit.app.tag_pieces import no_tags
from tests.unit.app.town import HandClock, fill_disk, free_disk

MINUTE = 60.0
DARK = LampEvent("l-0", LampEventKind.LAMP_FAILURE, NOW - 20, {"active_power_w": 0.5})


@dataclass
class Bench:
    """An intake; time is the test's. `shown` is what integrators were to be told."""

    database: Database
    clock: HandClock
    shown: list[Mapping[str, Shown]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lights = HubLights(
            Settings(),
            lit_street(),
            TYPES,
            database=self.database,
            clock=self.clock,
            publisher=Nobody(),
            out=OUT,
        )
        registry = Registry(self.database)
        self.intake = Intake(
            self.database,
            self.clock,
            registry,
            is_closed=lambda _: False,
            announce=lambda _: None,
            out=OUT,
            lamps=self.lights.intake,
            tags=no_tags(self.database, self.clock, registry),
            joined=self.lights.sos.brighten,
            show=self.shown.append,
        )

    async def take(self, *rows: Envelope) -> None:
        marks = {Stream(one.sender, one.epoch, one.lane): one.seq for one in rows}
        await self.intake.commit(rows, marks)

    async def last_at(self, lamp: str = "l-0") -> float | None:
        found = await self.database.read(lamps.state, lamp)
        return None if found is None else found.reading.at

    async def history(self, lamp: str = "l-0") -> list[float]:
        found = await self.database.read(lamps.history, lamp, since=0.0, until=NOW + 1e6)
        return [at for at, *_ in found]

    async def events(self) -> list[LampEvent]:
        return await self.database.read(lamp_events.overlapping, since=0.0, until=NOW + 1e6)


class Nobody:
    """A broker that is not there."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        return False


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database, HandClock(NOW))


async def test_readings_and_their_marks_are_committed_together(bench: Bench) -> None:
    await bench.take(row(1, reading(NOW - 60), reading(NOW), reading(NOW, "l-1")))
    assert await bench.history() == [NOW - 60, NOW]
    assert await bench.last_at("l-1") == NOW
    assert await bench.database.read(sightings.marks) == {("gw-01", "e1", Lane.LIVE): 1}
    assert bench.intake.counts == {"lamp_readings": 3}


async def test_they_go_to_the_sink(bench: Bench) -> None:
    await bench.take(row(1, reading(NOW)), row(1, DARK, kind=Kind.LAMP_EVENTS, lane=Lane.URGENT))
    (said,) = await queued(bench.database, OUT, Kind.LAMP_READINGS)
    assert (said["lamp"], said["at"]) == ("l-0", NOW)
    (fault,) = await queued(bench.database, OUT, Kind.LAMP_EVENTS)
    assert fault["kind"] == "lampFailure"


async def test_the_same_rows_again_change_nothing(bench: Bench) -> None:
    rows = (
        row(1, reading(NOW - 60), reading(NOW)),
        row(1, DARK, replace(DARK, end=NOW), kind=Kind.LAMP_EVENTS, lane=Lane.URGENT),
    )
    await bench.take(*rows)
    before = (await bench.history(), await bench.events(), await energy(bench))
    await bench.take(*rows)
    assert (await bench.history(), await bench.events(), await energy(bench)) == before
    assert len(await queued(bench.database, OUT, Kind.LAMP_READINGS)) == 2
    assert len(await queued(bench.database, OUT, Kind.LAMP_EVENTS)) == 1 + 1
    assert await bench.database.read(lamp_meters.next_amend) is None


async def test_what_a_full_disk_did_not_take_comes_again_whole(bench: Bench) -> None:
    said = row(1, *(reading(NOW - 60.0 * n, reason="r" * 150) for n in range(200)))
    await bench.database.write(fill_disk)
    with pytest.raises(CommitError):
        await bench.take(said)
    assert await bench.last_at() is None
    assert await bench.intake.marks() == {}
    await bench.database.write(free_disk)
    await bench.take(said)
    assert len(await bench.history()) == 200


async def test_a_late_reading_amends_history_and_leaves_the_lamp_as_it_is(bench: Bench) -> None:
    await bench.take(row(1, reading(NOW - 120), reading(NOW)))
    await bench.take(row(1, reading(NOW - 60, actual_level=0.0), lane=Lane.BACKLOG))
    assert await bench.history() == [NOW - 120, NOW - 60, NOW]
    assert await bench.last_at() == NOW
    assert bench.intake.counts["lamp_readings_late"] == 1
    assert bench.intake.last_late_lamps_at == NOW
    assert await bench.database.read(lamp_meters.next_amend) == ("l-0", NOW - 60)
    assert len(await queued(bench.database, OUT, Kind.LAMP_READINGS)) == 3


async def test_readings_of_one_batch_in_any_order_are_not_late(bench: Bench) -> None:
    await bench.take(row(1, reading(NOW), reading(NOW - 60)), row(2, reading(NOW - 30)))
    assert await bench.history() == [NOW - 60, NOW - 30, NOW]
    assert "lamp_readings_late" not in bench.intake.counts


async def test_what_is_older_than_history_is_not_kept_and_too_old_amends_nothing(
    bench: Bench,
) -> None:
    await bench.take(row(1, reading(NOW)))
    old = [reading(NOW - days * DAY_S) for days in (8, 6)]
    await bench.take(row(1, *old, lane=Lane.BACKLOG))
    assert await bench.history() == [old[1].at, NOW]
    assert await bench.database.read(lamp_meters.next_amend) is None


@pytest.mark.parametrize("at", [12.0, NOW + 3_600])
async def test_a_reading_of_an_unknown_time_is_counted_not_kept(bench: Bench, at: float) -> None:
    await bench.take(row(1, reading(at), reading(NOW, "l-1")))
    assert await bench.last_at() is None
    assert await bench.last_at("l-1") == NOW
    assert bench.intake.counts["lamp_readings_timeless"] == 1


async def test_times_of_a_gateway_whose_clock_is_off_are_corrected(bench: Bench) -> None:
    ahead = NOW + 500
    event = replace(DARK, start=ahead - 20)
    await bench.take(
        row(1, reading(ahead - 10), sent=ahead),
        row(1, event, kind=Kind.LAMP_EVENTS, lane=Lane.URGENT, sent=ahead),
    )
    assert await bench.last_at() == NOW - 10
    assert [one.start for one in await bench.events()] == [NOW - 20]


async def test_a_fault_is_kept_also_of_an_unknown_time(bench: Bench) -> None:
    event = replace(DARK, start=12.0, end=60.0)
    await bench.take(row(1, event, kind=Kind.LAMP_EVENTS, lane=Lane.URGENT))
    assert [(one.start, one.end) for one in await bench.events()] == [(NOW, NOW)]


async def test_faults_of_a_gateway_that_lost_its_outbox_end_unless_it_tells_them_again(
    bench: Bench,
) -> None:
    door = replace(DARK, kind=LampEventKind.CABINET_DOOR_OPEN)
    other = replace(DARK, lamp="l-2")
    await bench.take(
        row(1, DARK, door, kind=Kind.LAMP_EVENTS, lane=Lane.URGENT),
        row(1, other, kind=Kind.LAMP_EVENTS, lane=Lane.URGENT, gateway="gw-02"),
    )
    again = replace(DARK, start=NOW - 5)
    row_of_new_outbox = row(1, again, kind=Kind.LAMP_EVENTS, lane=Lane.URGENT)
    await bench.take(msgspec.structs.replace(row_of_new_outbox, epoch="e2", fresh=True))
    assert await bench.events() == [
        replace(DARK, end=NOW),
        replace(door, end=NOW),
        other,
        again,
    ]


async def test_a_number_beyond_belief_is_masked_and_the_rest_is_kept(bench: Bench) -> None:
    await bench.take(row(1, reading(NOW, active_power_w=1e30, target_level=400.0)))
    found = await bench.database.read(lamps.state, "l-0")
    assert found is not None
    assert (found.reading.active_power_w, found.reading.target_level) == (None, None)
    assert found.reading.actual_level == 50.0
    assert found.reading.masked == dict.fromkeys(("target_level", "active_power_w"), IMPLAUSIBLE)
    assert bench.intake.counts["lamp_values_implausible"] == 2


async def test_texts_of_a_gateway_are_cut_to_what_a_person_reads(bench: Bench) -> None:
    long = "x\x1b" * 100_000
    strange = reading(NOW, reason=long, masked={long: long})
    fault = replace(DARK, evidence={long: 0.5})
    await bench.take(row(1, strange), row(1, fault, kind=Kind.LAMP_EVENTS, lane=Lane.URGENT))
    state = await bench.database.read(lamps.state, "l-0")
    (kept,) = await bench.events()
    assert state is not None
    (masked,) = state.reading.masked.items()
    texts = (state.reading.reason, *masked, *kept.evidence)
    assert [len(text) for text in texts] == [200, 64, 200, 64]
    assert all(text.isprintable() for text in texts)


async def test_however_much_an_edge_says_no_row_is_too_long_for_the_sink(bench: Bench) -> None:
    names = {f"{number:064}": 0.5 for number in range(64)}
    said = [replace(DARK, start=NOW - n, end=NOW, evidence=names) for n in range(900)]
    assert len(encode_items(said)) > LONGEST_PAYLOAD
    parts = (said[:450], said[450:])
    await bench.take(
        *(
            row(seq, *part, kind=Kind.LAMP_EVENTS, lane=Lane.URGENT)
            for seq, part in enumerate(parts, start=1)
        )
    )
    rows = await bench.database.read(outgoing.rows, OUT, lane=Lane.URGENT, after=0, limit=99)
    assert sum(len(msgspec.json.decode(one.items)) for one in rows) == 900
    assert max(len(one.items) for one in rows) <= LONGEST_ROW


async def test_a_gateway_speaks_for_its_own_lamps_only(bench: Bench) -> None:
    strange = [reading(NOW, lamp) for lamp in ("l-2", "l-3", "l-99")]
    await bench.take(row(1, *strange, reading(NOW)))
    assert set(await bench.database.read(lamps.states)) == {"l-0"}
    assert bench.intake.counts["lamps_strange"] == 3


async def test_a_row_of_lamps_that_cannot_be_read_is_no_hole_in_anybodys_way(bench: Bench) -> None:
    broken = msgspec.structs.replace(row(1), items=msgspec.Raw(b'[{"at":"noon"}]'))
    await bench.take(broken, row(2, reading(NOW)))
    assert bench.intake.counts["malformed_items"] == 1
    assert await bench.database.read(sightings.gaps_between, 0.0, 1e12) == []
    assert await bench.last_at() == NOW


async def test_outcomes_are_kept_and_strange_ones_counted(bench: Bench) -> None:
    await bench.database.write(overrides.add, override(), reason="", by="sato")
    told = [Outcome(name, "l-0", NOW, OutcomeState.DONE) for name in ("o-1", "o-9")]
    await bench.take(row(1, *told, kind=Kind.OUTCOMES, lane=Lane.URGENT))
    found = await bench.database.read(overrides.get, "o-1", now=NOW)
    assert found is not None
    assert found.outcomes[0] == told[0]
    assert bench.intake.counts == {"outcomes": 2, "outcomes_unknown": 1}


async def test_others_are_shown_what_changed_and_only_that(bench: Bench) -> None:
    await bench.take(row(1, reading(NOW - 120, actual_level=0.0, feedback_level=50.0)))
    await bench.take(row(2, reading(NOW - 60)))
    await bench.take(row(3, reading(NOW, active_power_w=21.0)))
    await bench.take(row(1, DARK, kind=Kind.LAMP_EVENTS, lane=Lane.URGENT))
    lit = Shown(True, 50.0, on_at=NOW - 60)
    assert bench.shown == [
        {"l-0": Shown(False, 0.0)},
        {"l-0": lit},
        {},
        {"l-0": replace(lit, lit=False, faults=(DARK.kind,))},
    ]


async def test_a_lamp_that_goes_off_says_when(bench: Bench) -> None:
    dark = reading(NOW, actual_level=None, feedback_level=0.0)
    unknown = reading(NOW - 30, actual_level=None)
    await bench.take(row(1, reading(NOW - 60), unknown, dark))
    assert bench.shown == [{"l-0": Shown(False, 0.0, off_at=NOW)}]


async def energy(bench: Bench) -> list[NightEnergy]:
    return await bench.database.read(lamp_energy.between, since=date.min, until=date.max)


async def test_readings_count_as_energy_of_their_night(bench: Bench) -> None:
    kwh = [reading(NOW + MINUTE * n, active_energy_kwh=7.0 + n / 1_000) for n in range(61)]
    bench.clock.now = NOW + 3_600
    for n, said in enumerate(kwh):
        await bench.take(row(n + 1, said, sent=bench.clock.now))
    (night,) = await energy(bench)
    assert (night.lamp, night.night) == ("l-0", date(2027, 1, 15))
    assert night.metered_kwh == pytest.approx(0.060)
    assert night.estimated_kwh == 0.0
    assert night.on_hours == pytest.approx(1.0)
    assert night.baseline_kwh == pytest.approx(0.040)

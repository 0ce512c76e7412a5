"""What is old goes, what is young stays, and no call takes long."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import count

import pytest
from sqlalchemy import func, select

from gateway.lamps import Authority, LampEvent, LampEventKind, LampReading, Override
from gateway.lights.energy import NightEnergy
from gateway.model import (
    Alert,
    AlertKind,
    AlertState,
    Crossing,
    Doubt,
    Gap,
    Lane,
    Suspicion,
    ZoneEvent,
)
from gateway.settings import RetentionSettings
from gateway.store import (
    access,
    alerts,
    heard_eids,
    lamp_audit,
    lamp_energy,
    lamp_events,
    lamp_meters,
    lamp_readings,
    outings,
    overrides,
    positions,
    retention,
    sealed_waiting,
    sightings,
    suspicions,
    tag_states,
)
from gateway.store.database import Connection, Database
from gateway.store.heard_eids import Bound
from gateway.store.lamp_audit import Act
from gateway.store.lamp_events import Work, WorkState
from gateway.store.lamp_meters import Checkpoint
from gateway.store.lamp_readings import Standing
from gateway.store.lamps import LampState
from gateway.store.retention import Sweep
from gateway.store.schema import metadata
from gateway.store.sealed_waiting import WaitingFrame
from gateway.store.sightings import Source
from gateway.store.tag_states import StoredState
from tests.unit.store.test_access import look
from tests.unit.store.test_outings import point
from tests.unit.store.test_positions import position
from tests.unit.store.test_sessions import login
from tests.unit.store.test_sightings import window

NOW = 5_000 * retention.DAY_S
HOURS_AGO = {
    "windows": (25, 23),
    "gaps": (30 * 24 + 1, 30 * 24 - 1),
    "positions": (49, 47),
    "zone_events": (49, 47),
    "alerts": (366 * 24, 364 * 24),
    "sessions": (1, -1),
    "route_points": (30 * 24 + 1, 30 * 24 - 1),
    "access_log": (366 * 24, 364 * 24),
    "lamp_readings": (7 * 24 + 1, 7 * 24 - 1),
    "lamp_checkpoints": (9 * 24, 6 * 24),
    "lamp_energy": (802 * 24, 799 * 24),
    "lamp_events": (366 * 24, 364 * 24),
    "lamp_audit": (366 * 24, 364 * 24),
    "overrides": (366 * 24, 364 * 24),
    "heard_eids": (25, 23),
    "sealed_waiting": (25, 23),
    "tag_states": (30 * 24 + 1, 30 * 24 - 1),
    "suspicions": (30 * 24 + 1, 30 * 24 - 1),
}
KEEP = RetentionSettings()


def fill(connection: Connection) -> None:
    """One row of each table just too old, and one just young enough."""
    for which in (0, 1):
        at = {name: NOW - ages[which] * retention.HOUR_S for name, ages in HOURS_AGO.items()}
        sightings.add_windows(connection, [window(int(at["windows"]), seq=which)])
        sightings.add_gap(connection, "gw-07", Gap(0.0, at["gaps"], "restart"))
        positions.add(connection, [position(at["positions"])])
        event = ZoneEvent(at["zone_events"], "t-1", "school", Crossing.ENTER, 0.9)
        positions.add_events(connection, [event])
        raised = Alert(f"a-{which}", AlertKind.SOS, AlertState.RAISED, 0.0, at["alerts"], tag="t-1")
        alerts.add(connection, raised)
        login(connection, b"%d" % which, at["sessions"])
        outings.add(connection, [point(at["route_points"])])
        access.add(connection, [look(at["access_log"])])
        fill_lamps(connection, at, which)
        fill_tags(connection, at, which)


def fill_lamps(connection: Connection, at: Mapping[str, float], which: int) -> None:
    """Of lamps; a fault that is still there is kept, however old."""
    said = LampReading(at=at["lamp_readings"], lamp="l-1")
    lamp_readings.keep(connection, {"l-1": Standing(1, LampState(said, None, None), b"")})
    lamp_readings.add(connection, [(1, said)])
    night = day(at["lamp_energy"])
    lamp_energy.add(connection, [NightEnergy("l-1", night, 1.0, 0.0, 1.0, 9.0)])
    begun = Checkpoint("l-1", day(at["lamp_checkpoints"]), 0.0, b"")
    lamp_meters.add_checkpoints(connection, [begun])
    over = at["lamp_events"]
    fault = LampEvent("l-1", LampEventKind.LAMP_FAILURE, over - 1, {}, end=over)
    lamp_events.record(connection, [fault], at=over)
    (stored,) = lamp_events.latest(connection, since=over - 1, limit=1)
    work = Work(WorkState.DONE, "ito", "", over, "ito")
    lamp_events.add_work(connection, stored.id, work)
    lamp_audit.add(connection, Act(at["lamp_audit"], "sato", "staff", "override", "o-1"))
    end = at["overrides"]
    ordered = Override(f"o-{which}", ("l-1",), 30.0, Authority.STAFF, end - 60, end - 60, end)
    overrides.add(connection, ordered, reason="", by="sato")


def fill_tags(connection: Connection, at: Mapping[str, float], which: int) -> None:
    """What was heard of tags."""
    heard_eids.add(connection, {f"eid:{which}": Bound("t-1", at["heard_eids"])})
    came_at = at["sealed_waiting"]
    frame = WaitingFrame("gw-07", "r-1", came_at, came_at, f"address {which}", b"x")
    sealed_waiting.add(connection, [frame])
    tag_states.record(connection, [StoredState("t-1", f"v{which}", 1.0, at["tag_states"], "r-1")])
    suspicions.add(connection, Suspicion(at["suspicions"], "t-1", Doubt.COUNTER))


def day(at: float) -> date:
    return datetime.fromtimestamp(at, UTC).date()


def rows(connection: Connection) -> dict[str, int]:
    return {
        name: connection.execute(
            select(func.count()).select_from(metadata.tables[name])
        ).scalar_one()
        for name in (*HOURS_AGO, "alert_changes", "outings", "lamp_work", "override_lamps")
    }


class Pauses(list[float]):
    """Sleeps for no time, and remembers for how long it was asked to."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


def sweep(database: Database, pauses: Pauses, *, took_s: float = retention.HOLD_S) -> Sweep:
    """One whose every delete takes `took_s`."""
    ticks = count()
    return Sweep(database, KEEP, monotonic=lambda: next(ticks) * took_s, pause=pauses)


async def forgotten(database: Database, *, now: float = NOW) -> dict[str, int]:
    sweeping = sweep(database, Pauses())
    await sweeping.run(now)
    return dict(+sweeping.counts)


async def test_each_table_loses_its_old_row_and_keeps_its_young_one(database: Database) -> None:
    await database.write(fill)
    assert set((await database.read(rows)).values()) == {2}
    assert await forgotten(database) == dict.fromkeys(HOURS_AGO, 1)
    assert set((await database.read(rows)).values()) == {1}
    assert await forgotten(database) == {}
    assert (await database.read(access.verify)).fault == ""


@pytest.mark.parametrize(
    ("took_s", "deletes"),
    [
        (retention.HOLD_S, [200] * 5),
        (retention.HOLD_S / 2, [200, 400, 400]),
        (1.0, [200, 50] + 37 * [20] + [10]),
    ],
)
async def test_a_delete_takes_as_many_rows_as_the_writer_may_be_held_for(
    database: Database, took_s: float, deletes: list[int]
) -> None:
    await database.write(positions.add, [position(float(at)) for at in range(1_000)])
    before = dict(await database.read(rows))
    pauses = Pauses()
    await sweep(database, pauses, took_s=took_s).run(NOW)
    assert (await database.read(rows))["positions"] == 0 < before["positions"]
    whole = deletes[-1] == deletes[0]  # then one more shows that nothing is left
    assert len(pauses) == len(deletes) + whole + len(HOURS_AGO)
    assert pauses == pytest.approx([took_s / retention.SHARE] * len(pauses))


async def test_overrides_go_a_few_at_a_time_for_each_takes_its_lamps_with_it(
    database: Database,
) -> None:
    lamps = tuple(f"l-{number}" for number in range(50))
    for number in range(5):
        ordered = Override(f"o-{number}", lamps, 30.0, Authority.STAFF, 0.0, 0.0, 60.0)
        await database.write(overrides.add, ordered, reason="", by="sato")
    pauses = Pauses()
    await sweep(database, pauses).run(NOW)
    assert len(pauses) == 2 + 1 + len(HOURS_AGO)  # two, two, one
    assert (await database.read(rows))["override_lamps"] == 0


async def test_a_long_outing_is_forgotten_bit_by_bit_and_goes_with_its_last_point(
    database: Database,
) -> None:
    await database.write(outings.add, [point(5.0 * slot) for slot in range(25)])
    found, left = [], [1]
    while left:
        gone = await database.write(outings.forget, before=NOW - 30 * retention.DAY_S, limit=10)
        found.append(gone)
        left = await database.read(outings.of_tag, "t-1", since=0.0, until=NOW)
    assert found == [10, 10, 5]


async def test_a_fault_that_is_still_there_is_kept_however_old(database: Database) -> None:
    fault = LampEvent("l-1", LampEventKind.LAMP_FAILURE, 5.0, {})
    await database.write(lamp_events.record, [fault], at=5.0)
    assert await forgotten(database) == {}


async def test_a_young_outing_keeps_its_old_points(database: Database) -> None:
    young = NOW - 29 * retention.DAY_S
    await database.write(outings.add, [point(young - 300.0 * n) for n in range(144)])
    assert await forgotten(database, now=young + 30 * retention.DAY_S) == {}


async def test_of_a_lanes_marks_those_of_its_newest_epochs_stay(database: Database) -> None:
    epochs = [f"e{number:03}" for number in range(sightings.KEPT_MARKS + 30)]
    for lane in Lane:
        marks = [Source("gw-07", epoch, lane, 5) for epoch in epochs]
        await database.write(sightings.set_marks, marks)
    await database.write(sightings.set_marks, [Source("gw-08", "old", Lane.LIVE, 7)])
    moved = [Source("gw-07", epochs[40], Lane.LIVE, 6)]
    await database.write(sightings.set_marks, moved)  # by which it does not become the newest
    assert await forgotten(database) == {"marks": 3 * 30}
    kept = await database.read(sightings.marks)
    for lane in Lane:
        of_lane = {key[1] for key in kept if key[0] == "gw-07" and key[2] is lane}
        assert of_lane == set(epochs[30:])
    assert kept["gw-08", "old", Lane.LIVE] == 7


async def test_by_which_time_was_swept_is_known_at_the_next_start(database: Database) -> None:
    assert await database.read(retention.swept_at, "iwaki") is None
    await database.write(sightings.set_stepped_to, "iwaki", 1_234)
    assert await database.read(retention.swept_at, "iwaki") == 1_234
    for now in (NOW, NOW + 600.0):
        await sweep(database, Pauses()).run(now)
    await database.write(sightings.set_stepped_to, "iwaki", int(NOW) + 70 * 365 * 86_400)
    assert await database.read(retention.swept_at, "iwaki") == NOW + 600.0

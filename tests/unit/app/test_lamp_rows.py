import msgspec

from gateway.app.lamp_rows import MAX_WAITING, OPEN_EVENTS, LampRows, open_events
from gateway.clock import ClockSetting
from gateway.lamps import LampEvent, LampEventKind, LampReading, Outcome, OutcomeState
from gateway.link.envelope import Kind
from gateway.model import Lane
from tests.unit.app.lit_street import MemorySpool

FAULT = LampEvent("l-1", LampEventKind.CABINET_DOOR_OPEN, 5.0, {"door_open": 1.0})

SETTING = ClockSetting("b-1", 2.0)


def rows_into(spool: MemorySpool) -> LampRows:
    return LampRows(spool, lane=lambda: Lane.BACKLOG, setting=lambda: SETTING)


async def test_readings_go_on_the_lane_of_the_moment_and_faults_and_outcomes_on_the_urgent() -> (
    None
):
    spool = MemorySpool()
    rows = rows_into(spool)
    rows.readings([LampReading(at=3.0, lamp="l-1"), LampReading(at=2.0, lamp="l-2")])
    rows.events([FAULT], still_open=[FAULT])
    rows.outcomes([Outcome("o", "l-1", 7.0, OutcomeState.DONE)])
    await rows.store_waiting()
    told = [(row.kind, row.lane, row.since, row.until) for row in spool.rows]
    assert told == [
        (Kind.LAMP_READINGS, Lane.BACKLOG, 2.0, 3.0),
        (Kind.LAMP_EVENTS, Lane.URGENT, 5.0, 5.0),
        (Kind.OUTCOMES, Lane.URGENT, 7.0, 7.0),
    ]
    assert {row.setting for row in spool.rows} == {SETTING}
    assert rows.counts == {"rows_lamp_readings": 1, "rows_lamp_events": 1, "rows_outcomes": 1}


async def test_the_next_process_knows_the_faults_that_are_open() -> None:
    spool = MemorySpool()
    rows = rows_into(spool)
    rows.events([FAULT], still_open=[FAULT])
    await rows.store_waiting()
    assert open_events(spool.rows[0].documents) == (FAULT,)
    assert open_events({}) == ()


def test_open_faults_that_cannot_be_read_are_none() -> None:
    assert open_events({OPEN_EVENTS: b'[{"lamp": 5}]'}) == ()
    assert open_events({OPEN_EVENTS: b"\xff"}) == ()
    assert open_events({OPEN_EVENTS: b'[{"lamp": "\xff"}]'}) == ()


async def test_what_the_disk_does_not_take_in_time_is_dropped_and_counted() -> None:
    spool = MemorySpool()
    rows = rows_into(spool)
    for second in range(MAX_WAITING + 5):
        rows.readings([LampReading(at=float(second), lamp="l-1")])
    await rows.store_waiting()
    assert len(spool.rows) == MAX_WAITING
    assert msgspec.json.decode(spool.rows[-1].items)[0]["at"] == MAX_WAITING - 1
    assert rows.counts["lamp_rows_dropped"] == 5

"""Happenings, alerts, and the sink's rows: one transaction, nothing twice, nothing too long."""

from dataclasses import replace

import msgspec
import pytest
from msgspec import structs

from gateway.alerts.happenings import (
    ButtonPressed,
    ClockSkew,
    CrossingRetracted,
    Happening,
    ReceiverTold,
    TagSuspected,
)
from gateway.app.telling import MOST_IN_A_ROW, queue_positions, record_happenings
from gateway.link.envelope import LONGEST_PAYLOAD, Kind
from gateway.model import (
    Alert,
    AlertKind,
    AlertState,
    Condition,
    Crossing,
    Doubt,
    Lane,
    Position,
    Presence,
    ReceiverEvent,
    Suspicion,
    ZoneEvent,
)
from gateway.store import alerts, outgoing
from gateway.store.alerts import Change
from gateway.store.database import Connection, Database
from gateway.store.outgoing import OutgoingRow
from tests.unit.app.town import NOW, OUT

PRESS = ButtonPressed(at=NOW, tag="t-1", receiver="r-1", gateway="gw-01")
ENTER = ZoneEvent(NOW, "t-1", "school", Crossing.ENTER, 0.9)
POSITION = Position(
    at=NOW,
    tag="t-1",
    lon=140.123456789,
    lat=37.123456789,
    radius68_m=4.123456789,
    radius95_m=9.123456789,
    n_heard=3,
    presence=Presence.TRACKED,
    zones=(("school", 0.5), ("park", 0.25), ("station", 0.125)),
)


async def queued(database: Database, lane: Lane) -> list[OutgoingRow]:
    return await database.read(outgoing.rows, OUT, lane=lane, after=0, limit=1_000)


async def test_presses_of_one_burst_in_one_batch_are_one_alert(database: Database) -> None:
    burst = [PRESS, replace(PRESS, at=NOW + 1.0, receiver="r-2"), replace(PRESS, at=NOW + 2.0)]
    told = await database.write(record_happenings, burst, now=NOW, out=OUT)
    assert [(alert.kind, alert.at) for alert in told] == [(AlertKind.SOS, NOW)]
    assert await database.read(alerts.unended) == told
    assert await database.write(record_happenings, burst, now=NOW, out=OUT) == []
    (row,) = await queued(database, Lane.URGENT)
    assert (row.kind, msgspec.json.decode(row.items, type=list[Alert])) == (Kind.ALERTS, told)


async def test_what_began_and_ended_in_one_batch_is_told_in_order(database: Database) -> None:
    skews = [ClockSkew(NOW, "gw-01", 90.0), ClockSkew(NOW, "gw-01", 1.0)]
    told = await database.write(record_happenings, skews, now=NOW, out=OUT)
    assert [alert.state for alert in told] == [AlertState.RAISED, AlertState.RESOLVED]
    assert await database.read(alerts.unended) == []


async def test_open_crossings_are_neither_read_nor_in_the_way(database: Database) -> None:
    """Few of them ever end, so after a year they are many."""
    crossings = [replace(ENTER, at=NOW - 100.0 * k) for k in range(50)]
    await database.write(record_happenings, crossings, now=NOW, out=OUT)
    told = await database.write(record_happenings, [PRESS, ENTER], now=NOW, out=OUT)
    assert [alert.kind for alert in told] == [AlertKind.SOS, AlertKind.ZONE_ENTER]
    assert await database.write(record_happenings, [PRESS], now=NOW, out=OUT) == []


@pytest.mark.parametrize("state", [AlertState.RAISED, AlertState.ACKNOWLEDGED])
async def test_a_retracted_crossing_ends_its_alert_once_and_the_sink_is_told(
    database: Database, state: AlertState
) -> None:
    other = replace(ENTER, at=NOW - 600)
    _, raised = await database.write(record_happenings, [other, ENTER], now=NOW, out=OUT)
    if state is not AlertState.RAISED:
        await database.write(alerts.change, raised.id, Change(state, NOW + 3, "mother"))
    retracted = [CrossingRetracted(ENTER)]
    told = await database.write(record_happenings, retracted, now=NOW + 8, out=OUT)
    assert told == [replace(raised, state=AlertState.RETRACTED)]
    stored = await database.read(alerts.get, raised.id)
    assert stored is not None
    assert stored.life[-1] == Change(AlertState.RETRACTED, NOW + 8, "")
    row = (await queued(database, Lane.URGENT))[-1]
    assert msgspec.json.decode(row.items, type=list[Alert]) == told
    assert await database.write(record_happenings, retracted, now=NOW + 9, out=OUT) == []


async def test_ids_say_nothing_of_whom_they_are_about(database: Database) -> None:
    told = await database.write(record_happenings, [ENTER, ENTER], now=NOW, out=OUT)
    assert len({alert.id for alert in told}) == 2
    assert not any("t-1" in alert.id or "school" in alert.id for alert in told)


async def test_an_alert_and_its_row_are_stored_together_or_not_at_all(
    database: Database,
) -> None:
    def fails_afterwards(connection: Connection) -> None:
        record_happenings(connection, [PRESS], now=NOW, out=OUT)
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        await database.write(fails_afterwards)
    assert await database.read(alerts.unended) == []
    assert await queued(database, Lane.URGENT) == []


async def test_many_positions_are_several_rows_in_their_order(database: Database) -> None:
    """A receiver refuses a row that is too long, and with it every row that follows."""
    many = [structs.replace(POSITION, at=NOW + k) for k in range(2 * MOST_IN_A_ROW + 500)]
    await database.write(queue_positions, many, now=NOW, out=OUT)
    rows = await queued(database, Lane.LIVE)
    lengths = [len(row.items) for row in rows]
    assert len(lengths) == 3
    assert max(lengths) < LONGEST_PAYLOAD / 4
    told = [one for row in rows for one in msgspec.json.decode(row.items, type=list[Position])]
    assert [one.at for one in told] == [one.at for one in many]


async def test_nothing_is_no_row(database: Database) -> None:
    await database.write(queue_positions, [], now=NOW, out=OUT)
    await database.write(record_happenings, [], now=NOW, out=OUT)
    assert await queued(database, Lane.LIVE) == await queued(database, Lane.URGENT) == []


async def test_each_happening_joins_what_it_is_about_and_nothing_else(database: Database) -> None:
    def told(connection: Connection, *happenings: Happening) -> list[Alert]:
        return record_happenings(connection, happenings, now=NOW, out=OUT)

    down = [ReceiverTold("gw-01", ReceiverEvent(NOW, f"r-{n}", Condition.DOWN)) for n in range(3)]
    doubted = [TagSuspected(Suspicion(NOW, f"t-{n}", Doubt.TWO_PLACES)) for n in range(3)]
    pressed = [PRESS, replace(PRESS, tag=""), replace(PRESS, tag="t-2")]
    all_of_them = (*down, *doubted, *pressed)
    raised = await database.write(told, *all_of_them)
    assert [alert.state for alert in raised] == [AlertState.RAISED] * 9
    assert await database.write(told, *all_of_them) == []
    over = replace(down[1].event, over=True)
    (ended,) = await database.write(told, replace(down[1], event=over))
    assert (ended.id, ended.state) == (raised[1].id, AlertState.RESOLVED)

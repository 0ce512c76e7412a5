"""How gateways and receivers stand, once a minute, by their own word."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from gateway.app.gateway_minutes import EVERY_S, GatewayMinutes
from gateway.link.envelope import Kind, Status
from gateway.model import AdapterStatus, GatewayHealth, Lane, ReceiverHealth
from gateway.store import outgoing
from gateway.store.database import Database
from tests.unit.app.town import NOW, OUT, HandClock

MINUTE = NOW // EVERY_S * EVERY_S
ONLINE = Status(
    online=True,
    version="1.2",
    at=NOW + 0.5,
    outbox_rows=7,
    outbox_oldest_s=3.5,
    silent_s={"r-2": 4.0, "bus-1": 1.0, "r-9": 2.0},
    adapters={"hci0": AdapterStatus("r-1", "scanning", "both", 12.0, 0.5, restarts=2)},
    adverts_per_s={"r-1": 12.0, "r-2": 3.0},
    counts={"sightings": 100, "sent": 20, "lost": 1, "remote_other": 5},
)
OF_GATEWAY = GatewayHealth(
    at=MINUTE,
    gateway="gw-01",
    online=True,
    said_s=0.0,
    version="1.2",
    synced=True,
    skew_s=0.5,
    outbox_rows=7,
    outbox_oldest_s=3.5,
    sightings=100,
    rows_sent=20,
    connections_lost=1,
)


def _minutes(clock: HandClock) -> GatewayMinutes:
    return GatewayMinutes(["r-1", "r-2"], clock)


def test_a_gateway_stands_as_it_said_at_the_last_full_minute() -> None:
    clock = HandClock()
    minutes = _minutes(clock)
    assert minutes.health() == {Kind.GATEWAYS: [], Kind.RECEIVERS: []}
    minutes.note("gw-01", ONLINE, retained=False)
    assert minutes.health()[Kind.GATEWAYS] == [OF_GATEWAY]
    clock.now += 5.0
    late = replace(OF_GATEWAY, at=clock.now // EVERY_S * EVERY_S, said_s=5.0, skew_s=None)
    assert minutes.health()[Kind.GATEWAYS] == [late]


def test_a_clock_is_ahead_by_the_quickest_word_of_the_minute() -> None:
    clock = HandClock()
    minutes = _minutes(clock)
    for delay_s in (9.0, 0.25, 3.0):
        said = Status(online=True, at=clock.now + 2.0)
        clock.now += delay_s
        minutes.note("gw-01", said, retained=False)
    (gateway,) = minutes.health()[Kind.GATEWAYS]
    assert isinstance(gateway, GatewayHealth)
    assert gateway.skew_s == pytest.approx(1.75)


def test_what_the_broker_kept_says_nothing_of_a_clock() -> None:
    minutes = _minutes(HandClock())
    minutes.note("gw-01", ONLINE, retained=True)
    assert minutes.health()[Kind.GATEWAYS] == [replace(OF_GATEWAY, skew_s=None)]


def test_receivers_of_the_site_stand_each_by_what_is_known_of_it() -> None:
    minutes = _minutes(HandClock())
    minutes.note("gw-01", ONLINE, retained=False)
    assert minutes.health()[Kind.RECEIVERS] == [
        ReceiverHealth(MINUTE, "gw-01", "r-1", "scanning", adverts_per_s=12.0, restarts=2),
        ReceiverHealth(MINUTE, "gw-01", "r-2", "remote", adverts_per_s=3.0, silent_s=4.0),
    ]


def test_a_gateway_that_went_takes_its_receivers_with_it() -> None:
    clock = HandClock()
    minutes = _minutes(clock)
    minutes.note("gw-01", ONLINE, retained=False)
    minutes.health()
    minutes.note("gw-01", Status(online=False), retained=False)
    assert minutes.health() == {
        Kind.GATEWAYS: [GatewayHealth(MINUTE, "gw-01", online=False, said_s=0.0)],
        Kind.RECEIVERS: [
            ReceiverHealth(MINUTE, "gw-01", "r-1", "offline"),
            ReceiverHealth(MINUTE, "gw-01", "r-2", "offline"),
        ],
    }


async def test_each_minute_is_a_row_of_each_kind_for_the_sink(database: Database) -> None:
    minutes = _minutes(HandClock())
    minutes.note("gw-01", ONLINE, retained=False)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(minutes.run(database, OUT), name="minutes")
        rows: list[outgoing.OutgoingRow] = []
        while not rows:
            await asyncio.sleep(0)
            rows = await database.read(outgoing.rows, OUT, lane=Lane.LIVE, after=0, limit=10)
        running.cancel()
    assert [row.kind for row in rows][:2] == [Kind.GATEWAYS, Kind.RECEIVERS]
    assert msgspec.json.decode(rows[0].items, type=list[GatewayHealth]) == [OF_GATEWAY]


async def test_nothing_is_written_of_a_time_that_is_not_known(database: Database) -> None:
    clock = HandClock(now=1_000.0)
    minutes = _minutes(clock)
    minutes.note("gw-01", ONLINE, retained=False)
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(minutes.run(database, OUT), name="minutes")
        await asyncio.sleep(3 * EVERY_S / clock.rate)
        running.cancel()
    assert await database.read(outgoing.rows, OUT, lane=Lane.LIVE, after=0, limit=10) == []

"""Integrators see each lamp as it stands: once at the start, then what changes, retained."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.app.lamp_telling import LampTelling
from gateway.lamps import LampEvent, LampEventKind
from gateway.link.topics import Topics
from gateway.outputs.ngsi import Shown
from gateway.store import lamp_events, lamp_readings
from gateway.store.database import Connection, Database
from gateway.store.lamp_readings import Standing
from gateway.store.lamps import LampState
from tests.unit.app.lamp_pieces import NOW, lit_street, reading
from tests.unit.geojson_pieces import lonlat

LIT = Shown(lit=True, level=50.0)


class Retaining:
    """A broker that keeps the last message of a topic; takes nothing while it is away."""

    def __init__(self) -> None:
        self.is_there = True
        self.asked: asyncio.Queue[bool] = asyncio.Queue()
        self.messages: list[tuple[str, dict[str, Any]]] = []

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        self.asked.put_nowait(self.is_there)
        if self.is_there:
            assert retain
            self.messages.append((topic.split("/")[-2], json.loads(payload)))
        return self.is_there

    def told(self, name: str = "powerState") -> list[tuple[str, object]]:
        return [(lamp, entity.get(name)) for lamp, entity in self.messages]


def fill(connection: Connection) -> None:
    said = {"l-0": reading(NOW), "l-1": reading(NOW, "l-1", actual_level=0.0)}
    standing = {
        lamp: Standing(no, LampState(one, None, None), b"")
        for no, (lamp, one) in enumerate(said.items())
    }
    lamp_readings.keep(connection, standing)
    fault = LampEvent("l-1", LampEventKind.LAMP_FAILURE, NOW, {})
    lamp_events.record(connection, [fault], at=NOW)


@asynccontextmanager
async def telling(database: Database, broker: Retaining) -> AsyncIterator[LampTelling]:
    """One that runs, and has told what there was to tell at first."""
    topics = Topics("test")
    made = LampTelling(
        lit_street(),
        site_id="test",
        topics=topics,
        database=database,
        publisher=broker,
        retry_s=0.001,
    )
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(made.run(), name="telling")
        yield made
        running.cancel()


async def until(broker: Retaining, count: int) -> None:
    while len(broker.messages) < count:
        await broker.asked.get()


async def test_at_first_all_that_ever_spoke_are_told(database: Database) -> None:
    await database.write(fill)
    broker = Retaining()
    async with telling(database, broker):
        await until(broker, 2)
    assert broker.told() == [("l-0", "on"), ("l-1", "off")]
    assert broker.told("status") == [("l-0", "ok"), ("l-1", "defectiveLamp")]


async def test_then_what_changes_and_nothing_twice(database: Database) -> None:
    broker = Retaining()
    async with telling(database, broker) as one:
        one.show({"l-0": LIT})
        await until(broker, 1)
        one.show({"l-0": LIT, "l-99": LIT})
        one.show({"l-2": LIT})
        await until(broker, 2)
    assert broker.told() == [("l-0", "on"), ("l-2", "on")]


async def test_while_the_broker_is_away_only_the_newest_waits(database: Database) -> None:
    broker = Retaining()
    broker.is_there = False
    async with telling(database, broker) as one:
        one.show({"l-0": LIT})
        for _ in range(2):
            assert not await broker.asked.get()
        one.show({"l-0": Shown(lit=False, level=0.0)})
        broker.is_there = True
        await until(broker, 1)
        one.show({"l-1": LIT})
        await until(broker, 2)
    assert broker.told() == [("l-0", "off"), ("l-1", "on")]


async def test_where_a_lamp_stands_is_told_in_degrees(database: Database) -> None:
    broker = Retaining()
    async with telling(database, broker) as one:
        one.show({"l-1": LIT})
        await until(broker, 1)
    ((_, entity),) = broker.messages
    assert entity["location"]["coordinates"] == pytest.approx(lonlat(30, 4), abs=1e-6)

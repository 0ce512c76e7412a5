"""Each gateway is told its lamps' orders and overrides, whole, when they change."""

import asyncio
from dataclasses import replace

import msgspec
import pytest

from gateway.app.light_desk import LOOK_EVERY_S, LightDesk
from gateway.lights.documents import AstronomicalPeriod, Program
from gateway.lights.orders import LightOrders, Overrides
from gateway.link.envelope import Kind
from gateway.store import lamps, light_documents, overrides
from gateway.store.database import Connection, Database
from gateway.store.errors import StoreError
from gateway.store.light_documents import DocumentKind
from gateway.store.outgoing import Queue
from tests.unit.app.lamp_pieces import NOW, TYPES, lit_street, override, queued
from tests.unit.app.town import HandClock, fill_disk, free_disk


class Bench:
    """A desk over a database; `orders` and `told` are what a gateway was sent, in order."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = HandClock(NOW)
        self.desk = LightDesk(lit_street(), TYPES, database, self.clock, time_zone="Asia/Tokyo")

    async def orders(self, gateway: str) -> list[LightOrders]:
        sent = await queued(self.database, Queue("down", gateway), Kind.LIGHT_ORDERS)
        return [msgspec.convert(one, LightOrders) for one in sent]

    async def told(self, gateway: str) -> list[list[tuple[str, tuple[str, ...]]]]:
        sent = await queued(self.database, Queue("down", gateway), Kind.OVERRIDES)
        documents = [msgspec.convert(one, Overrides) for one in sent]
        return [[(one.id, one.lamps) for one in document.overrides] for document in documents]

    async def override(self, number: int, lamps: tuple[str, ...] = ("l-0", "l-2")) -> None:
        await self.database.write(
            overrides.add, override(number, lamps=lamps), reason="works", by="sato"
        )


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


def put(connection: Connection, name: str) -> None:
    body = msgspec.json.encode(Program(name, (AstronomicalPeriod(),)))
    light_documents.put(connection, DocumentKind.PROGRAM, name, body, at=NOW, by="sato")


async def test_at_first_each_gateway_is_told_its_lamps_and_that_nothing_is_over_them(
    bench: Bench,
) -> None:
    await bench.desk.send_changes()
    (orders,) = await bench.orders("gw-01")
    assert [one.lamp for one in orders.lamps] == ["l-0", "l-1"]
    assert [one.lamp for one in (await bench.orders("gw-02"))[0].lamps] == ["l-2"]
    assert await bench.told("gw-01") == [[]]


async def test_what_has_not_changed_is_not_sent_again(bench: Bench) -> None:
    await bench.override(1)
    for _ in range(3):
        await bench.desk.send_changes()
    assert len(await bench.orders("gw-01")) == len(await bench.told("gw-01")) == 1


async def test_a_program_is_told_to_all_and_a_setting_to_the_one_that_has_the_lamp(
    bench: Bench,
) -> None:
    await bench.desk.send_changes()
    await bench.database.write(put, "evening")
    await bench.desk.send_changes()
    await bench.database.write(lamps.assign, ["l-2"], "school")
    await bench.desk.send_changes()
    sent = {gateway: await bench.orders(gateway) for gateway in ("gw-01", "gw-02")}
    assert [len(one.programs) for one in sent["gw-01"]] == [0, 1]
    assert [len(one.programs) for one in sent["gw-02"]] == [0, 1, 1]
    assert sent["gw-02"][-1].lamps[0].calendar == "school"


async def test_an_override_goes_to_the_gateways_of_its_lamps_with_those_of_each(
    bench: Bench,
) -> None:
    await bench.desk.send_changes()
    await bench.override(1, ("l-0", "l-2", "l-1"))
    await bench.override(2, ("l-1",))
    await bench.desk.send_changes()
    assert (await bench.told("gw-01"))[-1] == [("o-1", ("l-0", "l-1")), ("o-2", ("l-1",))]
    assert (await bench.told("gw-02"))[-1] == [("o-1", ("l-2",))]


async def test_what_is_ended_or_expired_is_no_longer_in_it(bench: Bench) -> None:
    await bench.override(1)
    await bench.override(2)
    await bench.desk.send_changes()
    await bench.database.write(overrides.end, "o-1", at=NOW + 10)
    await bench.desk.send_changes()
    bench.clock.now = NOW + 601
    await bench.desk.send_changes()
    assert await bench.told("gw-02") == [
        [("o-1", ("l-2",)), ("o-2", ("l-2",))],
        [("o-2", ("l-2",))],
        [],
    ]


async def test_a_gateway_that_began_anew_is_told_all_again(bench: Bench) -> None:
    await bench.override(1)
    await bench.desk.send_changes()
    bench.desk.forget("gw-02")
    await bench.desk.send_changes()
    assert [len(await bench.orders(one)) for one in ("gw-01", "gw-02")] == [1, 2]
    assert [len(await bench.told(one)) for one in ("gw-01", "gw-02")] == [1, 2]


async def test_one_that_begins_anew_while_others_are_told_is_told_all_again(bench: Bench) -> None:
    began: list[Queue] = []

    def forget_first(queue: Queue) -> None:
        if not began:
            bench.desk.forget("gw-01")
        began.append(queue)

    with bench.database.outgoing_told(forget_first):
        await bench.desk.send_changes()
    await bench.desk.send_changes()
    assert [len(await bench.orders(one)) for one in ("gw-01", "gw-02")] == [2, 1]


async def test_what_a_full_disk_did_not_take_is_sent_later(bench: Bench) -> None:
    long = replace(override(1), scene="s" * 16_000)
    await bench.database.write(overrides.add, long, reason="", by="")
    await bench.database.write(fill_disk)
    with pytest.raises(StoreError):
        await bench.desk.send_changes()
    await bench.database.write(free_disk)
    await bench.desk.send_changes()
    assert len((await bench.told("gw-01"))[-1]) == 1


async def test_a_change_that_is_told_is_sent_at_once(bench: Bench) -> None:
    """Without `changed` it would wait for the next look, a second later."""
    rows: asyncio.Queue[Queue] = asyncio.Queue()
    with bench.database.outgoing_told(rows.put_nowait):
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(bench.desk.run(), name="desk")
            while not await bench.told("gw-02"):
                await rows.get()
            await bench.override(1)
            bench.desk.changed()
            async with asyncio.timeout(0.9 * LOOK_EVERY_S):
                while len(await bench.told("gw-02")) < 2:
                    await rows.get()
            running.cancel()

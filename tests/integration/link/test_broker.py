import asyncio
import gc

import pytest

from gateway.link.broker import ANSWER_S, KEEPALIVE_S, PUBACK_S, Broker
from gateway.link.topics import Message
from gateway.settings import BrokerSettings
from tests.integration.conftest import Mosquitto
from tests.integration.link.ends import presence, settings, until

MANY = 500


class Told:
    """A handler that keeps what it is told."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []

    def __call__(self, message: Message) -> None:
        self.payloads.append(message.payload)


async def test_messages_are_handled_in_the_order_of_their_sending(mosquitto: Mosquitto) -> None:
    broker, told = Broker(settings=settings(mosquitto), name="hub"), Told()
    sent = [str(number).encode() for number in range(MANY)]
    await broker.subscribe("a/#", told)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(broker.run(), name="broker")
        await until(lambda: broker.connected)
        taken = await asyncio.gather(*(broker.publish("a/b", payload) for payload in sent))
        await until(lambda: len(told.payloads) == MANY)
        running.cancel()
    assert all(taken)
    assert told.payloads == sent
    assert broker.counts["received"] == MANY
    assert broker.counts["unhandled"] == broker.counts["queue_full"] == 0


async def test_what_was_retained_is_handled_after_the_watchers_know_of_the_connection(
    mosquitto: Mosquitto,
) -> None:
    broker = Broker(settings=settings(mosquitto), name="hub")
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(broker.run(), name="broker")
        await until(lambda: broker.connected)
        await broker.publish("a/b", b"kept", retain=True)
        running.cancel()
    seen: list[object] = []
    later = Broker(settings=settings(mosquitto), name="hub")
    later.on_connection(seen.append)
    await later.subscribe("a/#", lambda message: seen.append(message.payload))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(later.run(), name="broker")
        await until(lambda: b"kept" in seen)
        running.cancel()
    assert seen == [True, b"kept", False]


async def test_a_handler_that_fails_ends_the_broker_with_its_own_error(
    mosquitto: Mosquitto,
) -> None:
    broker = Broker(settings=settings(mosquitto), name="hub")
    calls = 0

    def fail(_: Message) -> None:
        nonlocal calls
        calls += 1
        raise LookupError("a defect of the program")

    await broker.subscribe("a/#", fail)
    with pytest.RaisesGroup(LookupError):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(broker.run(), name="broker")
            await until(lambda: broker.connected)
            await asyncio.gather(*(broker.publish("a/b", b"") for _ in range(3)))
            await until(lambda: False)
    assert calls == 1
    assert not broker.connected


async def test_what_the_broker_has_not_taken_when_it_dies_is_told_at_once(
    mosquitto: Mosquitto,
) -> None:
    broker = Broker(settings=settings(mosquitto), name="hub")
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(broker.run(), name="broker")
        await until(lambda: broker.connected)
        mosquitto.pause()
        waiting = [tasks.create_task(broker.publish("a/b", b""), name="one") for _ in range(3)]
        await asyncio.sleep(0.1)
        mosquitto.kill()
        begun = asyncio.get_running_loop().time()
        assert await asyncio.gather(*waiting) == [False] * 3
        assert asyncio.get_running_loop().time() - begun < PUBACK_S / 2
        running.cancel()


async def test_a_connection_that_says_nothing_any_more_is_given_up(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.link.broker.PUBACK_S", 0.5)
    broker, turns = Broker(settings=settings(mosquitto), name="hub"), list[tuple[bool, float]]()
    broker.on_connection(lambda up: turns.append((up, broker.heard_ago_s)))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(broker.run(), name="broker")
        await until(lambda: broker.connected)
        assert await broker.publish("a/b", b"")
        mosquitto.pause()
        assert not await broker.publish("a/b", b"")
        await until(lambda: not broker.connected)
        mosquitto.resume()
        await until(lambda: broker.connected)
        running.cancel()
    assert [up for up, _ in turns] == [True, False, True, False]
    assert 0.5 <= turns[1][1] < KEEPALIVE_S


async def test_many_that_wait_at_a_broker_that_hangs_are_all_told_and_it_is_given_up(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.link.broker.PUBACK_S", 0.3)
    broker, turns = Broker(settings=settings(mosquitto), name="hub"), list[bool]()
    broker.on_connection(turns.append)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(broker.run(), name="broker")
        await until(lambda: broker.connected)
        mosquitto.pause()
        waiting = []
        for number in range(60):  # some expire while the first is told, some when all are
            waiting.append(tasks.create_task(broker.publish("a/b", b""), name="publish"))
            for _ in range(number // 20 + 1):
                await asyncio.sleep(0)
        assert await asyncio.gather(*waiting) == [False] * 60
        await until(lambda: len(turns) == 2)
        running.cancel()
    assert turns == [True, False]


async def test_a_connection_that_is_closed_before_it_is_answered_is_soon_tried_again() -> None:
    attempts = 0

    async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        writer.close()

    async with await asyncio.start_server(close, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        broker = Broker(settings=BrokerSettings(port=port), name="hub")
        begun = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(broker.run(), name="broker")
            await until(lambda: attempts >= 2)
            running.cancel()
    assert asyncio.get_running_loop().time() - begun < 2 * ANSWER_S


async def test_a_connection_that_ends_before_it_is_used_is_nobodys_unasked_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.link.broker.ANSWER_S", 0.2)
    unasked: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unasked.append(context))
    attempts = 0

    async def greet_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal attempts
        attempts += 1
        await reader.read(1_000)
        writer.write(b"\x20\x02\x00\x00")  # CONNACK
        await reader.read(1_000)
        writer.close()

    async with await asyncio.start_server(greet_and_close, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        broker = Broker(settings=BrokerSettings(port=port), name="hub")
        await broker.subscribe("a/#", Told())
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(broker.run(), name="broker")
            await until(lambda: attempts >= 2)
            running.cancel()
    del broker, running
    gc.collect()
    assert unasked == []


async def test_a_will_that_comes_late_is_answered_with_what_is_so(mosquitto: Mosquitto) -> None:
    known = presence("hub/status", "one")
    broker, told = Broker(settings=settings(mosquitto), name="hub", presence=known), Told()
    await broker.subscribe("hub/status", told)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(broker.run(), name="broker")
        await until(lambda: broker.connected)
        await broker.publish("hub/status", known.offline, retain=True)
        await until(lambda: told.payloads[-2:] == [known.offline, known.online()])
        running.cancel()

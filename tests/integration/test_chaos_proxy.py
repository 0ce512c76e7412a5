"""The network that faults are made with, on real sockets and with a real broker."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiomqtt
import pytest
import pytest_asyncio

from tests.integration.conftest import Mosquitto
from tests.system.chaos.proxy import Proxy, Way


@pytest_asyncio.fixture
async def proxy(mosquitto: Mosquitto) -> AsyncIterator[Proxy]:
    """Before the broker; it knows MQTT."""
    proxy = Proxy(target_port=mosquitto.port, mqtt=True)
    await proxy.start()
    yield proxy
    await proxy.close()


@pytest_asyncio.fixture
async def echo() -> AsyncIterator[Proxy]:
    """Before a server that says everything back; it passes bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(1_000):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    proxy = Proxy(target_port=server.sockets[0].getsockname()[1])
    await proxy.start()
    async with server:
        yield proxy
        await proxy.close()


@asynccontextmanager
async def connected(
    port: int,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    yield reader, writer
    writer.close()


def client(port: int) -> aiomqtt.Client:
    return aiomqtt.Client("127.0.0.1", port)


async def numbers_heard(listener: aiomqtt.Client, count: int) -> list[int]:
    heard: list[int] = []
    async with asyncio.timeout(10):
        async for message in listener.messages:
            heard.append(int(bytes(message.payload)))
            if len(heard) == count:
                break
    return heard


async def say(speaker: aiomqtt.Client, *numbers: int, qos: int = 1) -> None:
    for number in numbers:
        await speaker.publish("chaos", str(number), qos=qos)


async def test_a_publish_comes_twice_on_its_way_to_the_broker(
    mosquitto: Mosquitto, proxy: Proxy
) -> None:
    async with client(mosquitto.port) as listener, client(proxy.port) as speaker:
        await listener.subscribe("chaos", qos=1)
        proxy.repeat(Way.UP, 2, behind=1)
        await say(speaker, 1, 2, 3, 4)
        assert await numbers_heard(listener, 6) == [1, 2, 1, 3, 2, 4]
    assert proxy.counts["repeated"] == 2


async def test_publishes_come_twice_and_in_another_order_from_the_broker(
    mosquitto: Mosquitto, proxy: Proxy
) -> None:
    async with client(proxy.port) as listener, client(mosquitto.port) as speaker:
        await listener.subscribe("chaos", qos=1)
        proxy.repeat(Way.DOWN, 1)
        await say(speaker, 1, 2)
        assert await numbers_heard(listener, 3) == [1, 1, 2]
        proxy.swap(Way.DOWN, 1)
        await say(speaker, 3, 4, 5)
        assert await numbers_heard(listener, 3) == [4, 3, 5]
        proxy.swap(Way.DOWN, 1)
        await say(speaker, 6)
        assert await numbers_heard(listener, 1) == [6], "nothing came to exchange it with"
        await say(speaker, 7)
        assert await numbers_heard(listener, 1) == [7], "and the connection lives"
    assert (proxy.counts["swapped"], proxy.counts["connections"]) == (1, 1)


async def test_a_cut_network_resets_and_refuses_until_it_is_healed(echo: Proxy) -> None:
    async with connected(echo.port) as (reader, writer):
        writer.write(b"1")
        assert await reader.read(1) == b"1"
        assert echo.is_whole
        echo.cut()
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
    async with connected(echo.port) as (reader, _):
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
    assert not echo.is_whole
    echo.heal()
    async with connected(echo.port) as (reader, writer):
        writer.write(b"2")
        assert await reader.read(1) == b"2"
        assert echo.is_whole
    assert (echo.counts["reset"], echo.counts["refused"]) == (1, 1)


async def test_a_stalled_network_passes_everything_on_when_it_is_healed(echo: Proxy) -> None:
    async with connected(echo.port) as (reader, writer):
        echo.stall(frozenset({Way.DOWN}))
        writer.write(b"held")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.read(1)
        assert not echo.is_whole
        echo.heal()
        assert await reader.readexactly(4) == b"held"


async def test_a_slow_network_passes_so_many_bytes_a_second(echo: Proxy) -> None:
    async with connected(echo.port) as (reader, writer):
        echo.slow(bytes_per_s=20_000)
        begun = time.monotonic()
        writer.write(bytes(5_000))
        assert len(await reader.readexactly(5_000)) == 5_000
        assert 0.25 <= time.monotonic() - begun < 5


async def test_what_a_server_said_last_arrives_whole_and_then_its_end(echo: Proxy) -> None:
    async with connected(echo.port) as (reader, writer):
        writer.write(bytes(3_000_000))
        writer.write_eof()
        assert len(await reader.read(-1)) == 3_000_000


async def test_the_server_keeps_its_half_of_a_ghost_until_it_is_healed(
    mosquitto: Mosquitto, proxy: Proxy
) -> None:
    will = aiomqtt.Will("will", "gone", qos=1)
    async with client(mosquitto.port) as listener:
        await listener.subscribe("will", qos=1)
        assert not proxy.is_whole, "nobody is connected"
        with suppress(aiomqtt.MqttError):  # leaving a connection that is lost
            async with aiomqtt.Client("127.0.0.1", proxy.port, will=will):
                proxy.leave_ghosts()
        async with client(proxy.port):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await anext(aiter(listener.messages))
            proxy.heal()
            async with asyncio.timeout(5):
                assert (await anext(aiter(listener.messages))).payload == b"gone"
            assert proxy.is_whole


async def test_a_server_that_is_down_is_a_connection_that_is_reset() -> None:
    proxy = Proxy(target_port=1)
    await proxy.start()
    async with connected(proxy.port) as (reader, _):
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
    await proxy.close()

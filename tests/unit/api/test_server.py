"""The HTTP server on loopback: real sockets, a real end."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import structlog

from gateway.api.server import ServerError, listen, serve
from gateway.settings import ApiSettings
from tests.unit.api.town import Town, bearer, eventually

ANY_PORT = ApiSettings(port=0)


@asynccontextmanager
async def served(town: Town) -> AsyncIterator[tuple[str, asyncio.Task[None]]]:
    """The town's API on a free port: its address and its task."""
    with structlog.testing.capture_logs() as told:
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(serve(town.app(), ANY_PORT), name="api")
            await eventually(lambda: told)
            yield f"http://127.0.0.1:{told[0]['port']}", serving
            serving.cancel()


async def test_it_serves_and_streams_and_ends_when_it_is_cancelled(town: Town) -> None:
    headers = {"Authorization": f"Bearer {bearer('sato')}"}
    async with (
        served(town) as (address, serving),
        httpx.AsyncClient(base_url=address, headers=headers) as client,
    ):
        assert (await client.get("/api/v1/health")).json() == {"ok": True, "why": ""}
        async with client.stream("GET", "/api/v1/stream") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.aiter_lines()
            assert await anext(lines) == "event: time"
            serving.cancel()
            rest = [line async for line in lines]
            assert rest[0].startswith("data: ")
        with pytest.raises(asyncio.CancelledError):
            await serving
    assert len(town.stream) == 0


async def test_a_client_that_leaves_ends_its_stream(town: Town) -> None:
    headers = {"Authorization": f"Bearer {bearer('sato')}"}
    async with served(town) as (address, _), httpx.AsyncClient(headers=headers) as client:
        async with client.stream("GET", f"{address}/api/v1/stream") as stream:
            await anext(stream.aiter_lines())
            assert len(town.stream) == 1
        await eventually(lambda: len(town.stream) == 0)


async def test_small_answers_are_not_held_back() -> None:
    listener = await listen(ANY_PORT)
    accepted: asyncio.Queue[int] = asyncio.Queue()

    async def note(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = writer.get_extra_info("socket")
        accepted.put_nowait(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    async with await asyncio.start_server(note, sock=listener):
        _, writer = await asyncio.open_connection(*listener.getsockname())
        assert await accepted.get() == 1
        writer.close()
        await writer.wait_closed()


async def test_a_port_that_is_taken_is_said(town: Town) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=rf"127\.0\.0\.1:{port}: cannot listen.*hub\.api"):
            await serve(town.app(), ApiSettings(port=port))

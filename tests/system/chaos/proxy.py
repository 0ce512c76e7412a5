"""A TCP proxy between two processes: the network that a fault can cut, stall, slow or garble.

It knows MQTT where told so (`mqtt=True`): then it can deliver a PUBLISH twice, or two in the wrong
order. A process that reaches the others only through its own proxy can be cut off from any of them.
"""

import asyncio
import contextlib
import math
import socket
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from tests.system.chaos.frames import Splitter, Tampering, Wishes

CHUNK_BYTES = 65_536
CHUNKS_A_SECOND = 20  # of a slowed connection
LONGEST_HELD_S = 0.5  # that a PUBLISH waits to be exchanged with the next one


class Way(Enum):
    """A direction: `UP` from who connected to the server, `DOWN` back."""

    UP = auto()
    DOWN = auto()


BOTH = frozenset(Way)
_RESET_AT_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: no farewell, as a router that forgot us


@dataclass(eq=False, slots=True)
class _Connection:
    """Its two sockets. Of a ghost only the server's half is left, which nobody answers."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    is_ghost: bool = False

    def reset(self) -> None:
        for writer in (self.near, self.far):
            _reset(writer)

    def close(self) -> None:
        for writer in (self.near, self.far):
            writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    if not writer.is_closing():
        end = writer.get_extra_info("socket")
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
    writer.transport.abort()


class Proxy:
    """Listens on a `port` of the loopback address between `start` and `close`.

    `counts`: connections, refused, reset, repeated, swapped. Every fault lasts until `heal`.
    `watcher` is called with each MQTT packet before it is passed on.
    """

    def __init__(self, *, target_port: int, mqtt: bool = False) -> None:
        self.port = 0
        self.watcher: Callable[[Way, bytes], None] | None = None
        self._target_port = target_port
        self._mqtt = mqtt
        self._counts: Counter[str] = Counter()
        self._is_cut = False
        self._bytes_per_s = math.inf
        self._passes = {way: asyncio.Event() for way in Way}
        self._wishes = {way: Wishes() for way in Way}
        self._connections: set[_Connection] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server
        for passes in self._passes.values():
            passes.set()

    async def start(self) -> None:
        """Listen; `port` is known from now on."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """End every connection and listen no more."""
        self._server.close()
        serving = tuple(self._serving)
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def is_whole(self) -> bool:
        """Whether it passes everything on, and a client of MQTT, which stays, is connected."""
        passes = all(way.is_set() for way in self._passes.values())
        living = any(not connection.is_ghost for connection in self._connections)
        return (
            (living or not self._mqtt)
            and passes
            and not self._is_cut
            and self._bytes_per_s == math.inf
        )

    @property
    def counts(self) -> Counter[str]:
        """What passed, and what was done to it, since the start."""
        ways = self._wishes.values()
        return self._counts + Counter(
            repeated=sum(way.repeated for way in ways), swapped=sum(way.swapped for way in ways)
        )

    # --- faults -----------------------------------------------------------------------------------

    def cut(self) -> None:
        """Reset every connection, and each new one."""
        self._is_cut = True
        self.reset()

    def reset(self) -> None:
        """Reset every connection; new ones pass."""
        for connection in tuple(self._connections):
            self._counts["reset"] += 1
            connection.reset()

    def stall(self, ways: frozenset[Way] = BOTH) -> None:
        """Pass nothing on, as a network that swallows packets; what was sent comes at `heal`."""
        for way in ways:
            self._passes[way].clear()

    def leave_ghosts(self) -> None:
        """Reset the near side of every connection and leave the server its half, for ever silent.

        So a machine goes that lost its power: the server learns it by its own time limit.
        """
        for connection in tuple(self._connections):
            self._counts["reset"] += 1
            connection.is_ghost = True
            _reset(connection.near)

    def slow(self, *, bytes_per_s: float) -> None:
        """Pass so many bytes a second on, each way and connection."""
        self._bytes_per_s = bytes_per_s

    def repeat(self, way: Way, count: int, *, behind: int = 0) -> None:
        """Deliver the next `count` PUBLISH packets (QoS 1) again, `behind` others later."""
        self._wishes[way].repeat = count
        self._wishes[way].behind = behind

    def swap(self, way: Way, count: int) -> None:
        """Exchange the next `count` PUBLISH packets (QoS 1) each with the one behind it."""
        self._wishes[way].swap = count

    def heal(self) -> None:
        """Pass everything on again; ghosts end."""
        self._is_cut = False
        self._bytes_per_s = math.inf
        for way in Way:
            self._passes[way].set()
            self._wishes[way].repeat = self._wishes[way].swap = 0
        for connection in tuple(self._connections):
            if connection.is_ghost:
                connection.reset()

    # --- a connection -----------------------------------------------------------------------------

    async def _serve(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        try:
            await self._join(near_reader, near)
        except asyncio.CancelledError:
            near.transport.abort()  # the proxy ends; nobody awaits this task but __aexit__
        finally:
            self._serving.discard(task)

    async def _join(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        if self._is_cut:
            self._counts["refused"] += 1
            _reset(near)
            return
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            _reset(near)  # as the server itself refuses
            return
        self._counts["connections"] += 1
        connection = _Connection(near, far)
        self._connections.add(connection)
        try:
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass(Way.UP, near_reader, connection), name="up")
                ways.create_task(self._pass(Way.DOWN, far_reader, connection), name="down")
        finally:
            self._connections.discard(connection)
            connection.close()

    async def _pass(self, way: Way, reader: asyncio.StreamReader, connection: _Connection) -> None:
        """Until this side says nothing more, or is lost; of a ghost the server keeps its half."""
        splitter, tampering = Splitter(), Tampering(self._wishes[way])
        try:
            while data := await self._read(way, reader, connection, tampering):
                packets = splitter.feed(data) if self._mqtt else ()
                for packet in packets:
                    if self.watcher is not None:
                        self.watcher(way, packet)
                    for passed in tampering.through(packet):
                        await self._write(way, connection, passed)
                if not self._mqtt:
                    await self._write(way, connection, data)
            if not connection.is_ghost:
                (connection.far if way is Way.UP else connection.near).write_eof()
        except OSError:
            if not connection.is_ghost:
                connection.reset()
        if connection.is_ghost and way is Way.DOWN:
            connection.reset()  # the server has given it up

    async def _read(
        self,
        way: Way,
        reader: asyncio.StreamReader,
        connection: _Connection,
        tampering: Tampering,
    ) -> bytes:
        if tampering.is_holding:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_HELD_S):
                    return await reader.read(CHUNK_BYTES)
            await self._write(way, connection, tampering.let_go())
        return await reader.read(CHUNK_BYTES)

    async def _write(self, way: Way, connection: _Connection, data: bytes) -> None:
        writer = connection.far if way is Way.UP else connection.near
        await self._passes[way].wait()
        while data and not connection.is_ghost:
            bytes_per_s = self._bytes_per_s
            size = len(data)
            if bytes_per_s < math.inf:
                size = min(size, max(1, int(bytes_per_s / CHUNKS_A_SECOND)))
                await asyncio.sleep(size / bytes_per_s)
            writer.write(data[:size])
            data = data[size:]
            await writer.drain()

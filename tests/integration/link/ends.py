"""An edge and a hub of the link, as the app builds them, with an inbox on a real SQLite file."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.clock import Clock
from gateway.link.acceptor import Event
from gateway.link.broker import Broker, Presence
from gateway.link.envelope import Envelope, Kind, Status, Stream, encode
from gateway.link.flow import Row
from gateway.link.outbox import Outbox
from gateway.link.receiver import CommitError, Receiver
from gateway.link.sender import Sender
from gateway.link.topics import ANY, Message, Topics
from gateway.model import Lane, Window
from gateway.settings import BrokerSettings
from tests.integration.conftest import Mosquitto

GATEWAY = "gw-07"
TOPICS = Topics("iwaki")
PATIENCE_S = 60.0
STEP_S = 0.02


async def until(condition: Callable[[], bool]) -> None:
    """For what has no event to wait for; not for ever."""
    for _ in range(round(PATIENCE_S / STEP_S)):
        if condition():
            return
        await asyncio.sleep(STEP_S)
    raise AssertionError("it never came true")


def settings(mosquitto: Mosquitto) -> BrokerSettings:
    return BrokerSettings(host=mosquitto.host, port=mosquitto.port)


def presence(topic: str, instance: str) -> Presence:
    return Presence(
        topic=topic,
        online=lambda: encode(Status(online=True, instance=instance)),
        offline=encode(Status(online=False)),
    )


class SqliteInbox:
    """Rows and marks in one transaction; `failing` makes the disk full."""

    def __init__(self, path: Path) -> None:
        self.failing = False
        self.changed = asyncio.Event()
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(
            "PRAGMA journal_mode = WAL;"
            "CREATE TABLE IF NOT EXISTS row (id INTEGER PRIMARY KEY, sender, epoch, lane, seq,"
            " kind, items, UNIQUE (sender, epoch, lane, seq));"
            "CREATE TABLE IF NOT EXISTS mark (sender, epoch, lane, mark,"
            " PRIMARY KEY (sender, epoch, lane));"
        )

    async def marks(self) -> Mapping[Stream, int]:
        found = self._db.execute("SELECT sender, epoch, lane, mark FROM mark")
        return {Stream(s, e, Lane(lane)): mark for s, e, lane, mark in found}

    async def commit(self, batch: Sequence[Envelope], marks: Mapping[Stream, int]) -> None:
        if self.failing:
            raise CommitError("the disk is full (as the test wants it)")
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT INTO row (sender, epoch, lane, seq, kind, items) VALUES (?,?,?,?,?,?)",
                [(e.sender, e.epoch, e.lane, e.seq, e.kind, bytes(e.items)) for e in batch],
            )
            self._db.executemany(
                "INSERT OR REPLACE INTO mark VALUES (?, ?, ?, ?)",
                [(*stream, mark) for stream, mark in marks.items()],
            )
        self.changed.set()

    def rows(self, lane: Lane | None = None) -> list[tuple[str, int, bytes]]:
        """(kind, seq, items) in the order of arrival."""
        query = "SELECT kind, seq, items FROM row WHERE lane = ifnull(?, lane) ORDER BY id"
        return self._db.execute(query, (lane,)).fetchall()

    def count(self) -> int:
        found: int = self._db.execute("SELECT count(*) FROM row").fetchone()[0]
        return found

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.count() < count:
                self.changed.clear()
                await self.changed.wait()

    def close(self) -> None:
        self._db.close()


class Edge:
    """An outbox, its sender and its connection."""

    def __init__(self, outbox: Outbox, broker: Broker, sender: Sender) -> None:
        self.outbox = outbox
        self.broker = broker
        self.sender = sender

    async def append(self, number: int, lane: Lane = Lane.LIVE) -> int:
        window = Window(second=number, alive=("r1",), readings=())
        return await self.outbox.append(
            lane, Kind.SIGHTINGS, [window], since=float(number), until=number + 1.0
        )

    async def wait_until_empty(self) -> None:
        """Until every row is receipted."""
        for _ in range(round(PATIENCE_S / STEP_S)):
            if not any([await self._held(lane) for lane in Lane]):
                return
            await asyncio.sleep(STEP_S)
        raise AssertionError("the outbox is not empty")

    async def _held(self, lane: Lane) -> Sequence[Row]:
        first = await self.outbox.first(lane)
        return await self.outbox.read(lane, after=first - 1, limit=1)


@asynccontextmanager
async def edge(path: Path, mosquitto: Mosquitto, *, clock: Clock) -> AsyncIterator[Edge]:
    async with Outbox(path, max_bytes=100_000_000) as outbox, asyncio.TaskGroup() as tasks:
        broker = Broker(
            settings=settings(mosquitto),
            name=GATEWAY,
            presence=presence(TOPICS.gateway_status(GATEWAY), "edge"),
        )
        sender = Sender(
            source=outbox,
            publisher=broker,
            name=GATEWAY,
            topic=lambda lane: TOPICS.up(GATEWAY, lane),
            clock=clock,
        )
        broker.on_connection(lambda up: sender.connection(up=up))
        await broker.subscribe(
            TOPICS.up_receipt(GATEWAY), lambda message: sender.receipt(message.payload)
        )
        await broker.subscribe(
            TOPICS.hub_status("hub"), lambda message: sender.receiver_status(message.payload)
        )
        running = [
            tasks.create_task(broker.run(), name="edge broker"),
            tasks.create_task(sender.run(), name="edge sender"),
        ]
        yield Edge(outbox, broker, sender)
        for task in running:
            task.cancel()


class Hub:
    """An inbox, its receiver and its connection."""

    def __init__(self, inbox: SqliteInbox, broker: Broker, receiver: Receiver) -> None:
        self.inbox = inbox
        self.broker = broker
        self.receiver = receiver
        self.events: list[Event] = []


@asynccontextmanager
async def hub(path: Path, mosquitto: Mosquitto, *, instance: str = "hub") -> AsyncIterator[Hub]:
    inbox = SqliteInbox(path)
    events: list[Event] = []
    broker = Broker(
        settings=settings(mosquitto),
        name="hub",
        presence=presence(TOPICS.hub_status("hub"), instance),
    )
    receiver = Receiver(
        inbox=inbox, publisher=broker, receipt_topic=TOPICS.up_receipt, on_event=events.append
    )

    def take(message: Message) -> None:
        address = TOPICS.lane_address(message.topic)
        if address is not None:
            receiver.offer(address, message.payload)

    for lane_topic in TOPICS.up_lanes(ANY):
        await broker.subscribe(lane_topic, take)
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(broker.run(), name="hub broker"),
            tasks.create_task(receiver.run(), name="hub receiver"),
        ]
        built = Hub(inbox, broker, receiver)
        built.events = events
        yield built
        for task in running:
            task.cancel()
    inbox.close()

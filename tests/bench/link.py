"""Items per second from an edge's outbox to the hub's commit and back to its receipt.

Everything is real: outbox with synchronous=FULL, Mosquitto, the hub's database; both ends share
this process. The peer is what MQTT alone gives: the same rows, published one at a time with QoS 1,
to a subscriber that only counts them.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import aiomqtt

from gateway.app.intake import Intake
from gateway.app.lamp_intake import LampIntake
from gateway.app.metering import Metering
from gateway.app.registry import Registry
from gateway.clock import Clock
from gateway.link.broker import Broker
from gateway.link.envelope import Kind, Receipt, decode_receipt, encode_items
from gateway.link.outbox import Outbox
from gateway.link.outbox_file import Append
from gateway.link.receiver import Receiver
from gateway.link.sender import Sender
from gateway.link.topics import ANY, Message, Topics
from gateway.model import Lane, Reading, Window
from gateway.settings import BrokerSettings
from gateway.store.database import Database
from gateway.store.outgoing import Queue
from tests.bench.figure import Figure
from tests.ports import free_ports
from tests.unit.app.tag_pieces import no_tags

ROWS = 600
ITEMS_A_ROW = 100
OUT = Queue("out", "sink")
TOPICS = Topics("bench")


def measure() -> Sequence[Figure]:
    """Rows of 100 readings, all appended while they are sent."""
    folder = Path(tempfile.mkdtemp())
    try:
        return asyncio.run(_measure(folder))
    finally:
        shutil.rmtree(folder)


async def _measure(folder: Path) -> Sequence[Figure]:
    (port,) = free_ports(1)
    mosquitto = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if mosquitto is None:
        return []
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nlog_type none\n")
    broker = await asyncio.create_subprocess_exec(mosquitto, "-c", str(config))
    try:
        await asyncio.sleep(0.5)
        linked = ROWS * ITEMS_A_ROW / await _link(folder, port)
        bare = ROWS * ITEMS_A_ROW / await _bare(port)
    finally:
        broker.terminate()
        await broker.wait()
    peer = "same rows, MQTT QoS 1 alone"
    return [Figure("link: items end to end, committed", linked, "1/s", peer, bare)]


def _items(number: int) -> bytes:
    readings = tuple(
        Reading(f"r-{n % 4}", f"ibeacon:fda50693-a4e2-4fb1-afcf-c6eb07647825:1:{n}", -71.5, -68, 3)
        for n in range(ITEMS_A_ROW)
    )
    return encode_items([Window(1_800_000_000 + number, ("r-0", "r-1"), readings)])


async def _link(folder: Path, port: int) -> float:
    settings, clock = BrokerSettings(port=port), Clock()
    async with AsyncExitStack() as stack:
        outbox = await stack.enter_async_context(
            Outbox(folder / "outbox.sqlite", max_bytes=1_000_000_000)
        )
        database = await stack.enter_async_context(Database(folder / "hub.sqlite"))
        edge = Broker(settings=settings, name="edge")
        hub = Broker(settings=settings, name="hub")
        up = partial(TOPICS.up, "gw")
        sender = Sender(source=outbox, publisher=edge, name="gw", topic=up, clock=clock)
        edge.on_connection(lambda up: sender.connection(up=up))
        done = asyncio.Event()

        def on_receipt(message: Message) -> None:
            sender.receipt(message.payload)
            receipt = decode_receipt(message.payload)
            if isinstance(receipt, Receipt) and receipt.mark == ROWS:
                done.set()

        await edge.subscribe(TOPICS.up_receipt("gw"), on_receipt)
        receiver = _receiver(database, hub, clock)
        await hub.subscribe(TOPICS.up(ANY, Lane.LIVE), partial(_take, receiver))
        bodies = [_items(number) for number in range(ROWS)]
        async with asyncio.TaskGroup() as tasks:
            works = (edge.run(), hub.run(), sender.run(), receiver.run())
            running = [tasks.create_task(work) for work in works]
            await asyncio.sleep(0.5)
            begun = time.perf_counter()
            await asyncio.gather(*(outbox.append_encoded(_row(body)) for body in bodies))
            await done.wait()
            spent = time.perf_counter() - begun
            for task in running:
                task.cancel()
        return spent


def _receiver(database: Database, hub: Broker, clock: Clock) -> Receiver:
    registry = Registry(database)
    intake = Intake(
        database,
        clock,
        registry,
        is_closed=lambda _: False,
        announce=lambda _: None,
        out=OUT,
        lamps=LampIntake((), Metering({}, ZoneInfo("Asia/Tokyo")), keep_days=7, out=OUT),
        tags=no_tags(database, clock, registry),
        joined=lambda _, __, ___: None,
        show=lambda _: None,
    )
    return Receiver(
        inbox=intake, publisher=hub, receipt_topic=TOPICS.up_receipt, on_event=lambda _: None
    )


def _take(receiver: Receiver, message: Message) -> None:
    address = TOPICS.lane_address(message.topic)
    if address is not None:
        receiver.offer(address, message.payload)


def _row(body: bytes) -> Append:
    return Append(Lane.LIVE, Kind.SIGHTINGS, body, 0.0, 1.0)


async def _bare(port: int) -> float:
    bodies = [_items(number) for number in range(ROWS)]
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("bare", qos=1)
        begun = time.perf_counter()

        async def count() -> None:
            left = ROWS
            async for _ in client.messages:
                left -= 1
                if not left:
                    return

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(count())
            for body in bodies:
                await client.publish("bare", body, qos=1)
        return time.perf_counter() - begun

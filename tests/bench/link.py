"""Items per second from an edge's outbox to the hub's commit and back to its receipt.

Everything is real, and each end is a process of its own: an outbox with synchronous=FULL,
Mosquitto, the hub's database. An item is one reading; a row is a second of a neighbourhood. The
peer is what MQTT alone gives: the same rows as they are, published one at a time with QoS 1 to a
subscriber that only counts them.
"""

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import aiomqtt

from gateway.clock import Clock
from gateway.link.broker import Broker
from gateway.link.envelope import Kind, Receipt, decode_receipt, encode_items
from gateway.link.outbox import Outbox
from gateway.link.outbox_file import Append
from gateway.link.sender import Sender
from gateway.link.topics import Message
from gateway.model import Lane, Reading, Window
from gateway.settings import BrokerSettings
from tests.bench.figure import Figure
from tests.bench.link_hub import HUB, TOPICS
from tests.needs import need
from tests.ports import free_ports
from tests.system.processes import Processes

ROWS = 2_000
ITEMS_A_ROW = 100
WANTED_PER_S = 20_000.0
RECEIVERS = tuple(f"p{number:03}" for number in range(16))
GATEWAY = "gw"


def measure() -> Sequence[Figure]:
    """Rows of 100 readings, all appended while they are sent."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> Sequence[Figure]:
    since = int(time.time()) - ROWS
    bodies = [second_of(since + number) for number in range(ROWS)]
    async with mosquitto(folder) as (processes, port):
        linked_s = await _link(processes, port, bodies)
        bare_s = await _bare(port, bodies)
    items = ROWS * ITEMS_A_ROW
    bare = items / bare_s
    return [
        Figure(
            "link: items end to end, committed", items / linked_s, "1/s", "wanted", WANTED_PER_S
        ),
        Figure("link: the same", items / linked_s, "1/s", "same rows, MQTT QoS 1 alone", bare),
        Figure(f"link: rows of {ITEMS_A_ROW}", ROWS / linked_s, "rows/s"),
    ]


@asynccontextmanager
async def mosquitto(folder: Path) -> AsyncIterator[tuple[Processes, int]]:
    """A broker with the settings of the project's own; its port, and a place for more processes."""
    (port,) = free_ports(1)
    config = folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nlog_type none\n")
    processes = Processes(folder)
    try:
        await processes.spawn("mosquitto", need("mosquitto"), "-c", str(config))
        yield processes, port
    finally:
        await processes.kill_all()


def second_of(second: int, *, items: int = ITEMS_A_ROW) -> bytes:
    """A window with so many readings, encoded; its levels follow from its second."""
    levels = random.Random(second)
    readings = tuple(
        Reading(
            levels.choice(RECEIVERS),
            identifier_of(tag),
            round(levels.gauss(-78, 8), 1),
            round(levels.gauss(-75, 8)),
            levels.randint(1, 6),
        )
        for tag in range(items)
    )
    return encode_items([Window(second, RECEIVERS, readings)])


def identifier_of(tag: int) -> str:
    """Of the tag of that number, in every window."""
    return f"ibeacon:fda50693-a4e2-4fb1-afcf-c6eb07647825:1:{tag}"


async def _link(processes: Processes, port: int, bodies: Sequence[bytes]) -> float:
    hub = ("-m", "tests.bench.link_hub", str(port), str(processes.folder / "hub.sqlite"))
    await processes.python("hub", *hub)
    broker = Broker(settings=BrokerSettings(port=port), name=GATEWAY)
    async with Outbox(processes.folder / "outbox.sqlite", max_bytes=1_000_000_000) as outbox:
        topic = partial(TOPICS.up, GATEWAY)
        sender = Sender(source=outbox, publisher=broker, name=GATEWAY, topic=topic, clock=Clock())
        broker.on_connection(lambda up: sender.connection(up=up))
        ready, done = asyncio.Event(), asyncio.Event()

        def on_status(message: Message) -> None:
            sender.receiver_status(message.payload)
            ready.set()

        def on_receipt(message: Message) -> None:
            sender.receipt(message.payload)
            receipt = decode_receipt(message.payload)
            if isinstance(receipt, Receipt) and receipt.mark == len(bodies):
                done.set()

        await broker.subscribe(TOPICS.hub_status(HUB), on_status)
        await broker.subscribe(TOPICS.up_receipt(GATEWAY), on_receipt)
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(work, name="link") for work in (broker.run(), sender.run())
            ]
            await asyncio.wait_for(ready.wait(), 60)
            begun = time.perf_counter()
            await asyncio.gather(*(outbox.append_encoded(_row(body)) for body in bodies))
            await done.wait()
            spent_s = time.perf_counter() - begun
            for task in running:
                task.cancel()
    if not processes.is_up("hub"):
        sys.exit(processes.log("hub"))
    return spent_s


def _row(body: bytes) -> Append:
    return Append(Lane.LIVE, Kind.SIGHTINGS, body, 0.0, 1.0)


async def _bare(port: int, bodies: Sequence[bytes]) -> float:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe("bare", qos=1)
        begun = time.perf_counter()

        async def count() -> None:
            left = len(bodies)
            async for _ in client.messages:
                left -= 1
                if not left:
                    return

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(count())
            for body in bodies:
                await client.publish("bare", body, qos=1)
        return time.perf_counter() - begun

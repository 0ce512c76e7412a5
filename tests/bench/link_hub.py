"""The hub's end of the link's bench, as a process: `python -m tests.bench.link_hub PORT DATABASE`.

What a hub does with rows of windows: decode, judge, compress, commit, receipt. No tracker, no API.
"""

import asyncio
import sys
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.app.intake import Intake
from gateway.app.lamp_intake import LampIntake
from gateway.app.metering import Metering
from gateway.app.registry import Registry
from gateway.clock import Clock
from gateway.link.broker import Broker, Presence
from gateway.link.envelope import Status, encode
from gateway.link.receiver import Receiver
from gateway.link.topics import ANY, Message, Topics
from gateway.model import Lane
from gateway.settings import BrokerSettings
from gateway.store.database import Database
from gateway.store.outgoing import Queue
from tests.unit.app.tag_pieces import no_tags

TOPICS = Topics("bench")
HUB = "hub"
OUT = Queue("out", "sink")


async def serve(port: int, file: Path) -> None:
    """Until cancelled."""
    presence = Presence(
        topic=TOPICS.hub_status(HUB),
        online=lambda: encode(Status(online=True, instance="one", unpacks=True)),
        offline=encode(Status(online=False)),
    )
    broker = Broker(settings=BrokerSettings(port=port), name=HUB, presence=presence)
    async with Database(file) as database:
        receiver = Receiver(
            inbox=_intake(database),
            publisher=broker,
            receipt_topic=TOPICS.up_receipt,
            on_event=lambda _: None,
        )
        for lane in Lane:
            await broker.subscribe(TOPICS.up(ANY, lane), partial(_take, receiver))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(broker.run(), name="broker")
            tasks.create_task(receiver.run(), name="receiver")


def _intake(database: Database) -> Intake:
    registry, clock = Registry(database), Clock()
    return Intake(
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


def _take(receiver: Receiver, message: Message) -> None:
    address = TOPICS.lane_address(message.topic)
    if address is not None:
        receiver.offer(address, message.payload)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))

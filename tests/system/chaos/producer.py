"""The town's tags as their receivers tell them: walkers, presses, and adverts that are all unique.

It has a connection of its own to the broker, as a remote receiver has: no fault but the broker's
reaches it. Each advert of the ledger has an identifier never used before, so that every one can be
looked for by name; each press is of a tag of its own.
"""

import asyncio
import itertools
import json
from collections.abc import Iterator

import aiomqtt

from gateway.cli.tag import NewTag, register
from gateway.cli.user import create
from gateway.model import Audience, CarrierKind
from gateway.store.database import Database
from tests.system.chaos.ground import EDGES, UUID
from tests.system.chaos.ledger import Emitted, Ledger
from tests.system.chaos.town import LOOK_EVERY_S, Town

EMIT_EVERY_S = 0.05
PRESS_EVERY_S = 3.0
WALKERS_EACH = 2  # of each edge
POLE_EVERY_S = 4.0
RECEIVERS = 6  # of each edge that pass on what is unique
GUARDIAN, PASSWORD = "guardian", "a-long-password-of-a-test"
WALKER, WALKER_BUTTON, PRESSER, BUTTON, UNIQUE = 1, 2, 3, 4, 0x1000  # iBeacon's major
ADDRESS = "AA:BB:CC:00:00:01"


async def register_tags(town: Town, ledger: Ledger, *, presses: int) -> None:
    """The tags of the walkers, and one for each press, in the database of a hub that is down."""
    async with Database(town.database) as database:
        now = town.now()
        await create(
            database, login=GUARDIAN, audience=Audience.GUARDIAN, password=PASSWORD, at=now
        )
        pairs = [(WALKER, WALKER_BUTTON, one) for one in range(WALKERS_EACH * len(EDGES))]
        for major, button, number in pairs + [(PRESSER, BUTTON, one) for one in range(presses)]:
            new = NewTag(
                name=f"carrier {major}-{number}",
                kind=CarrierKind.CHILD,
                identifiers=(_identifier(major, number),),
                guardians=(GUARDIAN,),
                consent_by=GUARDIAN,
                buttons=(_identifier(button, number),),
            )
            tag = await register(database, new, at=now)
            ledger.tags[_identifier(button, number)] = tag.id


class Producer:
    """`run` emits until cancelled."""

    def __init__(self, town: Town, ledger: Ledger, *, presses: int) -> None:
        self._town = town
        self._ledger = ledger
        self._unique = itertools.count()
        self._presses: Iterator[int] = iter(range(presses))
        self._begun = town.now()

    async def run(self) -> None:
        """Comes back to the broker for ever; what cannot be sent is nobody's loss."""
        while True:
            try:
                async with aiomqtt.Client("127.0.0.1", self._town.mqtt_port) as client:
                    await self._emit_all(client)
            except aiomqtt.MqttError:
                self._ledger.unsent += 1
                await asyncio.sleep(LOOK_EVERY_S)

    async def _emit_all(self, client: aiomqtt.Client) -> None:
        press_at = walk_at = self._town.now()
        for turn in itertools.count():
            gateway = EDGES[turn % len(EDGES)]
            number = next(self._unique)
            await self._emit(client, gateway, UNIQUE + (number >> 16), number & 0xFFFF)
            if self._town.now() >= press_at:
                press_at += PRESS_EVERY_S
                await self._press(client, gateway)
            if self._town.now() >= walk_at:
                walk_at += 1.0
                await self._walk(client)
            await asyncio.sleep(EMIT_EVERY_S)

    async def _press(self, client: aiomqtt.Client, gateway: str) -> None:
        number = next(self._presses, None)
        if number is not None:
            await self._emit(client, gateway, BUTTON, number)

    async def _emit(self, client: aiomqtt.Client, gateway: str, major: int, minor: int) -> None:
        receiver = self._town.topics[gateway][minor % RECEIVERS]
        since = self._town.now()
        await _publish(client, receiver, major, minor, rssi=-70)
        self._ledger.emitted.append(
            Emitted(
                _identifier(major, minor),
                gateway,
                receiver,
                since,
                self._town.now(),
                is_press=major == BUTTON,
            )
        )

    async def _walk(self, client: aiomqtt.Client) -> None:
        """Each walker at two receivers, a pole further every few seconds."""
        step = int((self._town.now() - self._begun) / POLE_EVERY_S)
        for number in range(WALKERS_EACH * len(EDGES)):
            topics = self._town.topics[EDGES[number % len(EDGES)]]
            here = step + 7 * number
            for receiver, rssi in ((here, -62), (here + 1, -71)):
                topic = topics[receiver % len(topics)]
                await _publish(client, topic, WALKER, number, rssi=rssi)


async def _publish(
    client: aiomqtt.Client, receiver: str, major: int, minor: int, *, rssi: int
) -> None:
    """As OpenMQTTGateway does: QoS 0."""
    beacon = f"4c000215{UUID.replace('-', '')}{major:04x}{minor:04x}c5"
    advert = {"id": ADDRESS, "rssi": rssi, "manufacturerdata": beacon}
    topic = f"{receiver}/BTtoMQTT/{ADDRESS.replace(':', '')}"
    await client.publish(topic, json.dumps(advert), qos=0)


def _identifier(major: int, minor: int) -> str:
    return f"ibeacon:{UUID}:{major}:{minor}"

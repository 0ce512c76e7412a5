"""Tags in distress among strangers: a broker, a hub and an edge as processes, and a full outbox.

Everything that is heard comes as messages of one receiver with OpenMQTTGateway. A press is a fast
burst of one sealed frame; it is over when the hub tells the alert to integrators.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import aiomqtt
from firmware_sim.firmware_crypto import ephemeral_id, seal_bthome

from gateway.app.tag_keys import TagKeys
from gateway.cli.tag import NewTag, register
from gateway.link.envelope import Kind, encode_items
from gateway.link.outbox import Outbox
from gateway.link.outbox_file import Append
from gateway.model import CarrierKind, Lane, Reading, Window
from gateway.sealing import SealingKey, write_new_key
from gateway.store.database import Database
from tests.needs import ROOT
from tests.system.rig import LOGIN, PASSWORD, Rig, until

TOWN = ROOT / "config" / "site.geojson"
RECEIVER, PREFIX = "p001", "home/OMG_p001"
EXPONENT = 10
BURST, BURST_EVERY_S = 20, 0.1
PRESSED = b"\x3a\x01"
HEARD_BEFORE = 3  # of a tag's identity, a second apart, before it is pressed
# Of 100 adverts of strangers: phones and earbuds, then identities and sealed frames like a tag's.
PHONES, IDENTITIES = 90, 7


@dataclass
class SirenTag:
    """A native tag; its bytes follow from its number."""

    number: int
    zero_at: float
    id: str = ""
    pressed_at: float = 0.0
    counter: int = 0

    @property
    def address(self) -> str:
        """As on the air."""
        return f"C4:00:00:00:{self.number // 256:02X}:{self.number % 256:02X}"

    @property
    def keys(self) -> TagKeys:
        """As provisioned."""
        own = self.number.to_bytes(15, "big")
        return TagKeys(b"I" + own, EXPONENT, self.zero_at, b"B" + own)

    def identity(self, at: float) -> dict[str, str]:
        """What it sends every second."""
        key, beacon_time = self.keys.identity_key, int(at - self.zero_at)
        eid = ephemeral_id(key, exponent=EXPONENT, beacon_time=beacon_time)
        return {"servicedatauuid": "0xfeaa", "servicedata": "30ee" + eid.hex()}

    def press(self) -> dict[str, str]:
        """What it sends when it is pressed."""
        self.counter += 1
        sealed = seal_bthome(
            self.keys.bind_key,
            address=self.address,
            device_info=0x45,
            counter=self.counter,
            objects=PRESSED,
        )
        return {"servicedatauuid": "0xfcd2", "servicedata": sealed.hex()}


@dataclass
class Sirens:
    """Tags, and when the hub told of whom; `told_at` is by alert, of this machine's clock.

    `strangers_per_s` is how many adverts of strangers were really sent.
    """

    rig: Rig
    tags: list[SirenTag]
    told_at: dict[str, float] = field(default_factory=dict)
    strangers_per_s: float = 0.0

    async def register(self) -> SealingKey:
        """All tags, in the hub's database, before it starts; the hub's key."""
        user = ("user", "add", LOGIN, "--audience", "guardian")
        password = self.rig.folder / "password"
        password.write_text(PASSWORD)
        await self.rig.machimori(*user, "--password-file", str(password))
        key = write_new_key(self.rig.folder / "hub.key")
        async with Database(self.rig.database) as database:
            for tag in self.tags:
                new = NewTag(
                    f"carrier {tag.number}",
                    CarrierKind.CHILD,
                    (),
                    (LOGIN,),
                    LOGIN,
                    keys=tag.keys,
                )
                made = await register(database, new, at=tag.zero_at, key=key)
                tag.id = made.id
        return key

    async def fill_outbox(self, rows: int) -> None:
        """Seconds of the last hours that the hub has not got."""
        since = int(time.time()) - 3_600 - rows
        async with Outbox(self.rig.outbox, max_bytes=2_000_000_000) as outbox:
            for first in range(since, since + rows, 5_000):
                last = min(first + 5_000, since + rows)
                await asyncio.gather(*map(outbox.append_encoded, _backlog(first, last)))

    def backlog(self) -> int:
        """Rows that still wait."""
        backlog = "SELECT count(*) FROM row WHERE id >> 48 = 2"
        ((rows,),) = self.rig.rows(backlog, of=self.rig.outbox)
        return int(str(rows))

    async def start(self) -> None:
        """Broker, hub and edge; returns when the edge has its orders."""
        await self.rig.start("mosquitto")
        key_file = str(self.rig.folder / "hub.key")
        await self.rig.start("hub", MACHIMORI__HUB__KEY_FILE=key_file)
        await self.rig.answers()
        await self.rig.start("edge")
        orders = "SELECT count(*) FROM document WHERE name = 'orders'"
        await until(
            lambda: self.rig.rows(orders, of=self.rig.outbox) == [(1,)],
            within_s=30,
            what="orders at the edge",
        )

    async def cry(self, *, every_s: float, strangers_per_s: float) -> None:
        """Press all tags, one after the other, each `every_s`; returns a while after the last."""
        broker = aiomqtt.Client("127.0.0.1", self.rig.mqtt_port)
        async with broker as client, asyncio.TaskGroup() as tasks:
            crowd = tasks.create_task(self._crowd(client, strangers_per_s))
            ears = tasks.create_task(self._listen())
            await asyncio.sleep(2.0)
            async with asyncio.TaskGroup() as pressing:
                for tag in self.tags:
                    pressing.create_task(self._press(client, tag))
                    await asyncio.sleep(every_s)
            with suppress(AssertionError):  # who counts them says what is missing
                await until(lambda: len(self.told_at) >= len(self.tags), within_s=15, what="alerts")
            crowd.cancel()
            ears.cancel()

    def delays_s(self) -> dict[int, float]:
        """From the first frame of each press on the air to its alert, by the tag's number."""
        tag_of = dict(self.rig.rows("SELECT id, tag FROM alerts WHERE kind = 'sos'"))
        told = {tag_of[alert]: at for alert, at in self.told_at.items() if alert in tag_of}
        return {tag.number: told[tag.id] - tag.pressed_at for tag in self.tags if tag.id in told}

    async def _press(self, client: aiomqtt.Client, tag: SirenTag) -> None:
        """An odd one was heard before; an even one comes out of nothing, as from a pocket."""
        if tag.number % 2:
            for _ in range(HEARD_BEFORE):
                await _publish(client, tag.address, tag.identity(time.time()))
                await asyncio.sleep(1.0)
        frame = tag.press()
        tag.pressed_at = time.time()
        for _ in range(BURST):
            await _publish(client, tag.address, frame)
            await asyncio.sleep(BURST_EVERY_S)

    async def _crowd(self, client: aiomqtt.Client, per_s: float) -> None:
        """Strangers, each advert from an address of its own, until cancelled."""
        begun = time.monotonic()
        for number in count():
            elapsed_s = time.monotonic() - begun
            await asyncio.sleep(max(0.0, number / per_s - elapsed_s))
            await _publish(client, *_stranger(number))
            self.strangers_per_s = number / max(elapsed_s, 1e-3)

    async def _listen(self) -> None:
        async with aiomqtt.Client("127.0.0.1", self.rig.mqtt_port) as client:
            await client.subscribe("machimori/v1/test/alerts/+")
            async for message in client.messages:
                body = json.loads(bytes(message.payload))
                if body["kind"] == "sos":
                    self.told_at.setdefault(body["alert"], time.time())


def sirens(rig: Rig, tags: int) -> Sirens:
    """Tags whose clocks began a year ago."""
    zero_at = time.time() - 365 * 86_400
    return Sirens(rig, [SirenTag(number, zero_at) for number in range(1, tags + 1)])


def rig_of(folder: Path) -> Rig:
    """In real time, by the clock of this machine."""
    rig = Rig(folder, site=TOWN)
    rig.start_at = rig.anchor
    return rig


def _backlog(first: int, last: int) -> Iterator[Append]:
    """A row a second, of a tag that nobody knows any more."""
    for second in range(first, last):
        reading = Reading(RECEIVER, "ibeacon:fda50693-a4e2-4fb1-afcf-c6eb07647825:9:9", -70, -70, 1)
        body = encode_items([Window(second, (RECEIVER,), (reading,))])
        yield Append(Lane.BACKLOG, Kind.SIGHTINGS, body, float(second), float(second + 1))


def _stranger(number: int) -> tuple[str, dict[str, str]]:
    address = ":".join(f"{byte:02X}" for byte in secrets.token_bytes(6))
    kind = number % 100
    if kind < PHONES:
        return address, {"manufacturerdata": "4c001005441cbd08" + secrets.token_hex(3)}
    if kind < PHONES + IDENTITIES:
        return address, {
            "servicedatauuid": "0xfeaa",
            "servicedata": "30ee" + secrets.token_hex(8),
        }
    sealed = "45" + secrets.token_hex(2 + 4 + 4)
    return address, {"servicedatauuid": "0xfcd2", "servicedata": sealed}


async def _publish(client: aiomqtt.Client, address: str, data: dict[str, str]) -> None:
    body = {"id": address, "rssi": -60, **data}
    await client.publish(f"{PREFIX}/BTtoMQTT/{address.replace(':', '')}", json.dumps(body))

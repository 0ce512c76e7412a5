"""Tags with keys, what they send, and a hub's parts that know them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

import msgspec
from firmware_sim.firmware_crypto import ephemeral_id, seal_bthome

from gateway.app.hub_tags import HubTags
from gateway.app.intake import Intake
from gateway.app.lamp_intake import LampIntake
from gateway.app.metering import Metering
from gateway.app.registry import Registry
from gateway.app.tag_intake import TagIntake
from gateway.app.tag_keys import TagKeys, seal_keys
from gateway.clock import Clock
from gateway.link.envelope import Envelope, Item, Kind, Stream, encode_items
from gateway.model import (
    Alert,
    CarrierKind,
    Lane,
    Reading,
    Sealed,
    Suspicion,
    TagIdentifier,
    Trust,
    Window,
)
from gateway.sealing import SealingKey
from gateway.settings import HubSettings
from gateway.store import people, tag_keys
from gateway.store.database import Connection, Database
from gateway.store.outgoing import Queue
from tests.unit.app.town import NOW, HandClock, street

KEY = SealingKey(bytes(32))
OUT = Queue("out", "sink")
EXPONENT = 10
ZERO_AT = NOW - 40_000_000.0
ADDRESS = "C4:00:00:00:00:01"
PRESSED = b"\x3a\x01"
OPENED = b"\x11\x01"  # `opening` is 1


@dataclass
class NativeTag:
    """A tag with both keys; `counter` grows with each message, `ahead_s` is its clock's error."""

    number: int
    ahead_s: float = 0.0
    counter: int = 0

    @property
    def id(self) -> str:
        """As registered."""
        return f"t-{self.number}"

    @property
    def keys(self) -> TagKeys:
        """As provisioned."""
        own = self.number.to_bytes(15, "big")
        return TagKeys(b"I" + own, EXPONENT, ZERO_AT, b"B" + own)

    def eid(self, at: float) -> str:
        """What it sends at `at`."""
        key, time = self.keys.identity_key, int(at - ZERO_AT + self.ahead_s)
        return f"eid:{ephemeral_id(key, exponent=EXPONENT, beacon_time=time).hex()}"

    def message(self, objects: bytes, *, address: str = ADDRESS) -> bytes:
        """A sealed BTHome payload."""
        self.counter += 1
        return seal_bthome(
            self.keys.bind_key,
            address=address,
            device_info=0x41,
            counter=self.counter,
            objects=objects,
        )

    def press(self, at: float, *, near: str = "", receiver: str = "r-1") -> Sealed:
        return sealed(self.message(PRESSED), at, near=near, receiver=receiver)


def sealed(
    payload: bytes, at: float, *, near: str = "", receiver: str = "r-1", address: str = ADDRESS
) -> Sealed:
    return Sealed(at, receiver, address, payload.hex(), -70, near)


def add_tags(
    connection: Connection,
    tags: Sequence[NativeTag],
    *,
    key: SealingKey = KEY,
    fixed: Sequence[TagIdentifier] = (),
) -> None:
    """Each with its keys; `fixed` are the identifiers of those that have one instead."""
    people.add_carrier(connection, people.Carrier("c-n", "N", CarrierKind.CHILD))
    for tag in tags:
        own = [one for one in fixed if one.tag == tag.id]
        trust = Trust.LOW if own else Trust.NATIVE
        people.add_tag(connection, people.Tag(tag.id, "c-n", trust, 0.0, "N's parent"), own)
        keys = TagKeys(bind_key=tag.keys.bind_key) if own else tag.keys
        tag_keys.add(connection, seal_keys(key, tag.id, keys))


def window(second: int, *identifiers: str, receiver: str = "r-1") -> Window:
    readings = tuple(Reading(receiver, one, -70.0, -70, 3) for one in identifiers)
    return Window(second, (receiver,), readings)


def hub_tags(
    database: Database,
    clock: Clock,
    registry: Registry,
    told: list[Alert] | None = None,
    joined: list[Alert] | None = None,
    doubts: list[Suspicion] | None = None,
) -> HubTags:
    """The parts; what they announce goes to `told`, what they join lamps to into `joined`."""
    announced, lit = [] if told is None else told, [] if joined is None else joined
    doubted = [] if doubts is None else doubts
    return HubTags(
        HubSettings(),
        street(),
        database=database,
        clock=clock,
        registry=registry,
        out=OUT,
        joined=lambda _, alerts, __: lit.extend(alerts),
        announce=announced.extend,
        suspect=doubted.extend,
    )


def no_tags(database: Database, clock: Clock, registry: Registry) -> TagIntake:
    """For an intake that is about something else."""
    return hub_tags(database, clock, registry).intake


@dataclass
class TagHub:
    """An intake with its tags' parts over one database; `told` is what was announced."""

    database: Database
    clock: HandClock
    key: SealingKey | None = KEY
    told: list[Alert] = field(default_factory=list)
    lit: list[Alert] = field(default_factory=list)
    doubted: list[Suspicion] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.registry = Registry(self.database, self.key)
        self.tags = hub_tags(
            self.database, self.clock, self.registry, self.told, self.lit, self.doubted
        )
        self.intake = Intake(
            self.database,
            self.clock,
            self.registry,
            is_closed=lambda _: False,
            announce=self.told.extend,
            out=OUT,
            lamps=LampIntake((), Metering({}, ZoneInfo("Asia/Tokyo")), keep_days=7, out=OUT),
            tags=self.tags.intake,
            joined=lambda _, alerts, __: self.lit.extend(alerts),
            show=lambda _: None,
        )

    async def begin(self) -> "TagHub":
        """As a hub that starts."""
        await self.registry.refresh()
        await self.tags.identities.begin()
        return self

    async def restarted(self, key: SealingKey | None = KEY) -> "TagHub":
        """A new process on the same database."""
        return await TagHub(self.database, self.clock, key).begin()

    async def receive(self, *items: Item, kind: Kind, gateway: str = "gw-01") -> None:
        """A row an item, sent now."""
        marks = await self.intake.marks()
        stream = Stream(gateway, "e1", Lane.URGENT)
        first = marks.get(stream, 0) + 1
        rows = [
            Envelope(
                sender=gateway,
                epoch="e1",
                lane=stream.lane,
                seq=first + number,
                first=1,
                sent=self.clock.utc(),
                kind=kind,
                items=msgspec.Raw(encode_items([item])),
            )
            for number, item in enumerate(items)
        ]
        await self.intake.commit(rows, {stream: rows[-1].seq})

    async def hear(self, second: int, *identifiers: str, gateway: str = "gw-01") -> None:
        """A window with these identifiers."""
        await self.receive(window(second, *identifiers), kind=Kind.SIGHTINGS, gateway=gateway)

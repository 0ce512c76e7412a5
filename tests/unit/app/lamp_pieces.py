"""A street with lamps of two gateways, and what they say."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from gateway.lamps import Authority, LampReading, LampType, Override
from gateway.link.envelope import Envelope, Item, Kind, encode_items
from gateway.model import Lane
from gateway.site import Site, load_site
from gateway.store import outgoing
from gateway.store.database import Database
from gateway.store.outgoing import Queue
from tests.unit.cli.town_pieces import TOWN
from tests.unit.geojson_pieces import feature, point, write_site

TOKYO = ZoneInfo("Asia/Tokyo")
NOW = 1_800_000_000.0  # 17:00 in Tokyo on 15 January 2027
OUT = Queue("out", "sink")
LED = LampType("led-40", ((0.0, 0.4), (50.0, 20.0), (100.0, 40.0)))
TYPES = {"led-40": LED}


def lamp(number: int, gateway: str | None = "gw-01") -> dict[str, Any]:
    """A lamp every 30 m; it stands where a receiver does."""
    driven = {} if gateway is None else {"gateway": gateway, "bus": "bus-1", "unit": number + 1}
    return feature("lamp", point((30.0 * number, 4)), id=f"l-{number}", **driven)


@cache
def lit_street() -> Site:
    """l-0 and l-1 of gw-01, l-2 of gw-02, l-3 of nobody."""
    lamps = (lamp(0), lamp(1), lamp(2, "gw-02"), lamp(3, None))
    with TemporaryDirectory() as folder:
        return load_site(write_site(Path(folder), (*TOWN, *lamps), name="street"))


def reading(at: float, lamp: str = "l-0", **said: Any) -> LampReading:
    """A lamp at half light, but for what is said."""
    known = {"target_level": 50.0, "actual_level": 50.0, "active_power_w": 20.0}
    return LampReading(at=at, lamp=lamp, **{**known, **said})


def override(number: int = 1, *, lamps: tuple[str, ...] = ("l-0", "l-2")) -> Override:
    """Ten minutes from NOW on."""
    return Override(
        f"o-{number}", lamps, 80.0, Authority.STAFF, NOW + number, NOW + number, NOW + 600
    )


def row(
    seq: int,
    *items: Item,
    kind: Kind = Kind.LAMP_READINGS,
    gateway: str = "gw-01",
    lane: Lane = Lane.LIVE,
    sent: float = NOW,
) -> Envelope:
    """A row of a gateway's outbox."""
    return Envelope(
        sender=gateway,
        epoch="e1",
        lane=lane,
        seq=seq,
        first=1,
        sent=sent,
        kind=kind,
        items=msgspec.Raw(encode_items(items)),
    )


async def queued(database: Database, queue: Queue, kind: Kind) -> list[Any]:
    """What waits in a queue, of one kind."""
    rows = [
        row
        for lane in Lane
        for row in await database.read(outgoing.rows, queue, lane=lane, after=0, limit=99)
    ]
    return [one for row in rows if row.kind == kind for one in msgspec.json.decode(row.items)]

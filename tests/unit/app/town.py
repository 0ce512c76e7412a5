"""A street with a school at its end, a child who walks there, and a hub's parts around a database.

Time is the test's: nothing here waits for longer than some milliseconds.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from math import hypot, log10
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import msgspec

from gateway.app.amender import Amender
from gateway.app.hub_tags import HubTags
from gateway.app.intake import Intake
from gateway.app.lamp_intake import LampIntake
from gateway.app.metering import Metering
from gateway.app.registry import Registry
from gateway.app.routes import Routes
from gateway.app.stepper import Stepper
from gateway.app.tuning import Tuning
from gateway.clock import Clock
from gateway.link.envelope import Envelope, Item, Kind, Stream, encode_items
from gateway.model import (
    Alert,
    CarrierKind,
    Lane,
    Position,
    Reading,
    Suspicion,
    TagIdentifier,
    Trust,
    Window,
    ZoneEvent,
)
from gateway.settings import HubSettings
from gateway.site import Site, load_site
from gateway.store import outgoing, people, positions
from gateway.store.database import Connection, Database
from gateway.store.outgoing import OutgoingRow, Queue
from tests.unit.cli.town_pieces import TOWN
from tests.unit.geojson_pieces import box, feature, write_site

NOW = 1_800_000_000
SITE_ID = "test"
LATENESS_S = 1.5
OUT = Queue("out", "sink")
TOKYO = ZoneInfo("Asia/Tokyo")
TAG = "t-1"
SENT = TagIdentifier("ibeacon:x:1:1", TAG, button=False)
BUTTON = TagIdentifier("ibeacon:x:1:2", TAG, button=True)
SCHOOL = feature("zone", box(75, -15, 140, 15), id="school", name="School")
RECEIVERS = tuple(f"r-{number}" for number in range(5))
PACE_MPS = 1.2


class HandClock(Clock):
    """Time that the test moves; what is slept is a thousandth of what is said."""

    def __init__(self, now: float = NOW) -> None:
        super().__init__(rate=1_000.0)
        self.now = now

    def __setattr__(self, name: str, value: float) -> None:
        """The real clock is frozen; this one is the test's to move."""
        object.__setattr__(self, name, value)

    def utc(self) -> float:
        """As the test says."""
        return self.now

    def monotonic(self) -> float:
        """The same."""
        return self.now


@cache
def street() -> Site:
    """120 m with a receiver every 30 m; from 75 m on it is the school."""
    with TemporaryDirectory() as folder:
        return load_site(write_site(Path(folder), (*TOWN, SCHOOL), name="street"))


@dataclass
class Listeners:
    """Remembers what was told."""

    heard: list[Position] = field(default_factory=list)
    told: list[Alert] = field(default_factory=list)
    doubted: list[Suspicion] = field(default_factory=list)

    def positions(self, found: Sequence[Position]) -> None:
        """Keep them."""
        self.heard += found

    def suspicions(self, found: Sequence[Suspicion]) -> None:
        """Keep them."""
        self.doubted += found

    def alerts(self, told: Sequence[Alert]) -> None:
        """Keep them."""
        self.told += told


def heard_at(second: int, east_m: float, *, receivers: Sequence[str] = RECEIVERS) -> Window:
    """What the street's receivers hear of the child at `east_m`."""
    readings = []
    for number, receiver in enumerate(RECEIVERS):
        level = -59 - 20 * log10(max(1.0, hypot(30 * number - east_m, 4)))
        if receiver in receivers and level > -90:
            readings.append(Reading(receiver, SENT.identifier, round(level, 1), round(level), 3))
    return Window(second, tuple(receivers), tuple(readings))


def to_school(since: int, seconds: int = 90, *, from_m: float = 10.0) -> list[Window]:
    """The walk to the school, a window a second."""
    return [heard_at(since + s, min(115.0, from_m + PACE_MPS * s)) for s in range(seconds)]


class Street:
    """The hub's parts over one database; `restarted` builds them anew, as a new process does."""

    def __init__(self, database: Database, clock: HandClock, executor: ThreadPoolExecutor) -> None:
        self.database = database
        self.clock = clock
        self.listeners = Listeners()
        self.registry = Registry(database)
        self.tuning = Tuning(street(), database, clock)
        self.beats = 0
        self.executor = executor
        self.routes = Routes(street())
        self.stepper = Stepper(
            site=street(),
            site_id=SITE_ID,
            database=database,
            clock=clock,
            registry=self.registry,
            tuning=self.tuning,
            audience=self.listeners,
            routes=self.routes,
            out=OUT,
            lateness_s=LATENESS_S,
            executor=executor,
            beat=self._beat,
        )
        self.tags = HubTags(
            HubSettings(),
            street(),
            database=database,
            clock=clock,
            registry=self.registry,
            out=OUT,
            joined=lambda _, __, ___: None,
            announce=self.listeners.alerts,
            suspect=self.listeners.suspicions,
        )
        self.intake = Intake(
            database,
            clock,
            self.registry,
            is_closed=self.stepper.is_closed,
            announce=self.listeners.alerts,
            out=OUT,
            lamps=LampIntake((), Metering({}, TOKYO), keep_days=7, out=OUT),
            tags=self.tags.intake,
            joined=lambda _, __, ___: None,
            show=lambda _: None,
        )
        self.amender = Amender(
            site=street(),
            database=database,
            clock=clock,
            registry=self.registry,
            tuning=self.tuning,
            out=OUT,
            last_late_at=lambda: self.intake.last_late_at,
            executor=executor,
        )

    def _beat(self) -> None:
        self.beats += 1

    async def begin(self) -> None:
        """As a hub that starts."""
        await self.registry.refresh()
        await self.tuning.refresh()
        await self.stepper.resume()

    async def restarted(self) -> "Street":
        """A new process on the same database."""
        other = Street(self.database, self.clock, self.executor)
        await other.begin()
        return other

    async def receive(self, *items: Item, kind: Kind = Kind.SIGHTINGS) -> None:
        """Rows of the gateway, a row an item, sent now."""
        committed = await self.intake.marks()
        stream = Stream("gw-01", "e1", Lane.LIVE)
        first = committed.get(stream, 0) + 1
        rows = [
            Envelope(
                sender=stream.sender,
                epoch=stream.epoch,
                lane=stream.lane,
                seq=first + number,
                first=1,
                sent=self.clock.utc(),
                kind=kind,
                items=msgspec.Raw(encode_items([item])),
            )
            for number, item in enumerate(items)
        ]
        if rows:
            await self.intake.commit(rows, {stream: rows[-1].seq})

    async def live(self, windows: Iterable[Window]) -> None:
        """Each second comes in time and is stepped."""
        for window in windows:
            self.clock.now = window.second + 1.2
            await self.receive(window)
            await self.pass_to(window.second + 1 + LATENESS_S)

    async def pass_to(self, now: float) -> None:
        """It is `now`, and every step that is due is taken."""
        self.clock.now = now
        await self.stepper.catch_up()

    async def stored(self) -> list[Position]:
        """The tag's positions in the database, by time."""
        return await self.database.read(
            positions.between, [TAG], since=0.0, until=1e12, limit=1_000_000
        )

    async def events(self) -> list[ZoneEvent]:
        """The tag's zone events in the database."""
        return await self.database.read(positions.events_between, TAG, since=0.0, until=1e12)

    async def queued(self, lane: Lane = Lane.LIVE) -> list[OutgoingRow]:
        """Rows for the sink."""
        return await self.database.read(outgoing.rows, OUT, lane=lane, after=0, limit=1_000_000)

    async def at_the_sink(self) -> dict[float, Position]:
        """What the sink's database holds once it has every row, by time: the last word wins."""
        told: dict[float, Position] = {}
        for row in await self.queued():
            for one in msgspec.json.decode(row.items, type=list[Position]):
                told[one.at] = one
        return told


@asynccontextmanager
async def open_street(database: Database, clock: HandClock) -> AsyncIterator[Street]:
    """A street whose child is registered and whose hub has begun."""
    with ThreadPoolExecutor(1, "tracker") as executor:
        await database.write(add_child)
        made = Street(database, clock, executor)
        await made.begin()
        yield made


def add_child(connection: Connection) -> None:
    """A child with a tag and its button."""
    people.add_carrier(connection, people.Carrier("c-1", "A", CarrierKind.CHILD))
    tag = people.Tag(TAG, "c-1", Trust.LOW, 0.0, "A's parent")
    people.add_tag(connection, tag, [SENT, BUTTON])


def fill_disk(connection: Connection) -> None:
    """Let the file grow no more: every write of some size fails as on a full disk."""
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def free_disk(connection: Connection) -> None:
    """Let it grow again."""
    connection.exec_driver_sql("PRAGMA max_page_count=1000000")


async def until(condition: Callable[[], bool]) -> None:
    """Let the others run until `condition`; five seconds at most."""
    async with asyncio.timeout(5):
        while True:
            if condition():
                return
            await asyncio.sleep(0.002)

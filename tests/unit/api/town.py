"""A small town with users of every audience, two families, and a hub's API in front of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
from argon2 import PasswordHasher
from fastapi import FastAPI

from gateway.api.application import create_app
from gateway.api.callers import COOKIE, token_hash
from gateway.api.lights import lights_of
from gateway.api.passwords import Passwords
from gateway.api.stream import LiveStream, Subscription, Watch
from gateway.clock import Clock
from gateway.model import (
    Alert,
    AlertKind,
    AlertState,
    Audience,
    CarrierKind,
    Position,
    Presence,
    Quality,
    RoutePoint,
    TagIdentifier,
    Trust,
)
from gateway.settings import ApiSettings, LightSettings
from gateway.site import Site
from gateway.store import alerts, calibrations, people, positions, sessions
from gateway.store.database import Connection, Database
from gateway.store.people import Carrier, Tag, User
from gateway.store.sessions import Session, SessionKind
from gateway.tags.calibration import Calibration, Correction
from gateway.tags.fitting import Belief
from gateway.tags.health import Fault, Verdict
from gateway.tags.propagation import Radio
from tests.unit.api.lamp_pieces import NOW, TYPES, settle_lamps, site

DAY_S = 86_400.0
PASSWORD = "correct horse battery"
LOGINS = {
    "sato": Audience.GUARDIAN,
    "kato": Audience.GUARDIAN,
    "suzuki": Audience.STAFF,
    "takeda": Audience.TECHNICIAN,
    "yamada": Audience.RESIDENT,
    "hirata": Audience.ADMIN,
}
FIRST_OF = {audience: login for login, audience in reversed(LOGINS.items())}

CALIBRATION = Calibration(
    at=NOW - DAY_S,
    beliefs={
        "r-1": Belief(Radio(power_dbm=-61.48, exponent=2.237), 0.82, 0.1),
        "r-2": Belief(Radio(), 1.0, 0.1),
    },
    corrections={"r-2": Correction((0.0, 0.0), (100.0, -200.0))},
    left_out=("r-1",),
    verdicts=(
        Verdict("r-1", Fault.DEAD, 25.5),
        Verdict("r-2", Fault.SWAPPED, 15.0, other="r-3", place=(100.0, -200.0)),
    ),
    before=-9.5,
    after=-8.25,
    accepted=True,
)


class HandClock(Clock):
    """Stands still until it is moved; a clock itself is frozen, so its time is in a list."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "_times", [NOW])

    def utc(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        times: list[float] = object.__getattribute__(self, "_times")
        return times[-1]

    def forward(self, seconds: float) -> None:
        object.__getattribute__(self, "_times").append(self.monotonic() + seconds)


class NoticedStream(LiveStream):
    """A live stream of which a test can await that somebody watches it."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: asyncio.Queue[Subscription] = asyncio.Queue()

    @contextmanager
    def subscribe(self, session: bytes, watch: Watch) -> Iterator[Subscription]:
        with super().subscribe(session, watch) as subscription:
            self.opened.put_nowait(subscription)
            yield subscription


_APPS: dict[tuple[Path, bool], FastAPI] = {}
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@dataclass
class Town:
    """The parts of one API, its clock to move, and what it announced."""

    database: Database
    clock: HandClock = field(default_factory=HandClock)
    stream: NoticedStream = field(default_factory=NoticedStream)
    announced: list[Alert] = field(default_factory=list)
    recorded: list[tuple[Alert, float]] = field(default_factory=list)
    recent: list[RoutePoint] = field(default_factory=list)
    settings: ApiSettings = field(default_factory=ApiSettings)
    dist: Path = Path("there-is-no-page")
    tick_s: float = 3_600.0
    trouble: str = ""
    site: Site = field(default_factory=site)
    lights_changed: list[float] = field(default_factory=list)

    def app(self) -> FastAPI:
        """The application, on these parts: FastAPI builds its routes once, which takes a second."""
        new = self.new_app()
        kept = _APPS.setdefault((self.dist, self.settings.cookie_secure), new)
        kept.state.parts = new.state.parts
        return kept

    def new_app(self) -> FastAPI:
        """Another application, to be changed."""
        return create_app(
            database=self.database,
            clock=self.clock,
            lights=lights_of(
                self.site,
                LightSettings(),
                TYPES,
                site_id="town",
                changed=lambda: self.lights_changed.append(self.clock.utc()),
            ),
            stream=self.stream,
            settings=self.settings,
            recent=lambda tags: [point for point in self.recent if point.tag in tags],
            announce=self.announced.extend,
            record=self.record,
            trouble=lambda: self.trouble,
            passwords=Passwords(CHEAP),
            dist=self.dist,
            tick_s=self.tick_s,
        )

    def record(self, connection: Connection, told: object, at: float) -> None:
        assert connection.in_transaction()
        assert isinstance(told, list)
        self.recorded += [(alert, at) for alert in told]

    @asynccontextmanager
    async def client(self, login: str = "") -> AsyncIterator[httpx.AsyncClient]:
        """An app's client: with `login`, by that user's bearer token."""
        headers = {"Authorization": f"Bearer {bearer(login)}"} if login else {}
        transport = httpx.ASGITransport(self.app())
        async with httpx.AsyncClient(
            transport=transport, base_url="https://hub", headers=headers
        ) as client:
            yield client

    @asynccontextmanager
    async def browser(
        self, login: str = "", *, page: bool = True
    ) -> AsyncIterator[httpx.AsyncClient]:
        """A browser: with `login`, with that user's cookie; `page` is our own page."""
        cookies = {COOKIE: f"cookie-{login}"} if login else {}
        headers = {"X-Machimori": "1"} if page else {}
        transport = httpx.ASGITransport(self.app())
        async with httpx.AsyncClient(
            transport=transport, base_url="https://hub", headers=headers, cookies=cookies
        ) as client:
            yield client


def bearer(login: str) -> str:
    return f"bearer-{login}"


def position(at: float = NOW - 5.0, *, tag: str = "t-sato", n_heard: int = 3) -> Position:
    return Position(
        at=at,
        tag=tag,
        lon=140.88,
        lat=37.05,
        radius68_m=4.0,
        radius95_m=9.5,
        n_heard=n_heard,
        presence=Presence.TRACKED if n_heard else Presence.SILENT,
        zones=(("school", 0.75),),
        path="north",
        path_probability=0.8,
    )


def point(at: float, *, tag: str = "t-sato", quality: Quality = Quality.ROUTE) -> RoutePoint:
    return RoutePoint(at, tag, 140.88, 37.05, 3.0, "school", quality)


def sos(alert_id: str = "a-sato", *, tag: str = "t-sato") -> Alert:
    return Alert(
        id=alert_id,
        kind=AlertKind.SOS,
        state=AlertState.RAISED,
        at=NOW - 60.0,
        raised_at=NOW - 30.0,
        tag=tag,
        receiver="r-12",
    )


def clock_off() -> Alert:
    return replace(sos("a-tech", tag=""), kind=AlertKind.CLOCK_OFF, gateway="gw-07", receiver="")


def settle(connection: Connection) -> None:
    """Everybody moves in: each guardian has one carrier with one tag, one position, one SOS."""
    password_hash = CHEAP.hash(PASSWORD)
    for login, audience in LOGINS.items():
        user = people.add_user(
            connection,
            login=login,
            audience=audience,
            password_hash=password_hash,
            language="ja",
            at=NOW - DAY_S,
        )
        _log_in(connection, user, f"cookie-{login}", SessionKind.COOKIE)
        _log_in(connection, user, bearer(login), SessionKind.BEARER)
        if audience is Audience.GUARDIAN:
            _give_ward(connection, user)
    alerts.add(connection, clock_off())
    settle_lamps(connection)
    calibrations.add(connection, CALIBRATION, upon=None, at=NOW - DAY_S)


def _log_in(connection: Connection, user: User, token: str, kind: SessionKind) -> None:
    session = Session(token_hash(token), user, kind, NOW + DAY_S)
    sessions.add(connection, session, at=NOW - DAY_S)


def _give_ward(connection: Connection, user: User) -> None:
    carrier, tag = f"c-{user.login}", f"t-{user.login}"
    people.add_carrier(connection, Carrier(carrier, f"Child of {user.login}", CarrierKind.CHILD))
    people.add_guardianship(connection, user, carrier)
    people.add_tag(
        connection,
        Tag(tag, carrier, Trust.LOW, NOW - DAY_S, "mother"),
        [TagIdentifier(f"uid:{tag}:1", tag, button=False)],
    )
    positions.add(connection, [position(tag=tag)])
    alerts.add(connection, sos(f"a-{user.login}", tag=tag))


async def eventually(true: Callable[[], object]) -> None:
    """Until `true`: for what changes in another task without telling."""
    while not true():  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(0.001)

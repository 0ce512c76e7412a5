"""What the API's answers look like; times are Unix seconds, UTC, of the hub's clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.model import (
    Alert,
    AlertKind,
    AlertState,
    Audience,
    CarrierKind,
    Position,
    Presence,
    Trust,
)
from gateway.store.alerts import Change


@dataclass(frozen=True, slots=True)
class Me:
    """Who is logged in."""

    login: str
    audience: Audience
    language: str


@dataclass(frozen=True, slots=True)
class BearerToken:
    """An app's session: send `Authorization: Bearer {token}`."""

    token: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Now:
    """The hub's time."""

    now: float


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the hub works; `why` says what does not."""

    ok: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a request was refused."""

    detail: str


@dataclass(frozen=True, slots=True)
class Point:
    """A GeoJSON point: lon, lat."""

    coordinates: tuple[float, float]
    type: Literal["Point"] = "Point"


@dataclass(frozen=True, slots=True)
class ZoneShare:
    """How likely the tag is in a zone."""

    id: str
    probability: float


@dataclass(frozen=True, slots=True)
class PositionProperties:
    """What is known of the tag at `at`; `heard_at` is when a receiver last heard it, if known."""

    at: float
    radius68_m: float
    radius95_m: float
    n_heard: int
    presence: Presence
    zones: tuple[ZoneShare, ...]
    heard_at: float | None


@dataclass(frozen=True, slots=True)
class PositionFeature:
    """A position as GeoJSON."""

    geometry: Point
    properties: PositionProperties
    type: Literal["Feature"] = "Feature"


@dataclass(frozen=True, slots=True)
class OwnCarrier:
    """A carrier as its guardian sees it; `tag`, `trust` and `position` are null where none is."""

    id: str
    name: str
    kind: CarrierKind
    tag: str | None
    trust: Trust | None
    position: PositionFeature | None


@dataclass(frozen=True, slots=True)
class LineString:
    """A GeoJSON line of lon, lat."""

    coordinates: tuple[tuple[float, float], ...]
    type: Literal["LineString"] = "LineString"


@dataclass(frozen=True, slots=True)
class StretchProperties:
    """When the stretch was walked; `times` has one time for each point."""

    since: float
    until: float
    times: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a route without a hole. Where only one point is known, it is there twice."""

    geometry: LineString
    properties: StretchProperties
    type: Literal["Feature"] = "Feature"


@dataclass(frozen=True, slots=True)
class Route:
    """The stretches of a route, by time; between them nothing is known."""

    features: tuple[Stretch, ...]
    type: Literal["FeatureCollection"] = "FeatureCollection"


@dataclass(frozen=True, slots=True)
class LookShape:
    """One look at a carrier's position."""

    at: float
    who: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class LifeStep:
    """One step of an alert's life; `by` is a login, or empty for the hub itself."""

    state: AlertState
    at: float
    by: str


@dataclass(frozen=True, slots=True)
class AlertShape:
    """An alert; `carrier` where it is about a person, `gateway` where about a device.

    The live stream leaves `life` empty.
    """

    id: str
    kind: AlertKind
    state: AlertState
    at: float
    raised_at: float
    carrier: str | None
    zone: str | None
    gateway: str | None
    receiver: str | None
    life: tuple[LifeStep, ...] = ()


@dataclass(frozen=True, slots=True)
class PositionEvent:
    """The live stream's `position`."""

    carrier: str
    feature: PositionFeature


def position_feature(position: Position, *, heard_at: float | None = None) -> PositionFeature:
    """`position` as GeoJSON; one that was heard says so itself."""
    return PositionFeature(
        Point((position.lon, position.lat)),
        PositionProperties(
            at=position.at,
            radius68_m=position.radius68_m,
            radius95_m=position.radius95_m,
            n_heard=position.n_heard,
            presence=position.presence,
            zones=tuple(ZoneShare(*zone) for zone in position.zones),
            heard_at=position.at if position.n_heard else heard_at,
        ),
    )


def stretch_feature(walked: Sequence[Position]) -> Stretch:
    """Positions without a hole between them as one line."""
    points = walked if len(walked) > 1 else [*walked, *walked]
    return Stretch(
        LineString(tuple((one.lon, one.lat) for one in points)),
        StretchProperties(walked[0].at, walked[-1].at, tuple(one.at for one in points)),
    )


def alert_shape(alert: Alert, *, carrier: str | None, life: Sequence[Change] = ()) -> AlertShape:
    """`alert` for one who may know it; `carrier` is whose it is."""
    return AlertShape(
        id=alert.id,
        kind=alert.kind,
        state=alert.state,
        at=alert.at,
        raised_at=alert.raised_at,
        carrier=carrier,
        zone=alert.zone or None,
        gateway=alert.gateway or None,
        receiver=alert.receiver or None,
        life=tuple(LifeStep(step.state, step.at, step.by) for step in life),
    )

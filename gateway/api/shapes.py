"""What the API's answers look like; times are Unix seconds, UTC, of the hub's clock."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from gateway.api.route import Way
from gateway.model import (
    Alert,
    AlertKind,
    AlertState,
    Audience,
    CarrierKind,
    Doubt,
    Gap,
    Outing,
    Position,
    Presence,
    Quality,
    RoutePoint,
    Suspicion,
    Trust,
)
from gateway.store.alerts import Change
from gateway.store.suspicions import EVERY_S as DOUBTED_S
from gateway.tags.outings import closed_at
from gateway.tags.stops import Stop


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
    """What is known of the tag at `at`; `heard_at` is when a receiver last heard it, if known.

    `path` is the site's path that most likely holds the tag (which pavement), or null, and
    `path_probability` how likely it does. `doubts` say why somebody may be copying the tag.
    """

    at: float
    radius68_m: float
    radius95_m: float
    n_heard: int
    presence: Presence
    zones: tuple[ZoneShare, ...]
    heard_at: float | None
    path: str | None
    path_probability: float
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class PositionFeature:
    """A position as GeoJSON."""

    geometry: Point
    properties: PositionProperties
    type: Literal["Feature"] = "Feature"


@dataclass(frozen=True, slots=True)
class SaidState:
    """A value that a tag told of itself, and when; flags are 0 or 1."""

    value: float
    at: float


@dataclass(frozen=True, slots=True)
class OwnCarrier:
    """A carrier as its guardian sees it; `tag`, `trust` and `position` are null where none is.

    `states` are what the tag last said of itself, by name: battery_percent, battery_v,
    temperature_c, moving and the like.
    """

    id: str
    name: str
    kind: CarrierKind
    tag: str | None
    trust: Trust | None
    position: PositionFeature | None
    states: dict[str, SaidState]


@dataclass(frozen=True, slots=True)
class LineString:
    """A GeoJSON line of lon, lat."""

    coordinates: tuple[tuple[float, float], ...]
    type: Literal["LineString"] = "LineString"


@dataclass(frozen=True, slots=True)
class StretchProperties:
    """When the stretch was walked; `times` and `qualities` have one for each point.

    The quality says what the point knew: `live` nothing that came later, `confirmed` the next 8
    seconds, `route` (final) the way around it. A `route` point stays, unless late data amends it.
    """

    since: float
    until: float
    times: tuple[float, ...]
    qualities: tuple[Quality, ...]
    kind: Literal["stretch"] = "stretch"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a route without a hole. Where only one point is known, it is there twice."""

    geometry: LineString
    properties: StretchProperties
    type: Literal["Feature"] = "Feature"


@dataclass(frozen=True, slots=True)
class GapProperties:
    """When nothing was known between two stretches.

    `reason` is `unheard` where receivers listened and heard no tag, else what a gateway told:
    `restart`, `broker_lost`, `no_receiver`, `outbox_lost` and the like.
    """

    since: float
    until: float
    reason: str
    kind: Literal["gap"] = "gap"


@dataclass(frozen=True, slots=True)
class GapFeature:
    """A hole in a route. It has no geometry: where the carrier was then, nobody knows."""

    properties: GapProperties
    geometry: None = None
    type: Literal["Feature"] = "Feature"


@dataclass(frozen=True, slots=True)
class StopProperties:
    """A stay of a minute or more within some 10 m; `zone` is where that was, or null."""

    arrived_at: float
    left_at: float
    seconds: float
    zone: str | None
    kind: Literal["stop"] = "stop"


@dataclass(frozen=True, slots=True)
class StopFeature:
    """The middle of a stay. It lies within a stretch, which goes through it."""

    geometry: Point
    properties: StopProperties
    type: Literal["Feature"] = "Feature"


@dataclass(frozen=True, slots=True)
class DoubtProperties:
    """Somebody may have copied or replayed the tag then, so the way may not be the carrier's.

    `closed_slot`: an identifier of earlier was replayed (and not used). `provisional_identity`: the
    tag's clock changed, as after a new battery, and is not yet sure. `two_places`,
    `impossible_speed`: heard where it cannot have been. `counter`: a press that came before.
    """

    since: float
    until: float
    doubt: Doubt
    kind: Literal["doubt"] = "doubt"


@dataclass(frozen=True, slots=True)
class DoubtFeature:
    """A flag on the route. It has no geometry: all of the way between is meant."""

    properties: DoubtProperties
    geometry: None = None
    type: Literal["Feature"] = "Feature"


@dataclass(frozen=True, slots=True)
class Route:
    """A route's stretches, then the gaps between them, its stops, and doubts, each by time.

    Tell them apart by `properties.kind`.
    """

    features: tuple[Stretch | GapFeature | StopFeature | DoubtFeature, ...]
    type: Literal["FeatureCollection"] = "FeatureCollection"


@dataclass(frozen=True, slots=True)
class OutingShape:
    """A time in the town, until the tag is not heard for 10 minutes, 12 hours at the most.

    `closed_at` is when it was last heard, and null while the outing goes on. `stops` and `gaps` say
    how many the route has. Ask for the `id` soon: late data can join an outing to an earlier one.
    """

    id: str
    opened_at: float
    closed_at: float | None
    length_m: float
    stops: int
    gaps: int


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

    `tag` is a pseudonym, where it is about the device that a person carries. `suspect` says why an
    alert may be a copied tag's. The live stream leaves `life` empty.
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
    tag: str | None
    suspect: str | None
    life: tuple[LifeStep, ...] = ()


@dataclass(frozen=True, slots=True)
class PositionEvent:
    """The live stream's `position`."""

    carrier: str
    feature: PositionFeature


def position_feature(
    position: Position, *, heard_at: float | None = None, doubts: tuple[Doubt, ...] = ()
) -> PositionFeature:
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
            path=position.path or None,
            path_probability=position.path_probability,
            doubts=doubts,
        ),
    )


def route_shape(ways: Iterable[Way], doubts: Iterable[Suspicion] = ()) -> Route:
    """The ways of a carrier's tags as one collection."""
    found = list(ways)
    stretches = [points for one in found for points in one.stretches]
    gaps = [gap for one in found for gap in one.gaps]
    stops = [stop for one in found for stop in one.stops]
    return Route(
        (
            *(_stretch(one) for one in sorted(stretches, key=lambda one: one[0].at)),
            *(_gap(one) for one in sorted(gaps, key=lambda one: one.since)),
            *(_stop(one) for one in sorted(stops, key=lambda one: one.arrived_at)),
            *(_doubt(one) for one in sorted(doubts)),
        )
    )


def outing_shape(outing: Outing, walked: Way, *, now: float) -> OutingShape:
    """`outing`, its way walked, as it is at `now`."""
    return OutingShape(
        id=f"{outing.tag}-{int(outing.opened_at)}",
        opened_at=outing.opened_at,
        closed_at=closed_at(outing, now=now),
        length_m=round(walked.length_m, 1),
        stops=len(walked.stops),
        gaps=len(walked.gaps),
    )


def _stretch(walked: Sequence[RoutePoint]) -> Stretch:
    points = walked if len(walked) > 1 else [*walked, *walked]
    return Stretch(
        LineString(tuple((one.lon, one.lat) for one in points)),
        StretchProperties(
            since=walked[0].at,
            until=walked[-1].at,
            times=tuple(one.at for one in points),
            qualities=tuple(one.quality for one in points),
        ),
    )


def _gap(gap: Gap) -> GapFeature:
    return GapFeature(GapProperties(gap.since, gap.until, gap.reason))


def _stop(stop: Stop) -> StopFeature:
    return StopFeature(
        Point((stop.lon, stop.lat)),
        StopProperties(
            arrived_at=stop.arrived_at,
            left_at=stop.left_at,
            seconds=stop.left_at - stop.arrived_at,
            zone=stop.zone or None,
        ),
    )


def _doubt(suspicion: Suspicion) -> DoubtFeature:
    until = suspicion.at + DOUBTED_S
    return DoubtFeature(DoubtProperties(suspicion.at, until, suspicion.doubt))


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
        tag=alert.tag or None if carrier is None else None,
        suspect=alert.suspect or None,
        life=tuple(LifeStep(step.state, step.at, step.by) for step in life),
    )

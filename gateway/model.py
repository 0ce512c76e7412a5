"""The words of Machimori as immutable data: what every part may know and none may change.

Times are Unix seconds, UTC, unless a name says otherwise. Angles are WGS84 degrees, lengths metres,
powers dBm. Readings and receivers travel in every row, so they are tuples: short on the wire.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, NamedTuple

import msgspec

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
"""What a site, gateway or hub may be called: their ids are levels of a topic."""


class UnusableError(Exception):
    """Something given from outside cannot be used; the message says what, and what to do.

    The command line prints the message without a traceback and exits with `exit_code`. 2 means
    that only a person can mend it: the services are not started again.
    """

    exit_code: ClassVar[int] = 2


class Role(StrEnum):
    """What a process is; `machimori run` starts those that the settings name."""

    EDGE = "edge"
    HUB = "hub"
    SINK = "sink"


class Lane(StrEnum):
    """The link's three queues; an urgent row never waits behind another lane."""

    URGENT = "urgent"
    LIVE = "live"
    BACKLOG = "backlog"


# --- from the air -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Advert:
    """One BLE advertisement as one receiver got it.

    `manufacturer` maps a company identifier to the bytes behind it; `services` maps a lower-case
    16-bit UUID ("feaa") to its service data.
    """

    at: float
    receiver: str
    address: str
    rssi_dbm: int
    manufacturer: Mapping[int, bytes]
    services: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One identified reception. `identifier` is opaque outside the hub (`ibeacon:…`, `uid:…`)."""

    at: float
    receiver: str
    identifier: str
    rssi_dbm: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why bytes from outside were not taken; the reason is one of few words, to be counted."""

    reason: str


class Reading(NamedTuple):
    """One second of one identifier at one receiver."""

    receiver: str
    identifier: str
    mean_dbm: float
    max_dbm: int
    packets: int


@dataclass(frozen=True, slots=True)
class Window:
    """One second of one gateway's receivers: [second, second + 1).

    `alive` names every receiver that worked in that second, also those that heard nothing: silence
    is evidence only from a living receiver. `synced` is false where the capture clock was not
    known to be right.
    """

    second: int
    alive: tuple[str, ...]
    readings: tuple[Reading, ...]
    synced: bool = True


@dataclass(frozen=True, slots=True)
class Press:
    """A button heard, at once, outside the windows: `identifier` is a tag's button identifier."""

    at: float
    receiver: str
    identifier: str
    rssi_dbm: int
    synced: bool = True


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted BTHome frame, as heard; only the hub has the key. It may be an SOS.

    `payload` is the service data of UUID 0xFCD2 in hex. `near` is the identifier that the same
    address lately sent, or "".
    """

    at: float
    receiver: str
    address: str
    payload: str
    rssi_dbm: int
    near: str = ""
    synced: bool = True


@dataclass(frozen=True, slots=True)
class TagState:
    """What a tag or sensor says of itself, seldom: when it changed, or every ten minutes.

    `values` by name: battery_v, battery_percent, temperature_c, moving, opening, motion, …; flags
    are 0 or 1. `sealed` is an Eddystone eTLM frame in hex, which only the hub can read.
    """

    at: float
    receiver: str
    identifier: str
    values: Mapping[str, float]
    sealed: str = ""


class Condition(StrEnum):
    """What may be wrong with a receiver while its gateway looks on.

    Down: its adapter does not scan, or it said farewell. Hears nothing: it is up, and no advert of
    anybody comes. Loses adverts: what is sent every second comes far more seldom.
    """

    DOWN = "down"
    HEARS_NOTHING = "hears_nothing"
    LOSES_ADVERTS = "loses_adverts"


@dataclass(frozen=True, slots=True)
class ReceiverEvent:
    """A condition of a receiver began at `at`, or is over."""

    at: float
    receiver: str
    condition: Condition
    over: bool = False


@dataclass(frozen=True, slots=True)
class AdapterStatus:
    """A local adapter, as a gateway's status tells it.

    `state`: starting, scanning, waiting (for the next attempt). `mode`: both (monitors and active),
    active, or "" while it does not scan. `last_advert_s` is None where none was heard. `problem`
    and `remedy` are for the person who must do something.
    """

    receiver: str
    state: str
    mode: str = ""
    adverts_per_s: float = 0.0
    last_advert_s: float | None = None
    restarts: int = 0
    problem: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class GatewayHealth:
    """How a gateway stood at `at`, by what it last said of itself, `said_s` seconds before.

    Where it is offline the rest is None. `skew_s` is how
    far its clock is ahead of the hub's; `sightings`, `rows_sent` and `connections_lost` count since
    its start.
    """

    at: float
    gateway: str
    online: bool
    said_s: float
    version: str = ""
    synced: bool | None = None
    skew_s: float | None = None
    outbox_rows: int | None = None
    outbox_oldest_s: float | None = None
    sightings: int | None = None
    rows_sent: int | None = None
    connections_lost: int | None = None


@dataclass(frozen=True, slots=True)
class ReceiverHealth:
    """How a receiver stood at `at`, by its gateway's word; of nobody whom it heard.

    `state`: as AdapterStatus has it, `remote` for one over MQTT, or `offline` with its gateway;
    then the rest is None, as it is where the gateway cannot say.
    """

    at: float
    gateway: str
    receiver: str
    state: str
    adverts_per_s: float | None = None
    silent_s: float | None = None
    restarts: int | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Time of which a gateway (or the link) says: whatever was heard then is not coming.

    `from_seq`/`to_seq` name the outbox rows that were dropped; both 0 where no row existed, as
    after a restart. `since`/`until` are capture times.
    """

    since: float
    until: float
    reason: str
    from_seq: int = 0
    to_seq: int = 0


class ReceiverSource(NamedTuple):
    """Where an edge finds a remote receiver: `format` is openmqttgateway or espresense.

    `topic` is the receiver's own topic prefix (OpenMQTTGateway: "home/OMG_12") or, for ESPresense,
    the name of its room.
    """

    receiver: str
    format: str
    topic: str


@dataclass(frozen=True, slots=True)
class EdgeOrders:
    """What the hub tells an edge, whole, each time it changes.

    `buttons` are identifiers whose hearing is urgent. They carry no name and no tag. `allow` says
    which frames are looked at, everything else is a stranger's: the beginning of registered
    identifiers (`ibeacon:{uuid}`, `uid:{namespace}`, `alt:{first 32 digits}`, `bthome:{address}`),
    `eid` for all Eddystone-EID frames and `bthome` for all encrypted BTHome frames. Where it is
    None, the hub is one that knows no such list, and every frame is looked at.
    """

    receivers: tuple[ReceiverSource, ...]
    buttons: tuple[str, ...]
    allow: tuple[str, ...] | None = None


# --- positions ----------------------------------------------------------------------------------


class Presence(StrEnum):
    """What is known of a tag at a moment."""

    TRACKED = "tracked"
    UNCERTAIN = "uncertain"
    OUT_OF_COVERAGE = "out_of_coverage"
    SILENT = "silent"


class Position(msgspec.Struct, frozen=True, gc=False):
    """Where a tag is at `at`, with circles said to hold it with 68 % and 95 %.

    `zones` are (zone id, probability) pairs of at least 1 %, by falling probability. `n_heard`
    counts the receivers that heard the tag in the second before `at`. `path` is the one that most
    likely holds the tag (which pavement), with `path_probability`; empty where none can be named.

    Thousands are made in a second: a Struct takes a twentieth of a frozen dataclass's time.
    """

    at: float
    tag: str
    lon: float
    lat: float
    radius68_m: float
    radius95_m: float
    n_heard: int
    presence: Presence
    zones: tuple[tuple[str, float], ...]
    path: str = ""
    path_probability: float = 0.0


class Quality(StrEnum):
    """What a point of a route knew: no later second, some eight of them, or the way around it."""

    LIVE = "live"
    CONFIRMED = "confirmed"
    ROUTE = "route"


@dataclass(frozen=True, slots=True)
class RoutePoint:
    """Where a tag was at `at`, at the end of a second in which it was heard.

    `zone` is the likeliest one that holds it at least as likely as not, or empty.
    """

    at: float
    tag: str
    lon: float
    lat: float
    radius68_m: float
    zone: str
    quality: Quality


class Outing(NamedTuple):
    """A time of a tag in the town without a long pause: first heard, last heard so far."""

    tag: str
    opened_at: float
    heard_until: float


class Crossing(StrEnum):
    """The two ways of a zone's border."""

    ENTER = "enter"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class ZoneEvent:
    """A tag came into a zone or left it, announced at `at`."""

    at: float
    tag: str
    zone: str
    event: Crossing
    probability: float


class Doubt(StrEnum):
    """Why a hearing may not be the tag's own: copied, replayed, or not yet sure."""

    CLOSED_SLOT = "closed_slot"
    PROVISIONAL = "provisional_identity"
    TWO_PLACES = "two_places"
    IMPOSSIBLE_SPEED = "impossible_speed"
    COUNTER = "counter"


class Suspicion(NamedTuple):
    """A hearing of `tag` at `at` that is doubted; it is flagged, and never dropped in silence."""

    at: float
    tag: str
    doubt: Doubt
    receivers: tuple[str, ...] = ()


# --- alerts -------------------------------------------------------------------------------------


class AlertKind(StrEnum):
    """What a person must know now; what is wrong with a device is for staff and technicians."""

    SOS = "sos"
    ZONE_ENTER = "zone_enter"
    ZONE_LEAVE = "zone_leave"
    TAG_SILENT = "tag_silent"
    TAG_SUSPECT = "tag_suspect"
    CLOCK_OFF = "clock_off"
    TWIN_GATEWAY = "twin_gateway"
    RECEIVER_DEAD = "receiver_dead"
    RECEIVER_SILENT = "receiver_silent"
    RECEIVER_DEAF = "receiver_deaf"
    RECEIVER_MOVED = "receiver_moved"
    RECEIVER_SWAPPED = "receiver_swapped"
    RECEIVER_DOWN = "receiver_down"
    RECEIVER_HEARS_NOTHING = "receiver_hears_nothing"
    RECEIVER_LOSES_ADVERTS = "receiver_loses_adverts"
    SINK_BEHIND = "sink_behind"
    STORE_DAMAGED = "store_damaged"


class AlertState(StrEnum):
    """An alert's life."""

    RAISED = "raised"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    RETRACTED = "retracted"


@dataclass(frozen=True, slots=True)
class Alert:
    """Something a person must know now.

    `at` is when it happened, `raised_at` when the hub knew: an SOS may arrive late. `tag` or
    `gateway` says whom it is about; both are pseudonyms. `suspect` is the doubt about it, or "".
    """

    id: str
    kind: AlertKind
    state: AlertState
    at: float
    raised_at: float
    tag: str = ""
    zone: str = ""
    gateway: str = ""
    receiver: str = ""
    suspect: str = ""


@dataclass(frozen=True, slots=True)
class TagIdentifier:
    """An identifier that a tag sends: its position frame, or its button's."""

    identifier: str
    tag: str
    button: bool


# --- people -------------------------------------------------------------------------------------


class Audience(StrEnum):
    """For whom a part of the API is; each user is of one."""

    GUARDIAN = "guardian"
    STAFF = "staff"
    TECHNICIAN = "technician"
    RESIDENT = "resident"
    ADMIN = "admin"


class CarrierKind(StrEnum):
    """Who carries a tag; consent is asked of another for each."""

    CHILD = "child"
    ELDER = "elder"
    OTHER = "other"


class Trust(StrEnum):
    """How far a tag's identity can be believed: a static identifier is low, anyone can copy it."""

    LOW = "low"
    NATIVE = "native"

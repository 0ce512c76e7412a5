"""What remote receivers publish, as compiled and in the field; parsing only.

**OpenMQTTGateway** (main/gatewayBT.cpp, main/mqttDiscovery and User_config.h) and **Theengs
Gateway** (TheengsGateway/ble_gateway.py) share one shape. `topic` is their own prefix, such as
`home/OMG_12` or `home/TheengsGateway`:

- `{topic}/BTtoMQTT/{address}`: one advert, `{"id":"AA:BB:…","rssi":-71,…}`. With "publish advert
  data" (`pubadvdata`, `publish_advdata`) it has `manufacturerdata` (hex, company identifier first,
  little-endian) and `servicedata` (hex) with `servicedatauuid` ("0xfeaa" or "feaa"); without, only
  an iBeacon is still identified, by `"mfid":"4c00"`, `uuid` (32 digits), `major`, `minor`.
- `{topic}/BTtoMQTT`: settings, `{topic}/SYStoMQTT`: state, every 120 s by default.
- `{topic}/LWT`: `online`, or `offline` as last will, retained; capitals in old releases.

**ESPresense** (src/main.cpp, src/BleFingerprint.cpp, lib/utils/string_utils.cpp). `topic` is the
room's name; in topics it stands as slug ("Pole 12" as `pole_12`):

- `espresense/devices/{id}/{room}`: `{"mac":"…","id":"iBeacon:{uuid}-{major}-{minor}","rssi":-72.35,
  …}`, where `rssi` is a running median since version 4, an integer before; never raw bytes.
  Other ids are `eddy:{namespace}-{instance}`, whose namespace repeats its fifth byte (22 digits
  instead of 20), and `altBeacon:{uuid}-{major}-{minor}`, only of company 0xBEAC.
- `espresense/rooms/{room}/telemetry`: every 15 s. `espresense/rooms/{room}/status`: `online`, or
  `offline` as last will, retained.
"""

import re
import struct
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, TypeVar

import msgspec

from gateway.model import Advert, ReceiverSource, Rejected, Sighting
from gateway.tags.frames import altbeacon, eddystone, ibeacon
from gateway.tags.frames.ad import short_uuid
from gateway.tags.frames.format import Frame

# OpenMQTTGateway's own buffer for one message is 1 KB; nothing honest is near this.
PAYLOAD_MAX_BYTES = 16_384
RSSI_MIN_DBM = -127
RSSI_MAX_DBM = 20


@dataclass(frozen=True, slots=True)
class Alive:
    """A message that shows that a receiver works, and names no tag."""

    receiver: str


@dataclass(frozen=True, slots=True)
class Gone:
    """A receiver's last will: it is not connected any more."""

    receiver: str


Message = Advert | Sighting | Alive | Gone | Rejected


class _Kind(Enum):
    THEENGS_DEVICE = auto()
    ESPRESENSE_DEVICE = auto()
    STATE = auto()
    WILL = auto()


class _Route(NamedTuple):
    receiver: str
    kind: _Kind


class _TheengsDevice(msgspec.Struct):
    rssi: float | None = None
    id: str = ""
    mac: str = ""
    manufacturerdata: str = ""
    servicedata: str = ""
    servicedatauuid: str = ""
    mfid: str = ""
    uuid: str = ""
    major: int | None = None
    minor: int | None = None


class _EspresenseDevice(msgspec.Struct):
    rssi: float | None = None
    id: str = ""


class RemoteReceivers:
    """Reads the messages of the receivers that belong to one gateway.

    `rejected` counts what was not taken, by reason; `refused` are sources that cannot be followed:
    of a format that is not known, with a topic that is no topic name, or with another's topic.
    """

    def __init__(self, sources: Sequence[ReceiverSource]) -> None:
        self.rejected: Counter[str] = Counter()
        self.follow(sources)

    def follow(self, sources: Sequence[ReceiverSource]) -> None:
        """Replace the receivers that are followed; the counters go on."""
        self._routes: dict[str, _Route] = {}
        refused = []
        for source in sources:
            routes = _routes(source)
            if not routes or not self._routes.keys().isdisjoint(routes):
                refused.append(source)
            else:
                self._routes.update(routes)
        self.refused = tuple(refused)

    def topic_filters(self) -> tuple[str, ...]:
        """What to subscribe to."""
        return tuple(sorted(self._routes))

    def parse(self, topic: str, payload: bytes, at: float, *, retained: bool = False) -> Message:
        """Read one message that came at `at` (UTC). Never raises.

        Every result but Rejected tells of a `receiver` at work, or Gone. A retained message tells
        of the past: only a retained last will is taken.
        """
        message = self._read(topic, payload, at, retained=retained)
        if isinstance(message, Rejected):
            self.rejected[message.reason] += 1
        return message

    def _read(self, topic: str, payload: bytes, at: float, *, retained: bool) -> Message:
        route = self._route(topic)
        if route is None:
            return Rejected("unknown_topic")
        if len(payload) > PAYLOAD_MAX_BYTES:
            return Rejected("too_long")
        if route.kind is _Kind.WILL and payload.lower() == b"offline":
            return Gone(route.receiver)
        if retained:
            return Rejected("retained")
        if route.kind is _Kind.WILL and payload.lower() != b"online":
            return Rejected("bad_status")
        if route.kind is _Kind.THEENGS_DEVICE:
            return _theengs(route.receiver, payload, at)
        if route.kind is _Kind.ESPRESENSE_DEVICE:
            return _espresense(route.receiver, payload, at)
        return Alive(route.receiver)

    def _route(self, topic: str) -> _Route | None:
        """A topic matches as it stands, or with its one free level given back to the filter."""
        if topic in self._routes:
            return self._routes[topic]
        levels = topic.split("/")
        free = 2 if levels[:2] == ["espresense", "devices"] else -1
        if len(levels) > 2:
            levels[free] = "+"
        return self._routes.get("/".join(levels))


def _routes(source: ReceiverSource) -> dict[str, _Route]:
    """The topic filters of one receiver; none where its format or topic cannot be used."""
    build = _FORMATS.get(source.format)
    if build is None or not source.topic or any(sign in source.topic for sign in "+#\0"):
        return {}
    return {topic: _Route(source.receiver, kind) for topic, kind in build(source.topic).items()}


def _theengs_topics(prefix: str) -> Mapping[str, _Kind]:
    prefix = prefix.rstrip("/")
    return {
        f"{prefix}/BTtoMQTT/+": _Kind.THEENGS_DEVICE,
        f"{prefix}/BTtoMQTT": _Kind.STATE,
        f"{prefix}/SYStoMQTT": _Kind.STATE,
        f"{prefix}/LWT": _Kind.WILL,
    }


def _espresense_topics(room: str) -> Mapping[str, _Kind]:
    slug = re.sub(r"[^A-Za-z0-9_]+", "_", room).strip("_").lower()
    if not slug:
        return {}
    return {
        f"espresense/devices/+/{slug}": _Kind.ESPRESENSE_DEVICE,
        f"espresense/rooms/{slug}/telemetry": _Kind.STATE,
        f"espresense/rooms/{slug}/status": _Kind.WILL,
    }


_FORMATS: Mapping[str, Callable[[str], Mapping[str, _Kind]]] = {
    "openmqttgateway": _theengs_topics,
    "espresense": _espresense_topics,
}

_THEENGS_DECODER = msgspec.json.Decoder(_TheengsDevice)
_ESPRESENSE_DECODER = msgspec.json.Decoder(_EspresenseDevice)

_Device = TypeVar("_Device")


def _device(decoder: msgspec.json.Decoder[_Device], payload: bytes) -> _Device | Rejected:
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError:
        return Rejected("bad_shape")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Rejected("not_json")


def _rssi(rssi: float | None) -> int | Rejected:
    """Whole dBm. 0 and 127 are what radios say when they do not know."""
    if rssi is None:
        return Rejected("no_rssi")
    whole = round(rssi)
    if whole == 0 or not RSSI_MIN_DBM <= whole <= RSSI_MAX_DBM:
        return Rejected("bad_rssi")
    return whole


def _theengs(receiver: str, payload: bytes, at: float) -> Message:
    device = _device(_THEENGS_DECODER, payload)
    if isinstance(device, Rejected):
        return device
    rssi_dbm = _rssi(device.rssi)
    if isinstance(rssi_dbm, Rejected):
        return rssi_dbm
    if device.manufacturerdata or device.servicedata:
        return _raw_advert(device, receiver, rssi_dbm, at)
    if device.mfid != "4c00" or device.major is None or device.minor is None:
        return Alive(receiver)
    frame = _ibeacon_of(device.uuid, device.major, device.minor)
    return _sighting(frame, receiver, rssi_dbm, at)


def _raw_advert(device: _TheengsDevice, receiver: str, rssi_dbm: int, at: float) -> Message:
    try:
        manufacturer = bytes.fromhex(device.manufacturerdata)
        service = bytes.fromhex(device.servicedata)
    except ValueError:
        return Rejected("bad_hex")
    uuid = short_uuid(device.servicedatauuid)
    return Advert(
        at=at,
        receiver=receiver,
        # With "presence by beacon UUID" the address moves from `id` to `mac`.
        address=(device.mac or device.id).upper(),
        rssi_dbm=rssi_dbm,
        manufacturer=(
            {int.from_bytes(manufacturer[:2], "little"): manufacturer[2:]}
            if len(manufacturer) >= 2
            else {}
        ),
        services={uuid: service} if uuid and service else {},
    )


def _espresense(receiver: str, payload: bytes, at: float) -> Message:
    device = _device(_ESPRESENSE_DECODER, payload)
    if isinstance(device, Rejected):
        return device
    rssi_dbm = _rssi(device.rssi)
    if isinstance(rssi_dbm, Rejected):
        return rssi_dbm
    for pattern, frame_of in _ESPRESENSE_IDS:
        found = pattern.fullmatch(device.id)
        if found:
            return _sighting(frame_of(*found.groups()), receiver, rssi_dbm, at)
    return Alive(receiver)


def _sighting(frame: Frame | Rejected, receiver: str, rssi_dbm: int, at: float) -> Message:
    if isinstance(frame, Rejected):
        return frame
    return Sighting(at, receiver, frame.identifier, rssi_dbm)


# A receiver that decoded for us has its fields put back into a frame, and that frame read as if it
# came from the air, so that a tag has one identifier whoever hears it. The power is not passed on.


def _beacon_id(uuid: str, major: int | str, minor: int | str) -> bytes | None:
    """The 20 bytes of both iBeacon and AltBeacon; None where the fields do not fill them."""
    try:
        beacon_id = bytes.fromhex(uuid.replace("-", ""))
        beacon_id += struct.pack(">HH", int(major), int(minor))
    except (ValueError, struct.error):
        return None
    return beacon_id if len(beacon_id) == 20 else None


def _ibeacon_of(uuid: str, major: int | str, minor: int | str) -> Frame | Rejected:
    beacon_id = _beacon_id(uuid, major, minor)
    if beacon_id is None:
        return Rejected("bad_identifier")
    return ibeacon.decode(b"\x02\x15" + beacon_id + b"\0")


def _altbeacon_of(uuid: str, major: str, minor: str) -> Frame | Rejected:
    beacon_id = _beacon_id(uuid, major, minor)
    if beacon_id is None:
        return Rejected("bad_identifier")
    return altbeacon.decode(b"\xbe\xac" + beacon_id + b"\0\0")


def _uid_of(namespace: str, instance: str) -> Frame | Rejected:
    if len(namespace) == 22:
        if namespace[8:10] != namespace[10:12]:
            return Rejected("bad_identifier")
        namespace = namespace[:10] + namespace[12:]
    return eddystone.decode(b"\0\0" + bytes.fromhex(namespace + instance))


_BEACON_FIELDS = r"([0-9A-Fa-f-]{32,36})-([0-9]{1,5})-([0-9]{1,5})"
_ESPRESENSE_IDS: tuple[tuple[re.Pattern[str], Callable[..., Frame | Rejected]], ...] = (
    (re.compile("iBeacon:" + _BEACON_FIELDS), _ibeacon_of),
    (re.compile("altBeacon:" + _BEACON_FIELDS), _altbeacon_of),
    (re.compile(r"eddy:([0-9a-f]{20}|[0-9a-f]{22})-([0-9a-f]{12})"), _uid_of),
)

"""Messages of ESPresense.

Sources: src/main.cpp, src/BleFingerprint.cpp, lib/utils/string_utils.cpp. `topic` is the room's
name; in topics it stands as slug ("Pole 12" as `pole_12`):

- `espresense/devices/{id}/{room}`: `{"mac":"…","id":"iBeacon:{uuid}-{major}-{minor}","rssi":-72.35,
  …}`, where `rssi` is a running median since version 4, an integer before; never raw bytes.
  Other ids are `eddy:{namespace}-{instance}`, whose namespace repeats its fifth byte (22 digits
  instead of 20), and `altBeacon:{uuid}-{major}-{minor}`, only of company 0xBEAC. From TLM and from
  sensors that it knows: `mV`, `batt` (%), `temp` (°C), `rh` (%). No EID, nothing of BTHome.
- `espresense/rooms/{room}/telemetry`: every 15 s, with `adverts`, how many it heard since its
  start, which is left out while it is 0. `espresense/rooms/{room}/status`: `online`, or `offline`
  as last will, retained.
"""

import re
from collections.abc import Callable, Mapping

import msgspec

from gateway.model import Advert, Rejected
from gateway.tags.reported import (
    NONE,
    NOTHING,
    Air,
    Alive,
    Heard,
    Report,
    address_of,
    altbeacon_of,
    decode,
    ibeacon_of,
    last_will,
    uid_of,
    values_of,
    whole_dbm,
)


class _Device(msgspec.Struct):
    rssi: float | None = None
    id: str = ""
    mac: str = ""
    mv: msgspec.Raw = msgspec.field(default=NONE, name="mV")
    batt: msgspec.Raw = NONE
    temp: msgspec.Raw = NONE
    rh: msgspec.Raw = NONE


class _Telemetry(msgspec.Struct):
    adverts: int = 0


_DEVICE = msgspec.json.Decoder(_Device)
_TELEMETRY = msgspec.json.Decoder(_Telemetry)


def topics(room: str) -> Mapping[str, Callable[[str, bytes, float], Report]]:
    """What to subscribe to, and what reads it; none where no slug is left of `room`."""
    slug = re.sub(r"[^A-Za-z0-9_]+", "_", room).strip("_").lower()
    if not slug:
        return {}
    return {
        f"espresense/devices/+/{slug}": device,
        f"espresense/rooms/{slug}/telemetry": telemetry,
        f"espresense/rooms/{slug}/status": last_will,
    }


def device(receiver: str, payload: bytes, at: float) -> Report:
    """A device. Reasons as in `reported`."""
    told = decode(_DEVICE, payload)
    if isinstance(told, Rejected):
        return told
    rssi_dbm = whole_dbm(told.rssi)
    if isinstance(rssi_dbm, Rejected):
        return rssi_dbm
    air = _air(told.id)
    if isinstance(air, Rejected):
        return air
    values = values_of(battery_v=told.mv, times=0.001) | values_of(
        battery_percent=told.batt, temperature_c=told.temp, humidity_percent=told.rh
    )
    return Heard(Advert(at, receiver, address_of(told.mac), rssi_dbm, *air), values)


def telemetry(receiver: str, payload: bytes, at: float) -> Report:
    """The number of adverts; what cannot be read is a sign of life."""
    told = decode(_TELEMETRY, payload)
    if isinstance(told, Rejected):
        return Alive(receiver, is_state=True)
    return Alive(receiver, is_state=True, number=told.adverts)


def _air(name: str) -> Air | Rejected:
    for pattern, air_of in _IDS:
        found = pattern.fullmatch(name)
        if found:
            return air_of(*found.groups())
    return NOTHING


def _eddy_of(namespace: str, instance: str) -> Air | Rejected:
    if len(namespace) == 22:
        if namespace[8:10] != namespace[10:12]:
            return Rejected("bad_identifier")
        namespace = namespace[:10] + namespace[12:]
    return uid_of(namespace, instance)


_BEACON_FIELDS = r"([0-9A-Fa-f-]{32,36})-([0-9]{1,5})-([0-9]{1,5})"
_IDS: tuple[tuple[re.Pattern[str], Callable[..., Air | Rejected]], ...] = (
    (re.compile("iBeacon:" + _BEACON_FIELDS), ibeacon_of),
    (re.compile("altBeacon:" + _BEACON_FIELDS), altbeacon_of),
    (re.compile(r"eddy:([0-9a-f]{20}|[0-9a-f]{22})-([0-9a-f]{12})"), _eddy_of),
)

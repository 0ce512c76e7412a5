"""Messages of OpenMQTTGateway and of Theengs Gateway, which share one shape.

Sources: OpenMQTTGateway's main/gatewayBT.cpp (before 1.8.2 ZgatewayBT.cpp) and main/main.cpp;
Theengs Gateway's TheengsGateway/ble_gateway.py, which publishes devices and a last will only.
`topic` is their own prefix, such as `home/OMG_12` or `home/TheengsGateway`:

- `{topic}/BTtoMQTT/{address}`: one advert, `{"id":"AA:BB:…","rssi":-71,…}`. With "publish advert
  data" (`pubadvdata`, `publish_advdata`) it has `manufacturerdata` (hex, company identifier first,
  little-endian) and `servicedata` (hex) with `servicedatauuid` ("0xfeaa" or "feaa"): a message for
  each UUID. Without, no EID and nothing encrypted comes, and of what they decode themselves
  (TheengsDecoder): an iBeacon by `"mfid":"4c00"`, `uuid` (32 digits), `major`, `minor`, and values:
  `batt` (%), `volt`, `tempc`, `hum` (%). `{"id":…,"state":"offline"}` says that a tracker was not
  heard for some time.
- `{topic}/BTtoMQTT`: settings, and `scnct`, the number of scans that found anybody;
  `{topic}/SYStoMQTT`: state. Both come every 120 s by default.
- `{topic}/LWT`: `online`, or `offline` as last will, retained; capitals in old releases.
"""

from collections.abc import Callable, Mapping

import msgspec

from gateway.model import Advert, Rejected
from gateway.tags.frames.ad import short_uuid
from gateway.tags.reported import (
    NONE,
    NOTHING,
    Air,
    Alive,
    Heard,
    Report,
    address_of,
    decode,
    ibeacon_of,
    last_will,
    values_of,
    whole_dbm,
)

LONGEST_PAUSE_MS = 1_000  # between two scans; OpenMQTTGateway's default is 55,555


class _Device(msgspec.Struct):
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
    state: msgspec.Raw = NONE
    batt: msgspec.Raw = NONE
    volt: msgspec.Raw = NONE
    tempc: msgspec.Raw = NONE
    hum: msgspec.Raw = NONE


class _Settings(msgspec.Struct):
    scnct: int | None = None
    enabled: bool = True
    pubadvdata: bool = True
    onlysensors: bool = False
    interval: float = 0.0


_DEVICE = msgspec.json.Decoder(_Device)
_SETTINGS = msgspec.json.Decoder(_Settings)

_UNFIT: tuple[tuple[Callable[[_Settings], bool], str], ...] = (
    (lambda one: not one.enabled, "its Bluetooth is off: set enabled to true"),
    (
        lambda one: not one.pubadvdata,
        "it keeps what tags send to itself: set pubadvdata to true",
    ),
    (
        lambda one: one.onlysensors,
        "it passes on nothing but sensors that it knows: set onlysensors to false",
    ),
    (
        lambda one: one.interval > LONGEST_PAUSE_MS,
        "it pauses between scans: set adaptivescan to false, and interval to 100 or less",
    ),
)


def topics(prefix: str) -> Mapping[str, Callable[[str, bytes, float], Report]]:
    """What to subscribe to, and what reads it: receiver, payload and time in, report out."""
    prefix = prefix.rstrip("/")
    return {
        f"{prefix}/BTtoMQTT/+": device,
        f"{prefix}/BTtoMQTT": settings,
        f"{prefix}/SYStoMQTT": state,
        f"{prefix}/LWT": last_will,
    }


def device(receiver: str, payload: bytes, at: float) -> Report:
    """An advert. Reasons as in `reported`, and bad_hex."""
    told = decode(_DEVICE, payload)
    if isinstance(told, Rejected):
        return told
    if told.rssi is None and told.state:
        return Alive(receiver)
    rssi_dbm = whole_dbm(told.rssi)
    if isinstance(rssi_dbm, Rejected):
        return rssi_dbm
    air = _air(told)
    if isinstance(air, Rejected):
        return air
    # With "presence by beacon UUID" the address moves from `id` to `mac`.
    address = address_of(told.mac or told.id)
    values = values_of(
        battery_percent=told.batt,
        battery_v=told.volt,
        temperature_c=told.tempc,
        humidity_percent=told.hum,
    )
    return Heard(Advert(at, receiver, address, rssi_dbm, *air), values)


def settings(receiver: str, payload: bytes, at: float) -> Report:
    """Settings and the number of scans; those that cannot be read are a sign of life."""
    told = decode(_SETTINGS, payload)
    if isinstance(told, Rejected):
        return Alive(receiver, is_state=True)
    unfit = "; ".join(words for is_unfit, words in _UNFIT if is_unfit(told))
    return Alive(receiver, is_state=True, number=told.scnct, unfit=unfit)


def state(receiver: str, payload: bytes, at: float) -> Report:
    """Whatever it says of itself is a sign of life."""
    return Alive(receiver, is_state=True)


def _air(told: _Device) -> Air | Rejected:
    if not (told.manufacturerdata or told.servicedata):
        if told.mfid != "4c00" or told.major is None or told.minor is None:
            return NOTHING
        return ibeacon_of(told.uuid, told.major, told.minor)
    try:
        manufacturer = bytes.fromhex(told.manufacturerdata)
        service = bytes.fromhex(told.servicedata)
    except ValueError:
        return Rejected("bad_hex")
    company = {int.from_bytes(manufacturer[:2], "little"): manufacturer[2:]}
    uuid = short_uuid(told.servicedatauuid) if service else None
    return company if len(manufacturer) >= 2 else {}, {uuid: service} if uuid else {}

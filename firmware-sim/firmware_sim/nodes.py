"""What remote receivers publish, byte for byte as the real firmware does.

OpenMQTTGateway 1.8 (main/ZgatewayBT.cpp, docs/use/ble.md): one message a packet, set up as a site
needs it: scanning without pause, `pubadvdata` on, `onlysensors` off, so the raw advert is in it.
ESPresense 4 (src/BleFingerprint.cpp, lib/filtering/AdaptivePercentileRSSI.cpp): a filtered level
per device, with `max_dist` 0 and `skip_ms` 1000 instead of its defaults of 16 m and 5 s.
"""

import json
from collections import deque
from typing import NamedTuple

import numpy as np

from firmware_sim.firmware_frames import POWER_AT_0M_DBM, POWER_AT_1M_DBM, Frame, Packet
from firmware_sim.site import Node

OMG_STATE_S, ESPRESENSE_STATE_S = 120.0, 15.0
WINDOW_S, REPORT_S = 15.0, 1.0
EDDYSTONE_1M_DB = -41  # what ESPresense takes off the power at 0 m
ABSORPTION = 2.7  # its exponent
PHONES_PER_S = 3  # adverts from the houses, which every pole hears and nobody follows
NONCONNECTABLE, RANDOM_ADDRESS = 3, 1


OMG_SETTINGS: dict[str, object] = {
    "bleconnect": False,
    "interval": 100,
    "adaptivescan": False,
    "intervalacts": 100,
    "intervalcnct": 3_600_000,
    "scanduration": 1000,
    "onlysensors": False,
    "randommacs": True,
    "hasspresence": False,
    "minrssi": -105,
    "filterConnectable": False,
    "pubadvdata": True,
    "pubBeaconUuidForTopic": False,
    "ignoreWBlist": False,
    "enabled": True,
}
"""What its state says of it: set as a site needs it."""


class Message(NamedTuple):
    """One MQTT message, always QoS 0."""

    topic: str
    payload: str
    retain: bool = False


class OmgNode:
    """A receiver with OpenMQTTGateway: what it hears, it publishes. While `deaf` it hears nothing.

    Of a scan, which takes a second, it counts whether anybody was heard.
    """

    state_s = OMG_STATE_S

    def __init__(self, node: Node) -> None:
        self.deaf = False
        self._scans = 0
        self._topic = node.topic
        self._number = sum(node.id.encode())

    def heard(self, packet: Packet, *, at: float, rssi_dbm: int) -> list[Message]:
        """The message of one packet."""
        if self.deaf:
            return []
        address, frame = packet
        payload: dict[str, object] = {
            "id": address,
            "mac_type": RANDOM_ADDRESS,
            "adv_type": NONCONNECTABLE,
        }
        if frame.manufacturer:
            payload["manufacturerdata"] = frame.manufacturer.hex()
            payload["rssi"] = rssi_dbm
            payload |= _decoded_ibeacon(frame)
        else:
            payload["rssi"] = rssi_dbm
            payload |= {"servicedata": frame.service.hex(), "servicedatauuid": f"0x{frame.uuid}"}
        topic = f"{self._topic}/BTtoMQTT/{address.replace(':', '')}"
        return [Message(topic, _compact(payload))]

    def born(self) -> list[Message]:
        """What it says after connecting."""
        return [Message(f"{self._topic}/LWT", "online", retain=True)]

    def will(self) -> list[Message]:
        """What its broker says when it is gone."""
        return [Message(f"{self._topic}/LWT", "offline", retain=True)]

    def state(self, *, uptime_s: float) -> list[Message]:
        """Its periodic state."""
        payload = {
            "uptime": int(uptime_s),
            "version": "v1.8.1",
            "env": "esp32dev-ble",
            "freemem": 124_000 + self._number,
            "mqttport": "1883",
            "mqttsecure": False,
            "msgprc": int(uptime_s * 4),
            "rssi": -48 - self._number % 25,
            "SSID": "machimori",
            "ip": f"10.20.{self._number % 4}.{self._number % 250}",
            "modules": ["BT"],
        }
        return [
            Message(f"{self._topic}/SYStoMQTT", _compact(payload)),
            Message(f"{self._topic}/BTtoMQTT", _compact(OMG_SETTINGS | {"scnct": self._scans})),
        ]

    def pass_second(self, at: float) -> None:
        """A second of the houses' phones, whose messages are left out."""
        self._scans += not self.deaf


class EspresenseNode:
    """A receiver with ESPresense: per device a median over 15 s, at most once a second.

    It names a device once: a second identifier from the same address, such as a button's, is
    taken for the first. So no SOS comes through it. Of Eddystone it knows UID, URL and plain TLM,
    and it does not report random addresses without a name: a native tag does not exist for it.
    While `deaf` it hears nothing.
    """

    state_s = ESPRESENSE_STATE_S

    def __init__(self, node: Node) -> None:
        self.deaf = False
        self._room = node.topic
        self._devices: dict[str, _Device] = {}
        self._adverts = 0
        self._reported = 0

    def heard(self, packet: Packet, *, at: float, rssi_dbm: int) -> list[Message]:
        """The report that one packet sets off, if any."""
        if self.deaf:
            return []
        self._adverts += 1
        address, frame = packet
        if not frame.identifier.startswith(("ibeacon:", "uid:")):
            return []
        device = self._devices.get(address)
        if device is None or at - device.last_at > 150.0:  # forget_ms
            device = self._devices[address] = _Device(*_espresense_id(frame), at)
        device.add(at, rssi_dbm)
        if at < device.report_at:
            return []
        device.report_at = (at // REPORT_S + 1.0) * REPORT_S
        self._reported += 1
        payload = {"mac": address.replace(":", "").lower(), "id": device.id}
        topic = f"espresense/devices/{device.id}/{self._room}"
        return [Message(topic, _compact(payload | device.report(at)))]

    def born(self) -> list[Message]:
        """What it says after connecting."""
        room = f"espresense/rooms/{self._room}"
        told = {
            "status": "online",
            "name": self._room,
            "max_distance": "0.00",
            "absorption": f"{ABSORPTION:.2f}",
            "rx_adj_rssi": "0",
        }
        return [Message(f"{room}/{key}", value, retain=True) for key, value in told.items()]

    def will(self) -> list[Message]:
        """What its broker says when it is gone."""
        return [Message(f"espresense/rooms/{self._room}/status", "offline", retain=True)]

    def state(self, *, uptime_s: float) -> list[Message]:
        """Its periodic telemetry."""
        payload: dict[str, object] = {
            "ip": "10.20.4.12",
            "uptime": int(uptime_s),
            "firm": "esp32",
            "rssi": -57,
            "ver": "v4.0.6",
            "freeHeap": 121_000,
            "maxHeap": 69_000,
            "fingerprints": len(self._devices),
        }
        counts = {"adverts": self._adverts, "reported": self._reported}
        payload |= {name: count for name, count in counts.items() if count}
        return [Message(f"espresense/rooms/{self._room}/telemetry", _compact(payload))]

    def pass_second(self, at: float) -> None:
        """A second of the houses' phones: counted, and not reported."""
        if not self.deaf:
            self._adverts += PHONES_PER_S


RemoteNode = OmgNode | EspresenseNode


def make_node(node: Node) -> RemoteNode:
    """The firmware of a receiver of the site. Raises ValueError where it knows none."""
    if node.format == "openmqttgateway":
        return OmgNode(node)
    if node.format == "espresense":
        return EspresenseNode(node)
    raise ValueError(f"receiver {node.id}: no firmware for format {node.format}")


class _Device:
    """What an ESPresense node remembers of one address."""

    def __init__(self, name: str, reference_dbm: int, first_at: float) -> None:
        self.id = name
        self.last_at = first_at
        self.report_at = first_at
        self._reference_dbm = reference_dbm
        self._first_at = first_at
        self._count = 0
        self._levels: deque[tuple[float, int]] = deque()

    def add(self, at: float, rssi_dbm: int) -> None:
        self.last_at = at
        self._count += 1
        self._levels.append((at, rssi_dbm))
        while at - self._levels[0][0] > WINDOW_S:
            self._levels.popleft()

    def report(self, at: float) -> dict[str, object]:
        levels = np.array([level for _, level in self._levels], dtype=float)
        low, high = np.percentile(levels, (25, 75))
        margin = 1.5 * (high - low)
        rssi = float(np.median(levels[(levels >= low - margin) & (levels <= high + margin)]))
        distance = 10.0 ** ((self._reference_dbm - rssi) / (10.0 * ABSORPTION))
        return {
            "rssi@1m": self._reference_dbm,
            "rssi": round(rssi, 2),
            "rxAdj": 0,
            "rssiVar": round(float(np.var(levels)), 2),
            "distance": round(distance, 2),
            "int": int((at - self._first_at) * 1000.0 / self._count),
        }


def _decoded_ibeacon(frame: Frame) -> dict[str, object]:
    """The fields that the Theengs decoder adds."""
    body = frame.manufacturer
    return {
        "brand": "GENERIC",
        "model": "iBeacon",
        "model_id": "IBEACON",
        "mfid": body[:2].hex(),
        "uuid": body[4:20].hex(),
        "major": int.from_bytes(body[20:22], "big"),
        "minor": int.from_bytes(body[22:24], "big"),
        "txpower": POWER_AT_1M_DBM,
    }


def _espresense_id(frame: Frame) -> tuple[str, int]:
    """The device's id and its level at 1 m. An eddy's fifth byte of namespace comes twice there."""
    if frame.manufacturer:
        _, uuid, major, minor = frame.identifier.split(":")
        return f"iBeacon:{uuid}-{major}-{minor}", POWER_AT_1M_DBM
    _, namespace, instance = frame.identifier.split(":")
    doubled = namespace[:10] + namespace[8:]
    return f"eddy:{doubled}-{instance}", EDDYSTONE_1M_DB + POWER_AT_0M_DBM


def _compact(payload: dict[str, object]) -> str:
    return json.dumps(payload, separators=(",", ":"))

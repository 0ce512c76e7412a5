"""Machimori's decoders beside others', on the same bytes of the same adverts.

Each gets them in the form that it takes: bleparser the controller's event, TheengsDecoder its JSON,
Machimori what bleak found; in its second row it takes the advertising data apart as well, as
bleparser does. bleparser has the key of the encrypted frames and opens them, which an edge of
Machimori cannot. The others know hundreds of makers' sensors and look at everybody's adverts;
Machimori looks at the frames that are registered. TheengsDecoder is C++ and returns JSON.
"""

import json
import logging
import struct
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import cycle, islice
from typing import Any

import TheengsDecoder
from bleparser import BleParser

from gateway.model import Advert
from gateway.tags.frames import ad
from gateway.tags.gate import Gate
from tests.bench.decode import KINDS, STRANGERS, TAGS, Heard
from tests.bench.figure import Comparison, seconds
from tests.fuzz import seeds

COUNT = 400
COLUMNS = ("tag's advert, µs", "stranger's advert, µs", f"kinds of frame read, of {len(KINDS)}")


def compare() -> Comparison:
    """Time of each, and of how many kinds of frames it makes anything."""
    logging.getLogger("bleparser").setLevel(logging.CRITICAL)  # it logs what it cannot read
    gate, parser = Gate(seeds.ALLOW), BleParser(aeskeys={_sender(seeds.ADDRESS): seeds.BIND_KEY})

    def passed(advert: Advert) -> object:
        return [(frame.identifier, frame.values) for frame in gate.read(advert)]

    def passed_raw(raw: bytes) -> object:
        found = ad.parse(raw)
        return passed(Advert(1.8e9, "r-1", seeds.ADDRESS, -70, found.manufacturer, found.services))

    def parsed(event: bytes) -> object:
        try:
            sensor, tracker = parser.parse_raw_data(event)
        except (struct.error, TypeError):  # of a UID frame, which it takes for an old RuuviTag's
            return None
        return sensor or tracker

    rows = {
        "Machimori": _row(Heard.advert, passed),
        "Machimori, from advertising data": _row(raw_of, passed_raw),
        f"TheengsDecoder {version('theengsdecoder')}": _row(message_of, TheengsDecoder.decodeBLE),
        f"bleparser {version('bleparser')}": _row(event_of, parsed),
    }
    return Comparison("decoders: one core", COLUMNS, rows)


def _row(form: Callable[[Heard], Any], read: Callable[[Any], object]) -> tuple[float, ...]:
    kinds = sum(bool(read(form(kind(0)))) for kind in KINDS)
    return _mean_us(form, read, TAGS), _mean_us(form, read, STRANGERS), kinds


def _mean_us(
    form: Callable[[Heard], Any], read: Callable[[Any], object], adverts: Sequence[Heard]
) -> float:
    work = list(islice(cycle(map(form, adverts)), COUNT))

    def read_all() -> None:
        for one in work:
            read(one)

    return seconds(read_all) / COUNT * 1e6


def raw_of(heard: Heard) -> bytes:
    """Its advertising data."""
    name = bytes([len(heard.name) + 1, 0x08]) + heard.name if heard.name else b""
    if heard.company is not None:
        return seeds.FLAGS + seeds.manufacturer(heard.company, heard.payload) + name
    return seeds.FLAGS + seeds.service(heard.uuid, heard.payload) + name


def event_of(heard: Heard) -> bytes:
    """As the controller reports it: Core Specification, Vol 4, Part E, 7.7.65.2."""
    raw = raw_of(heard)
    sender = _sender(heard.address)[::-1]
    report = b"\x02\x01\x00\x00" + sender + bytes([len(raw)]) + raw + b"\xba"
    return b"\x04\x3e" + bytes([len(report)]) + report


def _sender(address: str) -> bytes:
    return bytes.fromhex(address.replace(":", ""))


def message_of(heard: Heard) -> str:
    """As the gateways that are built on TheengsDecoder give it."""
    told: dict[str, object] = {"id": heard.address, "rssi": -70}
    if heard.name:
        told["name"] = heard.name.decode()
    if heard.company is not None:
        told["manufacturerdata"] = (struct.pack("<H", heard.company) + heard.payload).hex()
    else:
        told |= {"servicedatauuid": f"{heard.uuid:04x}", "servicedata": heard.payload.hex()}
    return json.dumps(told)

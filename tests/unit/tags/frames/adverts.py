"""Adverts for tests: made by hand, or read from the shared vectors."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from gateway.model import Advert, Rejected
from gateway.tags.frames import FORMATS, Frame, ad
from gateway.tags.frames.format import NOT_OURS


def advert(
    *,
    manufacturer: Mapping[int, bytes] | None = None,
    services: Mapping[str, bytes] | None = None,
    address: str = "AA:BB:CC:DD:EE:FF",
) -> Advert:
    """An advert with nothing in it but what is given."""
    return Advert(
        at=0.0,
        receiver="pole-01",
        address=address,
        rssi_dbm=-70,
        manufacturer=manufacturer or {},
        services=services or {},
    )


def raw_advert(raw: bytes, *, address: str = "AA:BB:CC:DD:EE:FF") -> Advert:
    """What a receiver would make of raw advertising data."""
    found = ad.parse(raw)
    return advert(manufacturer=found.manufacturer, services=found.services, address=address)


def readings(heard: Advert) -> list[Frame | Rejected]:
    """What each format makes of its payloads, followed or not; without those that it disowns."""
    found = [
        form.decode(payload, heard.address) for form in FORMATS for payload in form.payloads(heard)
    ]
    return [one for one in found if one != NOT_OURS]


def reading(heard: Advert) -> Frame | Rejected:
    """The only reading; NOT_OURS where there is none."""
    found = readings(heard)
    assert len(found) <= 1
    return found[0] if found else NOT_OURS


def vectors(shared: Path, name: str) -> Iterator[dict[str, Any]]:
    """The records of one file of `data/adverts`."""
    with (shared / "data" / "adverts" / name).open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def raw_data(vector: Mapping[str, Any]) -> bytes:
    """The advertising data of an HCI event (`04 3E len 02 …` or `04 3E len 0D …`).

    Bluetooth Core Specification, Vol 4, Part E, 7.7.65.2 and 7.7.65.13: the data's length stands
    behind the address, or, in an extended report, behind fifteen more bytes.
    """
    event = bytes.fromhex(vector["hex"])
    length_at = {0x02: 13, 0x0D: 28}[event[3]]
    return event[length_at + 1 : length_at + 1 + event[length_at]]

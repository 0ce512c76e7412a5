"""What a trial's tag says of its own advert (firmware_sim/bluez/beacons.py)."""

from collections.abc import Mapping

APPLE, EDDYSTONE = 0x004C, "feaa"


def truth(
    manufacturer: Mapping[int, bytes], services: Mapping[str, bytes]
) -> tuple[int | None, int | None]:
    """The RSSI in dBm that the advert came with, and its count; None where it says none."""
    if beacon := manufacturer.get(APPLE):
        return _signed(beacon[22:23]), int.from_bytes(beacon[20:22], "big")
    if service := services.get(EDDYSTONE):
        return _signed(service[1:2]), None
    return None, None


def _signed(octet: bytes) -> int | None:
    return int.from_bytes(octet, "big", signed=True) if octet else None

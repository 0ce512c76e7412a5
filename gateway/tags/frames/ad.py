"""Raw advertising data: length, type, value, again and again.

Source: Bluetooth Core Specification, Vol 3, Part C, section 11; types from the Assigned Numbers.
"""

from dataclasses import dataclass, field

MANUFACTURER = 0xFF
MAX_STRUCTURES = 16  # of an advert; bounds the work, and 31 bytes of advertising hold 15

# Service data by its type: what stands before and behind the 16-bit UUID in the UUID that is sent,
# least significant byte first.
_BASE_UUID = "-0000-1000-8000-00805f9b34fb"
_BASE_AS_SENT = bytes.fromhex(_BASE_UUID.replace("-", ""))[::-1]
_SERVICES = {0x16: (b"", b""), 0x20: (b"", b"\0\0"), 0x21: (_BASE_AS_SENT, b"\0\0")}


@dataclass(frozen=True, slots=True)
class Structures:
    """What an advert carries, shaped as in `model.Advert`.

    Of two structures with the same company or UUID the first counts. `whole` is false where a
    length points past the end, or where there are more than are read; what stood before is kept.
    """

    manufacturer: dict[int, bytes] = field(default_factory=dict)
    services: dict[str, bytes] = field(default_factory=dict)
    whole: bool = True


def parse(raw: bytes) -> Structures:
    """Split raw advertising data; never raises. A length of 0 ends the data early, as specified."""
    found = Structures()
    at, size = 0, len(raw)
    for _ in range(MAX_STRUCTURES):
        if at >= size or not raw[at]:
            return found
        end = at + 1 + raw[at]
        if end > size:
            break
        ad_type = raw[at + 1]
        if ad_type == MANUFACTURER:
            if end >= at + 4:
                company = raw[at + 2] | raw[at + 3] << 8
                found.manufacturer.setdefault(company, raw[at + 4 : end])
        elif ad_type in _SERVICES:
            _keep(found.services, _SERVICES[ad_type], raw[at + 2 : end])
        at = end
    return Structures(found.manufacturer, found.services, whole=at >= size)


def _keep(services: dict[str, bytes], around: tuple[bytes, bytes], value: bytes) -> None:
    before, behind = around
    at = len(before)
    if len(value) >= at + 2 and value.startswith(before) and value.startswith(behind, at + 2):
        services.setdefault(f"{value[at + 1]:02x}{value[at]:02x}", value[at + 2 + len(behind) :])


def short_uuid(text: str) -> str | None:
    """The 16-bit UUID ("feaa") in any spelling of it; None for any other UUID.

    Takes "feaa", "0xFEAA", "0000feaa", "0000feaa-0000-1000-8000-00805f9b34fb", with or without
    hyphens.
    """
    digits = text.lower().removeprefix("0x").replace("-", "")
    digits = digits.removesuffix(_BASE_UUID.replace("-", ""))
    if len(digits) == 8:
        digits = digits.removeprefix("0000")
    well_formed = len(digits) == 4 and all(digit in "0123456789abcdef" for digit in digits)
    return digits if well_formed else None

"""Raw advertising data: length, type, value, again and again.

Source: Bluetooth Core Specification, Vol 3, Part C, section 11; types from the Assigned Numbers.
"""

from dataclasses import dataclass, field

MANUFACTURER = 0xFF

# Service data by the size of the UUID before it, which travels least significant byte first.
_SERVICE_UUID_SIZE = {0x16: 2, 0x20: 4, 0x21: 16}
_BASE_UUID = "-0000-1000-8000-00805f9b34fb"


@dataclass(frozen=True, slots=True)
class Structures:
    """What an advert carries, shaped as in `model.Advert`.

    Of two structures with the same company or UUID the first counts. `whole` is false where a
    length points past the end; what stood before it is kept.
    """

    manufacturer: dict[int, bytes] = field(default_factory=dict)
    services: dict[str, bytes] = field(default_factory=dict)
    whole: bool = True


def parse(raw: bytes) -> Structures:
    """Split raw advertising data; never raises. A length of 0 ends the data early, as specified."""
    found = Structures()
    at = 0
    while at < len(raw) and raw[at]:
        end = at + 1 + raw[at]
        if end > len(raw):
            return Structures(found.manufacturer, found.services, whole=False)
        _keep(found, raw[at + 1], raw[at + 2 : end])
        at = end
    return found


def _keep(found: Structures, ad_type: int, value: bytes) -> None:
    if ad_type == MANUFACTURER and len(value) >= 2:
        found.manufacturer.setdefault(int.from_bytes(value[:2], "little"), value[2:])
    size = _SERVICE_UUID_SIZE.get(ad_type)
    if size is not None and len(value) >= size:
        uuid = short_uuid(value[:size][::-1].hex())
        if uuid is not None:
            found.services.setdefault(uuid, value[size:])


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

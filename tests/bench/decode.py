"""What an advert costs, from the scanner's hand to identifier and values, in the busiest air."""

import struct
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from typing import NamedTuple

from gateway.model import Advert
from gateway.tags.gate import Gate
from tests.bench import hostile
from tests.bench.figure import Figure, seconds
from tests.fuzz import seeds

COUNT = 20_000
CROWD_PER_S = 10_000 / 60 * 10  # 10,000 strangers a minute, ten adverts each in their minute
PI_FACTOR = 8  # a Pi's core is 5 to 8 times slower than a server's
LIMIT_US = 8.0

APPLE, RADIUS, MICROSOFT = 0x004C, 0x0118, 0x0006
EDDYSTONE, BTHOME, EXPOSURE = 0xFEAA, 0xFCD2, 0xFD6F


class Heard(NamedTuple):
    """One advert: manufacturer data of a company, or else service data."""

    payload: bytes
    company: int | None = None
    uuid: int | None = None
    name: bytes = b""
    address: str = seeds.ADDRESS

    def advert(self) -> Advert:
        """As the scanner hands it on."""
        manufacturer = {} if self.company is None else {self.company: self.payload}
        services = {} if self.uuid is None else {f"{self.uuid:04x}": self.payload}
        return Advert(1.8e9, "r-1", self.address, -70, manufacturer, services)


# What tags send, each of the number that it is given.
KINDS: tuple[Callable[[int], Heard], ...] = (
    lambda n: Heard(seeds.IBEACON[:-3] + struct.pack(">Hb", n, -59), company=APPLE),
    lambda n: Heard(seeds.ALTBEACON[:-4] + struct.pack(">HbB", n, -59, 0), company=RADIUS),
    lambda n: Heard(seeds.UID[:12] + struct.pack(">IHxx", 1, n), uuid=EDDYSTONE),
    lambda n: Heard(seeds.EID[:2] + struct.pack(">IHH", 1, 2, n), uuid=EDDYSTONE),
    lambda n: Heard(seeds.TLM[:6] + struct.pack(">II", n, n), uuid=EDDYSTONE),
    lambda n: Heard(seeds.ETLM[:6] + struct.pack(">I", n) + seeds.ETLM[10:], uuid=EDDYSTONE),
    # the name is that of the sensor that sends such a frame
    lambda n: Heard(seeds.DOOR[:2] + bytes([n]) + seeds.DOOR[3:], uuid=BTHOME, name=b"SBDW-002"),
    lambda n: Heard(seeds.sealed(b"\x41", bytes([0, n, 0x3A, 1])), uuid=BTHOME),
)
TAGS = [kind(number) for kind in KINDS for number in range(50)]
STRANGERS = [
    Heard(body + struct.pack(">H", number), company, uuid, address=f"C0:FF:EE:00:00:{number:02X}")
    for number in range(100)
    for body, company, uuid in (
        (bytes.fromhex("1005441cbd08"), APPLE, None),
        (bytes.fromhex("0109200287c41a"), MICROSOFT, None),
        (bytes(18), None, EXPOSURE),
        (seeds.IBEACON[:1] + b"\x15" + bytes(19), APPLE, None),
    )
]


def measure() -> Sequence[Figure]:
    """Tags' frames, strangers' frames, both as they come, and the worst that anybody can send."""
    tags = [heard.advert() for heard in TAGS]
    strangers = [heard.advert() for heard in STRANGERS]
    mixed = strangers[:360] + tags[::10]
    tags_s = _seconds(tags)
    return [
        Figure("decode + identify: a tag's advert", tags_s * 1e6, "µs", "limit", LIMIT_US),
        _per_second("decode: tags' adverts", tags_s),
        _per_second("decode: strangers' adverts", _seconds(strangers)),
        _per_second("decode: one tag among nine strangers", _seconds(mixed)),
        *hostile.measure(),
    ]


def _per_second(name: str, each_s: float) -> Figure:
    return Figure(name, 1 / each_s, "1/s", f"crowd × {PI_FACTOR} (Pi)", CROWD_PER_S * PI_FACTOR)


def _seconds(adverts: Sequence[Advert]) -> float:
    """For one, through the gate to its identifier and values."""
    gate = Gate(seeds.ALLOW)
    work = list(islice(cycle(adverts), COUNT))

    def read_all() -> None:
        for advert in work:
            for frame in gate.read(advert):
                _ = frame.identifier, frame.values

    return seconds(read_all) / COUNT

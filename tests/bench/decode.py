"""Adverts decoded per second and core, against the busiest air that a gateway must bear."""

from collections.abc import Sequence
from itertools import cycle, islice

from gateway.model import Advert
from gateway.tags.frames import identify
from tests.bench.figure import Figure, seconds

COUNT = 20_000
CROWD_PER_S = 10_000 / 60 * 10  # 10,000 strangers a minute, ten adverts each in their minute
PI_FACTOR = 8  # a Pi's core is 5 to 8 times slower than a server's


def measure() -> Sequence[Figure]:
    """Tags' frames, strangers' frames, and both as they come."""
    tags = [_ibeacon(number) for number in range(50)] + [_uid(number) for number in range(50)]
    strangers = [_stranger(number) for number in range(100)]
    return [
        _figure("decode: tags' adverts", tags),
        _figure("decode: strangers' adverts", strangers),
        _figure("decode: one tag among nine strangers", strangers[:90] + tags[::10]),
    ]


def _figure(name: str, adverts: Sequence[Advert]) -> Figure:
    work = list(islice(cycle(adverts), COUNT))

    def decode_all() -> None:
        for advert in work:
            identify(advert)

    per_second = COUNT / seconds(decode_all)
    return Figure(name, per_second, "1/s", f"crowd × {PI_FACTOR} (Pi)", CROWD_PER_S * PI_FACTOR)


def _advert(manufacturer: dict[int, bytes], services: dict[str, bytes]) -> Advert:
    return Advert(1_800_000_000.0, "r-1", "AA:BB:CC:DD:EE:FF", -70, manufacturer, services)


def _ibeacon(number: int) -> Advert:
    body = bytes.fromhex("0215fda50693a4e24fb1afcfc6eb07647825") + number.to_bytes(4, "big")
    return _advert({0x004C: body + b"\xc5"}, {})


def _uid(number: int) -> Advert:
    return _advert({}, {"feaa": b"\x00\xe7" + bytes(10) + number.to_bytes(6, "big") + bytes(2)})


def _stranger(number: int) -> Advert:
    body = bytes.fromhex("1005441cbd08") + number.to_bytes(2, "big")
    return _advert({0x004C if number % 2 else 0x0075: body}, {})

"""How long any decoder takes for the payload that is hardest for it.

The payloads are what costs most by the decoders' own rules: as many objects or structures as fit,
of every kind, the longest text, the longest address, true frames with a tail. Every decoder gets
all of them. Of one payload the quickest of many repetitions counts, for what else the machine does
meanwhile is no decoder's.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product

from gateway.model import Advert, Rejected
from gateway.tags.frames import Frame, ad, altbeacon, bthome, eddystone, ibeacon
from gateway.tags.frames.bthome_objects import SIZES
from gateway.tags.gate import Gate
from tests.bench.figure import Figure
from tests.fuzz import seeds

LEGACY, EXTENDED = 31, 255
LIMIT_US = 50.0
SUSPECTS = 40  # of all, after a first look; only they are measured for long
PASSES, REPETITIONS = 10, 20

_gate = Gate(seeds.ALLOW)


def measure() -> Sequence[Figure]:
    """Of payloads of two lengths, the one that takes longest."""
    return [_hardest(length) for length in (LEGACY, EXTENDED)]


def _hardest(length: int) -> Figure:
    payloads = {payload[:length] for payload in _payloads(length)}
    looks = product(DECODERS, payloads)
    first = sorted(looks, key=lambda case: _best_us(*case, repetitions=5), reverse=True)
    best_us = dict.fromkeys(first[:SUSPECTS], float("inf"))
    for _ in range(PASSES):
        for case in best_us:
            best_us[case] = min(best_us[case], _best_us(*case, repetitions=REPETITIONS))
    longest_us, name = max((took_us, name) for (name, _), took_us in best_us.items())
    title = f"decode: hardest of {len(payloads):,} × {length} bytes ({name})"
    return Figure(title, longest_us, "µs", "limit", LIMIT_US)


def _best_us(name: str, payload: bytes, *, repetitions: int) -> float:
    decode = DECODERS[name]
    best_s = float("inf")
    for _ in range(repetitions):
        begun = time.perf_counter()
        decode(payload)
        best_s = min(best_s, time.perf_counter() - begun)
    return best_s * 1e6


def _told(frame: Frame | Rejected) -> object:
    return frame if isinstance(frame, Rejected) else (frame.identifier, frame.values)


def _opened_telemetry(payload: bytes) -> object:
    frame = eddystone.decode(payload)
    if not isinstance(frame, eddystone.EncryptedTlm):
        return frame
    return eddystone.open_etlm(
        frame, identity_key=seeds.IDENTITY_KEY, exponent=10, beacon_time=seeds.BEACON_TIME
    )


def _from_raw(raw: bytes) -> object:
    found = ad.parse(raw)
    heard = Advert(0.0, "pole-01", seeds.ADDRESS, -70, found.manufacturer, found.services)
    return [_told(frame) for frame in _gate.read(heard)]


DECODERS: Mapping[str, Callable[[bytes], object]] = {
    "iBeacon": lambda payload: _told(ibeacon.decode(payload)),
    "AltBeacon": lambda payload: _told(altbeacon.decode(payload)),
    "Eddystone": lambda payload: _told(eddystone.decode(payload)),
    "eTLM, opened": _opened_telemetry,
    "BTHome": lambda payload: _told(bthome.decode(payload, seeds.ADDRESS)),
    "BTHome, opened": lambda payload: bthome.open_sealed(
        payload, key=seeds.BIND_KEY, address=seeds.ADDRESS
    ),
    "advertising data": ad.parse,
    "advertising data to values": _from_raw,
}


def _payloads(length: int) -> Iterator[bytes]:
    """To be cut to `length`; none that is not true to its format ends before."""
    for frames in seeds.SEEDS.values():
        for frame in frames:
            yield frame
            yield frame + bytes(length)
    for byte in range(256):
        yield bytes([byte]) * length
    for objects in _objects(length):
        yield b"\x40" + objects
        yield seeds.service(0xFCD2, b"\x40" + objects[: length - 5])
        yield seeds.sealed(b"\x45", objects[: length - 9])
    yield b"\x10\x00\x00" + bytes(17)  # an address of nothing but "http://www." and ".com/"
    yield from _structures(length)


def _objects(length: int) -> Iterator[bytes]:
    """Of every kind as many as fit; for what has a size, the longest and the shortest too."""
    for kind, size in SIZES.items():
        sizes = (0, 1, 5, length - 8) if size is None else (size,)
        for raw in (b"\x7f", b"\xff"):
            for one in sizes:
                head = bytes([kind, one] if size is None else [kind])
                yield (head + raw * one) * (length // (len(head) + one) + 1)
    yield seeds.ALL_OBJECTS[1:] * 3


def _structures(length: int) -> Iterator[bytes]:
    """As many as fit, small and different."""
    for head, tail in ((b"\x03\xff", b""), (b"\x03\x16", b""), (b"\x05\x20", b"\0\0")):
        yield b"".join(head + number.to_bytes(2, "little") + tail for number in range(length // 4))
        yield (head + b"\x01\x02" + tail) * (length // 4)
    yield b"\x01\xff" * (length // 2)
    yield b"".join(seeds.manufacturer(company, seeds.ALTBEACON) for company in range(length // 28))

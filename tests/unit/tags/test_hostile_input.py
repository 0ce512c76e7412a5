"""Any bytes, and true frames that were cut, changed and put together, at everything on the air.

What must hold of the results stands in `tests/fuzz/targets.py`, which `make fuzz` runs for longer.
"""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import Rejected
from gateway.tags.frames import bthome
from gateway.tags.frames.bthome_objects import SIZES
from tests.fuzz import seeds
from tests.fuzz.targets import TARGETS

LONGEST = 255

# The time of an example is no claim of these tests, and the machine may be busy.
examples = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def changed(draw: st.DrawFn, frames: tuple[bytes, ...]) -> bytes:
    """A true frame, cut or grown, with some bytes of it changed, perhaps with another behind."""
    frame = bytearray(draw(st.sampled_from(frames)))
    frame += draw(st.just(b"") | st.sampled_from(frames) | st.binary(max_size=40))
    del frame[draw(st.integers(0, len(frame))) :]
    for _ in range(draw(st.integers(0, 4)) if frame else 0):
        frame[draw(st.integers(0, len(frame) - 1))] = draw(st.integers(0, 255))
    return bytes(frame)


def objects() -> st.SearchStrategy[bytes]:
    """Objects of BTHome in any order and number, the known ones with as many bytes as they have."""
    known = st.sampled_from(sorted(SIZES)).flatmap(
        lambda kind: st.binary(min_size=SIZES[kind] or 0, max_size=SIZES[kind] or 20).map(
            lambda raw: bytes([kind, len(raw)] if SIZES[kind] is None else [kind]) + raw
        )
    )
    return st.lists(known | st.binary(max_size=4), max_size=60).map(b"".join)


def structures() -> st.SearchStrategy[bytes]:
    """Structures of advertising data, some with a length that is not theirs."""
    one = st.one_of(
        st.sampled_from(seeds.ADVERTS),
        st.builds(seeds.manufacturer, st.integers(0, 0xFFFF), st.binary(max_size=30)),
        st.builds(seeds.service, st.sampled_from([0xFEAA, 0xFCD2, 0xFD6F]), st.binary(max_size=30)),
        st.builds(lambda size, rest: bytes([size]) + rest, st.integers(0, 255), st.binary()),
    )
    return st.lists(one, max_size=12).map(b"".join)


@pytest.mark.parametrize("target", TARGETS)
@given(data=st.data())
@examples
def test_nothing_on_the_air_breaks_what_reads_it(target: str, data: st.DataObject) -> None:
    inputs = st.binary(max_size=LONGEST) | changed(seeds.SEEDS[target])
    TARGETS[target](data.draw(inputs))


@given(objects(), st.sampled_from([0x40, 0x41, 0x44, 0x45, 0x5F]))
@examples
def test_no_objects_break_bthome(some: bytes, information: int) -> None:
    TARGETS["bthome"](bytes([information]) + some)
    TARGETS["opened"](some)


@given(structures())
@examples
def test_no_structures_break_the_gate(raw: bytes) -> None:
    TARGETS["ad"](raw)
    TARGETS["gate"](raw)


@given(
    key=st.binary(min_size=16, max_size=16),
    other=st.binary(min_size=16, max_size=16),
    counter=st.integers(0, 0xFFFFFFFF),
    some=objects().filter(lambda some: 2 <= len(some) <= LONGEST),
)
@examples
def test_only_the_key_of_its_sender_opens_a_frame(
    key: bytes, other: bytes, counter: int, some: bytes
) -> None:
    sent = counter.to_bytes(4, "little")
    nonce = bytes.fromhex("5448e68f80a5d2fc41") + sent
    box = AESCCM(key, 4).encrypt(nonce, some, None)
    payload = b"\x41" + box[:-4] + sent + box[-4:]
    assert bthome.decode(payload, seeds.ADDRESS) == bthome.SealedBthome(payload, counter)
    found = bthome.open_sealed(payload, key=key, address=seeds.ADDRESS)
    assert found == bthome.decode(b"\x40" + some, seeds.ADDRESS)
    if other != key:
        assert bthome.open_sealed(payload, key=other, address=seeds.ADDRESS) == Rejected(
            "wrong_key"
        )
        assert bthome.trial(payload, seeds.ADDRESS, [other, key]) == 1

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tags import eid

VECTORS = "data/eid/vectors.json"
KEY = bytes.fromhex("0102030405060708090a111213141516")


def test_the_published_identifiers_come_out(shared: Path) -> None:
    vectors = json.loads((shared / VECTORS).read_text())["eid"]
    assert len(vectors) == 32
    for vector in vectors:
        key, exponent = bytes.fromhex(vector["identity_key"]), vector["rotation_exponent"]
        time = vector["beacon_time"]
        assert eid.temporary_key(key, time).hex() == vector["temporary_key"]
        assert eid.slot_start(time, exponent=exponent) == vector["quantum_start"]
        assert eid.eid(key, exponent=exponent, beacon_time=time).hex() == vector["eid"]


def test_the_published_registrations_give_their_identity_keys(shared: Path) -> None:
    vectors = json.loads((shared / VECTORS).read_text())["ecdh"]
    assert len(vectors) == 5
    for vector in vectors:
        given_hex = {
            name: value for name, value in vector.items() if name not in {"name", "source"}
        }
        keys = {name: bytes.fromhex(value) for name, value in given_hex.items()}
        from_secret = eid.identity_key_from_shared(
            keys["shared_secret"],
            resolver_public=keys["resolver_public"],
            beacon_public=keys["beacon_public"],
        )
        agreed = eid.agreed_identity_key(
            keys["resolver_private"], beacon_public=keys["beacon_public"]
        )
        assert from_secret == agreed == keys["identity_key"]


@pytest.mark.parametrize(
    ("time", "sent"),
    [(0, "a9b76a71c5f89290"), (1023, "a9b76a71c5f89290"), (2000, "4144413e45fefa58")],
)
def test_an_identifier_lasts_for_its_slot(time: int, sent: str) -> None:
    """Published with the specification's reference resolver; no shared folder needed."""
    assert eid.eid(KEY, exponent=10, beacon_time=time).hex() == sent


@given(
    keys=st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=3),
    exponent=st.integers(0, eid.LARGEST_EXPONENT),
    first_time=st.integers(0, eid.LAST_TIME),
    count=st.integers(1, 40),
)
def test_many_at_once_are_the_same_as_one_by_one(
    keys: list[bytes], exponent: int, first_time: int, count: int
) -> None:
    first = first_time >> exponent
    many = eid.eids(keys, np.full(len(keys), first), exponent=exponent, count=count)
    for key, row in zip(keys, many.tolist(), strict=True):
        for place, value in enumerate(row):
            time = ((first + place) << exponent) & eid.LAST_TIME
            assert value.to_bytes(8, "big") == eid.eid(key, exponent=exponent, beacon_time=time)

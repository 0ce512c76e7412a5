"""A technician's file of keys becomes what the hub uses, and what it keeps."""

import json

import pytest

from gateway.app.tag_keys import TagKeys, TagKeysError, open_keys, read_tag_keys, seal_keys
from gateway.sealing import SealingKey, UnsealError

IDENTITY, BIND = bytes(range(16)), bytes(range(16, 32))
NATIVE = TagKeys(IDENTITY, 10, 1_795_000_000.0, BIND)
FILE = {
    "identity_key": IDENTITY.hex(),
    "rotation_exponent": 10,
    "zero_at": 1_795_000_000.0,
    "bind_key": BIND.hex().upper(),
}
KEY = SealingKey(bytes(32))


def test_a_file_gives_its_keys() -> None:
    assert read_tag_keys(json.dumps(FILE).encode()) == NATIVE
    assert read_tag_keys(json.dumps({"bind_key": BIND.hex()}).encode()) == TagKeys(bind_key=BIND)


@pytest.mark.parametrize(
    "change",
    [
        {"identity_key": IDENTITY.hex()[:-1]},
        {"identity_key": IDENTITY.hex() + "00"},
        {"bind_key": "x" * 32},
        {"rotation_exponent": 16},
        {"rotation_exponent": 7},
        {"zero_at": -1.0},
        {"zero_at": None},
        {"identity_key": None},
        {"owner": "Hanako"},
    ],
)
def test_a_file_that_cannot_be_used_is_refused_without_showing_a_key(
    change: dict[str, object],
) -> None:
    with pytest.raises(TagKeysError) as told:
        read_tag_keys(json.dumps(FILE | change).encode())
    assert not any(key in str(told.value) for key in (IDENTITY.hex(), BIND.hex().upper()))
    assert told.value.__cause__ is None


@pytest.mark.parametrize("text", [b"", b"\xff", b"[]", b"{}", b"{" * 9_999])
def test_what_is_no_file_of_keys_is_refused(text: bytes) -> None:
    with pytest.raises(TagKeysError):
        read_tag_keys(text)


def test_keys_are_kept_sealed_each_for_its_tag_and_purpose() -> None:
    kept = seal_keys(KEY, "t-1", NATIVE)
    assert open_keys(KEY, kept) == NATIVE
    assert IDENTITY not in kept.identity_key
    for other in (
        kept._replace(tag="t-2"),
        kept._replace(identity_key=kept.bind_key),
    ):
        with pytest.raises(UnsealError):
            open_keys(KEY, other)


def test_no_key_is_no_sealed_key() -> None:
    kept = seal_keys(KEY, "t-1", TagKeys(bind_key=BIND))
    assert kept.identity_key == b""
    assert open_keys(KEY, kept) == TagKeys(bind_key=BIND)


def test_keys_are_not_shown() -> None:
    assert str(IDENTITY) not in repr(NATIVE)
    assert str(BIND) not in repr(NATIVE)

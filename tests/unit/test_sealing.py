"""What is sealed can be opened by the same key, for the same purpose, and unchanged only."""

import stat
from pathlib import Path

import pytest

from gateway.sealing import (
    KeyFileError,
    SealingKey,
    UnsealError,
    read_sealing_key,
    write_new_key,
)

KEY = SealingKey(bytes(range(32)))


def test_what_was_sealed_is_opened_again_and_never_looks_the_same() -> None:
    sealed = KEY.seal(b"secret", about="t-1")
    assert KEY.open(sealed, about="t-1") == b"secret"
    assert b"secret" not in sealed
    assert KEY.seal(b"secret", about="t-1") != sealed


def test_what_was_sealed_for_one_tag_does_not_open_for_another() -> None:
    with pytest.raises(UnsealError, match="something else"):
        KEY.open(KEY.seal(b"secret", about="t-1"), about="t-2")


def test_every_changed_bit_is_noticed() -> None:
    sealed = KEY.seal(b"secret", about="t-1")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(UnsealError):
            KEY.open(bytes(changed), about="t-1")


@pytest.mark.parametrize("length", range(0, 39, 3))
def test_a_part_of_it_does_not_open(length: int) -> None:
    with pytest.raises(UnsealError):
        KEY.open(KEY.seal(b"secret", about="t-1")[:length], about="t-1")


def test_another_key_says_that_it_is_another() -> None:
    with pytest.raises(UnsealError, match="under another key"):
        SealingKey(bytes(32)).open(KEY.seal(b"secret", about="t-1"), about="t-1")


def test_a_new_key_is_its_owners_alone_and_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "tags.key"
    made = write_new_key(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_sealing_key(file).open(made.seal(b"x", about="a"), about="a") == b"x"


def test_a_key_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "tags.key"
    write_new_key(file)
    before = file.read_bytes()
    with pytest.raises(KeyFileError, match="is there already"):
        write_new_key(file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("text", [b"", b"00" * 31, b"00" * 33, b"x" * 64, b"\xff" * 64])
def test_a_file_that_holds_no_key_is_said_to_be_none(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "tags.key"
    file.write_bytes(text)
    with pytest.raises(KeyFileError, match=r"tags\.key: is no key of the hub"):
        read_sealing_key(file)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="machimori key new"):
        read_sealing_key(tmp_path / "tags.key")
    with pytest.raises(KeyFileError, match="cannot be written"):
        write_new_key(tmp_path / "nowhere" / "tags.key")


def test_a_key_is_not_shown(tmp_path: Path) -> None:
    key = write_new_key(tmp_path / "tags.key")
    secret = (tmp_path / "tags.key").read_text().strip()
    assert secret not in f"{key!r} {vars(key)!r}"

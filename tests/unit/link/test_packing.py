import zlib

from gateway.link.packing import DICTIONARY, pack, unpack
from gateway.model import Rejected

CHECKSUM = 0xAA414A36
ROW = b'[{"second":1790000001,"alive":["p001"],"readings":[["p001","eid:00",-71.5,-68,3]]}]'


def test_what_was_packed_comes_out_again() -> None:
    assert unpack(pack(ROW), longest=1_000) == ROW


def test_a_small_row_needs_less_than_without_the_dictionary() -> None:
    assert len(pack(ROW)) < 0.7 * len(zlib.compress(ROW, 6))


def test_rows_of_plain_zlib_are_read_too() -> None:
    assert unpack(zlib.compress(ROW), longest=1_000) == ROW


def test_what_would_fill_the_memory_is_rejected() -> None:
    assert unpack(pack(b" " * 10_000_000), longest=1_000) == Rejected("too_long")


def test_bytes_that_rotted_or_are_cut_off_are_rejected() -> None:
    packed = pack(ROW)
    rotten = packed[:-6] + bytes([packed[-6] ^ 0x40]) + packed[-5:]
    for damaged in (rotten, packed[:-1], b"", b"JSON"):
        assert unpack(damaged, longest=1_000) == Rejected("unpackable")


def test_the_dictionary_of_format_1_is_what_cards_hold_rows_of() -> None:
    """It must never change: see decision 24."""
    assert zlib.adler32(DICTIONARY) == CHECKSUM

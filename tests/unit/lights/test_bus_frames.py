"""Frames: which bytes answer a request, and by what name those go that do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer.rtu import FramerRTU

from gateway.lights.bus_frames import (
    Expected,
    answer_in,
    answer_to_read,
    answer_to_write,
    judge,
    sound,
)
from gateway.lights.bus_words import Failure
from gateway.lights.profiles import Block, Write

BLOCK = Block(3, 16, 2, 0.0)
READ = answer_to_read(5, BLOCK)


def framed(text: str) -> bytes:
    """The bytes with their check sum."""
    body = bytes.fromhex(text)
    return body + FramerRTU.compute_CRC(body).to_bytes(2)


GOOD = framed("05 03 04 0102 0304")


def test_the_check_sum_is_the_one_of_the_specification() -> None:
    # Modbus over Serial Line V1.02, appendix B: the message 02 07 ends with 41 12.
    assert sound(bytes.fromhex("0207 4112"))
    assert not sound(bytes.fromhex("0207 4113"))


def test_the_answer_is_found_wherever_it_begins() -> None:
    assert answer_in(GOOD, READ) == GOOD
    assert answer_in(b"\x00\xff" + GOOD, READ) == GOOD
    assert answer_in(b"\x05\x03\x04" + GOOD + b"\x00", READ) == GOOD


def test_the_answer_to_a_write_repeats_what_was_written() -> None:
    many = answer_to_write(5, Write(16, 100, (700, 20)))
    assert answer_in(framed("05 10 0064 0002"), many) is not None
    assert answer_in(framed("05 10 0064 0001"), many) is None
    one = answer_to_write(5, Write(6, 2000, (178,)))
    assert answer_in(framed("05 06 07d0 00b2"), one) is not None
    assert answer_in(framed("05 06 07d0 00b3"), one) is None


def test_a_refusal_answers_too() -> None:
    assert answer_in(framed("05 83 02"), READ) == framed("05 83 02")
    assert answer_in(framed("05 84 02"), READ) is None


@given(at=st.integers(0, len(GOOD) - 1), bits=st.integers(1, 255))
def test_no_byte_may_be_spoilt(at: int, bits: int) -> None:
    spoilt = GOOD[:at] + bytes((GOOD[at] ^ bits,)) + GOOD[at + 1 :]
    assert answer_in(spoilt, READ) is None
    assert judge(spoilt, READ) in (Failure.CRC, Failure.TRUNCATED, Failure.NOISE)


@given(received=st.binary(max_size=300))
def test_whatever_comes_has_a_name(received: bytes) -> None:
    assert answer_in(received, READ) is None or sound(answer_in(received, READ) or b"")
    assert judge(received, READ) in Failure


@pytest.mark.parametrize(
    ("received", "expected", "failure"),
    [
        (b"", READ, Failure.SILENCE),
        (GOOD[:1], READ, Failure.TRUNCATED),
        (GOOD[:-1], READ, Failure.TRUNCATED),
        (GOOD[:-1] + b"\x00", READ, Failure.CRC),
        (b"\x45" + GOOD[1:], READ, Failure.CRC),
        (b"\x00\x00\x00", READ, Failure.NOISE),
        (framed("06 03 04 0102 0304"), READ, Failure.WRONG_UNIT),
        (framed("06 83 02"), READ, Failure.WRONG_UNIT),
        (framed("05 03 02 0102"), READ, Failure.WRONG_ANSWER),
        (framed("05 04 04 0102 0304"), READ, Failure.WRONG_ANSWER),
        (framed("05 06 0001 0001"), READ, Failure.WRONG_ANSWER),
        (
            framed("05 10 0064 0001"),
            answer_to_write(5, Write(16, 100, (1, 2))),
            Failure.WRONG_ANSWER,
        ),
    ],
)
def test_each_cause_has_its_own_name(received: bytes, expected: Expected, failure: Failure) -> None:
    assert answer_in(received, expected) is None
    assert judge(received, expected) is failure

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.tags.frames import ad
from tests.unit.tags.frames.adverts import raw_data, vectors


def test_structures_are_split_by_their_lengths() -> None:
    found = ad.parse(bytes.fromhex("020106 05ff4c001005 0516aafe2000".replace(" ", "")))
    assert found.manufacturer == {0x004C: b"\x10\x05"}
    assert found.services == {"feaa": b"\x20\x00"}
    assert found.whole


def test_zero_padding_ends_the_data() -> None:
    found = ad.parse(bytes.fromhex("04ff4c0010") + bytes(10))
    assert found.manufacturer == {0x004C: b"\x10"}
    assert found.whole


def test_a_length_past_the_end_keeps_what_stood_before_it() -> None:
    found = ad.parse(bytes.fromhex("04ff4c0010 0916aafe".replace(" ", "")))
    assert found.manufacturer == {0x004C: b"\x10"}
    assert found.services == {}
    assert not found.whole


def test_structures_too_short_for_their_own_header_are_passed_over() -> None:
    found = ad.parse(bytes.fromhex("02ff4c 0216aa 01ff".replace(" ", "")))
    assert found == ad.Structures()


def test_the_first_of_two_structures_of_one_company_counts() -> None:
    found = ad.parse(bytes.fromhex("04ff4c0001 04ff4c0002".replace(" ", "")))
    assert found.manufacturer == {0x004C: b"\x01"}


def test_a_sixteen_bit_uuid_is_found_in_its_long_spellings_on_the_air() -> None:
    in_32_bits = bytes.fromhex("0620aafe000055")
    in_128_bits = bytes.fromhex("1221fb349b5f80000080001000 00aafe000055".replace(" ", ""))
    assert ad.parse(in_32_bits).services == {"feaa": b"\x55"}
    assert ad.parse(in_128_bits).services == {"feaa": b"\x55"}


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("feaa", "feaa"),
        ("FEAA", "feaa"),
        ("0xfeaa", "feaa"),
        ("0000feaa", "feaa"),
        ("0000FEAA-0000-1000-8000-00805F9B34FB", "feaa"),
        ("0000feaa00001000800000805f9b34fb", "feaa"),
        ("1000feaa-0000-1000-8000-00805f9b34fb", None),
        ("6e400001-b5a3-f393-e0a9-e50e24dcca9e", None),
        ("feag", None),
        ("", None),
        ("aa", None),
    ],
)
def test_a_uuid_is_shortened_only_where_it_has_sixteen_bits(text: str, short: str | None) -> None:
    assert ad.short_uuid(text) == short


@given(st.binary(max_size=300))
def test_any_bytes_are_split_without_an_error(raw: bytes) -> None:
    found = ad.parse(raw)
    kept = [*found.manufacturer.values(), *found.services.values()]
    assert sum(map(len, kept)) <= len(raw)


def test_every_shared_event_splits_into_the_structures_that_it_is_known_to_hold(
    shared: Path,
) -> None:
    for vector in vectors(shared, "ble_monitor-dev.jsonl"):
        known = [
            bytes.fromhex(structure["hex"])
            for structure in vector["hci"]["ad"]
            if structure["type"] == ad.MANUFACTURER
        ]
        expected: dict[int, bytes] = {}
        for value in known:
            expected.setdefault(int.from_bytes(value[:2], "little"), value[2:])
        found = ad.parse(raw_data(vector))
        assert found.manufacturer == expected, vector["id"]
        assert found.whole == vector["hci"]["ok"], vector["id"]

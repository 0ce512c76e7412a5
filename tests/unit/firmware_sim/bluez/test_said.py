import struct

import pytest
from firmware_sim.bluez.said import said
from hypothesis import given
from hypothesis import strategies as st

BASE = "-0000-1000-8000-00805f9b34fb"
OWN = bytes(range(16))
OWN_UUID = "0f0e0d0c-0b0a-0908-0706-050403020100"


def ad(kind, payload):
    return bytes([len(payload) + 1, kind]) + payload


@pytest.mark.parametrize(
    ("kind", "uuid", "whole"),
    [
        (0x16, b"\xaa\xfe", "0000feaa" + BASE),
        (0x20, b"\xaa\xfe\x01\x02", "0201feaa" + BASE),
        (0x21, OWN, OWN_UUID),
    ],
)
def test_service_data_is_known_by_its_whole_uuid(kind, uuid, whole):
    assert said(ad(kind, uuid + b"data")).services == {whole: b"data"}


@pytest.mark.parametrize(
    ("kind", "listed", "whole"),
    [
        (0x02, b"\xaa\xfe\xd2\xfc", ["0000feaa" + BASE, "0000fcd2" + BASE]),
        (0x03, b"\xaa\xfe\xd2", ["0000feaa" + BASE]),
        (0x05, b"\xaa\xfe\x01\x02", ["0201feaa" + BASE]),
        (0x07, OWN, [OWN_UUID]),
    ],
)
def test_lists_of_uuids_are_whole_uuids_and_what_is_left_over_is_none(kind, listed, whole):
    assert said(ad(kind, listed)).uuids == whole


def test_manufacturer_data_name_power_and_flags_are_read():
    found = said(
        ad(0x01, b"\x06")
        + ad(0xFF, struct.pack("<H", 0x004C) + b"\x02\x15")
        + ad(0x09, "札".encode())
        + ad(0x0A, b"\xec")
    )
    assert found.manufacturer == {0x004C: b"\x02\x15"}
    assert (found.name, found.tx_power_dbm, found.flags) == ("札", -20, b"\x06")


@pytest.mark.parametrize("cut", [b"\x05\xff\x4c", b"\x00\x02\x01\x06", b"\x09"])
def test_what_is_cut_short_or_empty_ends_the_reading(cut):
    assert said(ad(0x01, b"\x06") + cut).structures == ((0x01, b"\x06"),)


@given(st.binary(max_size=255))
def test_any_octets_are_read_without_an_error(data):
    found = said(data)
    assert sum(2 + len(payload) for _, payload in found.structures) <= len(data)

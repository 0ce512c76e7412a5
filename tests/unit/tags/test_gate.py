from collections.abc import Mapping

import pytest

from gateway.tags.frames.bthome import Bthome, SealedBthome
from gateway.tags.frames.eddystone import Eid, EncryptedTlm, Tlm, Uid
from gateway.tags.gate import Gate
from tests.unit.tags.frames.adverts import advert

UUID = "fda50693-a4e2-4fb1-afcf-c6eb07647825"
IBEACON = bytes.fromhex("0215" + UUID.replace("-", "") + "00010002c5")
ALTBEACON = bytes.fromhex("beac" + "ab" * 16 + "00010002c500")
UID = bytes.fromhex("00e7" + "11" * 10 + "22" * 6 + "0000")
EID = bytes.fromhex("30e7" + "33" * 8)
URL = bytes.fromhex("10e703") + b"a"
TLM = bytes.fromhex("20000bb815000000004500000258")
ETLM = bytes.fromhex("2001112233445566778899aabbcc5a17c4ec")
PLAIN = bytes.fromhex("403a01")
SEALED = bytes.fromhex("41e445f3c9962b332211006c7c4519")
ADDRESS = "54:48:E6:8F:80:A5"

APPLE, OTHER = 0x004C, 0x0118
ALLOWED_IBEACON = f"ibeacon:{UUID}"
ALLOWED_ALT = "alt:" + "ab" * 16
ALLOWED_UID = "uid:" + "11" * 10
ALLOWED_BTHOME = f"bthome:{ADDRESS.lower()}"


def read(
    *allow: str,
    manufacturer: Mapping[int, bytes] | None = None,
    services: Mapping[str, bytes] | None = None,
) -> list[str]:
    """The formats that are let through."""
    heard = advert(manufacturer=manufacturer, services=services, address=ADDRESS)
    return [frame.format for frame in Gate(allow).read(heard)]


@pytest.mark.parametrize(
    ("allow", "manufacturer", "services", "format_"),
    [
        (ALLOWED_IBEACON, {APPLE: IBEACON}, {}, "ibeacon"),
        (ALLOWED_ALT, {OTHER: ALTBEACON}, {}, "altbeacon"),
        (ALLOWED_ALT, {APPLE: ALTBEACON}, {}, "altbeacon"),
        (ALLOWED_UID, {}, {"feaa": UID}, "eddystone_uid"),
        ("eid", {}, {"feaa": EID}, "eddystone_eid"),
        ("eid", {}, {"feaa": ETLM}, "eddystone_etlm"),
        (ALLOWED_UID, {}, {"feaa": TLM}, "eddystone_tlm"),
        (ALLOWED_BTHOME, {}, {"fcd2": PLAIN}, "bthome"),
        (ALLOWED_BTHOME.upper().replace("BTHOME", "bthome"), {}, {"fcd2": PLAIN}, "bthome"),
        (ALLOWED_BTHOME, {}, {"fcd2": SEALED}, "bthome_sealed"),
        ("bthome", {}, {"fcd2": SEALED}, "bthome_sealed"),
    ],
)
def test_a_followed_frame_is_let_through(
    allow: str, manufacturer: Mapping[int, bytes], services: Mapping[str, bytes], format_: str
) -> None:
    assert read(allow, manufacturer=manufacturer, services=services) == [format_]
    assert read(manufacturer=manufacturer, services=services) == []


@pytest.mark.parametrize(
    ("allow", "manufacturer", "services"),
    [
        ("ibeacon:00000000-a4e2-4fb1-afcf-c6eb07647825", {APPLE: IBEACON}, {}),
        (ALLOWED_IBEACON, {OTHER: IBEACON}, {}),
        ("alt:" + "00" * 16, {OTHER: ALTBEACON}, {}),
        (ALLOWED_IBEACON, {OTHER: ALTBEACON}, {}),
        ("uid:" + "00" * 10, {}, {"feaa": UID}),
        (ALLOWED_UID, {}, {"feaa": EID}),
        ("eid", {}, {"feaa": UID}),
        ("eid", {}, {"feaa": URL}),
        ("eid", {}, {"feaa": b""}),
        ("eid", {}, {"fd6f": EID}),
        ("bthome", {}, {"fcd2": PLAIN}),
        ("bthome", {}, {"fcd2": b""}),
        ("bthome:54:48:e6:8f:80:a6", {}, {"fcd2": PLAIN}),
        ("bthome:54:48:e6:8f:80:a6", {}, {"fcd2": SEALED}),
        ("bthome", {}, {"feaa": TLM}),
        ("", {APPLE: IBEACON}, {"feaa": UID}),
        ("ibeacon:not-hex", {APPLE: IBEACON}, {}),
        ("ibeacon", {APPLE: IBEACON}, {}),
        ("uid:11", {}, {"feaa": UID}),
    ],
)
def test_everybody_else_s_is_counted_and_dropped(
    allow: str, manufacturer: Mapping[int, bytes], services: Mapping[str, bytes]
) -> None:
    gate = Gate([allow])
    heard = advert(manufacturer=manufacturer, services=services, address=ADDRESS)
    assert gate.read(heard) == ()
    assert gate.counts == {"not_ours": 1}


@pytest.mark.parametrize(
    ("manufacturer", "services", "reason"),
    [
        ({APPLE: IBEACON[:-1]}, {}, "too_short"),
        ({APPLE: IBEACON + b"\0"}, {}, "bad_length"),
        ({OTHER: ALTBEACON[:-1]}, {}, "too_short"),
        ({}, {"feaa": UID + b"\0"}, "bad_length"),
        ({}, {"feaa": b"\x20\x07"}, "bad_version"),
        ({}, {"fcd2": b"\x21" + SEALED[1:]}, "bad_version"),
        ({0x0006: b"\x01", APPLE: IBEACON[:-1]}, {"feaa": URL}, "too_short"),
    ],
)
def test_a_followed_tag_s_broken_frame_is_counted_for_what_is_wrong(
    manufacturer: Mapping[int, bytes], services: Mapping[str, bytes], reason: str
) -> None:
    gate = Gate([ALLOWED_IBEACON, ALLOWED_ALT, ALLOWED_UID, "eid", "bthome"])
    assert gate.read(advert(manufacturer=manufacturer, services=services)) == ()
    assert gate.counts == {reason: 1}


def test_orders_of_a_hub_without_an_allow_list_let_everything_through() -> None:
    gate = Gate()
    heard = advert(
        manufacturer={APPLE: IBEACON, OTHER: ALTBEACON},
        services={"feaa": EID, "fcd2": PLAIN},
        address=ADDRESS,
    )
    assert gate.read(heard) == ()
    gate.follow(None)
    formats = {frame.format for frame in gate.read(heard)}
    assert formats == {"ibeacon", "altbeacon", "eddystone_eid", "bthome"}


def test_an_advert_may_carry_several_frames() -> None:
    frames = Gate([ALLOWED_IBEACON, "eid", "bthome"]).read(
        advert(
            manufacturer={APPLE: IBEACON, OTHER: ALTBEACON},
            services={"feaa": EID, "fcd2": SEALED, "fd6f": b"\0"},
        )
    )
    assert {frame.format for frame in frames} == {"ibeacon", "eddystone_eid", "bthome_sealed"}


def test_what_is_followed_is_read_in_full() -> None:
    gate = Gate([ALLOWED_UID, "eid", ALLOWED_BTHOME])

    def one(service: str, payload: bytes) -> object:
        (frame,) = gate.read(advert(services={service: payload}, address=ADDRESS))
        return frame

    assert one("feaa", UID) == Uid(b"\x11" * 10, b"\x22" * 6, -25)
    assert one("feaa", EID) == Eid(b"\x33" * 8, -25)
    assert one("feaa", TLM) == Tlm(3000, 21.0, 69, 60.0)
    assert one("feaa", ETLM) == EncryptedTlm(ETLM[2:14], 0x5A17, 0xC4EC)
    assert one("fcd2", PLAIN) == Bthome(ADDRESS, {}, buttons=("press",))
    assert one("fcd2", SEALED) == SealedBthome(SEALED, 0x00112233)
    assert not gate.counts


def test_new_orders_replace_the_old_and_keep_the_counts() -> None:
    gate = Gate(["eid"])
    heard, other = advert(services={"feaa": EID}), advert(services={"feaa": UID})
    assert (len(gate.read(heard)), len(gate.read(other))) == (1, 0)
    gate.follow([ALLOWED_UID])
    assert (len(gate.read(heard)), len(gate.read(other))) == (0, 1)
    assert gate.counts == {"not_ours": 2}


def test_a_crowd_leaves_only_its_number() -> None:
    gate = Gate([ALLOWED_IBEACON, "eid", "bthome", ALLOWED_BTHOME])
    before = {name: len(part) for name, part in vars(gate).items()}
    for number in range(2_000):
        other = number.to_bytes(6, "big")
        heard = advert(
            manufacturer={number: b"\x10\x05" + other},
            services={"fd6f": other},
            address=other.hex(":"),
        )
        assert gate.read(heard) == ()
    assert gate.counts == {"not_ours": 2_000}
    assert {name: len(part) for name, part in vars(gate).items()} == before | {"counts": 1}

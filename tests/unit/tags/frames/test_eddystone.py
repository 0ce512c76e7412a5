import pytest

from gateway.model import Rejected
from gateway.tags.frames.eddystone import Eid, EncryptedTlm, Tlm, Uid, Url, decode, open_etlm
from tests.unit.tags.frames.adverts import advert, reading

NAMESPACE = bytes(range(10))
INSTANCE = bytes(range(10, 16))
UID = b"\x00\xee" + NAMESPACE + INSTANCE
EID = b"\x30\x12" + bytes(range(8))
DOMAINS = [".com", ".org", ".edu", ".net", ".info", ".biz", ".gov"]


def tlm(*, battery: int = 3000, temperature: int = 0, adverts: int = 1, tenths: int = 1) -> bytes:
    return (
        b"\x20\x00"
        + battery.to_bytes(2, "big")
        + (temperature & 0xFFFF).to_bytes(2, "big")
        + adverts.to_bytes(4, "big")
        + tenths.to_bytes(4, "big")
    )


@pytest.mark.parametrize("reserved", [b"", b"\x00\x00"])
def test_a_uid_is_read_with_and_without_its_reserved_bytes(reserved: bytes) -> None:
    assert decode(UID + reserved) == Uid(NAMESPACE, INSTANCE, tx_power_dbm=-18)


def test_an_advert_gives_identifier_and_power_at_no_distance() -> None:
    frame = reading(advert(services={"feaa": UID}))
    assert not isinstance(frame, Rejected)
    assert frame.identifier == f"uid:{NAMESPACE.hex()}:{INSTANCE.hex()}"
    assert (frame.tx_power_dbm, frame.tx_power_at_m) == (-18, 0)


def test_the_same_bytes_under_another_uuid_are_not_eddystone() -> None:
    assert reading(advert(services={"fd6f": UID})) == Rejected("not_ours")


@pytest.mark.parametrize(
    ("scheme", "prefix"),
    [(0, "http://www."), (1, "https://www."), (2, "http://"), (3, "https://")],
)
def test_a_url_begins_with_its_scheme(scheme: int, prefix: str) -> None:
    assert decode(bytes([0x10, 0xEE, scheme]) + b"a") == Url(f"{prefix}a", -18)


@pytest.mark.parametrize(
    ("code", "text"),
    list(enumerate([*(f"{domain}/" for domain in DOMAINS), *DOMAINS])),
)
def test_a_url_expands_each_code(code: int, text: str) -> None:
    assert decode(b"\x10\x00\x03a" + bytes([code]) + b"b") == Url(f"https://a{text}b", 0)


@pytest.mark.parametrize("code", [0x0E, 0x20, 0x7F, 0xFF])
def test_a_url_with_a_reserved_code_is_rejected(code: int) -> None:
    assert decode(b"\x10\x00\x03a" + bytes([code])) == Rejected("bad_url")


@pytest.mark.parametrize("scheme", [4, 255])
def test_a_url_with_an_unknown_scheme_is_rejected(scheme: int) -> None:
    assert decode(bytes([0x10, 0x00, scheme])) == Rejected("bad_url")


def test_telemetry_is_in_the_units_that_its_names_say() -> None:
    frame = tlm(battery=2900, temperature=0x1580, adverts=70_000, tenths=864_001)
    assert decode(frame) == Tlm(
        battery_mv=2900, temperature_c=21.5, adverts=70_000, uptime_s=86_400.1
    )


@pytest.mark.parametrize(
    ("fixed", "temperature_c"),
    [(-0x0080, -0.5), (-0x0A40, -10.25), (0x7F00, 127.0), (-0x8000, None)],
)
def test_temperature_is_signed_fixed_point_and_may_be_unknown(
    fixed: int, temperature_c: float | None
) -> None:
    frame = decode(tlm(temperature=fixed))
    assert isinstance(frame, Tlm)
    assert frame.temperature_c == temperature_c


def test_a_battery_of_nothing_is_an_unknown_battery() -> None:
    frame = decode(tlm(battery=0))
    assert isinstance(frame, Tlm)
    assert frame.battery_mv is None


@pytest.mark.parametrize("payload", [tlm(), b"\x10\x00\x03a"], ids=["tlm", "url"])
def test_telemetry_and_urls_identify_nobody(payload: bytes) -> None:
    frame = reading(advert(services={"feaa": payload}))
    assert not isinstance(frame, Rejected)
    assert frame.identifier == ""


def test_encrypted_telemetry_is_taken_apart() -> None:
    frame = b"\x20\x01" + bytes(range(12)) + b"\x5a\x17\xc4\xec"
    found = decode(frame)
    assert found == EncryptedTlm(bytes(range(12)), salt=0x5A17, check=0xC4EC)
    assert found.payload == frame


# Computed with PyCryptodome 3.24: AES in EAX mode, as the specification's page tlm-encrypted says.
FIRST_KEY = bytes(range(16))
FIRST = bytes.fromhex("20019c3a85134c2cd086d8fda09612344e2b")
SECOND_KEY = bytes.fromhex("0102030405060708090a111213141516")
SECOND = bytes.fromhex("2001cd18712634960c14f8ec8489ff002ef3")


def opened(
    frame: bytes, *, identity_key: bytes, exponent: int = 10, beacon_time: int
) -> Tlm | Rejected:
    etlm = decode(frame)
    assert isinstance(etlm, EncryptedTlm)
    return open_etlm(etlm, identity_key=identity_key, exponent=exponent, beacon_time=beacon_time)


@pytest.mark.parametrize("beacon_time", [122_880, 123_456, 123_903])
def test_encrypted_telemetry_opens_with_the_identity_key_and_any_moment_of_its_slot(
    beacon_time: int,
) -> None:
    found = opened(FIRST, identity_key=FIRST_KEY, beacon_time=beacon_time)
    assert found == Tlm(battery_mv=3000, temperature_c=21.0, adverts=69, uptime_s=60.0)


def test_a_clock_of_32_bits_at_its_end_is_as_good_as_another() -> None:
    found = opened(SECOND, identity_key=SECOND_KEY, exponent=15, beacon_time=0xFFFFFFFF)
    assert found == Tlm(battery_mv=None, temperature_c=None, adverts=0xFFFFFFFF, uptime_s=0)


@pytest.mark.parametrize(
    ("frame", "key", "exponent", "beacon_time"),
    [
        (FIRST, SECOND_KEY, 10, 123_456),
        (FIRST, FIRST_KEY, 10, 123_904),
        (FIRST, FIRST_KEY, 10, 122_879),
        (FIRST, FIRST_KEY, 9, 123_456),
        (FIRST[:-1] + b"\0", FIRST_KEY, 10, 123_456),
        (FIRST[:5] + b"\0" + FIRST[6:], FIRST_KEY, 10, 123_456),
    ],
)
def test_another_key_or_slot_or_bit_does_not_open_encrypted_telemetry(
    frame: bytes, key: bytes, exponent: int, beacon_time: int
) -> None:
    found = opened(frame, identity_key=key, exponent=exponent, beacon_time=beacon_time)
    assert found == Rejected("wrong_key")


def test_telemetry_has_values_and_leaves_out_what_is_unknown() -> None:
    known, unknown = decode(tlm(battery=2900, temperature=0x1580)), decode(tlm(battery=0))
    assert isinstance(known, Tlm)
    assert known.values == {
        "battery_v": 2.9,
        "temperature_c": 21.5,
        "adverts": 1,
        "uptime_s": 0.1,
    }
    assert isinstance(unknown, Tlm)
    assert "battery_v" not in unknown.values


def test_an_ephemeral_identifier_is_told_as_one() -> None:
    frame = reading(advert(services={"feaa": EID}))
    assert not isinstance(frame, Rejected)
    assert frame == Eid(bytes(range(8)), tx_power_dbm=18)
    assert frame.identifier == "eid:0001020304050607"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not_ours"),
        (b"\x21\x01\x07", "not_ours"),
        (b"\x40" + EID[1:], "not_ours"),
        (b"\x41" + bytes(21), "not_ours"),
        (b"\xff", "not_ours"),
        (b"\x00", "too_short"),
        (UID[:-1], "too_short"),
        (UID + b"\x00", "bad_length"),
        (UID + b"\x00\x00\x00", "bad_length"),
        (b"\x10\x00", "too_short"),
        (b"\x10\x00\x03" + b"a" * 18, "bad_length"),
        (b"\x20", "too_short"),
        (b"\x20\x02" + bytes(12), "bad_version"),
        (tlm()[:-1], "too_short"),
        (tlm() + b"\x00", "bad_length"),
        (b"\x20\x01" + bytes(15), "too_short"),
        (b"\x20\x01" + bytes(17), "bad_length"),
        (EID[:-1], "too_short"),
        (EID + b"\x00", "bad_length"),
    ],
)
def test_other_payloads_are_rejected_for_what_they_are(payload: bytes, reason: str) -> None:
    assert decode(payload) == Rejected(reason)

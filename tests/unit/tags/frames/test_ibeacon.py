import pytest

from gateway.model import Rejected
from gateway.tags.frames.ibeacon import APPLE, IBeacon, decode
from tests.unit.tags.frames.adverts import advert, reading

UUID_TEXT = "00112233-4455-6677-8899-aabbccddeeff"
PAYLOAD = bytes.fromhex("0215" + UUID_TEXT.replace("-", "") + "0102" + "ff00" + "c5")


def test_all_fields_are_big_endian_and_power_is_signed() -> None:
    assert decode(PAYLOAD) == IBeacon(
        uuid=bytes.fromhex(UUID_TEXT.replace("-", "")), major=0x0102, minor=0xFF00, tx_power_dbm=-59
    )


def test_an_advert_gives_identifier_and_power_at_one_metre() -> None:
    frame = reading(advert(manufacturer={APPLE: PAYLOAD}))
    assert not isinstance(frame, Rejected)
    assert frame.format == "ibeacon"
    assert frame.identifier == f"ibeacon:{UUID_TEXT}:258:65280"
    assert (frame.tx_power_dbm, frame.tx_power_at_m) == (-59, 1)


def test_the_same_bytes_of_another_company_are_not_an_ibeacon() -> None:
    assert reading(advert(manufacturer={0x0059: PAYLOAD})) == Rejected("not_ours")


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not_ours"),
        (b"\x02", "not_ours"),
        (bytes.fromhex("1005441cbd08c5"), "not_ours"),
        (b"\x02\x16" + PAYLOAD[2:], "not_ours"),
        (PAYLOAD[:2], "too_short"),
        (PAYLOAD[:-1], "too_short"),
        (PAYLOAD + b"\x64", "bad_length"),
    ],
)
def test_other_payloads_of_apple_are_rejected_for_what_they_are(
    payload: bytes, reason: str
) -> None:
    assert decode(payload) == Rejected(reason)


@pytest.mark.parametrize(
    "uuid",
    ["494e54454c4c495f524f434b535f4857", "a495bb10c5b14b44b5121370f02d74de"],
    ids=["govee", "tilt"],
)
def test_a_sensor_that_dresses_as_a_beacon_identifies_nobody(uuid: str) -> None:
    assert decode(bytes.fromhex(f"0215{uuid}004403f8c5")) == Rejected("not_ours")

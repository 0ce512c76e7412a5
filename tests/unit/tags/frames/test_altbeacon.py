import pytest

from gateway.model import Rejected
from gateway.tags.frames.altbeacon import AltBeacon, decode
from tests.unit.tags.frames.adverts import advert, reading

BEACON_ID = bytes(range(20))
PAYLOAD = b"\xbe\xac" + BEACON_ID + b"\xc4\x07"


@pytest.mark.parametrize("company", [0x0118, 0x004C, 0xFFFF])
def test_any_company_may_send_one(company: int) -> None:
    frame = reading(advert(manufacturer={company: PAYLOAD}))
    assert not isinstance(frame, Rejected)
    assert frame == AltBeacon(beacon_id=BEACON_ID, tx_power_dbm=-60, reserved=7)
    assert frame.identifier == "alt:" + BEACON_ID.hex()
    assert (frame.tx_power_dbm, frame.tx_power_at_m) == (-60, 1)


def test_it_is_found_beside_another_company() -> None:
    frame = reading(advert(manufacturer={0x0006: b"\x01\x09", 0x0118: PAYLOAD}))
    assert not isinstance(frame, Rejected)
    assert frame.format == "altbeacon"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not_ours"),
        (b"\xac\xbe" + PAYLOAD[2:], "not_ours"),
        (b"\x00" + PAYLOAD, "not_ours"),
        (PAYLOAD[:-1], "too_short"),
        (PAYLOAD + b"\x00", "bad_length"),
    ],
)
def test_other_payloads_are_rejected_for_what_they_are(payload: bytes, reason: str) -> None:
    assert decode(payload) == Rejected(reason)

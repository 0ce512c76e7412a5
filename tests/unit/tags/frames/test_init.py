"""The whole table of formats: against the shared vectors, and against any bytes at all."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.model import Advert, Rejected, Sighting
from gateway.tags.frames import FORMATS, Decoded, decode, identify
from gateway.tags.frames.altbeacon import AltBeacon
from gateway.tags.frames.eddystone import Eid, EncryptedTlm, Tlm, Uid, Url
from gateway.tags.frames.ibeacon import APPLE, IBeacon
from tests.unit.tags.frames.adverts import advert, raw_advert, raw_data, vectors

REASONS = {"not_ours", "too_short", "bad_length", "bad_version", "bad_url"}

# Tags that advertise a true iBeacon beside their own data: both readings hold.
IBEACONS_TOO = {"HolyIOT BLE tracker", "EYE sensor"}


def expected_frame(expect: dict[str, Any]) -> dict[str, Any]:
    """The fields that both iBeacon and AltBeacon vectors state."""
    return {
        "uuid": expect["uuid"],
        "major": expect["major"],
        "minor": expect["minor"],
        "tx_power_dbm": expect["measured power"],
    }


def stated_fields(frame: IBeacon | AltBeacon) -> dict[str, Any]:
    beacon_id = (
        frame.beacon_id
        if isinstance(frame, AltBeacon)
        else frame.uuid.bytes + frame.major.to_bytes(2, "big") + frame.minor.to_bytes(2, "big")
    )
    return {
        "uuid": beacon_id[:16].hex(),
        "major": int.from_bytes(beacon_id[16:18], "big"),
        "minor": int.from_bytes(beacon_id[18:], "big"),
        "tx_power_dbm": frame.tx_power_dbm,
    }


def test_every_shared_beacon_reads_as_expected_and_nothing_else_reads_as_a_beacon(
    shared: Path,
) -> None:
    beacons = 0
    for vector in vectors(shared, "ble_monitor-dev.jsonl"):
        expect = vector["expect"] or vector.get("expect_tracker") or {}
        decoded = decode(raw_advert(raw_data(vector)))
        kind = expect.get("type", "iBeacon" if "uuid" in expect else None)
        if kind in {"iBeacon", "AltBeacon"}:
            assert isinstance(decoded, Decoded), vector["id"]
            assert isinstance(decoded.frame, IBeacon | AltBeacon), vector["id"]
            assert decoded.format == kind.lower(), vector["id"]
            assert stated_fields(decoded.frame) == expected_frame(expect), vector["id"]
            beacons += 1
        elif kind in IBEACONS_TOO:
            assert isinstance(decoded, Decoded), vector["id"]
            assert decoded.format == "ibeacon", vector["id"]
        else:
            assert isinstance(decoded, Rejected), vector["id"]
    assert beacons >= 4


def told(frame: object) -> dict[str, Any] | None:
    """A frame in the words of the Eddystone vectors; None where these say only "not Eddystone"."""
    match frame:
        case Uid():
            ids = [f"{frame.namespace.hex()}/{frame.instance.hex()}"]
            return {"txPower": frame.tx_power_dbm, "deviceIds": ids}
        case Url():
            return {"txPower": frame.tx_power_dbm, "uri": frame.url}
        case Tlm():
            return {
                "batteryVoltage": None if frame.battery_mv is None else frame.battery_mv / 1000,
                "temperature": frame.temperature_c,
                "txCount": frame.adverts,
                "uptime": frame.uptime_s * 1000,
            }
        case EncryptedTlm():
            return {
                "encrypted": {
                    "data": frame.data.hex(),
                    "salt": frame.salt,
                    "checksum": frame.check,
                    "method": "eddystone-etlm",
                }
            }
        case Eid():
            return {"txPower": frame.tx_power_dbm, "deviceIds": [f"{frame.eid.hex()}/0"]}
        case _:
            return None


def test_every_shared_eddystone_frame_reads_as_expected(shared: Path) -> None:
    read = 0
    for vector in vectors(shared, "eddystone-dev.jsonl"):
        payload = bytes.fromhex(vector["hex"])
        decoded = decode(advert(services={vector["service_uuid"]: payload}))
        if vector["expect"] is None or vector["label"] == "find_hub":
            assert decoded == Rejected("not_ours"), vector["id"]
        else:
            assert isinstance(decoded, Decoded), vector["id"]
            assert told(decoded.frame) == vector["expect"], vector["id"]
            read += 1
    assert read >= 5


def test_frames_of_other_services_are_not_read(shared: Path) -> None:
    for vector in vectors(shared, "advlib-services-dev.jsonl"):
        uuid = vector.get("service_uuid")
        if uuid is not None and vector["hex"]:
            payload = bytes.fromhex(vector["hex"])
            assert decode(advert(services={uuid: payload})) == Rejected("not_ours"), vector["id"]


def test_a_broken_frame_of_ours_is_told_from_a_foreign_advert() -> None:
    assert decode(advert()) == Rejected("not_ours")
    broken = advert(manufacturer={APPLE: b"\x02\x15\x00"}, services={"fcd2": b"\x40"})
    assert decode(broken) == Rejected("too_short")


def test_an_identified_advert_is_a_sighting() -> None:
    heard = advert(services={"feaa": b"\x30\x00" + bytes(8)})
    assert identify(heard) == Sighting(heard.at, heard.receiver, "eid:" + "00" * 8, heard.rssi_dbm)


def test_a_frame_without_an_identity_is_no_sighting() -> None:
    assert identify(advert(services={"feaa": b"\x10\x00\x00a"})) == Rejected("anonymous")
    assert identify(advert()) == Rejected("not_ours")


PAYLOADS = st.binary(max_size=300) | st.builds(
    bytes.__add__,
    st.sampled_from([b"\x02\x15", b"\xbe\xac", b"\x00", b"\x10", b"\x20", b"\x20\x01", b"\x30"]),
    st.binary(max_size=298),
)


@given(PAYLOADS)
def test_no_payload_raises_an_error(payload: bytes) -> None:
    for form in FORMATS:
        frame = form.decode(payload)
        if isinstance(frame, Rejected):
            assert frame.reason in REASONS


@given(st.binary(max_size=300))
def test_no_advert_raises_an_error(raw: bytes) -> None:
    decoded = decode(raw_advert(raw))
    assert isinstance(decoded, Decoded) or decoded.reason in REASONS


SLOWEST: list[Advert] = [
    advert(manufacturer={APPLE: b"\x02\x15" + bytes(21)}),
    advert(manufacturer={0x0118: b"\xbe\xac" + bytes(22)}),
    advert(services={"feaa": b"\x00" + bytes(19)}),
    advert(services={"feaa": b"\x10\x00\x00" + b"a" * 17}),
    advert(services={"feaa": b"\x20" + bytes(13)}),
    advert(manufacturer={0x0006: bytes(250), APPLE: bytes(250)}, services={"fcd2": bytes(250)}),
]


@pytest.mark.parametrize("heard", SLOWEST)
def test_an_advert_takes_less_than_fifty_microseconds(heard: Advert) -> None:
    rounds = []
    for _ in range(20):
        begin = time.perf_counter()
        for _ in range(50):
            decode(heard)
        rounds.append((time.perf_counter() - begin) / 50)
    assert min(rounds) < 50e-6

"""The whole table of formats: against the shared vectors."""

from pathlib import Path
from typing import Any

from gateway.model import Rejected
from gateway.tags.frames.altbeacon import AltBeacon
from gateway.tags.frames.eddystone import Eid, EncryptedTlm, Tlm, Uid, Url
from gateway.tags.frames.ibeacon import IBeacon
from tests.unit.tags.frames.adverts import advert, raw_advert, raw_data, reading, readings, vectors

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
        else frame.uuid + frame.major.to_bytes(2, "big") + frame.minor.to_bytes(2, "big")
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
        found = readings(raw_advert(raw_data(vector)))
        kind = expect.get("type", "iBeacon" if "uuid" in expect else None)
        if kind in {"iBeacon", "AltBeacon"}:
            (frame,) = found
            assert isinstance(frame, IBeacon | AltBeacon), vector["id"]
            assert frame.format == kind.lower(), vector["id"]
            assert stated_fields(frame) == expected_frame(expect), vector["id"]
            beacons += 1
        elif kind in IBEACONS_TOO:
            assert [type(frame) for frame in found] == [IBeacon], vector["id"]
        else:
            assert not any(isinstance(one, IBeacon | AltBeacon) for one in found), vector["id"]
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
        frame = reading(advert(services={vector["service_uuid"]: payload}))
        if vector["expect"] is None or vector["label"] == "find_hub":
            assert frame == Rejected("not_ours"), vector["id"]
        else:
            assert told(frame) == vector["expect"], vector["id"]
            read += 1
    assert read >= 5


def test_frames_of_other_services_are_not_read(shared: Path) -> None:
    for vector in vectors(shared, "advlib-services-dev.jsonl"):
        uuid = vector.get("service_uuid")
        if uuid not in {None, "fcd2"} and vector["hex"]:
            payload = bytes.fromhex(vector["hex"])
            assert reading(advert(services={uuid: payload})) == Rejected("not_ours"), vector["id"]

"""Calibrations, for technicians only (who else may not: test_application.py)."""

from dataclasses import replace

import pytest

from gateway.store import calibrations
from tests.unit.api.town import CALIBRATION, DAY_S, NOW, Town

V1 = "/api/v1"


async def learn_again(town: Town) -> int | None:
    return await town.database.write(calibrations.add, CALIBRATION, upon=1, at=NOW)


async def test_calibrations_are_told_newest_first_with_scores_and_life(town: Town) -> None:
    await learn_again(town)
    async with town.client("takeda") as client:
        newest, first = (await client.get(f"{V1}/calibrations")).json()
        limited = (await client.get(f"{V1}/calibrations", params={"limit": 1})).json()
        too_many = await client.get(f"{V1}/calibrations", params={"limit": 100_000})
    assert limited == [newest]
    assert too_many.status_code == 422
    assert (newest["id"], newest["upon"], newest["in_force"]) == (2, 1, True)
    assert first == {
        "id": 1,
        "learned_at": NOW - DAY_S,
        "upon": None,
        "before": -9.5,
        "after": -8.25,
        "accepted": True,
        "in_force": False,
        "life": [{"state": "in_force", "at": NOW - DAY_S, "by": ""}],
    }


async def test_one_says_what_is_believed_of_each_receiver_and_who_must_be_seen_to(
    town: Town,
) -> None:
    async with town.client("takeda") as client:
        detail = (await client.get(f"{V1}/calibrations/1")).json()
        (listed,) = (await client.get(f"{V1}/calibrations")).json()
    assert detail["calibration"] == listed
    first, second = detail["receivers"]
    assert first == {
        "receiver": "r-1",
        "power_dbm": -61.5,
        "power_sd_db": 0.8,
        "exponent": 2.24,
        "exponent_sd": 0.1,
        "threshold_dbm": CALIBRATION.beliefs["r-1"].radio.threshold_dbm,
        "detection": CALIBRATION.beliefs["r-1"].radio.detection,
        "left_out": True,
        "lon": None,
        "lat": None,
    }
    dead, swapped = detail["faults"]
    assert dead == {
        "receiver": "r-1",
        "fault": "dead",
        "nats": 25.5,
        "other": None,
        "lon": None,
        "lat": None,
    }
    assert (swapped["fault"], swapped["other"]) == ("swapped", "r-3")
    lon, lat = second["lon"], second["lat"]
    assert (swapped["lon"], swapped["lat"]) == (lon, lat)
    # 100 m east and 200 m south of the origin of EPSG:6677, 36° N 139°50′ E
    assert lon == pytest.approx(139.83333 + 100 / 90_100, abs=1e-4)
    assert lat == pytest.approx(36.0 - 200 / 111_000, abs=1e-4)


async def test_a_receiver_that_is_left_out_is_told_also_where_no_radio_was_learned(
    town: Town,
) -> None:
    nothing_kept = replace(CALIBRATION, beliefs={}, corrections={}, accepted=False)
    await town.database.write(calibrations.add, nothing_kept, upon=1, at=NOW)
    async with town.client("takeda") as client:
        (only,) = (await client.get(f"{V1}/calibrations/2")).json()["receivers"]
    assert (only["receiver"], only["left_out"]) == ("r-1", True)
    assert {only[name] for name in ("power_dbm", "exponent_sd", "detection", "lon")} == {None}


async def test_undoing_says_what_is_in_force_instead_and_who_did_it(town: Town) -> None:
    await learn_again(town)
    town.clock.forward(5.0)
    async with town.client("takeda") as client:
        answers = [await client.post(f"{V1}/calibrations/undo") for _ in range(3)]
        newest, _ = (await client.get(f"{V1}/calibrations")).json()
    assert [one.status_code for one in answers] == [200, 200, 409]
    assert [one.json() for one in answers[:2]] == [
        {"undone": 2, "in_force": 1},
        {"undone": 1, "in_force": None},
    ]
    assert newest["life"][1] == {"state": "undone", "at": NOW + 5.0, "by": "takeda"}
    assert await town.database.read(calibrations.in_force) is None

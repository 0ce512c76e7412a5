"""A child with a native tag walks to school: its identity rotates, and the parent loses nobody.

Its frames come over MQTT as receivers publish them; the hub alone has the keys. Then an attacker
plays the tag's frames at the other end of the town.
"""

import asyncio
import csv
import json
import math
from bisect import bisect_left
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from firmware_sim.firmware import ROTATION_EXPONENT
from firmware_sim.site import read_site
from firmware_sim.truth import roster
from firmware_sim.world import World

from gateway.sealing import write_new_key
from tests.needs import ROOT
from tests.ports import free_ports
from tests.system.rig import LOGIN, PASSWORD, Rig, until

TOWN = ROOT / "config" / "site.geojson"
RATE = 9.0
CARRIERS = 3
CHILD = "child-001"
WALK = ("--walk", f"{CHILD}:home:school", "--native", "1")
ROTATES_AFTER_S = 300.0  # of the simulated clock, from the rig's start; all is ready until then
WALKS_BEFORE_S, WALKED_S = 150.0, 60.0  # the way takes 330 s
LONGEST_STEP_S = 25.0  # a child may stop for 20 s on the way
LARGEST_MEDIAN_ERROR_M = 15.0  # as with bought tags
SOS_WITHIN_S, SUSPECT_WITHIN_S = 3.0, 20.0  # real
METRES_A_DEGREE = 111_200.0


def fitted(rig: Rig) -> World:
    """The town; the rig's clock is set so that the child's tag rotates `ROTATES_AFTER_S` later."""
    people = {"people": 2 * CARRIERS, "most_outdoors": CARRIERS}
    town = World(read_site(TOWN), seed=1, start=rig.start_at, native=1.0, **people)
    period_s, clock_s = 2.0**ROTATION_EXPONENT, town.natives[0].clock_s(rig.start_at)
    rig.start_at += period_s - clock_s % period_s - ROTATES_AFTER_S
    return town


async def register(rig: Rig, child: dict[str, Any]) -> str:
    """A guardian and the child's tag with its keys; returns the tag."""
    password, keys = rig.folder / "password", rig.folder / "tag.keys"
    password.write_text(PASSWORD)
    keys.write_text(json.dumps(child["native"]))
    secret = ("--password-file", str(password))
    await rig.machimori("user", "add", LOGIN, "--audience", "guardian", *secret)
    who = ("--kind", child["kind"], "--guardian", LOGIN, "--consent-by", LOGIN)
    await rig.machimori("tag", "add", child["name"], *who, "--keys", str(keys))
    ((tag,),) = rig.rows("SELECT id FROM tags")
    return str(tag)


async def ask(port: int, command: str) -> dict[str, Any]:
    """What the town answers at its control port."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{command}\n".encode())
    answer: dict[str, Any] = json.loads(await reader.readline())
    writer.close()
    await writer.wait_closed()
    assert "error" not in answer, answer
    return answer


def positions(rig: Rig, tag: str) -> list[tuple[float, float, float]]:
    """(at, lon, lat) of the tag, by time."""
    rows = rig.rows("SELECT at, lon, lat FROM positions WHERE tag = ? ORDER BY at", tag)
    return [(float(str(at)), float(str(lon)), float(str(lat))) for at, lon, lat in rows]


def errors_m(rig: Rig, found: list[tuple[float, float, float]]) -> list[float]:
    """How far each position was from the child."""
    with rig.truth.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["person"] == CHILD]
    times = [float(row["at"]) for row in rows]
    errors = []
    for at, lon, lat in found:
        if times[0] < at <= times[-1]:
            row = rows[bisect_left(times, at)]
            north = (lat - float(row["lat"])) * METRES_A_DEGREE
            east = (lon - float(row["lon"])) * METRES_A_DEGREE * math.cos(math.radians(lat))
            errors.append(math.hypot(east, north))
    return errors


def farthest_receiver(lon: float, lat: float) -> str:
    """The receiver of the town that is farthest from there."""
    site = read_site(TOWN)
    away = np.hypot(*(site.lonlat(site.node_xyz[:, :2]) - (lon, lat)).T)
    return site.nodes[int(away.argmax())].id


@pytest.mark.timeout(240)
async def test_a_native_tag_is_followed_over_a_rotation_and_its_sealed_sos_and_its_clone_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file, (control,) = tmp_path / "hub.key", free_ports(1)
    monkeypatch.setenv("MACHIMORI__HUB__KEY_FILE", str(key_file))
    rig = Rig(tmp_path / "rig", site=TOWN, rate=RATE)
    town = fitted(rig)
    rotates_at = rig.start_at + ROTATES_AFTER_S
    async with rig:
        write_new_key(key_file)
        for name in ("mosquitto", "edge", "hub"):
            await rig.start(name)
        await rig.answers()
        tag = await register(rig, roster(town)[0])
        await asyncio.sleep(max(0.0, rotates_at - WALKS_BEFORE_S - rig.now()) / RATE)
        await rig.start_town(*WALK, "--control", str(control), carriers=CARRIERS)
        await until(lambda: reaches(rig, tag, rotates_at + WALKED_S), within_s=60, what="the walk")
        await assert_an_sos_is_told(rig, control, tag)
        assert_nobody_was_lost(rig, rotates_at, tag)
        state = await ask(control, f"state {CHILD}")
        await ask(control, f"clone {CHILD} {farthest_receiver(state['lon'], state['lat'])}")
        await assert_the_clone_is_told(rig, tag)
        assert await rig.stop("town") == 0


def reaches(rig: Rig, tag: str, at: float) -> bool:
    return bool(rig.rows("SELECT 1 FROM positions WHERE tag = ? AND at >= ? LIMIT 1", tag, at))


def assert_nobody_was_lost(rig: Rig, rotates_at: float, tag: str) -> None:
    """One tag, two identifiers, and a way without a hole where they change."""
    assert rig.rows("SELECT DISTINCT tag FROM positions") == [(tag,)]
    assert rig.rows("SELECT tag, count(*) FROM heard_eids GROUP BY tag") == [(tag, 2)]
    assert rig.rows("SELECT * FROM suspicions") == []
    found = positions(rig, tag)
    around = [at for at, _, _ in found if abs(at - rotates_at) < WALKED_S]
    assert around[0] < rotates_at - 0.8 * WALKED_S
    assert around[-1] > rotates_at + 0.8 * WALKED_S
    assert max(after - before for before, after in pairwise(around)) <= LONGEST_STEP_S
    assert median(errors_m(rig, found)) < LARGEST_MEDIAN_ERROR_M


async def assert_an_sos_is_told(rig: Rig, control: int, tag: str) -> None:
    sos = "SELECT tag, suspect, at, raised_at FROM alerts WHERE kind = 'sos'"
    pressed = await ask(control, f"press {CHILD}")
    await until(lambda: rig.rows(sos), within_s=SOS_WITHIN_S, what="the SOS")
    ((whose, doubt, at, _raised_at),) = rig.rows(sos)
    assert (whose, doubt) == (tag, "")
    assert pressed["at"] <= float(str(at)) < pressed["at"] + RATE


async def assert_the_clone_is_told(rig: Rig, tag: str) -> None:
    told = "SELECT DISTINCT tag FROM suspicions"
    await until(lambda: rig.rows(told), within_s=SUSPECT_WITHIN_S, what="the clone")
    assert rig.rows(told) == [(tag,)]
    alerts = "SELECT DISTINCT tag FROM alerts WHERE kind = 'tag_suspect'"
    await until(lambda: rig.rows(alerts), within_s=SUSPECT_WITHIN_S, what="the alert")
    assert rig.rows(alerts) == [(tag,)]

"""A hub is killed while a child walks to school: the outing and its way are there afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.tags.trails import HELD_S
from tests.needs import ROOT
from tests.system.rig import LOGIN, PASSWORD, Rig, until

TOWN = ROOT / "config" / "site.geojson"
RATE = 4.0
WALK = ("--walk", "child-001:home:school")
V1 = "/api/v1"
KILLED_AFTER_S, DOWN_S, WALKED_S = 120.0, 20.0, 240.0
LONGEST_STEP_S = 30.0


@asynccontextmanager
async def parent(rig: Rig) -> AsyncIterator[httpx.AsyncClient]:
    """An app of the child's parent."""
    who = {"login": LOGIN, "password": PASSWORD}
    async with httpx.AsyncClient(base_url=rig.url, trust_env=False) as client:
        answer = await client.post(f"{V1}/token", json=who)
        client.headers["Authorization"] = f"Bearer {answer.json()['token']}"
        yield client


async def pass_to(rig: Rig, at: float) -> None:
    """Wait until the rig's clock says `at`."""
    await asyncio.sleep(max(0.0, at - rig.now()) / rig.rate)


@pytest.mark.timeout(240)
async def test_a_hub_that_is_killed_during_an_outing_has_its_whole_way_afterwards(
    tmp_path: Path,
) -> None:
    async with Rig(tmp_path / "rig", site=TOWN, rate=RATE) as rig:
        await rig.register_children(1, carriers=1)
        for name in ("mosquitto", "edge", "hub"):
            await rig.start(name)
        await rig.answers()
        await rig.start_town(*WALK, carriers=1)
        await pass_to(rig, rig.town_from + KILLED_AFTER_S)
        killed_at = rig.now()
        await rig.kill("hub")
        await pass_to(rig, killed_at + DOWN_S)
        await rig.start("hub")
        await rig.answers()
        await pass_to(rig, rig.town_from + WALKED_S + HELD_S)
        async with parent(rig) as app:
            await until(
                lambda: _reaches(rig, rig.town_from + WALKED_S),
                within_s=60,
                what="the way is final",
            )
            (child,) = (await app.get(f"{V1}/carriers")).json()
            own = f"{V1}/carriers/{child['id']}/outings"
            outings = (await app.get(own)).json()
            assert [one["closed_at"] for one in outings] == [None]
            route = (await app.get(f"{own}/{outings[0]['id']}")).json()
    assert outings[0]["opened_at"] < rig.town_from + 30
    assert outings[0]["length_m"] > 50
    _assert_whole(route, since=killed_at - HELD_S, until=killed_at + HELD_S)


def _reaches(rig: Rig, at: float) -> bool:
    return bool(rig.rows("SELECT 1 FROM route_points WHERE at >= ? LIMIT 1", at))


def _assert_whole(route: dict[str, Any], *, since: float, until: float) -> None:
    """Final points stand close around the kill, each once; a hole would be told as a gap."""
    told = [one["properties"] for one in route["features"]]
    stretches = [one for one in told if one["kind"] == "stretch"]
    points = [
        pair for one in stretches for pair in zip(one["times"], one["qualities"], strict=True)
    ]
    times = [at for at, _ in points]
    assert times == sorted(set(times))
    around = [pair for pair in points if since <= pair[0] <= until]
    assert len(around) > (until - since) / 10
    assert {quality for _, quality in around} == {"route"}
    assert max(after - before for (before, _), (after, _) in pairwise(around)) <= LONGEST_STEP_S
    assert not [one for one in told if one["kind"] == "gap" and since <= one["since"] <= until]

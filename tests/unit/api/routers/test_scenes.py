"""Scenes: light for safety, over whatever else was said, that ends by itself."""

import pytest

from tests.unit.api.town import NOW, Town

V1 = "/api/v1"


async def place(town: Town, lamp: str) -> dict[str, float]:
    async with town.client("suzuki") as client:
        lamps = (await client.get(f"{V1}/lamps")).json()["lamps"]
    found = next(one for one in lamps if one["lamp"] == lamp)
    return {"lon": found["lon"], "lat": found["lat"]}


@pytest.mark.parametrize("login", ["suzuki", "takeda"])
async def test_a_scene_is_full_light_by_the_authority_of_safety(town: Town, login: str) -> None:
    wish = {"scene": "evacuation", "all": True, "minutes": 30, "reason": "津波"}
    async with town.client(login) as client:
        answer = await client.post(f"{V1}/scenes", json=wish)
        (act,) = (await client.get(f"{V1}/lamps/audit")).json()
    made = answer.json()
    assert answer.status_code == 201
    assert (made["authority"], made["level"], made["scene"]) == ("safety", 100.0, "evacuation")
    assert (made["expiration"], made["by"], made["reason"]) == (NOW + 1_800.0, login, "津波")
    assert (act["action"], act["authority"], act["by"]) == ("scene", "safety", login)
    assert town.lights_changed == [NOW]


async def test_a_search_lights_the_lamps_around_a_place(town: Town) -> None:
    here = await place(town, "l-1")
    wish = {"scene": "search", "minutes": 5, "radius_m": 35.0, **here}
    async with town.client("suzuki") as client:
        made = (await client.post(f"{V1}/scenes", json=wish)).json()
        nowhere = await client.post(f"{V1}/scenes", json={**wish, "lat": here["lat"] + 1.0})
    assert made["lamps"] == ["l-1", "l-2"]
    assert nowhere.status_code == 422


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"scene": "party", "all": True, "minutes": 5}, "body.scene"),
        ({"scene": "search", "minutes": 5}, "give one of: groups, all, or a place"),
        ({"scene": "search", "minutes": 5, "all": True, "groups": ["north"]}, "give one of"),
        ({"scene": "search", "minutes": 5, "lon": 140.0}, "lon and lat belong together"),
        ({"scene": "search", "minutes": 5, "groups": ["west"]}, "There is no group west"),
        ({"scene": "search", "all": True}, "body.minutes"),
        ({"scene": "search", "all": True, "minutes": 100_000}, "body.minutes"),
    ],
)
async def test_a_scene_that_cannot_be_is_refused(
    town: Town, wish: dict[str, object], told: str
) -> None:
    async with town.client("suzuki") as client:
        answer = await client.post(f"{V1}/scenes", json=wish)
    assert answer.status_code == 422
    assert told in answer.json()["detail"]
    assert town.lights_changed == []

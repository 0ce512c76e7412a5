"""Lamps as NGSI entities (their validity: tests/unit/outputs/test_ngsi.py)."""

from tests.unit.api.lamp_pieces import reading, tell
from tests.unit.api.town import Town

V1 = "/api/v1"


async def test_every_lamp_is_an_entity_that_says_what_is_known(town: Town) -> None:
    await town.database.write(tell, reading("l-2", actual_level=0.0), number=2)
    async with town.client("suzuki") as client:
        first, second, third, *_ = (await client.get(f"{V1}/ngsi/streetlights")).json()
    assert first["id"] == "urn:ngsi-ld:Streetlight:town:l-1"
    assert (first["powerState"], first["illuminanceLevel"], first["status"]) == ("on", 0.5, "ok")
    assert (second["powerState"], second["status"]) == ("off", "defectiveLamp")
    assert "powerState" not in third


async def test_a_lamp_of_a_gateway_that_is_away_is_not_said_to_be_on(town: Town) -> None:
    town.clock.forward(600.0)
    async with town.client("suzuki") as client:
        first, *_ = (await client.get(f"{V1}/ngsi/streetlights")).json()
    assert "powerState" not in first


async def test_no_login_is_in_them(town: Town) -> None:
    async with town.client("suzuki") as client:
        text = (await client.get(f"{V1}/ngsi/streetlights")).text
    assert "suzuki" not in text

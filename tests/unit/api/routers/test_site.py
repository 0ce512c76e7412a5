"""The plan and the time."""

from tests.unit.api.lamp_pieces import PLAN
from tests.unit.api.town import NOW, Town

V1 = "/api/v1"


async def test_the_plan_is_the_sites_own_bytes(town: Town) -> None:
    async with town.client("yamada") as client:
        answer = await client.get(f"{V1}/site")
    assert answer.content == PLAN
    assert answer.headers["content-type"] == "application/geo+json"


async def test_the_time_is_the_hubs(town: Town) -> None:
    async with town.client("yamada") as client:
        assert (await client.get(f"{V1}/time")).json() == {"now": NOW}
        town.clock.forward(10.0)
        assert (await client.get(f"{V1}/time")).json() == {"now": NOW + 10.0}

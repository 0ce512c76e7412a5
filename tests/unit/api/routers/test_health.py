"""Whether the hub works."""

from tests.unit.api.town import Town

HEALTH = "/api/v1/health"


async def test_a_hub_that_works_says_so(town: Town) -> None:
    async with town.client() as client:
        answer = await client.get(HEALTH)
    assert (answer.status_code, answer.json()) == (200, {"ok": True, "why": ""})


async def test_what_does_not_work_is_said_in_a_word(town: Town) -> None:
    town.trouble = "broker"
    async with town.client() as client:
        answer = await client.get(HEALTH)
    assert (answer.status_code, answer.json()) == (503, {"ok": False, "why": "broker"})


async def test_a_damaged_database_is_said_without_its_name(town: Town) -> None:
    town.database.path.write_bytes(b"\xa5" * 8_192)
    async with town.client() as client:
        answer = await client.get(HEALTH)
    assert (answer.status_code, answer.json()) == (503, {"ok": False, "why": "database"})

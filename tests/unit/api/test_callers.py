"""Who asks, and that no foreign page can make them ask."""

import pytest

from gateway.api.callers import COOKIE, new_token, token_hash
from tests.unit.api.town import DAY_S, Town, bearer

V1 = "/api/v1"
UNSAFE = [
    ("DELETE", f"{V1}/session", None),
    ("PATCH", f"{V1}/me", {"language": "en"}),
    ("POST", f"{V1}/alerts/a-sato/acknowledge", None),
]


def test_a_token_has_256_bits_and_the_database_has_only_its_hash() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}
    assert token_hash("x") != token_hash("y")
    assert len(token_hash("x")) == 32


async def test_a_cookie_and_a_bearer_token_open_the_same_account(town: Town) -> None:
    async with town.browser("sato") as browser, town.client("sato") as app:
        assert (await browser.get(f"{V1}/me")).json() == (await app.get(f"{V1}/me")).json()


@pytest.mark.parametrize(("method", "path", "body"), UNSAFE)
async def test_a_foreign_page_changes_nothing_with_the_cookie(
    town: Town, method: str, path: str, body: object
) -> None:
    async with town.browser("sato", page=False) as foreign:
        for headers in ({}, {"X-Machimori": "0"}, {"X-Machimori": ""}):
            answer = await foreign.request(method, path, json=body, headers=headers)
            assert answer.status_code == 403
        assert (await foreign.get(f"{V1}/me")).json()["language"] == "ja"
        assert (await foreign.get(f"{V1}/alerts")).json()[0]["state"] == "raised"


@pytest.mark.parametrize(("method", "path", "body"), UNSAFE)
async def test_our_own_page_and_an_app_may(
    town: Town, method: str, path: str, body: object
) -> None:
    async with town.browser("sato") as page, town.client("sato") as app:
        assert (await page.request(method, path, json=body)).is_success
        assert (await app.request(method, path, json=body)).is_success


async def test_a_token_does_not_travel_the_other_way(town: Town) -> None:
    async with town.client() as client:
        cookie_as_bearer = {"Authorization": "Bearer cookie-sato"}
        bearer_as_cookie = {"Cookie": f"{COOKIE}={bearer('sato')}"}
        for headers in (cookie_as_bearer, bearer_as_cookie):
            assert (await client.get(f"{V1}/me", headers=headers)).status_code == 401


async def test_a_bearer_token_wins_over_a_cookie(town: Town) -> None:
    async with town.browser("sato") as browser:
        answer = await browser.get(
            f"{V1}/me", headers={"Authorization": f"Bearer {bearer('kato')}"}
        )
    assert answer.json()["login"] == "kato"


async def test_a_session_expires(town: Town) -> None:
    async with town.browser("sato") as browser:
        town.clock.forward(DAY_S - 1.0)
        assert (await browser.get(f"{V1}/me")).status_code == 200
        town.clock.forward(1.0)
        assert (await browser.get(f"{V1}/me")).status_code == 401

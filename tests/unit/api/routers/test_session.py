"""Logging in and out."""

import json

import pytest
import structlog

from gateway.api.callers import COOKIE
from gateway.api.throttle import BY_ADDRESS, BY_LOGIN
from gateway.settings import ApiSettings
from gateway.store.database import Connection
from tests.unit.api.town import DAY_S, NOW, PASSWORD, Town

V1 = "/api/v1"
RIGHT = {"login": "sato", "password": PASSWORD}
WRONG = {"login": "sato", "password": "wrong"}


async def test_the_page_logs_in_with_a_cookie_that_only_the_browser_reads(town: Town) -> None:
    async with town.browser() as browser:
        answer = await browser.post(f"{V1}/session", json=RIGHT)
        assert answer.status_code == 204
        cookie = answer.headers["set-cookie"]
        for word in ("HttpOnly", "Path=/", "SameSite=strict", "Secure", "Max-Age=1209600"):
            assert word in cookie
        assert (await browser.get(f"{V1}/me")).json() == {
            "login": "sato",
            "audience": "guardian",
            "language": "ja",
        }


async def test_where_https_is_not_spoken_the_cookie_may_travel_without(town: Town) -> None:
    town.settings = ApiSettings(cookie_secure=False)
    async with town.browser() as browser:
        answer = await browser.post(f"{V1}/session", json=RIGHT)
    assert "Secure" not in answer.headers["set-cookie"]


async def test_a_foreign_page_cannot_log_somebody_in(town: Town) -> None:
    async with town.browser(page=False) as foreign:
        answer = await foreign.post(f"{V1}/session", json=RIGHT)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_an_app_logs_in_with_a_token(town: Town) -> None:
    town.settings = ApiSettings(session_hours=2)
    async with town.client() as app:
        answer = (await app.post(f"{V1}/token", json=RIGHT)).json()
        assert answer["expires_at"] == NOW + 7_200.0
        headers = {"Authorization": f"Bearer {answer['token']}"}
        assert (await app.get(f"{V1}/me", headers=headers)).json()["login"] == "sato"


async def test_tokens_are_not_in_the_database(town: Town) -> None:
    async with town.client() as app:
        token = (await app.post(f"{V1}/token", json=RIGHT)).json()["token"]

    def dump(connection: Connection) -> str:
        driver = connection.connection.driver_connection
        assert driver is not None
        return "\n".join(driver.iterdump())

    content = await town.database.read(dump)
    assert "token_hash" in content
    assert token not in content
    assert PASSWORD not in content


async def test_logging_out_revokes_the_session_and_removes_the_cookie(town: Town) -> None:
    async with town.browser("sato") as browser, town.client("sato") as app:
        answer = await browser.delete(f"{V1}/session")
        assert answer.status_code == 204
        assert "Max-Age=0" in answer.headers["set-cookie"]
        old = {"Cookie": f"{COOKIE}=cookie-sato"}
        assert (await browser.get(f"{V1}/me", headers=old)).status_code == 401
        assert (await app.get(f"{V1}/me")).status_code == 200
        assert (await app.delete(f"{V1}/session")).status_code == 204
        assert (await app.get(f"{V1}/me")).status_code == 401


async def test_a_wrong_password_and_an_unknown_login_are_alike(town: Town) -> None:
    async with town.client() as app:
        wrong = await app.post(f"{V1}/token", json=WRONG)
        unknown = await app.post(f"{V1}/token", json={"login": "nobody", "password": "wrong"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content
    assert dict(wrong.headers) == dict(unknown.headers)


@pytest.mark.parametrize("login", ["sato", "nobody"])
async def test_many_failures_lock_a_login_whether_it_exists_or_not(town: Town, login: str) -> None:
    async with town.client() as app:
        attempt = {"login": login, "password": "wrong"}
        codes = [
            (await app.post(f"{V1}/token", json=attempt)).status_code
            for _ in range(BY_LOGIN.free + 1)
        ]
        assert codes == [401] * BY_LOGIN.free + [429]
        locked = await app.post(f"{V1}/token", json={**attempt, "password": PASSWORD})
        assert locked.status_code == 429
        assert locked.headers["retry-after"] == "30"
        also_locked = await app.post(f"{V1}/token", json={**attempt, "login": login.upper()})
        assert also_locked.status_code == 429


async def test_a_lock_passes_and_success_forgets_the_failures(town: Town) -> None:
    async with town.client() as app:
        for _ in range(BY_LOGIN.free):
            await app.post(f"{V1}/token", json=WRONG)
        town.clock.forward(30.0)
        assert (await app.post(f"{V1}/token", json=RIGHT)).status_code == 200
        assert (await app.post(f"{V1}/token", json=WRONG)).status_code == 401
        assert (await app.post(f"{V1}/token", json=RIGHT)).status_code == 200


async def test_an_address_that_tries_many_logins_is_locked_though_one_is_its_own(
    town: Town,
) -> None:
    async with town.client() as app:
        for number in range(BY_ADDRESS.free):
            guess = {"login": f"guess-{number}", "password": "x"}
            assert (await app.post(f"{V1}/token", json=guess)).status_code == 401
            if number % 10 == 0:
                assert (await app.post(f"{V1}/token", json=RIGHT)).status_code == 200
        assert (await app.post(f"{V1}/token", json=RIGHT)).status_code == 429


async def test_a_refused_login_is_logged_without_who_and_what(town: Town) -> None:
    with structlog.testing.capture_logs() as logged:
        async with town.client() as app:
            await app.post(f"{V1}/token", json=WRONG)
    assert [line["event"] for line in logged] == ["login refused"]
    assert "sato" not in json.dumps(logged)
    assert 'wrong"' not in json.dumps(logged)


async def test_a_language_is_chosen_and_no_other_than_ours(town: Town) -> None:
    async with town.browser("sato") as browser:
        assert (await browser.patch(f"{V1}/me", json={"language": "en"})).status_code == 204
        assert (await browser.get(f"{V1}/me")).json()["language"] == "en"
        assert (await browser.patch(f"{V1}/me", json={"language": "xx"})).status_code == 422
        more = {"language": "ja", "audience": "admin"}
        assert (await browser.patch(f"{V1}/me", json=more)).status_code == 422
        town.clock.forward(DAY_S)
        assert (await browser.patch(f"{V1}/me", json={"language": "ja"})).status_code == 401

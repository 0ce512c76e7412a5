"""Who may see what, route by route: a route that is not in this table fails the first test."""

import asyncio
from itertools import product

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Mount

from gateway.model import Audience
from gateway.store.database import Database
from tests.unit.api.lamp_pieces import SPARE, SPARE_CALENDAR
from tests.unit.api.town import FIRST_OF, LOGINS, NOW, Town

GUARDIANS = {Audience.GUARDIAN}
ALERTED = {Audience.GUARDIAN, Audience.STAFF, Audience.TECHNICIAN}
TECHNICIANS = {Audience.TECHNICIAN}
STAFF = {Audience.STAFF}
KEEPERS = {Audience.STAFF, Audience.TECHNICIAN}
EVERYBODY = set(Audience)
V1 = "/api/v1"

MAY = {
    ("GET", f"{V1}/me"): EVERYBODY,
    ("PATCH", f"{V1}/me"): EVERYBODY,
    ("DELETE", f"{V1}/session"): EVERYBODY,
    ("GET", f"{V1}/site"): EVERYBODY,
    ("GET", f"{V1}/time"): EVERYBODY,
    ("GET", f"{V1}/carriers"): GUARDIANS,
    ("GET", f"{V1}/carriers/{{carrier}}/position"): GUARDIANS,
    ("GET", f"{V1}/carriers/{{carrier}}/route"): GUARDIANS,
    ("GET", f"{V1}/carriers/{{carrier}}/outings"): GUARDIANS,
    ("GET", f"{V1}/carriers/{{carrier}}/outings/{{outing}}"): GUARDIANS,
    ("GET", f"{V1}/carriers/{{carrier}}/looks"): GUARDIANS,
    ("GET", f"{V1}/alerts"): ALERTED,
    ("POST", f"{V1}/alerts/{{alert}}/acknowledge"): ALERTED,
    ("GET", f"{V1}/stream"): ALERTED,
    ("GET", f"{V1}/calibrations"): TECHNICIANS,
    ("GET", f"{V1}/calibrations/{{calibration}}"): TECHNICIANS,
    ("POST", f"{V1}/calibrations/undo"): TECHNICIANS,
    ("GET", f"{V1}/lamps"): KEEPERS,
    ("GET", f"{V1}/lamps/audit"): KEEPERS,
    ("GET", f"{V1}/lamps/{{lamp}}"): KEEPERS,
    ("GET", f"{V1}/lamps/{{lamp}}/history"): KEEPERS,
    ("GET", f"{V1}/lamps/{{lamp}}/plan"): KEEPERS,
    ("PUT", f"{V1}/lamps/{{lamp}}/settings"): KEEPERS,
    ("POST", f"{V1}/overrides"): KEEPERS,
    ("GET", f"{V1}/overrides"): KEEPERS,
    ("GET", f"{V1}/overrides/{{override}}"): KEEPERS,
    ("DELETE", f"{V1}/overrides/{{override}}"): KEEPERS,
    ("POST", f"{V1}/scenes"): KEEPERS,
    ("GET", f"{V1}/programs"): KEEPERS,
    ("GET", f"{V1}/programs/{{document}}"): KEEPERS,
    ("GET", f"{V1}/programs/{{document}}/versions"): KEEPERS,
    ("PUT", f"{V1}/programs/{{document}}"): STAFF,
    ("DELETE", f"{V1}/programs/{{document}}"): STAFF,
    ("GET", f"{V1}/calendars"): KEEPERS,
    ("GET", f"{V1}/calendars/{{document}}"): KEEPERS,
    ("GET", f"{V1}/calendars/{{document}}/versions"): KEEPERS,
    ("PUT", f"{V1}/calendars/{{document}}"): STAFF,
    ("DELETE", f"{V1}/calendars/{{document}}"): STAFF,
    ("PUT", f"{V1}/calendars/{{document}}/assigned"): STAFF,
    ("GET", f"{V1}/lamp-events"): KEEPERS,
    ("POST", f"{V1}/lamp-events/{{event}}/work"): KEEPERS,
    ("GET", f"{V1}/lamp-events/report"): KEEPERS,
    ("GET", f"{V1}/ngsi/streetlights"): KEEPERS,
    ("GET", f"{V1}/energy"): KEEPERS,
    ("GET", f"{V1}/energy.csv"): KEEPERS,
}
WITHOUT_LOGIN = {
    ("POST", f"{V1}/session"),
    ("POST", f"{V1}/token"),
    ("GET", f"{V1}/health"),
    ("GET", "/docs"),
    ("GET", "/docs/style.css"),
    ("GET", "/openapi.json"),
    ("GET", "/"),
}
# An id of each kind that is Sato's, and what everybody else must not even learn to exist.
OUTING = int(NOW - 5.0)
OWN = {
    "carrier": "c-sato",
    "alert": "a-sato",
    "outing": f"t-sato-{OUTING}",
    "calibration": "1",
    "lamp": "l-1",
    "override": "o-1",
    "document": "spare",
    "event": "1",
}
OWN_OF_STAFF = {**OWN, "alert": "a-tech"}
NOT_OWN = {
    "carrier": ("c-kato", "c-nobody", "%00", "..%2fc-kato"),
    "alert": ("a-kato", "a-tech", "a-0"),
    "outing": (f"t-kato-{OUTING}", "t-sato-0", f"t-nobody-{OUTING}"),
    "calibration": ("0", "99", "-1", "%00"),
    "lamp": ("l-0", "%00", "..%2fl-1"),
    "override": ("o-0", "%00"),
    "document": ("evening-2", "%00"),
    "event": ("0", "99", "-1", "²", "9" * 16),
}
BODIES = {
    ("PATCH", f"{V1}/me"): {"language": "en"},
    ("PUT", f"{V1}/lamps/{{lamp}}/settings"): {"limits": {"temperature_c": 70}},
    ("POST", f"{V1}/overrides"): {"lamps": ["l-1"], "level": 50, "minutes": 5},
    ("POST", f"{V1}/scenes"): {"scene": "search", "all": True, "minutes": 5},
    ("PUT", f"{V1}/programs/{{document}}"): SPARE,
    ("PUT", f"{V1}/calendars/{{document}}"): SPARE_CALENDAR,
    ("PUT", f"{V1}/calendars/{{document}}/assigned"): {"groups": ["north"]},
    ("POST", f"{V1}/lamp-events/{{event}}/work"): {"state": "done"},
}


async def ask(
    town: Town, client: httpx.AsyncClient, method: str, path: str, body: object = None
) -> httpx.Response:
    """One request; a live stream is ended as soon as it is open."""

    async def end_streams() -> None:
        await town.stream.opened.get()
        town.stream.close()

    async with asyncio.TaskGroup() as tasks:
        ending = tasks.create_task(end_streams())
        answer = await client.request(method, path, json=body)
        ending.cancel()
    return answer


def routes(town: Town) -> set[tuple[str, str]]:
    """Every method and path of the application; a mount is only the page's."""
    found = set()
    for context in iter_route_contexts(town.app().routes):
        assert not isinstance(context.route, Mount)
        assert context.path is not None
        for method in (context.methods or set()) - {"HEAD"}:
            found.add((method, context.path))
    return found


async def test_every_route_is_in_this_table(town: Town) -> None:
    assert routes(town) == set(MAY) | WITHOUT_LOGIN


async def test_a_route_that_nobody_put_in_the_table_is_found(town: Town) -> None:
    class Grown(Town):
        def app(self) -> FastAPI:
            app = super().new_app()
            app.router.routes.append(APIRoute("/api/v1/secrets", lambda: ""))
            return app

    assert ("GET", "/api/v1/secrets") in routes(Grown(town.database))


@pytest.mark.parametrize(("route", "audience"), list(product(MAY, Audience)))
async def test_an_audience_sees_what_is_for_it(
    town: Town, route: tuple[str, str], audience: Audience
) -> None:
    method, path = route
    own = OWN if audience is Audience.GUARDIAN else OWN_OF_STAFF
    async with town.client(FIRST_OF[audience]) as client:
        answer = await ask(town, client, method, path.format(**own), BODIES.get(route))
    assert answer.is_success == (audience in MAY[route]), answer.text
    if not answer.is_success:
        assert answer.status_code == 403
        assert answer.json() == {"detail": "This is not for your account."}


@pytest.mark.parametrize("route", MAY)
@pytest.mark.parametrize("token", [None, "guessed", "cookie-sato", ""])
async def test_nobody_sees_anything_without_a_session(
    town: Town, route: tuple[str, str], token: str | None
) -> None:
    method, path = route
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with town.client() as client:
        client.headers.update(headers)
        answer = await ask(town, client, method, path.format(**OWN), BODIES.get(route))
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Log in first."}


# What is sent to a new id makes it.
MAKES = {("PUT", f"{V1}/programs/{{document}}"), ("PUT", f"{V1}/calendars/{{document}}")}
WITH_AN_ID = [
    (route, kind, other)
    for route, kind in product(MAY, NOT_OWN)
    if f"{{{kind}}}" in route[1] and route not in MAKES
    for other in NOT_OWN[kind]
]


@pytest.mark.parametrize(("route", "kind", "other"), WITH_AN_ID)
async def test_anothers_and_unknown_ones_are_alike(
    town: Town, route: tuple[str, str], kind: str, other: str
) -> None:
    method, path = route
    body = BODIES.get(route)
    async with town.client(_one_of(MAY[route])) as client:
        answer = await ask(town, client, method, path.format(**{**OWN, kind: other}), body)
        unknown = await ask(town, client, method, path.format(**{**OWN, kind: "never-was"}), body)
    assert answer.status_code == unknown.status_code == 404
    if "%2f" not in other:
        assert answer.content == unknown.content


def _one_of(audiences: set[Audience]) -> str:
    first = (Audience.GUARDIAN, Audience.TECHNICIAN, Audience.STAFF)
    return FIRST_OF[next(audience for audience in first if audience in audiences)]


def test_the_two_tables_name_every_kind_of_id() -> None:
    kinds = {part.strip("{}") for _, path in MAY for part in path.split("/") if "{" in part}
    assert kinds == set(NOT_OWN)


@pytest.mark.parametrize("login", ["suzuki", "takeda"])
@pytest.mark.parametrize("alert", ["a-sato", "a-kato", "a-0"])
async def test_a_persons_alert_is_unknown_to_staff(town: Town, login: str, alert: str) -> None:
    async with town.client(login) as client:
        answer = await client.post(f"{V1}/alerts/{alert}/acknowledge")
    assert answer.status_code == 404


@pytest.mark.parametrize("route", sorted(WITHOUT_LOGIN))
async def test_what_needs_no_login_tells_nothing_of_persons(
    town: Town, route: tuple[str, str]
) -> None:
    method, path = route
    async with town.client() as client:
        answer = await client.request(method, path)
    assert answer.status_code in {200, 403, 422, 503}
    told = answer.text + str(answer.headers)
    assert not [word for word in (*LOGINS, "Child of", "t-sato", "140.88") if word in told]


async def test_every_answer_carries_the_safe_headers(town: Town) -> None:
    async with town.client("sato") as client:
        for path in (f"{V1}/me", f"{V1}/carriers", f"{V1}/nothing", "/docs", f"{V1}/health", "/"):
            headers = (await client.get(path)).headers
            assert "script-src 'self';" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert "max-age" in headers["strict-transport-security"]


async def test_a_refused_body_is_not_repeated(town: Town) -> None:
    async with town.client() as client:
        answer = await client.post(
            f"{V1}/token", json={"login": "sato", "password": PASSWORDS_TWIN, "more": 1}
        )
        garbage = await client.post(
            f"{V1}/token", content=b"{" * 100, headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == garbage.status_code == 422
    assert PASSWORDS_TWIN not in answer.text
    assert "body.more" in answer.json()["detail"]


PASSWORDS_TWIN = "hunter2hunter2"


async def test_a_body_without_end_is_refused(town: Town) -> None:
    async with town.client() as client:
        huge = {"login": "sato", "password": "x" * 1_000_000}
        assert (await client.post(f"{V1}/token", json=huge)).status_code == 413


async def test_a_database_that_fails_is_told_without_details(town: Town) -> None:
    async with town.client("sato") as client:
        await town.database.write(
            lambda connection: connection.exec_driver_sql("PRAGMA max_page_count = 1")
        )
        fill = "x" * 100
        statuses = set()
        for _ in range(200):
            answer = await client.get(f"{V1}/carriers", params={"fill": fill})
            statuses.add(answer.status_code)
            if answer.status_code != 200:
                break
    assert statuses == {200, 503}
    assert answer.json() == {
        "detail": "The hub cannot reach its database now. Try again in a while."
    }


async def test_nobody_sees_what_cannot_be_logged(town: Town) -> None:
    def forbid(connection: object) -> None:
        assert hasattr(connection, "exec_driver_sql")
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON access_log"
            " BEGIN SELECT RAISE(ABORT, 'no look can be written'); END"
        )

    database: Database = town.database
    await database.write(forbid)
    async with town.client("sato") as client:
        for path in ("", "/c-sato/position", "/c-sato/route"):
            with pytest.raises(Exception, match="no look can be written"):
                await client.get(f"{V1}/carriers{path}")
        with pytest.raises(Exception, match="no look can be written"):
            await client.get(f"{V1}/stream")

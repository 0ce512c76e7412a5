"""Headers that every answer carries."""

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from gateway.api.headers import SafeHeaders


async def fetched(app: ASGIApp, *, https_only: bool) -> httpx.Headers:
    transport = httpx.ASGITransport(SafeHeaders(app, https_only=https_only))
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        return (await client.get("/")).headers


async def test_https_is_asked_for_only_where_it_is_spoken() -> None:
    app = PlainTextResponse("")
    assert "strict-transport-security" in await fetched(app, https_only=True)
    assert "strict-transport-security" not in await fetched(app, https_only=False)


async def test_nothing_is_kept_unless_the_answer_says_so() -> None:
    kept = PlainTextResponse("", headers={"Cache-Control": "no-cache"})
    assert (await fetched(PlainTextResponse(""), https_only=True))["cache-control"] == "no-store"
    assert (await fetched(kept, https_only=True))["cache-control"] == "no-cache"


async def test_the_policy_allows_own_scripts_only() -> None:
    headers = await fetched(PlainTextResponse(""), https_only=True)
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"

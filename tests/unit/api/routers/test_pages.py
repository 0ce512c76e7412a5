"""The built page and what browsers keep of it."""

from pathlib import Path

import pytest

from tests.unit.api.town import Town


@pytest.fixture
def built(town: Town, tmp_path: Path) -> Town:
    """A town with a page."""
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<!doctype html><title>page</title>")
    (dist / "assets" / "index-abc123.js").write_text("export {}")
    (dist / "assets" / "worker-abc123.mjs").write_text("export {}")
    (dist / "assets" / "index-abc123.css").write_text("body {}")
    (tmp_path / "secret.txt").write_text("secret")
    town.dist = dist
    return town


async def test_the_page_is_at_the_root_and_asked_for_again_each_time(built: Town) -> None:
    async with built.client() as client:
        answer = await client.get("/")
        assert "<title>page</title>" in answer.text
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        again = await client.get("/", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert "script-src 'self';" in again.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["index-abc123.js", "worker-abc123.mjs"])
async def test_scripts_are_scripts_to_every_browser_and_kept_for_ever(
    built: Town, name: str
) -> None:
    async with built.client() as client:
        answer = await client.get(f"/assets/{name}")
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_styles_keep_their_type(built: Town) -> None:
    async with built.client() as client:
        answer = await client.get("/assets/index-abc123.css")
    assert answer.headers["content-type"].startswith("text/css")


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt"]
)
async def test_nothing_outside_the_page_is_served(built: Town, path: str) -> None:
    async with built.client() as client:
        answer = await client.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


async def test_the_api_goes_before_the_page(built: Town) -> None:
    async with built.client() as client:
        assert (await client.get("/api/v1/health")).json()["ok"] is True
        assert (await client.get("/docs")).status_code == 200
        assert (await client.get("/api/v1/nothing")).status_code == 404


async def test_without_a_page_the_root_says_what_to_do(town: Town) -> None:
    async with town.client() as client:
        answer = await client.get("/")
    assert answer.status_code == 503
    assert "npm run build" in answer.text

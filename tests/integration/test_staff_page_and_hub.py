"""The staff's page on the hub's real API: both speak of the same things."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog
from playwright.async_api import Page, async_playwright, expect

from gateway.api.server import serve
from gateway.lamps import LampEvent, LampEventKind
from gateway.settings import ApiSettings
from gateway.store import lamp_events
from gateway.store.database import Connection, Database
from gateway.store.lamp_events import WorkState
from tests.integration.browser import ARGUMENTS, built_page
from tests.needs import need
from tests.unit.api.lamp_pieces import NOW, reading, tell
from tests.unit.api.town import PASSWORD, Town, eventually, settle

STAFF, TECHNICIAN = "suzuki", "takeda"


def settle_night(connection: Connection) -> None:
    """The small town, with an hour of l-1's readings and a fault that came and went."""
    settle(connection)
    for minute in reversed(range(1, 60)):
        tell(connection, reading(at=NOW - 60.0 * minute))
    tell(connection, reading(at=NOW - 10.0))
    over = LampEvent("l-3", LampEventKind.CABINET_DOOR_OPEN, NOW - 90_000.0, {})
    ended = LampEvent(over.lamp, over.kind, over.start, over.evidence, end=NOW - 80_000.0)
    lamp_events.record(connection, [over, ended], at=NOW)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """The town whose page is the built one."""
    settings = ApiSettings(port=0, cookie_secure=False)
    async with Database(tmp_path / "hub.sqlite") as database:
        await database.write(settle_night)
        yield Town(database, dist=built_page(), settings=settings)


@asynccontextmanager
async def page_of(town: Town, login: str) -> AsyncIterator[Page]:
    """The page after the login; nothing was told on the console."""
    told: list[str] = []
    with structlog.testing.capture_logs() as logs:
        async with asyncio.TaskGroup() as tasks, async_playwright() as playwright:
            serving = tasks.create_task(serve(town.app(), town.settings), name="api")
            await eventually(lambda: logs)
            browser = await playwright.chromium.launch(
                executable_path=need("chromium"), args=ARGUMENTS
            )
            page = await browser.new_page(viewport={"width": 1600, "height": 900})
            page.on("console", lambda message: told.append(f"{message.type} {message.text}"))
            page.on("pageerror", lambda error: told.append(str(error)))
            await page.goto(f"http://127.0.0.1:{logs[0]['port']}/")
            await page.locator("input[name=login]").fill(login)
            await page.locator("input[name=password]").fill(PASSWORD)
            await page.keyboard.press("Enter")
            yield page
            await browser.close()
            serving.cancel()
    assert told == []


async def test_a_lamps_state_night_and_fault_come_from_the_hub(town: Town) -> None:
    async with page_of(town, STAFF) as page:
        rows = page.locator(".lamp-name")
        await expect(rows).to_have_text(["l-2", "l-3", "l-4", "l-1", "l-5"])
        await page.get_by_role("link", name="l-1").click()
        await expect(page.locator(".three")).to_contain_text("20.5 W")
        await expect(page.locator(".plan-steps li")).to_have_count(2)
        await expect(page.locator(".plan-steps li").nth(1)).to_contain_text("50\u00a0%")
        await expect(page.locator(".plot path.power")).to_have_count(1)
        await page.get_by_role("link", name="l-2").click()
        await expect(page.locator(".fault")).to_contain_text("点灯しない")


async def test_an_override_is_the_hubs_and_says_that_the_gateway_is_away(town: Town) -> None:
    async with page_of(town, TECHNICIAN) as page:
        await page.get_by_role("link", name="l-1").click()
        await page.get_by_label("理由").fill("点検")
        await page.get_by_role("button", name="送る").click()
        running_one = page.locator(".running-one")
        await expect(running_one).to_contain_text("現場の技術者")
        await expect(running_one).to_contain_text("… 待ち1")
        town.clock.forward(4.0)
        await expect(running_one).to_contain_text("l-1 — ゲートウェイとつながりません")
        await running_one.get_by_role("button", name="今すぐ終える").click()
        await expect(running_one).to_have_count(0)
    assert len(town.lights_changed) == 2


async def test_work_on_a_fault_is_kept_by_the_hub(town: Town) -> None:
    async with page_of(town, STAFF) as page:
        await page.evaluate("location.hash = '#/work'")
        job = page.locator(".job", has_text="l-2")
        await job.get_by_role("button", name="完了にする").click()
        await job.get_by_label("何をしたか").fill("灯具を交換")
        await job.get_by_role("button", name="記録する").click()
        await expect(page.get_by_text("最近完了したもの 1")).to_be_visible()
    (stored,) = await town.database.read(lamp_events.latest, lamp="l-2", limit=2)
    assert (stored.work.state, stored.work.by) == (WorkState.DONE, STAFF)


async def test_scene_report_and_energy_are_the_hubs(town: Town) -> None:
    async with page_of(town, STAFF) as page:
        await page.evaluate("location.hash = '#/orders'")
        await page.get_by_role("button", name="始める", exact=True).click()
        await page.get_by_role("button", name="はい、始める").click()
        scene = page.locator(".running-one.is-safety")
        await expect(scene).to_contain_text("4灯 避難")
        await page.evaluate("location.hash = '#/morning'")
        await expect(page.locator(".sums")).to_contain_text("見ている街灯4")
        await page.evaluate("location.hash = '#/energy'")
        await expect(page.get_by_text("この期間の電力量はありません")).to_be_visible()
        async with page.expect_download() as download:
            await page.get_by_role("link", name="CSVで保存").click()
        assert "kWh" in (await (await download.value).path()).read_text(encoding="utf-8-sig")

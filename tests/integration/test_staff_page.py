"""The page of staff and technicians in a real browser, against a fake hub."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.integration.browser import built_page, chromium, log_in, visited
from tests.integration.fake_hub import FakeHub, Json
from tests.integration.fake_lights import HTTPStatus, event, lamp

JAPAN = timezone(timedelta(hours=9))
LON, LAT = 140.93, 36.99
WIDE, NARROW = {"width": 1600, "height": 900}, {"width": 360, "height": 780}
LEAST_TARGET_PX = 44
VIEWS = ("lights", "work", "orders", "morning", "energy", "devices")


def at(day: int, hour: int, minute: int = 0) -> float:
    """Unix seconds of a time in Japan, in November."""
    return datetime(2026, 11, day, hour, minute, tzinfo=JAPAN).timestamp()


NOW = at(22, 20, 14)


def plan() -> Json:
    """A street of 300 m."""
    street = [[LON, LAT], [LON + 0.0034, LAT]]
    geometry = {"type": "LineString", "coordinates": street}
    feature = {"type": "Feature", "properties": {"kind": "path", "use": "street"}}
    return {"type": "FeatureCollection", "features": [feature | {"geometry": geometry}]}


def lamps() -> list[Json]:
    """Eight lamps, 38 m apart: one of each state, and three with faults."""
    silent = dict.fromkeys(("feedback_level", "actual_level", "active_power_w"))
    dark = dict.fromkeys(("target_level", "feedback_level", "actual_level"), 0.0)
    changes: list[Json] = [
        {},
        {"target_level": 70.0, "feedback_level": 70.0, "actual_level": 70.0, "groups": ["south"]},
        {"state": "off", "active_power_w": 0.4, "groups": ["south"]} | dark,
        {"state": "unknown"} | silent,
        {"faults": ["powerFactorTooLow"], "work": "assigned"},
        {"faults": ["lampFailure"], "work": "open", "active_power_w": 0.4},
        {"faults": ["leakageDetected", "lampPowerTooLow"], "work": "open"},
        {"gateway": "", "bus": "", "state": "unknown", "authority": None} | silent,
    ]
    return [
        lamp(n, LON + 0.0004 * n, LAT, **{"at": NOW - 20 * n} | change)
        for n, change in enumerate(changes, start=1)
    ]


def step(since: float, until: float, level: float, **changes: object) -> Json:
    """A step of a plan."""
    known = {"at": since, "until": until, "level": level, "authority": "program"}
    return known | {"reason": f"→ {level:.0f} %", "by_sensor": ""} | changes


def tonight() -> Json:
    """Full light until ten, then less, and a sensor after midnight."""
    steps = [
        step(at(22, 12), at(22, 16, 24), 0),
        step(at(22, 16, 24), at(22, 22), 100),
        step(at(22, 22), at(23, 0), 70),
        step(at(23, 0), at(23, 6, 23), 20, by_sensor="motion of self"),
        step(at(23, 6, 23), at(23, 12), 0),
    ]
    sun = {"sunset": at(22, 16, 24), "sunrise": at(23, 6, 23)}
    known = {"calendar": "street", "rule": "default", "program": "evening", "now": None}
    return {"night": "2026-11-22", "steps": steps} | sun | known


@pytest.fixture(scope="module")
def desk() -> Iterator[BrowserContext]:
    """Chromium on an office PC."""
    with chromium({"width": 1600, "height": 900}) as context:
        yield context


@pytest.fixture(scope="module")
def dist() -> Path:
    """The built page."""
    return built_page()


@pytest.fixture
def hub(dist: Path) -> FakeHub:
    """A hub with eight lamps, at 20:14."""
    hub = FakeHub(dist=dist, plan=plan(), now=NOW, carriers=[], audience="staff")
    lights = hub.lights
    lights.lamps = lamps()
    lights.sunset, lights.sunrise = at(22, 16, 24), at(23, 6, 23)
    lights.plans["2026-11-22"] = tonight()
    lights.events = [
        event(1, "lamp-006", "lampFailure", at(22, 17, 2)),
        event(2, "lamp-007", "leakageDetected", at(22, 19), evidence={}),
        event(3, "lamp-007", "lampPowerTooLow", at(20, 19), end=at(20, 23)),
    ]
    return hub


@pytest.fixture
def expected_errors() -> list[str]:
    """Parts of console errors that a test provokes on purpose; the test adds to it."""
    return []


@pytest.fixture
def page(desk: BrowserContext, hub: FakeHub, expected_errors: list[str]) -> Iterator[Page]:
    """The page after the login of staff."""
    with visited(desk, hub, expected_errors) as page:
        log_in(page)
        if hub.audience != "guardian":
            expect(page.get_by_role("link", name="lamp-001")).to_be_visible()
        yield page


def go(page: Page, path: str) -> None:
    """Follow an address within the page."""
    page.evaluate("path => { location.hash = path }", path)


def row(page: Page, name: str) -> str:
    """All the words of a lamp's row in the list."""
    return page.locator(".lamp-row", has_text=name).inner_text()


def test_faults_stand_first_and_the_worst_of_them_above(page: Page) -> None:
    names = page.locator(".lamp-name").all_inner_texts()
    sick, silent = ["lamp-007", "lamp-006", "lamp-005"], "lamp-004"
    assert names == [*sick, silent, "lamp-001", "lamp-002", "lamp-003", "lamp-008"]
    assert "漏電、電力が少ない" in row(page, "lamp-007")
    assert "担当あり" in row(page, "lamp-005")


def test_each_state_has_its_own_shape_and_letter_on_the_plan(page: Page) -> None:
    signs = page.locator(".lamp-map .sign")
    expect(signs).to_have_count(8)
    shapes = {
        (found.split(" is-")[1].split()[0], letter)
        for found, letter in signs.evaluate_all("all => all.map(s => [s.className, s.textContent])")
    }
    lit = {("on", "100"), ("on", "70"), ("off", ""), ("unknown", "?"), ("undriven", "")}
    assert shapes == lit | {("fault", "!"), ("assigned", "!")}
    drawn = signs.evaluate_all("all => all.map(s => getComputedStyle(s, '::before').clipPath)")
    assert sum("polygon" in one for one in drawn) == 3


def test_the_list_is_filtered_by_state_words_and_group(page: Page) -> None:
    shown = page.locator(".lamp-name")
    page.get_by_role("button", name="3 故障").click()
    expect(shown).to_have_count(3)
    expect(page.locator(".lamp-map .sign.is-faded")).to_have_count(5)
    page.get_by_role("button", name="すべて").click()
    page.get_by_label("グループ", exact=True).select_option("south")
    expect(shown).to_have_text(["lamp-002", "lamp-003"])
    page.get_by_role("searchbox").fill("POLE-003")
    expect(shown).to_have_text(["lamp-003"])
    page.get_by_role("searchbox").fill("no such thing")
    expect(page.get_by_text("条件をゆるめてください")).to_be_visible()


def test_a_lamp_tells_what_was_commanded_apart_from_what_it_gives(page: Page, hub: FakeHub) -> None:
    hub.lights.lamps[0] |= {"target_level": 50.0, "feedback_level": 100.0, "actual_level": 90.0}
    page.clock.run_for(11_000)
    page.get_by_role("link", name="lamp-001").click()
    told = page.locator(".three").inner_text().split()
    assert [word for word in told if word.isdigit()] == ["50", "100", "90"]
    expect(page.locator(".is-off-target")).to_contain_text("実際")


def test_a_value_that_could_not_be_read_is_told_as_such_and_never_as_zero(page: Page) -> None:
    page.get_by_role("link", name="lamp-001").click()
    values = page.locator(".values").first
    expect(values).to_contain_text("201.3 V")
    expect(values.locator("dd.quiet")).to_have_text("読めません（sensor broken）")


def test_a_lamp_that_nothing_drives_offers_no_command(page: Page) -> None:
    page.get_by_role("link", name="lamp-008").click()
    expect(page.get_by_text("まちもりからは動かせません")).to_be_visible()
    expect(page.get_by_role("button", name="送る")).to_have_count(0)


def test_a_picked_lamp_has_an_address_that_reload_and_back_know(page: Page) -> None:
    page.locator(".lamp-map .lamp-mark[title=lamp-002]").click()
    heading = page.get_by_role("heading", name="lamp-002")
    expect(heading).to_be_focused()
    expect(page.locator(".lamp-mark.is-picked")).to_have_attribute("title", "lamp-002")
    page.reload()
    expect(heading).to_be_visible()
    page.go_back()
    expect(heading).to_have_count(0)


def test_the_list_works_by_keyboard_alone(page: Page) -> None:
    page.get_by_role("searchbox").focus()
    for _ in range(2):  # over the group's choice to the first lamp
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="lamp-007")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="lamp-007")).to_have_count(0)


def test_a_silence_is_a_gap_in_the_plot_and_arrow_keys_read_it(page: Page, hub: FakeHub) -> None:
    before = [[NOW - 7_200 + 60 * n, 100.0, 100.0, 40.0] for n in range(30)]
    after = [[NOW - 1_800 + 60 * n, 50.0, 50.0, 20.5] for n in range(30)]
    hub.lights.points = before + after
    page.get_by_role("link", name="lamp-001").click()
    plot = page.get_by_role("slider", name="明るさと電力の記録")
    expect(plot.locator("path.power")).to_have_count(2)
    plot.press("End")
    assert "20.5 W" in (plot.get_attribute("aria-valuetext") or "")
    plot.press("Home")
    assert "指令 100\u00a0%" in (plot.get_attribute("aria-valuetext") or "")
    asked = [parse_qs(urlsplit(one.split()[1]).query) for one in hub.asked if "/history" in one]
    assert float(asked[0]["until"][0]) - float(asked[0]["since"][0]) == pytest.approx(86_400, abs=2)


def test_tonights_curve_says_what_why_and_where_it_is_now(page: Page) -> None:
    page.get_by_role("link", name="lamp-001").click()
    steps = page.locator(".plan-steps li")
    expect(steps).to_have_count(3)
    expect(steps.nth(0)).to_have_class("is-now")
    expect(steps.nth(1)).to_contain_text("22:00–00:00")
    expect(steps.nth(2)).to_contain_text("センサー次第")
    curve = page.locator(".lamp-detail").get_by_role("img")
    told = "16:24 100\u00a0%、22:00 70\u00a0%、00:00 20\u00a0%"
    expect(curve).to_have_attribute("aria-label", told)
    page.get_by_role("button", name="次の夜").click()
    expect(page.get_by_text("この夜は点灯しません")).to_be_visible()


def test_an_override_has_a_reason_and_an_end_and_can_be_ended(page: Page, hub: FakeHub) -> None:
    page.get_by_role("link", name="lamp-001").click()
    page.get_by_role("button", name="50 %").click()
    page.get_by_role("button", name="15分").click()
    page.get_by_role("button", name="送る").click()
    expect(page.get_by_role("alert")).to_have_text("理由を書いてください")
    assert hub.lights.asked == []
    page.get_by_label("理由").fill("祭り")
    page.get_by_label("理由").press("Enter")
    running = page.locator(".running-one")
    expect(running).to_contain_text("lamp-001 50 %に")
    expect(running).to_contain_text("20:29に終わります")
    expect(running).to_contain_text("✓ 完了1")
    wanted = {"lamps": ["lamp-001"], "level": 50, "minutes": 15, "reason": "祭り"}
    assert hub.lights.asked == [("POST", "overrides", wanted)]
    running.get_by_role("button", name="今すぐ終える").click()
    expect(running).to_have_count(0)
    assert hub.lights.asked[-1][:2] == ("DELETE", "overrides/o1")


def test_until_sunrise_means_the_next_one(page: Page, hub: FakeHub) -> None:
    page.get_by_role("link", name="lamp-001").click()
    page.get_by_role("button", name="日の出まで 06:23").click()
    page.get_by_label("理由").fill("祭り")
    page.get_by_role("button", name="送る").click()
    expect(page.locator(".running-one")).to_be_visible()
    assert hub.lights.asked[0][2]["expiration"] == at(23, 6, 23)


def test_a_lamp_that_did_not_follow_is_told_with_why(page: Page, hub: FakeHub) -> None:
    hub.lights.outcome = {"state": "waiting", "why": ""}
    page.get_by_role("link", name="lamp-001").click()
    page.get_by_role("button", name="点滅させて探す").click()
    running = page.locator(".running-one")
    expect(running).to_contain_text("… 待ち1")
    outcomes = hub.lights.overrides[0]["outcomes"]
    outcomes[0] |= {"state": "failed", "why": "no_answer"}
    page.clock.run_for(1_100)
    expect(running).to_contain_text("✕ 失敗1")
    expect(running).to_contain_text("lamp-001 — 街灯が答えません")


def test_what_the_hub_refuses_is_told_in_its_words(
    page: Page, hub: FakeHub, expected_errors: list[str]
) -> None:
    expected_errors.append("422")
    detail = "An override lasts a week at most."
    hub.lights.refuses = (HTTPStatus.UNPROCESSABLE_ENTITY, {"detail": detail})
    page.get_by_role("link", name="lamp-001").click()
    page.get_by_label("理由").fill("祭り")
    page.get_by_role("button", name="送る").click()
    expect(page.get_by_role("alert")).to_contain_text(detail)
    expect(page.get_by_role("alert")).to_contain_text("入力を確かめてください")
    expect(page.get_by_label("理由")).to_have_value("祭り")


def test_an_order_to_many_lamps_is_asked_once_more(page: Page, hub: FakeHub) -> None:
    go(page, "#/orders")
    order = page.locator("form.order")
    order.get_by_label("どの街灯").select_option("south")
    order.get_by_label("理由").fill("点検")
    order.get_by_role("button", name="送る").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("south（2灯）：100 %に。21:14に終わります")
    dialog.get_by_role("button", name="やめる").click()
    expect(dialog).to_have_count(0)
    assert hub.lights.asked == []
    order.get_by_role("button", name="送る").click()
    page.keyboard.press("Enter")
    expect(page.locator(".running-one")).to_contain_text("2灯 100 %に")
    assert hub.lights.asked[0][2]["groups"] == ["south"]


def test_a_search_lights_what_stands_around_a_lamp(page: Page, hub: FakeHub) -> None:
    go(page, "#/orders")
    page.get_by_role("button", name="人の捜索").click()
    page.get_by_role("button", name="街灯のまわり").click()
    page.get_by_role("button", name="始める").click()
    expect(page.get_by_role("alert")).to_contain_text("中心の街灯")
    page.get_by_label("中心の街灯").fill("lamp-004")
    page.get_by_label("半径").select_option("50 m")
    page.get_by_role("button", name="始める", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text("60分間、約3灯が100 %になります")
    page.get_by_role("button", name="はい、始める").click()
    expect(page.locator(".running-one.is-safety")).to_contain_text("人の捜索")
    ((method, path, body),) = hub.lights.asked
    assert (method, path) == ("POST", "scenes")
    place = {"lon": LON + 0.0016, "lat": LAT, "radius_m": 50}
    assert body == {"scene": "search", "minutes": 60} | place


def test_a_fault_goes_from_open_to_assigned_to_done_with_a_note(page: Page, hub: FakeHub) -> None:
    page.get_by_role("link", name="作業").click()
    job = page.locator(".job", has_text="点灯しない")
    expect(page.locator(".job-kind").first).to_have_text("漏電")
    expect(job).to_contain_text("有効電力 0.4 W")
    job.get_by_role("button", name="担当を決める").click()
    page.keyboard.type("北電設")
    page.keyboard.press("Enter")
    assigned = page.locator("section", has=page.get_by_role("heading", name="担当あり"))
    expect(assigned.locator(".job")).to_contain_text("北電設")
    assigned.get_by_role("button", name="完了にする").click()
    assigned.get_by_role("button", name="記録する").click()
    expect(page.get_by_role("alert")).to_have_text("何をしたかを書いてください")
    assigned.get_by_label("何をしたか").fill("灯具を交換")
    assigned.get_by_role("button", name="記録する").click()
    expect(page.get_by_text("最近完了したもの 1")).to_be_visible()
    wanted = {"state": "done", "note": "灯具を交換"}
    assert hub.lights.asked[-1] == ("POST", "lamp-events/1/work", wanted)


def test_the_morning_report_is_of_the_last_night(page: Page, hub: FakeHub) -> None:
    keys = ("lamp", "kind", "start", "end", "evidence")
    faults = [{key: one[key] for key in keys} for one in hub.lights.events]
    told = {"since": at(21, 12), "until": at(22, 12), "lamps": 7, "sound": 4}
    hub.lights.report = told | {"faults": faults, "counts": {}, "unheard": ["lamp-004"]}
    go(page, "#/morning")
    expect(page.get_by_role("heading", name="11月21日(土)の夜の報告")).to_be_visible()
    still = page.locator("section", has=page.get_by_role("heading", name="今も続く故障"))
    expect(still.get_by_role("listitem")).to_have_count(2)
    over = page.locator("section", has=page.get_by_role("heading", name="夜のうちに直った"))
    expect(over).to_contain_text("電力が少ない")
    expect(page.get_by_role("link", name="lamp-004")).to_be_visible()
    page.get_by_role("button", name="前の夜").click()
    expect(page.get_by_role("heading", name="11月20日(金)の夜の報告")).to_be_visible()


def test_energy_keeps_metered_and_estimated_apart_and_gives_csv(page: Page, hub: FakeHub) -> None:
    numbers = {"baseline_kwh": 80.0, "saved_kwh": 30.0, "co2_kg": 21.5, "on_hours": 700.0}
    numbers["saved_co2_kg"] = 12.9
    used = {"metered_kwh": 40.0, "estimated_kwh": 10.0}
    nights = ("2026-11-20", "2026-11-21")
    hub.lights.energy = [{"key": "site", "period": night} | used | numbers for night in nights]
    go(page, "#/energy")
    sums = page.locator(".sums")
    for told in ("80.0 kWh", "20.0 kWh", "60.0 kWh （38 %）", "43.0 kg", "25.8 kg"):
        expect(sums).to_contain_text(told)
    expect(page.locator(".plot rect.bar-metered")).to_have_count(2)
    page.get_by_role("button", name="グループ").click()
    link = page.get_by_role("link", name="CSVで保存").get_attribute("href") or ""
    wanted = {"by": ["group"], "period": ["night"], "since": ["2026-11-09"]}
    assert parse_qs(urlsplit(link).query) == wanted | {"until": ["2026-11-22"]}
    page.get_by_label("から", exact=True).fill("2026-12-24")
    expect(page.get_by_role("alert")).to_contain_text("始まりが先になるように")


def test_staff_may_read_english(page: Page) -> None:
    page.get_by_label("言語").select_option("en")
    assert "Leakage, Power too low" in row(page, "lamp-007")
    expect(page.get_by_role("button", name="3 Faults")).to_be_visible()


def test_a_technician_has_the_same_page(hub: FakeHub, desk: BrowserContext) -> None:
    hub.audience = "technician"
    with visited(desk, hub, []) as page:
        log_in(page)
        expect(page.get_by_role("link", name="lamp-001")).to_be_visible()


def test_a_parents_phone_does_not_fetch_the_staffs_page(hub: FakeHub, desk: BrowserContext) -> None:
    hub.audience = "guardian"
    with visited(desk, hub, []) as page:
        log_in(page)
        expect(page.get_by_role("status")).to_have_text("ライブ")
    assert [one for one in hub.asked if "StaffPage" in one or "lamps" in one] == []
    assert any("/assets/index" in one for one in hub.asked)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["office", "phone"])
def test_every_view_fits_and_has_targets_for_wet_fingers(
    page: Page, hub: FakeHub, size: dict[str, int]
) -> None:
    page.set_viewport_size({"width": size["width"], "height": size["height"]})
    hub.lights.report = {"lamps": 7, "sound": 7, "faults": [], "unheard": []}
    for view in (*VIEWS, "lights/lamp-007"):
        go(page, f"#/{view}")
        expect(page.locator(f".view.is-{view.split('/')[0]}")).to_be_visible()
        if "/" in view:
            expect(page.locator(".lamp-detail .plan-steps")).to_be_visible()
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, view
        boxes = page.evaluate(
            "[...document.querySelectorAll('main button, main input, main select, main a, nav a')]"
            ".filter(e => e.offsetParent && e.type != 'range')"
            ".map(e => [e.textContent, e.getBoundingClientRect().height])"
        )
        assert [one for one in boxes if one[1] < LEAST_TARGET_PX] == [], view


def test_a_lost_hub_is_told_and_found_again(
    page: Page, hub: FakeHub, expected_errors: list[str]
) -> None:
    expected_errors.append("net::ERR")
    hub.answering = False
    page.clock.run_for(11_000)
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("インターネットの接続を確かめて")
    expect(page.locator(".lamp-name")).to_have_count(8)
    hub.answering = True
    alert.get_by_role("button", name="もう一度読み込む").click()
    expect(alert).to_have_count(0)


def test_an_ended_session_leads_back_to_the_login(
    page: Page, hub: FakeHub, expected_errors: list[str]
) -> None:
    expected_errors.append("401")
    hub.sessions = False
    page.clock.run_for(11_000)
    expect(page.get_by_role("alert")).to_contain_text("もう一度ログインしてください")


def test_a_device_that_reports_trouble_is_counted_and_listed(page: Page, hub: FakeHub) -> None:
    known = {"id": "a1", "kind": "clock_off", "state": "raised", "carrier": None, "zone": None}
    hub.raise_alert(known | {"at": NOW, "raised_at": NOW, "gateway": "gw-07"})
    tab = page.get_by_role("link", name="機器 1")
    tab.click()
    expect(page.locator(".alert")).to_contain_text("ゲートウェイgw-07の時計がずれています")
    assert json.dumps(hub.asked).count("/carriers") == 0


def test_a_lamp_that_fell_silent_does_not_show_its_last_power_as_of_now(
    page: Page, hub: FakeHub
) -> None:
    hub.lights.lamps[3] |= {"active_power_w": 40.7, "faults": ["communicationFailure"]}
    page.clock.run_for(11_000)
    expect(page.locator(".lamp-row", has_text="応答なし")).to_be_visible()
    assert "40.7" not in row(page, "lamp-004")

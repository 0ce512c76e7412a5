"""The residents' page in a real browser, against a fake hub whose data the tests move."""

import gzip
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.integration.browser import built_page, chromium, log_in, visited
from tests.integration.fake_hub import FakeHub, Json, position, stretch

JAPAN = timezone(timedelta(hours=9))
LARGEST_PAGE_BYTES = 130_000  # JavaScript and style sheets, gzipped
LON, LAT = 140.93, 36.99
DEGREE_M = 1e-5  # about a metre


def at(hour: int, minute: int, second: int = 0) -> float:
    """Unix seconds of a time of the test's day in Japan."""
    return datetime(2026, 11, 20, hour, minute, second, tzinfo=JAPAN).timestamp()


def box(west: float, south: float, size: float, **properties: object) -> Json:
    """A square feature; west, south and size in metres from the plan's corner."""
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    ring = [
        [LON + (west + x * size) * DEGREE_M, LAT + (south + y * size) * DEGREE_M]
        for x, y in corners
    ]
    geometry = {"type": "Polygon", "coordinates": [ring]}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def line(points: list[tuple[float, float]]) -> Json:
    """A street's pavement; points in metres from the plan's corner."""
    coordinates = [here(east, north) for east, north in points]
    geometry = {"type": "LineString", "coordinates": coordinates}
    return {
        "type": "Feature",
        "properties": {"kind": "path", "use": "street"},
        "geometry": geometry,
    }


def here(east: float, north: float) -> tuple[float, float]:
    """Longitude and latitude of a place in metres from the plan's corner."""
    return LON + east * DEGREE_M, LAT + north * DEGREE_M


def plan() -> Json:
    """A street with lots on one side, a park and a school on the other."""
    lots = [box(20 * n, 0, 18, kind="lot", id=f"lot-{n}") for n in range(10)]
    park = box(0, 30, 60, kind="zone", id="park", use="park", names={"ja": "公園", "en": "Park"})
    school = box(120, 30, 80, kind="zone", id="school", names={"ja": "小学校", "en": "School"})
    features = [*lots, line([(0, 22), (200, 22)]), park, school]
    return {"type": "FeatureCollection", "features": features}


def sos(**changes: object) -> Json:
    """An SOS that arrived sixteen minutes late."""
    known = {"id": "s1", "kind": "sos", "state": "raised", "carrier": "c1", "zone": None}
    return known | {"at": at(15, 26), "raised_at": at(15, 42)} | changes


def arrival(**changes: object) -> Json:
    """A child has come to school."""
    known = {"id": "a1", "kind": "zone_enter", "state": "raised", "carrier": "c1", "zone": "school"}
    return known | {"at": at(15, 40), "raised_at": at(15, 40)} | changes


@pytest.fixture(scope="module")
def dist() -> Path:
    """The built page."""
    return built_page()


@pytest.fixture(scope="module")
def phone() -> Iterator[BrowserContext]:
    """Chromium in the size of a phone."""
    with chromium({"width": 390, "height": 844}) as context:
        yield context


@pytest.fixture
def hub(dist: Path) -> FakeHub:
    """A hub that knows one child in the park, at 15:42 in Japan."""
    now = at(15, 42)
    child = {
        "id": "c1",
        "name": "はるか",
        "kind": "child",
        "position": position(*here(30, 50), now),
    }
    return FakeHub(dist=dist, plan=plan(), now=now, carriers=[child])


@pytest.fixture
def expected_errors() -> list[str]:
    """Parts of console errors that a test provokes on purpose; the test adds to it."""
    return []


@pytest.fixture
def page(phone: BrowserContext, hub: FakeHub, expected_errors: list[str]) -> Iterator[Page]:
    """The page as a fresh visitor gets it."""
    with visited(phone, hub, expected_errors) as page:
        yield page


@pytest.fixture
def town(page: Page) -> Page:
    """The page after the login, live."""
    log_in(page)
    expect(page.get_by_role("status")).to_have_text("ライブ")
    return page


def pin_place(page: Page) -> tuple[float, float]:
    """Where the carrier's dot is on the screen, in pixels."""
    box = page.locator(".pin-dot").bounding_box()
    assert box is not None
    return box["x"], box["y"]


def test_the_built_page_is_small(dist: Path) -> None:
    files = [file for file in (dist / "assets").iterdir() if file.suffix in {".js", ".css"}]
    assert 0 < sum(len(gzip.compress(file.read_bytes())) for file in files) < LARGEST_PAGE_BYTES


def test_a_parent_sees_the_plan_and_the_child_after_the_login(town: Page) -> None:
    expect(town.locator("path.plan-lot")).to_have_count(10)
    expect(town.locator("path.plan-zone.use-park")).to_be_visible()
    expect(town.locator(".plan-label", has_text="公園")).to_be_visible()
    expect(town.locator(".pin.is-tracked")).to_have_text("はるか")
    expect(town.locator("path.circle68")).to_be_visible()
    card = town.get_by_role("listitem").filter(has_text="はるか")
    expect(card).to_contain_text("公園")
    expect(card).to_contain_text("最後に受信：15:42:00")


def test_a_wrong_password_says_what_to_do(page: Page, expected_errors: list[str]) -> None:
    expected_errors.append("401")
    log_in(page, "wrong")
    expect(page.get_by_role("alert")).to_contain_text("もう一度入力してください")


def test_a_lock_out_says_how_long(page: Page, hub: FakeHub, expected_errors: list[str]) -> None:
    expected_errors.append("429")
    hub.locked_out_s = 200
    log_in(page)
    expect(page.get_by_role("alert")).to_contain_text("4分後")


def test_the_marker_moves_with_the_stream(town: Page, hub: FakeHub) -> None:
    before = pin_place(town)
    on_the_way = [{"id": "school", "probability": 0.6}]
    hub.move("c1", position(*here(70, 22), at(15, 42, 20), zones=on_the_way, radius68_m=12))
    expect(town.locator(".card")).to_contain_text("おそらく小学校")
    expect(town.locator(".card")).to_contain_text("約12 m")
    after = pin_place(town)
    assert after[0] > before[0] + 10
    assert after[1] > before[1] + 10


def test_a_moving_marker_passes_through_the_places_between(town: Page, hub: FakeHub) -> None:
    town.emulate_media(reduced_motion="no-preference")
    before = pin_place(town)[0]
    hub.move("c1", position(*here(50, 50), at(15, 42, 1)))
    town.wait_for_function(
        "before => document.querySelector('.pin-dot').getBoundingClientRect().x > before + 1",
        arg=before,
    )
    between = pin_place(town)[0]
    town.clock.run_for(2_000)
    assert pin_place(town)[0] > between + 1


def test_a_silent_tag_is_grey_and_says_when_it_was_last_heard(town: Page, hub: FakeHub) -> None:
    still = position(*here(30, 50), at(15, 52), presence="silent", n_heard=0)
    hub.move("c1", still)
    expect(town.locator(".pin.is-lost")).to_contain_text("15:42")
    card = town.locator(".card.is-lost")
    expect(card).to_contain_text("タグの電波が届いていません")
    expect(card).to_contain_text("最後の位置：公園")
    expect(card).to_contain_text("最後に受信：15:42:00（10分前）")


def test_an_uncertain_position_is_drawn_dashed(town: Page, hub: FakeHub) -> None:
    hub.move("c1", position(*here(30, 50), at(15, 43), presence="uncertain"))
    circle = town.locator("path.circle68.is-uncertain")
    expect(circle).to_have_css("stroke-dasharray", "7px, 6px")


def test_an_sos_stands_above_everything_until_it_is_acknowledged(town: Page, hub: FakeHub) -> None:
    hub.raise_alert(arrival())
    hub.raise_alert(sos())
    banner = town.get_by_role("alert")
    expect(banner).to_contain_text("SOS　はるか")
    expect(banner).to_contain_text("15:26にSOSボタンが押されました（15:42に届きました）")
    expect(town.locator(".alert").first).to_contain_text("SOS")
    expect(town.locator(".pin.is-sos .pin-dot")).to_be_visible()
    banner.get_by_role("button", name="確認しました").click()
    expect(banner).to_have_count(0)
    expect(town.locator(".alert.is-sos")).to_contain_text("確認済み")
    assert hub.alerts[0]["state"] == "acknowledged"


def test_an_alert_tells_time_and_place_and_is_acknowledged(town: Page, hub: FakeHub) -> None:
    hub.raise_alert(arrival())
    alert = town.locator(".alert")
    expect(alert).to_contain_text("15:40")
    expect(alert).to_contain_text("はるかが小学校に着きました")
    alert.get_by_role("button", name="確認しました: はるかが小学校に着きました").press("Enter")
    expect(alert).to_contain_text("確認済み")


def test_the_language_switches_everywhere_and_is_kept(town: Page, hub: FakeHub) -> None:
    hub.raise_alert(arrival())
    town.get_by_label("言語").select_option("en")
    expect(town.locator("html")).to_have_attribute("lang", "en")
    expect(town.get_by_role("status")).to_have_text("Live")
    expect(town.locator(".alert")).to_contain_text("はるか arrived: School")
    expect(town.locator(".plan-label", has_text="Park")).to_be_visible()
    town.get_by_label("Language").select_option("ja-simple")
    expect(town.locator(".alert")).to_contain_text("はるかが 小学校に 来ました")
    town.reload()
    expect(town.get_by_role("status")).to_have_text("つながって います")
    assert hub.language == "ja-simple"


def test_a_gap_in_the_route_is_drawn_as_a_gap(page: Page, hub: FakeHub) -> None:
    first = [here(10, 22), here(40, 22)]
    second = [here(120, 22), here(150, 22)]
    hub.routes["c1"] = [
        stretch(first, [at(15, 5), at(15, 10)]),
        stretch(second, [at(15, 25), at(15, 30)]),
    ]
    hub.carriers[0]["position"] = position(*second[-1], at(15, 30))
    log_in(page)
    expect(page.locator("path.trail")).to_have_count(2)
    expect(page.locator("path.trail-gap")).to_have_count(2)
    expect(page.locator(".card")).to_contain_text("記録のない時間：15:10–\u206015:25")
    hub.move("c1", position(*here(155, 22), at(15, 30, 20)))
    expect(page.locator(".card")).to_contain_text("15:30:20")
    expect(page.locator("path.trail")).to_have_count(2)
    (asked,) = [entry for entry in hub.asked if "/route?" in entry]
    assert f"since={at(0, 0):.0f}" in asked


def test_a_copied_tag_is_flagged_on_its_way_and_on_its_card(page: Page, hub: FakeHub) -> None:
    walked = [here(10, 22), here(40, 22), here(80, 22)]
    flag = {"kind": "doubt", "since": at(15, 8), "until": at(15, 18), "doubt": "two_places"}
    hub.routes["c1"] = [
        stretch(walked, [at(15, 5), at(15, 10), at(15, 15)]),
        {"type": "Feature", "geometry": None, "properties": flag},
    ]
    hub.carriers[0]["states"] = {"battery_percent": {"value": 12.0, "at": at(15, 0)}}
    log_in(page)
    card = page.locator(".card").first
    expect(page.locator("path.trail-doubt")).to_have_count(1)
    expect(card).to_contain_text("位置が確かでない時間：15:08–\u206015:18")
    expect(card).to_contain_text("電池が残り約12%です")
    expect(card).not_to_contain_text("同じ電波")
    hub.move("c1", position(*here(85, 22), at(15, 42), doubts=["provisional_identity"]))
    expect(card).to_contain_text("タグの時計が変わりました")
    expect(card).not_to_contain_text("同じ電波")
    hub.move("c1", position(*here(90, 22), at(15, 43), doubts=["two_places"]))
    expect(card).to_contain_text("このタグと同じ電波を出しているものがあるかもしれません")


def test_a_suspected_sos_says_that_it_may_be_a_repeat(town: Page, hub: FakeHub) -> None:
    hub.raise_alert(sos() | {"suspect": "counter"})
    expect(town.get_by_role("alert")).to_contain_text("以前の信号の再送かもしれません")


def test_a_broken_stream_is_told_and_mended_with_what_was_missed(town: Page, hub: FakeHub) -> None:
    hub.carriers[0]["position"] = position(*here(150, 70), at(15, 43))
    hub.alerts = [arrival()]
    hub.now = at(15, 43)
    hub.break_streams()
    expect(town.get_by_role("status")).to_have_text("再接続中…")
    town.clock.run_for(2_000)
    expect(town.get_by_role("status")).to_have_text("ライブ")
    expect(town.locator(".alert")).to_contain_text("はるかが小学校に着きました")
    expect(town.locator(".card")).to_contain_text("15:43:00")
    hub.move("c1", position(*here(150, 70), at(15, 44)))
    expect(town.locator(".card")).to_contain_text("15:44:00")


def test_a_lost_hub_is_told_as_offline_since_its_last_word(
    town: Page, hub: FakeHub, expected_errors: list[str]
) -> None:
    expected_errors.append("net::ERR")
    hub.tick(60)
    hub.answering = False
    hub.break_streams()
    expect(town.get_by_role("status")).to_have_text("再接続中…")
    town.clock.run_for(12_000)
    expect(town.get_by_role("status")).to_have_text("15:43から未接続")
    expect(town.locator(".pin.is-old .pin-dot")).to_be_visible()
    expect(town.locator(".card")).to_contain_text("最後の位置：公園")
    hub.answering = True
    town.clock.run_for(25_000)
    expect(town.get_by_role("status")).to_have_text("ライブ")


def test_a_stream_that_falls_silent_is_opened_again(town: Page, hub: FakeHub) -> None:
    assert len(hub.streams) == 1
    town.clock.run_for(42_500)
    expect(town.get_by_role("status")).to_have_text("ライブ")
    assert sum("/stream" in entry for entry in hub.asked) >= 2


def test_an_ended_session_leads_back_to_the_login(
    town: Page, hub: FakeHub, expected_errors: list[str]
) -> None:
    expected_errors.append("401")
    hub.sessions = False
    hub.break_streams()
    expect(town.get_by_role("alert")).to_contain_text("もう一度ログインしてください")
    log_in(town)
    expect(town.get_by_role("status")).to_have_text("ライブ")


def test_a_name_is_shown_as_text_never_as_markup(page: Page, hub: FakeHub) -> None:
    hub.carriers[0]["name"] = "<img src=/x onerror=alert(1)>"
    hub.plan["features"][-1]["properties"]["names"] = {"ja": "<b>校</b>"}
    log_in(page)
    expect(page.locator(".pin")).to_have_text("<img src=/x onerror=alert(1)>")
    expect(page.locator(".plan-label", has_text="<b>校</b>")).to_be_visible()


def test_the_licences_of_what_is_built_in_come_with_it(dist: Path) -> None:
    text = (dist / "licenses.md").read_text(encoding="utf-8")
    assert "leaflet" in text
    assert "svelte" in text


def test_staff_see_the_devices_alerts_and_no_persons(page: Page, hub: FakeHub) -> None:
    hub.audience = "staff"
    log_in(page)
    expect(page.get_by_role("status")).to_have_text("ライブ")
    clock_off = {"kind": "clock_off", "carrier": None, "zone": None, "gateway": "gw-07"}
    hub.raise_alert(arrival(**clock_off))
    expect(page.locator(".alert")).to_contain_text("ゲートウェイgw-07の時計がずれています")
    copied = {"id": "a3", "kind": "tag_suspect", "carrier": None, "tag": "t-0a", "zone": None}
    dead = {"id": "a2", "kind": "receiver_dead", "carrier": None, "zone": None, "receiver": "r-12"}
    hub.raise_alert(arrival(**dead))
    told = page.locator(".alert", has_text="受信機r-12")
    expect(told).to_contain_text("タグの電波が聞こえていません")
    hub.raise_alert(arrival(**copied))
    told = page.locator(".alert", has_text="タグt-0a")
    expect(told).to_contain_text("複製・再送されているおそれ")
    expect(page.locator(".pin, .card")).to_have_count(0)
    assert [entry for entry in hub.asked if "/carriers" in entry] == []


def test_an_account_without_a_page_is_told_so(page: Page, hub: FakeHub) -> None:
    hub.audience = "resident"
    log_in(page)
    expect(page.get_by_role("alert")).to_contain_text("管理事務所にお問い合わせください")

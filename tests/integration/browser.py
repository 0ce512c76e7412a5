"""Debian's Chromium and the built page, for the tests of every audience's page.

After each page: nothing left the hub's origin, and the console shows no error but the ones that the
test named.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    sync_playwright,
)

from gateway.web.build_hook import build_page, is_fresh, machine_npm, packaged_npm
from tests.integration.fake_hub import LOGIN, PASSWORD, FakeHub
from tests.needs import ROOT, missing, need

WEB = ROOT / "gateway" / "web"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
TIMEOUT_MS = 8_000


def built_page() -> Path:
    """The folder of the built page; it is built where it is older than its sources."""
    if not is_fresh(WEB) and machine_npm(os.environ) is None and packaged_npm() is None:
        missing("a built page, and npm to build it")
    build_page(WEB, os.environ)
    return WEB / "dist"


@contextmanager
def chromium(viewport: ViewportSize) -> Iterator[BrowserContext]:
    """A browser set to New York's time, talking to nobody but the page's hub."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=ARGUMENTS)
        # Reduced motion makes a marker jump to its place, so that a test need not wait for it.
        context = browser.new_context(
            viewport=viewport, timezone_id="America/New_York", reduced_motion="reduce"
        )
        context.set_default_timeout(TIMEOUT_MS)
        context.clock.install()
        yield context
        browser.close()


@contextmanager
def visited(context: BrowserContext, hub: FakeHub, expected_errors: list[str]) -> Iterator[Page]:
    """The page as a fresh visitor gets it; `expected_errors` are parts of what may be told."""
    errors: list[str] = []
    strangers: list[str] = []
    with hub.serving() as url:

        def on_console(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                errors.append(message.text)

        def on_request(request: Request) -> None:
            if not request.url.startswith(url):
                strangers.append(request.url)

        context.clear_cookies()
        page = context.new_page()
        page.on("console", on_console)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", on_request)
        page.goto(url)
        yield page
        page.evaluate("localStorage.clear()")
        page.close()
    assert strangers == []
    assert [e for e in errors if not any(part in e for part in expected_errors)] == []


def log_in(page: Page, password: str = PASSWORD) -> None:
    """Fill the form in by keyboard alone."""
    page.locator("input[name=login]").focus()
    page.keyboard.type(LOGIN)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    page.keyboard.press("Enter")

"""A real Chromium for the tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests import factories

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox --disable-gpu --disable-background-networking"
    " --disable-component-update --disable-sync --no-first-run"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not os.path.exists(CHROMIUM):
        if os.environ.get("HUB_REQUIRE_BROWSER") == "1":
            pytest.fail(f"There is no Chromium at {CHROMIUM}, and HUB_REQUIRE_BROWSER=1 wants one.")
        pytest.skip(f"there is no Chromium at {CHROMIUM} (apt-get install chromium)")
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        # Playwright's synchronous calls run an event loop in this thread, which Django would otherwise refuse.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS.split())
        yield chromium
        chromium.close()


Open = Callable[..., Page]


@pytest.fixture
def site(live_server: Any) -> str:
    """Where the hub is."""
    url: str = live_server.url
    return url


@pytest.fixture
def open_page(browser: Browser, site: str) -> Iterator[Open]:
    """Opens pages of the portal. At the end no page may have broken the content security policy, failed in a script,
    or asked for something that is not there."""
    contexts: list[BrowserContext] = []
    trouble: list[str] = []

    def opened(width: int = 1280, height: int = 900, **options: Any) -> Page:
        context = browser.new_context(base_url=site, viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        page.on("response", lambda got: trouble.append(f"{got.status} {got.url}") if got.status >= 400 else None)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert trouble == []


def sign_in(page: Page, email: str = "ana@alpha.example") -> None:
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What waits for you")


def heading(page: Page) -> Any:
    return expect(page.get_by_role("heading", level=1))


def tab_to(page: Page, selector: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", selector):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            shadow = page.evaluate("getComputedStyle(document.activeElement).boxShadow")
            assert outline != "none" or shadow != "none", f"nobody sees that {selector} has the focus"
            return
    raise AssertionError(f"the Tab key does not reach {selector}")

"""The virtual counter in a real browser, around the real kiosk: what the README promises a visitor."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

pytestmark = pytest.mark.slow

PATIENCE_MS = 60_000
"""Longer than any bound that the rules of money set, on a machine with other things to do."""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        if "CI" in os.environ:
            pytest.fail("no chromium: apt-get install chromium")
        pytest.skip("no chromium on this machine")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A virtual counter of its own for each test."""
    said = tmp_path / "stderr"
    with said.open("w") as errors:
        command = [sys.executable, "-m", "kiosk", "sim", "--listen", "127.0.0.1:0"]
        counter = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    assert counter.stdout is not None
    try:
        yield counter.stdout.readline().strip()
    finally:
        counter.terminate()
        counter.communicate(timeout=60)
    assert counter.returncode == 0
    assert "Traceback" not in said.read_text()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The counter's page, with a kiosk that is ready to sell; afterwards: nothing was said against it."""
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    expect.set_options(PATIENCE_MS)
    opened = context.new_page()
    complaints: list[str] = []
    elsewhere: list[str] = []
    own = urlsplit(address).netloc
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("request", lambda request: elsewhere.append(request.url) if own not in request.url else None)
    opened.goto("/")
    state_is(opened, "idle")
    yield opened
    context.close()
    assert complaints == []
    assert [url for url in elsewhere if not url.startswith("data:")] == []


def state_is(page: Page, *states: str) -> None:
    expect(page.locator("#state")).to_have_text(re.compile("|".join(states)))


def press(page: Page, keys: str) -> None:
    for key in keys:
        page.locator(f'#keypad button[data-key="{key}"]').click()


def customer(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).click()


def ticket(page: Page) -> str:
    """The paper, once something is on it and no paper is owed any more."""
    expect(page.locator("#paper")).to_be_visible()
    expect(page.locator("#obligations")).not_to_contain_text("papers owed")
    return page.request.get("/paper").text()


def keep_picture(page: Page, tmp_path: Path, name: str) -> None:
    """A screenshot, in the folder ``COUNTER_SCREENSHOTS`` where it is set."""
    folder = Path(os.environ.get("COUNTER_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png")
    assert (folder / f"{name}.png").stat().st_size > 0


# --- the three stories ----------------------------------------------------------------------------------------------


def test_a_sale_is_paid_and_the_paper_shows_the_ticket(page: Page, tmp_path: Path) -> None:
    press(page, "2B11D")
    press(page, "A3D#")
    state_is(page, "waiting")
    customer(page, "Scan the QR")
    expect(page.locator("#phone-amount")).to_have_text("R$ 25,00")
    expect(page.locator("#phone-items li")).to_have_text([re.compile(r"^2 x R\$ 11,00"), re.compile(r"^1 x R\$ 3,00")])
    keep_picture(page, tmp_path, "waiting")
    customer(page, "Confirm")
    state_is(page, "paid")
    expect(page.locator("#phone-head")).to_have_text("Paid")
    printed = ticket(page)
    assert "25,00" in printed
    assert printed.count("TOTAL") == 1
    page.wait_for_function("document.getElementById('paper').naturalHeight > 200")
    expect(page.locator("#supervisor")).to_have_text("Refunds ask for a PIN: the supervisor's is 1234.")
    keep_picture(page, tmp_path, "paid")
    customer(page, "Shop refunds")
    expect(page.locator("#phone-head")).to_have_text("Refunded")


def test_a_cancelled_sale_can_no_longer_be_paid_and_prints_nothing(page: Page) -> None:
    press(page, "2500#")
    state_is(page, "waiting")
    press(page, "*")
    press(page, "#")
    state_is(page, "notice", "idle")
    customer(page, "Scan and pay")
    expect(page.locator("#message")).to_have_text("The phone finds nothing to pay.")
    expect(page.locator("#phone-head")).to_have_text("Waiting for the cashier")
    expect(page.locator("#phone-items li")).to_have_count(0)
    expect(page.locator("#obligations")).to_have_text("watching 1")
    assert page.request.get("/paper").text() == ""


@pytest.mark.parametrize("locks", [False, True], ids=["the order goes away", "the order is locked"])
def test_a_customer_who_pays_while_the_cashier_cancels_has_a_ticket(page: Page, locks: bool) -> None:
    if locks:
        page.get_by_role("switch", name="Order locks on scan").check()
    press(page, "2500#")
    state_is(page, "waiting")
    customer(page, "Scan the QR")
    expect(page.locator("#phone-amount")).to_have_text("R$ 25,00")
    press(page, "*")
    press(page, "#")
    state_is(page, "withdrawing", "waiting", "notice", "idle")
    customer(page, "Confirm")
    expect(page.locator("#phone-head")).to_have_text("Paid")
    printed = ticket(page)
    assert printed.count("TOTAL") == 1
    assert "25,00" in printed


# --- the page itself ------------------------------------------------------------------------------------------------


def test_a_power_cut_in_mid_sale_loses_no_payment(page: Page) -> None:
    press(page, "2500#")
    state_is(page, "waiting")
    power = page.get_by_role("switch", name="Power cut")
    power.check()
    state_is(page, "off")
    customer(page, "Scan and pay")
    expect(page.locator("#phone-head")).to_have_text("Paid")
    power.uncheck()
    assert ticket(page).count("TOTAL") == 1


def test_a_view_that_comes_late_does_not_flip_a_switch_back(page: Page) -> None:
    """On a busy machine the page's look is under way while someone clicks."""
    switch = page.get_by_role("switch", name="Order locks on scan")
    old = page.request.get("/view").text()
    held: list[Route] = []

    def hold(view: Route) -> None:
        held.append(view)

    def until_held(number: int) -> Route:
        for _ in range(20_000):
            if len(held) == number:
                return held[-1]
            page.evaluate("0")  # While it waits for this, the browser's requests are heard, too.
        raise AssertionError(f"the page did not look: {len(held)}")

    page.route("**/view", hold)
    before = until_held(1)
    with page.expect_response("**/trouble"):
        switch.check()
    before.fulfill(body=old, content_type="application/json")
    until_held(2)  # The page looks again when it is done with the old view.
    assert switch.is_checked()
    page.unroute("**/view", hold)  # This lets the one go that is held.
    expect(switch).to_be_checked()


def test_a_keyboard_does_what_the_keypad_does(page: Page) -> None:
    page.keyboard.type("1250")
    state_is(page, "entering")
    page.keyboard.press("Enter")
    state_is(page, "waiting")
    customer(page, "Scan the QR")
    expect(page.locator("#phone-amount")).to_have_text("R$ 12,50")
    page.keyboard.press("Backspace")
    page.keyboard.press("Enter")
    state_is(page, "notice", "idle")


def test_star_held_down_clears_what_was_typed(page: Page) -> None:
    press(page, "1250")
    state_is(page, "entering")
    star = page.locator('#keypad button[data-key="*"]')
    star.dispatch_event("pointerdown")
    state_is(page, "idle")
    star.dispatch_event("pointerup")


def test_the_display_is_shown_pixel_by_pixel_and_nothing_needs_scrolling(page: Page) -> None:
    screen = page.locator("#screen")
    expect(screen).to_be_visible()
    sizes_of_it = "(({naturalWidth: w, naturalHeight: h, width, height}) => [w, h, width, height].join())"
    page.wait_for_function(
        f"{sizes_of_it}(document.getElementById('screen')) === '128,64,384,192'"
    )  # a new one may come
    assert screen.evaluate("s => getComputedStyle(s).imageRendering") == "pixelated"
    sizes = page.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]")
    assert sizes == [800, 1280]
    wide = "[...document.querySelectorAll('main *')].filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth)"
    assert page.evaluate(f"{wide}.map(e => e.outerHTML.slice(0, 80))") == [], "wider than its place"
    edges = page.evaluate("[...document.querySelector('.right').children].map(e => e.getBoundingClientRect().right)")
    assert edges == [1252, 1252], "the right margin is as wide as the left one"


def test_everything_that_can_be_clicked_has_a_name(page: Page) -> None:
    switches = len(page.request.get("/trouble").json()["names"])
    expect(page.get_by_role("switch")).to_have_count(switches)
    for role, number in (("button", 16 + 8), ("switch", switches)):
        named = page.get_by_role(role, name=re.compile(r"\S"))  # type: ignore[arg-type]  # a literal, in a variable
        expect(named).to_have_count(number)

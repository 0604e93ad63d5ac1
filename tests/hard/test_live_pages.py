"""An open page in Chromium beside a bot that trades: what happens is there at once, what was missed comes back, and who
logs out sees nothing any more."""

import shutil
import time

import pytest
from playwright.sync_api import expect, sync_playwright

from bots.simulator import BotSpec, running_fleet
from tests.direct import DirectBot
from tests.process import PortalProcess

pytestmark = pytest.mark.hard

ALICE = """from accounts.models import *
alice = User(username="alice"); alice.set_password("alice"); alice.save()
Membership.objects.create(user=alice, team=Team.objects.get(slug="alpha"), role="manager")"""
SOON = 60_000  # ms: how soon is measured elsewhere, this machine may be busy


@pytest.fixture(scope="module")
def sim():
    with running_fleet([BotSpec(name="majors", history=3)]) as fleet:
        yield fleet.bots[0]


@pytest.fixture(scope="module")
def portal(tmp_path_factory, sim):
    portal = PortalProcess(tmp_path_factory.mktemp("live"))
    portal.furnish()
    portal.manage("shell", "-v0", "-c", ALICE)
    portal.environment["BOT_WS_TOKEN"] = sim.spec.ws_token
    portal.add_bot("majors", DirectBot(sim.url, sim.spec.username, sim.spec.password))
    portal.start()
    until(lambda: any(channel.topics for channel in sim.listener.channels), 300)
    yield portal
    portal.stop()


@pytest.fixture
def page(portal):
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        page = browser.new_context(base_url=portal.address).new_page()
        page.set_default_timeout(SOON)
        page.goto("/login/")
        page.fill("[name=username]", "alice")
        page.fill("[name=password]", "alice")
        page.click("form button[type=submit]")
        page.wait_for_url(f"{portal.address}/")
        yield page
        browser.close()


def until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def live(page, path):
    page.goto(path)
    page.wait_for_selector('[data-connection][data-kind="live"]')


def test_a_fill_is_on_the_open_page_at_once(page, sim):
    live(page, "/events/")
    sim.open_trade("XRP/USDT")
    page.wait_for_selector("text=entered XRP/USDT", timeout=SOON)
    expect(page).to_have_title("(1) Events · Portal", timeout=SOON)


def test_what_was_missed_while_the_network_was_cut_comes_back(page, sim):
    live(page, "/events/")
    page.context.set_offline(True)
    page.wait_for_selector('[data-connection][data-kind="lost"]', timeout=SOON)
    sim.open_trade("ADA/USDT")
    page.context.set_offline(False)
    page.wait_for_selector("text=entered ADA/USDT", timeout=SOON)


def test_a_hidden_tab_asks_for_nothing(page, sim):
    live(page, "/events/")
    asked = []
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.wait_for_timeout(1500)
    page.on("request", lambda request: asked.append(request.url))
    sim.open_trade("SOL/USDT")
    page.wait_for_timeout(2500)
    assert asked == []


def test_a_page_of_one_bot_says_what_it_lost(page, sim):
    live(page, "/trades/")
    sim.shut_down()
    try:
        page.wait_for_selector(".toast >> text=majors cannot be reached", timeout=SOON)
    finally:
        sim.come_back()


def test_who_logs_out_elsewhere_is_shown_the_login(page, portal):
    live(page, "/events/")
    other = page.context.new_page()
    other.goto(f"{portal.address}/")
    other.evaluate("document.querySelector('form[action*=logout]').submit()")
    page.wait_for_url("**/login/**", timeout=SOON)

"""The pages in a real browser: nothing against the policy, refreshes that disturb nobody, keys, a phone's width."""

from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import Page, sync_playwright

from bots.models import BotStatus
from tests.builders import PASSWORD, a_bot, a_trade, moving
from tests.chromium import launched

# This server speaks no websocket: the page says so in the console and asks at intervals instead.
EXPECTED = "ws/fleet"

pytestmark = [
    pytest.mark.hard,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def complaints():
    return []


@pytest.fixture
def fleet(alpha):
    for number in range(3):
        bot = a_bot(alpha, f"bot-{number}", status={"open_count": 1, "unrealized": Decimal(5)})
        a_trade(bot, "10")
        moving(a_trade(bot), profit="5", ratio="0.01")
    return bot


@pytest.fixture
def browser_page(monkeypatch, live_server, alice, fleet, complaints):
    # Playwright's event loop runs in this thread, beside the ORM of the test.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        browser = launched(playwright)
        page = browser.new_page(base_url=live_server.url, viewport={"width": 390, "height": 844})
        page.on("console", lambda line: complaints.append(line.text) if line.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/login/")
        page.fill("[name=username]", "alice")
        page.fill("[name=password]", PASSWORD)
        page.click("form button[type=submit]")
        page.wait_for_url(f"{live_server.url}/")
        yield page
        browser.close()


def refreshed(page: Page) -> None:
    """Have the page fetch its fragment now, as after a message, and wait until it has come."""
    with page.expect_response(lambda answer: "fragment=" in answer.url):
        page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_timeout(200)


def test_no_page_breaks_the_policy_or_is_wider_than_a_phone(browser_page, fleet, complaints):
    tabs = ("open", "closed", "performance", "logs", "configuration", "connection")
    paths = ["/", "/trades/", "/trades/?status=closed", "/team/", "/bots/add/", "/bots/bot-0/", "/bots/bot-0/retire/"]
    for path in [*paths, *(f"/bots/bot-0/?tab={tab}" for tab in tabs)]:
        browser_page.goto(path)
        wider = browser_page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider == 0, path

    assert [line for line in complaints if EXPECTED not in line] == []


def test_a_refresh_brings_new_figures_and_disturbs_nobody(browser_page, fleet):
    page = browser_page
    page.keyboard.press("/")
    page.keyboard.type("half a wo")
    page.evaluate("window.kept = document.querySelector('tr[data-key=bot-2]')")
    BotStatus.objects.filter(bot=fleet).update(unrealized=Decimal("7.77"), seen_at=timezone.now())

    refreshed(page)

    assert "+7.77 USDT" in page.inner_text("tr[data-key=bot-2]")
    assert page.evaluate("window.kept.isConnected")
    assert page.evaluate("document.activeElement.value") == "half a wo"
    assert page.locator("tr[data-key=bot-2] .pill.changed").count() == 1
    assert page.locator("tr[data-key=bot-1] .changed").count() == 0


def test_a_new_bot_comes_and_a_retired_one_goes_without_a_reload(browser_page, fleet, alpha):
    page = browser_page
    a_bot(alpha, "newcomer")
    fleet.retired_at = timezone.now()
    fleet.save()

    refreshed(page)

    keys = page.eval_on_selector_all("tbody tr[data-key]", "rows => rows.map(row => row.dataset.key)")
    assert keys == ["bot-0", "bot-1", "newcomer"]


def test_the_count_of_open_trades_follows_in_the_title_and_the_navigation(browser_page, fleet):
    assert browser_page.title() == "(3) Fleet · Portal"
    a_trade(fleet)

    refreshed(browser_page)

    assert browser_page.title() == "(4) Fleet · Portal"
    assert browser_page.text_content("[data-open-trades]") == "4"


def test_a_person_who_was_removed_sees_the_login_after_the_next_refresh(browser_page, alice, live_server):
    alice.is_active = False
    alice.save()
    browser_page.evaluate("dispatchEvent(new Event('online'))")

    browser_page.wait_for_url(f"{live_server.url}/login/**")


def test_keys_open_help_and_go_to_trades(browser_page, live_server):
    page = browser_page
    page.keyboard.press("?")
    assert page.is_visible("#keys")
    page.keyboard.press("Escape")
    assert not page.is_visible("#keys")
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url(f"{live_server.url}/trades/")


def test_the_theme_is_remembered(browser_page):
    page = browser_page
    page.click("[data-theme-toggle]")
    page.goto("/trades/")

    assert page.evaluate("document.documentElement.dataset.theme") == "light"

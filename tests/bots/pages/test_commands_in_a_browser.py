"""Asking in a real browser: a double click, the back button, a stale page, the keyboard alone, no JavaScript."""

from decimal import Decimal

import pytest
from playwright.sync_api import sync_playwright

from bots.models import Command, Trade
from tests.bots.pages.asking import ALL_ACTIONS
from tests.builders import PASSWORD, a_bot, a_trade, moving
from tests.chromium import launched

EXPECTED = ("ws/fleet", "status of 409", "status of 422")  # no websocket here; refusals are answers, not faults
CONFIRM = "dialog[open] .dialog__foot button[type=submit]"

pytestmark = [
    pytest.mark.hard,
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def open_browser(monkeypatch, live_server, dana, trade):
    # Playwright's event loop runs in this thread, beside the ORM of the test.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with sync_playwright() as playwright:
        browser = launched(playwright)

        def signed_in(**options):
            page = browser.new_context(base_url=live_server.url, **options).new_page()
            page.complaints = []
            page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: page.complaints.append(str(error)))
            page.goto("/login/")
            page.fill("[name=username]", "dana")
            page.fill("[name=password]", PASSWORD)
            page.press("[name=password]", "Enter")
            page.wait_for_url(f"{live_server.url}/")
            return page

        yield signed_in
        browser.close()


@pytest.fixture
def tab(open_browser):
    page = open_browser(viewport={"width": 1440, "height": 900})
    yield page
    assert [line for line in page.complaints if not any(known in line for known in EXPECTED)] == []


def exit_link(trade):
    return f"a[href='/trades/{trade.pk}/do/force_exit/']"


def asked():
    return list(Command.objects.order_by("id").values_list("action", "trade_id", "reason"))


def test_a_double_click_asks_once_and_the_row_shows_it_without_a_reload(tab, trade):
    tab.goto("/trades/")
    tab.evaluate("window.sameDocument = true")
    tab.click(exit_link(trade))
    tab.fill("dialog[open] [name=reason]", "flat before the print")
    tab.dblclick(CONFIRM)

    tab.wait_for_selector(f"tr[data-key='trade-{trade.pk}'] .steps .now")
    assert "btc-trend-01: Force exit BTC/USDT is asked" in tab.inner_text(".toasts")
    assert tab.evaluate("window.sameDocument") is True
    assert asked() == [("force_exit", trade.pk, "flat before the print")]


def test_pressing_again_and_again_without_waiting_is_one_command(tab, trade):
    tab.goto(f"/trades/{trade.pk}/do/force_exit/")
    tab.fill("[name=reason]", "flat")
    tab.evaluate("const b = document.querySelector('main button[type=submit]'); for (let i = 0; i < 5; i++) b.click()")

    tab.wait_for_url("**/commands/*/")
    assert len(asked()) == 1


def test_the_back_button_and_the_same_form_again_bring_no_second_exit(tab, trade):
    tab.goto(f"/trades/{trade.pk}/do/force_exit/")
    tab.fill("[name=reason]", "flat")
    tab.click("main button[type=submit]")
    tab.wait_for_url("**/commands/*/")
    tab.reload()
    tab.go_back()
    tab.fill("[name=reason]", "flat")
    tab.click("main button[type=submit]")
    tab.wait_for_load_state()

    assert len(asked()) == 1
    shown = tab.inner_text("main")
    assert f"Command {Command.objects.get().pk}" in shown or tab.url.endswith(f"/commands/{Command.objects.get().pk}/")


def test_a_page_left_open_while_the_trade_changed_is_refused_in_the_dialog(tab, trade):
    tab.goto("/trades/")
    tab.click(exit_link(trade))
    tab.fill("dialog[open] [name=reason]", "flat")
    Trade.objects.filter(pk=trade.pk).update(amount=Decimal("0.007"))
    tab.click(CONFIRM)

    tab.wait_for_selector("dialog[open] .banner--refused")
    assert "0.014727 → 0.007" in tab.inner_text("dialog[open] .facts--changes").replace("\n", " ")
    assert tab.input_value("dialog[open] [name=reason]") == "flat"
    assert asked() == []
    tab.click(CONFIRM)
    tab.wait_for_selector(".dialog--command", state="hidden")
    assert len(asked()) == 1


def test_a_trade_of_another_bot_with_the_same_id_is_never_meant(tab, trade, alpha):
    """The most used UI of this field sends such an exit to the wrong bot."""

    other = a_trade(a_bot(alpha, "other-bot", status={"capabilities": ALL_ACTIONS}), trade_id=trade.trade_id)
    moving(other, profit="1", ratio="0.01")
    tab.goto("/trades/")
    tab.click(exit_link(other))
    assert "Exit BTC/USDT on other-bot" in tab.inner_text(CONFIRM)
    tab.fill("dialog[open] [name=amount]", "0.001")
    tab.fill("dialog[open] [name=reason]", "a part")
    tab.click(CONFIRM)

    tab.wait_for_selector(".dialog--command", state="hidden")
    command = Command.objects.get()
    assert (command.bot.slug, command.trade, command.params["amount"]) == ("other-bot", other, "0.001")


def test_the_keyboard_alone_opens_leaves_and_confirms(tab, trade):
    tab.goto("/trades/")
    tab.focus(exit_link(trade))
    tab.keyboard.press("Enter")
    tab.wait_for_selector("dialog[open]")
    assert tab.evaluate("document.activeElement.textContent") == "Cancel"
    tab.keyboard.press("Escape")
    tab.wait_for_selector(".dialog--command", state="hidden")
    assert tab.evaluate("document.activeElement.getAttribute('href')") == f"/trades/{trade.pk}/do/force_exit/"

    tab.keyboard.press("Enter")
    tab.wait_for_selector("dialog[open]")
    tab.keyboard.press("Enter")  # on Cancel
    tab.wait_for_selector(".dialog--command", state="hidden")
    assert asked() == []

    tab.keyboard.press("Enter")
    tab.wait_for_selector("dialog[open]")
    tab.focus("dialog[open] [name=reason]")
    tab.keyboard.type("flat")
    for _ in range(2):
        tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Exit BTC/USDT on btc-trend-01"
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".dialog--command", state="hidden")
    assert asked() == [("force_exit", trade.pk, "flat")]


def test_a_part_of_the_amount_is_filled_in_by_its_button(tab, trade):
    tab.goto("/trades/")
    tab.click(exit_link(trade))
    tab.click("dialog[open] button:has-text('50 %')")

    assert tab.input_value("dialog[open] [name=amount]") == "0.00736350"


def test_exit_all_wakes_when_the_bots_name_stands_there(tab, trade):
    tab.goto(f"/bots/{trade.bot.slug}/")
    tab.click("a[href$='/do/force_exit_all/']")
    tab.wait_for_selector("dialog[open]")
    assert tab.is_disabled(CONFIRM)
    tab.fill("dialog[open] [name=reason]", "maintenance")
    tab.fill("dialog[open] [name=typed]", "btc-trend-0")
    assert tab.is_disabled(CONFIRM)
    tab.fill("dialog[open] [name=typed]", "btc-trend-01")
    tab.click(CONFIRM)

    tab.wait_for_selector(".dialog--command", state="hidden")
    assert asked() == [("force_exit_all", None, "maintenance")]


def test_without_javascript_every_step_is_a_page(open_browser, trade):
    page = open_browser(java_script_enabled=False)
    page.goto("/trades/")
    page.click(exit_link(trade))
    assert page.url.endswith(f"/trades/{trade.pk}/do/force_exit/")
    assert "real money on binance" in page.inner_text("main")
    page.fill("[name=reason]", "flat")
    page.click("main button[type=submit]")
    page.wait_for_url("**/commands/*/")
    assert "waits to be sent" in page.inner_text("main")
    page.goto("/trades/")
    assert "asked" in page.inner_text(f"tr[data-key='trade-{trade.pk}'] .steps")
    assert len(asked()) == 1


def test_chosen_bots_bring_a_bar_with_what_they_can_be_asked(tab, trade):
    tab.goto("/")
    assert not tab.is_visible(".bulk--choose")
    tab.check("input[name=bot][value='btc-trend-01']")
    assert "1 bot chosen" in tab.inner_text(".bulk--choose")
    tab.click(".bulk--choose button:has-text('Pause entries')")
    tab.wait_for_url("**/batches/new/**")
    assert "Pause entries on 1 bot of Alpha" in tab.inner_text("main")


def test_a_form_in_a_page_that_renews_itself_stays_the_same_form(tab, trade):
    tab.goto(f"/batches/new/?action=pause&bot={trade.bot.slug}")
    tab.click("main button[type=submit]")
    tab.wait_for_url("**/batches/*/")
    Command.objects.update(state="refused")
    tab.reload()
    key = tab.input_value("#repeat [name=key]")
    tab.evaluate("document.querySelector('#repeat form').dataset.sent = '1'")
    Command.objects.update(outcome={"words": "Not now."})
    tab.evaluate("dispatchEvent(new Event('portal:changed'))")
    tab.wait_for_selector("text=Not now.")

    assert tab.input_value("#repeat [name=key]") == key
    assert tab.evaluate("document.querySelector('#repeat form').dataset.sent") == "1"


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["wide", "phone"])
def test_no_page_of_commands_breaks_the_policy_or_scrolls_sideways(tab, trade, size):
    tab.set_viewport_size({"width": size[0], "height": size[1]})
    tab.goto(f"/trades/{trade.pk}/do/force_exit/")
    tab.fill("[name=reason]", "flat")
    tab.click("main button[type=submit]")
    tab.wait_for_url("**/commands/*/")
    Command.objects.update(state="unknown")
    bot, found = trade.bot.slug, Command.objects.get().pk
    paths = ["/", "/trades/", f"/trades/{trade.pk}/", f"/bots/{bot}/", f"/bots/{bot}/?tab=commands", f"/bots/{bot}/do/"]
    paths += ["/commands/", f"/commands/{found}/", "/audit/", "/team/", "/team/alpha/kill-switch/"]
    paths += [f"/bots/{bot}/do/{action}/" for action in ("force_exit_all", "force_enter", "lock_pair", "blacklist_add")]
    paths += [f"/batches/new/?action=force_exit_all&bot={bot}", f"/trades/{trade.pk}/do/force_exit/"]
    for path in paths:
        tab.goto(path)
        assert (path, tab.evaluate("document.documentElement.scrollWidth")) == (path, size[0])

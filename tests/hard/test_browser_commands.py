"""A force exit as a trader does it in the running demo: asked in a dialog, done in the row, filled on its page."""

import time

import pytest

from tests.hard.test_browser import logged_in

pytestmark = pytest.mark.hard

TRIES = 10
WENT = "409 (Conflict)"  # the browser's word for a trade that went while it was asked for
OPEN_TRADES = (
    "SELECT bots_trade.id FROM bots_trade JOIN bots_bot ON bots_bot.id = bots_trade.bot_id"
    " JOIN accounts_team team ON team.id = team_id WHERE team.slug = 'alpha' AND is_open AND gone_at IS NULL"
    " AND bots_trade.mode = 'live' AND CAST(amount AS REAL) > 0 ORDER BY bots_trade.id DESC"
)
DONE = "SELECT trade_id FROM bots_command WHERE state = 'done'"


def asked_by_dialog(demo, page):
    """The number of a command that was asked; the demo's trades come and go, so another one is tried where one went."""
    for _ in range(TRIES):
        page.goto("/trades/")
        trades = [row["id"] for row in demo.rows(OPEN_TRADES)]
        links = [page.locator(f"a[href='/trades/{pk}/do/force_exit/']") for pk in trades]
        link = next((link for link in links if link.count()), None)
        if link is None:
            time.sleep(1)
            continue
        link.click()
        page.fill("dialog[open] [name=reason]", "flat before the print")
        page.dblclick("dialog[open] .dialog__foot button[type=submit]")
        page.wait_for_selector(".toast [href^='/commands/'], dialog[open] .banner--refused")
        if page.locator(".toast [href^='/commands/']").count():
            return int(page.get_attribute(".toast [href^='/commands/']", "href").strip("/").split("/")[1])
    raise AssertionError("no open trade stayed long enough to be asked for")


def test_an_exit_is_asked_once_and_followed_to_its_fill_without_a_reload(demo, chromium):
    with logged_in(demo, chromium, name="trader") as page:
        for _ in range(TRIES):
            number = asked_by_dialog(demo, page)
            page.goto(f"/commands/{number}/")
            page.evaluate("window.sameDocument = true")
            page.wait_for_selector(".command__state .ok, .command__state .no")
            if page.locator(".command__state .ok").count():
                break
        page.wait_for_selector("text=Profit realized")
        assert page.evaluate("window.sameDocument") is True
        (row,) = demo.rows(f"SELECT state, outcome FROM bots_command WHERE id = {number}")
        assert row["state"] == "done"
        assert '"filled"' in row["outcome"]
        doubled = demo.rows(f"{DONE} GROUP BY trade_id HAVING COUNT(*) > 1")
        assert doubled == []
        assert [one for one in page.complaints if WENT not in one] == []

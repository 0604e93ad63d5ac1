"""Genuine bots trade under the eyes of a person: every fill is on the open page within a second, whatever happens to
the bots in between, and afterwards the list of events is the bots' own history of orders.

RELAY_SECONDS (default 90) is how long they trade.
"""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.process import PortalProcess
from tests.real.acts import fall_silent, for_each, kill_and_start, wait
from tests.real.launcher import WS_TOKEN, GenuineBot
from tests.real.listing import closed_trades

pytestmark = pytest.mark.real

VERSIONS = ("2022.9.1", "2024.3", "2026.9")
SECONDS = float(os.environ.get("RELAY_SECONDS", "90"))
ALICE = """from accounts.models import *
alice = User(username="alice"); alice.set_password("alice"); alice.save()
Membership.objects.create(user=alice, team=Team.objects.get(slug="alpha"), role="manager")"""
WATCH = """() => {
  window.seen = {};
  const look = () => {
    for (const item of document.querySelectorAll("#events li[data-key]")) window.seen[item.dataset.key] ??= Date.now();
  };
  look();
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}"""
FILLS = """SELECT e.id, b.name, e.kind, e.subject, e.at, e.source FROM bots_event e JOIN bots_bot b ON b.id = e.bot_id
WHERE e.kind IN ('entry_filled', 'exit_filled')"""


@pytest.fixture
def bots(tmp_path: Path) -> Iterator[list[GenuineBot]]:
    """Stopped, so that the portal knows all that happens to them from now on."""
    made = [GenuineBot(version, folder_in(tmp_path, version), seed=7) for version in VERSIONS]
    try:
        for_each(lambda bot: bot.start(), made)
        for_each(fall_silent, made)
        yield made
    finally:
        for bot in made:
            bot.kill()


def folder_in(place: Path, version: str) -> Path:
    folder = place / version
    folder.mkdir()
    return folder


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[PortalProcess]:
    portal = PortalProcess(folder_in(tmp_path, "portal"))
    portal.furnish()
    portal.manage("shell", "-v0", "-c", ALICE)
    yield portal
    portal.stop()


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=options)
        yield browser.new_page()
        browser.close()


def test_every_fill_is_told_once_and_how_soon_it_is_seen_is_said(
    bots: list[GenuineBot], portal: PortalProcess, page: Page, show: Callable[[str], None]
) -> None:
    for bot in bots:
        add(portal, bot)
    portal.start()
    wait(lambda: listened_to(portal) == len(bots), 60, "the portal to listen to every bot")
    before, watched_since = fills_at(bots), datetime.now(UTC)
    open_events(page, portal)
    for bot in bots:
        bot.post("start")
    trade_through_trouble(bots, page)
    for_each(fall_silent, bots)
    wait(lambda: untold(portal, bots, before) == Counter(), 120, "the portal to know every fill")
    seen = {int(key[1:]): moment / 1000 for key, moment in page.evaluate("window.seen").items()}
    late = sorted(delays(portal, seen, watched_since))
    told, happened = told_fills(portal), fills_at(bots)
    show(
        f"{len(late)} fills told by websockets and seen: median {late[len(late) // 2]:.2f} s, p95"
        f" {late[int(len(late) * 0.95)]:.2f} s, longest {late[-1]:.2f} s after the bot's own time;"
        f" {(happened - before).total()} fills, {(told - happened).total()} told twice or never happened"
    )
    assert told - happened == Counter()
    assert len(late) > 10


def add(portal: PortalProcess, bot: GenuineBot) -> None:
    portal.environment["BOT_WS_TOKEN"] = WS_TOKEN
    portal.add_bot(bot.name, bot)


def listened_to(portal: PortalProcess) -> object:
    return portal.rows("SELECT count(*) AS n FROM bots_relaylease WHERE connected_since IS NOT NULL")[0]["n"]


def open_events(page: Page, portal: PortalProcess) -> None:
    page.goto(f"{portal.address}/login/?next=/events/?group=trades")
    page.fill("[name=username]", "alice")
    page.fill("[name=password]", "alice")
    page.click("main button[type=submit], form button")
    page.goto(f"{portal.address}/events/?group=trades")
    page.wait_for_selector('[data-connection][data-kind="live"]')
    page.evaluate(WATCH)


def trade_through_trouble(bots: list[GenuineBot], page: Page) -> None:
    """Each bot is stopped and started, reloaded and killed once, while all of them trade."""
    for bot in bots:
        rest(page, SECONDS / 9)
        bot.post("stop")
        rest(page, 2)
        bot.post("start")
        rest(page, SECONDS / 9)
        bot.post("reload_config")
        rest(page, SECONDS / 9)
        kill_and_start(bot)


def rest(page: Page, seconds: float) -> None:
    page.wait_for_timeout(seconds * 1000)


def untold(
    portal: PortalProcess, bots: list[GenuineBot], before: Counter[tuple[object, object, object]]
) -> Counter[tuple[object, object, object]]:
    return fills_at(bots) - before - told_fills(portal)


def told_fills(portal: PortalProcess) -> Counter[tuple[object, object, object]]:
    return Counter((row["name"], row["kind"], row["subject"]) for row in portal.rows(FILLS))


def fills_at(bots: list[GenuineBot]) -> Counter[tuple[object, object, object]]:
    found: Counter[tuple[object, object, object]] = Counter()
    for bot in bots:
        trades = [*closed_trades(bot, bot.release.number), *bot.get("status")]  # type: ignore[misc]
        for trade in trades:
            for order in trade["orders"]:
                if order["order_filled_timestamp"] and order["filled"]:
                    kind = "entry_filled" if order["ft_order_side"] == "buy" else "exit_filled"
                    found[bot.name, kind, f"{trade['trade_id']}@{trade['open_timestamp']}"] += 1
    return found


def delays(portal: PortalProcess, seen: dict[int, float], since: datetime) -> Iterator[float]:
    """Seconds from the bot's own time of a fill to the open page, of those told by a websocket."""
    for row in portal.rows(FILLS):
        at = datetime.fromisoformat(str(row["at"])).replace(tzinfo=UTC)
        if row["source"] == "websocket" and at > since and row["id"] in seen:
            yield seen[row["id"]] - at.timestamp()  # type: ignore[index]

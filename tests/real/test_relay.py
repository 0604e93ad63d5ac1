"""Genuine bots trade under the eyes of a person: every fill is on the open page within a second of the bot's telling
it, whatever happens to the bots in between, and afterwards the list of events is the bots' own history of orders.

A bot tells of a fill when its trading loop has come round to it, seconds after the time it gives the fill: so both are
said, from the bot's own time to its message (heard by an ear of our own), and from there to the page.

RELAY_SECONDS (default 90) is how long they trade.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.chromium import launched
from tests.process import PortalProcess
from tests.real.acts import fall_silent, for_each, kill_and_start, wait
from tests.real.hearing import Ear, Fill
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
FILLS = """SELECT e.id, b.name, e.kind, e.subject, e.at, e.heard_at, e.source
FROM bots_event e JOIN bots_bot b ON b.id = e.bot_id
WHERE e.kind IN ('entry_filled', 'exit_filled')"""


@pytest.fixture
def bots(tmp_path: Path) -> Iterator[list[GenuineBot]]:
    """Stopped, so that the portal knows all that happens to them from now on."""
    made = [GenuineBot(version, folder_in(tmp_path, version), seed=7, supervised=True) for version in VERSIONS]
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
        browser = launched(playwright)
        page = browser.new_page()
        page.set_default_timeout(300_000)
        yield page
        browser.close()


def test_every_fill_is_told_once_and_how_soon_it_is_seen_is_said(
    bots: list[GenuineBot], portal: PortalProcess, page: Page, show: Callable[[str], None]
) -> None:
    for bot in bots:
        add(portal, bot)
    portal.start()
    wait(lambda: listened_to(portal) == len(bots), 300, "the portal to listen to every bot")
    before, watched_since = fills_at(bots), datetime.now(UTC)
    open_events(page, portal)
    ears = [Ear(bot) for bot in bots]
    for bot in bots:
        bot.post("start")
    trade_through_trouble(bots, page)
    for_each(fall_silent, bots)
    wait(lambda: untold(portal, bots, before) == Counter(), 300, "the portal to know every fill")
    seen = {int(key[1:]): moment / 1000 for key, moment in page.evaluate("window.seen").items()}
    for ear in ears:
        ear.stop()
    ways = list(ways_of(portal, ears, seen, watched_since))
    told, happened = told_fills(portal), fills_at(bots)
    show(
        f"{len(ways)} fills told by websockets and seen: "
        + "; ".join(f"{name} {spread(values)}" for name, values in by_part(ways).items())
        + f"; {(happened - before).total()} fills, {(told - happened).total()} told twice or never happened"
    )
    assert told - happened == Counter()
    assert len(ways) > 10


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


class Way(NamedTuple):
    """Epoch seconds: the bot's own time of a fill, its message, when the portal had heard it, the page."""

    bot: float
    message: float
    heard: float
    page: float


def ways_of(portal: PortalProcess, ears: list[Ear], seen: dict[int, float], since: datetime) -> Iterator[Way]:
    """Of the fills that a websocket told, once (a trade may fill in parts, and which is which nobody says)."""
    came = {fill: moments for ear in ears for fill, moments in ear.came.items()}
    rows = portal.rows(FILLS)
    often = Counter(fill_of(row) for row in rows)
    for row in rows:
        at, heard, fill = moment_in(row["at"]), moment_in(row["heard_at"]), fill_of(row)
        alone = often[fill] == 1 and len(came.get(fill, ())) == 1
        if row["source"] == "websocket" and at > since.timestamp() and row["id"] in seen and alone:
            yield Way(at, came[fill][0], heard, seen[row["id"]])  # type: ignore[index]


def fill_of(row: dict[str, object]) -> Fill:
    return str(row["name"]), str(row["kind"]), str(row["subject"])


def moment_in(column: object) -> float:
    return datetime.fromisoformat(str(column)).replace(tzinfo=UTC).timestamp()


def by_part(ways: list[Way]) -> dict[str, list[float]]:
    return {
        "bot's own time to its message": [way.message - way.bot for way in ways],
        "its message to the portal": [way.heard - way.message for way in ways],
        "its message to the page": [way.page - way.message for way in ways],
        "bot's own time to the page": [way.page - way.bot for way in ways],
    }


def spread(values: list[float]) -> str:
    ordered = sorted(values)
    return (
        f"p50 {ordered[len(ordered) // 2]:.2f} s, p95 {ordered[int(len(ordered) * 0.95)]:.2f} s,"
        f" longest {ordered[-1]:.2f} s"
    )

"""Genuine bots trade fast, are killed and come back; afterwards the portal's mirror is what the bots say of themselves.

REAL_SECONDS (default 600) is how long they trade.
"""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from tests.process import PortalProcess
from tests.real.comparison import Comparison, compare
from tests.real.launcher import GenuineBot

pytestmark = pytest.mark.real

SECONDS = float(os.environ.get("REAL_SECONDS", "600"))
VERSIONS = os.environ.get("REAL_VERSIONS", "2022.9.1,2026.9").split(",")
HISTORY = 620  # more than one page of the portal's reading
PACE = 0.5  # of the poll plan's intervals, so that the slowest answers are fresh in half the time
SLOWEST_SECONDS = 300 * PACE
READ_SLOWLY = ("profit", "balance", "performance", "whitelist", "blacklist")


@pytest.fixture
def bots(tmp_path):
    made = [
        GenuineBot(version, tmp_path / version, seed=seed, history=HISTORY) for seed, version in enumerate(VERSIONS, 1)
    ]
    try:
        at_once(GenuineBot.start, made)
        yield made
    finally:
        at_once(GenuineBot.kill, made)


@pytest.fixture
def portal(tmp_path, bots):
    (tmp_path / "portal").mkdir()
    process = PortalProcess(tmp_path / "portal", PORTAL_POLL_PACE=str(PACE))
    process.furnish()
    for bot in bots:
        process.add_bot(bot.name, bot)
    try:
        process.start()
        yield process
    finally:
        process.stop()


def test_the_mirror_equals_the_bots_own_answers_after_kills_and_a_stop(bots, portal):
    trade_with_trouble(bots)
    quiet_since = fall_silent(bots)
    wait_until_caught_up(portal, bots, quiet_since)
    results = [compare(portal, bot, slug_of(portal, bot)) for bot in bots]
    print(table(results))
    assert [line for result in results for line in result.differences] == []
    assert min(result.closed for result in results) >= HISTORY + 50 * min(1, SECONDS / 600)


def trade_with_trouble(bots: list[GenuineBot]) -> None:
    """Ten minutes of trading: three SIGKILLs, each followed by a start, and one stop and start over the API."""
    began = time.monotonic()

    def until(share: float) -> None:
        time.sleep(max(0.0, began + SECONDS * share - time.monotonic()))

    for share, down_seconds in ((0.15, 0), (0.35, 15), (0.55, 1)):
        until(share)
        at_once(GenuineBot.kill, bots)
        time.sleep(down_seconds)
        at_once(GenuineBot.start, bots)
    until(0.7)
    at_once(lambda bot: bot.post("stop"), bots)
    until(0.78)
    at_once(lambda bot: bot.post("start"), bots)
    until(1)


def fall_silent(bots: list[GenuineBot]) -> datetime:
    """From the moment returned on, nothing opens, closes or fills."""
    at_once(lambda bot: bot.post("stop"), bots)
    wait(lambda: all(bot.get("show_config")["state"] == "stopped" for bot in bots), 60, "the bots to stop")
    time.sleep(3)  # the trading loop's last turn may still be under way
    return datetime.now(UTC)


def wait_until_caught_up(portal: PortalProcess, bots: list[GenuineBot], since: datetime) -> None:
    """Until every answer the comparison looks at was read after the bots fell silent."""
    kinds = ", ".join(f"'{kind}'" for kind in READ_SLOWLY)
    moment = since.strftime("%Y-%m-%d %H:%M:%S.%f")

    def caught_up() -> bool:
        read = portal.rows(f"SELECT count(*) AS n FROM bots_botreading WHERE kind IN ({kinds}) AND read_at > ?", moment)
        seen = portal.rows("SELECT count(*) AS n FROM bots_botstatus WHERE state = 'stopped' AND seen_at > ?", moment)
        return read[0]["n"] == len(bots) * len(READ_SLOWLY) and seen[0]["n"] == len(bots)

    wait(caught_up, SLOWEST_SECONDS + 90, "the portal to read everything again")


def wait(done: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(1)


def at_once(act: Callable[[GenuineBot], object], bots: list[GenuineBot]) -> None:
    with ThreadPoolExecutor(len(bots)) as pool:
        list(pool.map(act, bots))


def slug_of(portal: PortalProcess, bot: GenuineBot) -> str:
    return str(portal.rows("SELECT slug FROM bots_bot WHERE name = ?", bot.name)[0]["slug"])


def table(results: list[Comparison]) -> str:
    head = f"{'bot':<20} {'closed':>7} {'open':>5} {'figures compared':>17} {'differences':>12}"
    lines = [f"{r.bot:<20} {r.closed:>7} {r.open:>5} {r.figures:>17} {len(r.differences):>12}" for r in results]
    examples = [f"  {result.bot} {line}" for result in results for line in result.differences[:20]]
    return "\n".join(["", head, *lines, *examples])

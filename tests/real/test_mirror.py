"""Genuine bots trade fast and meet with every trouble; afterwards the portal's mirror is what they say of themselves.

REAL_SECONDS (default 600) is how long they trade; REAL_RELEASES which ones, of those in releases.py.
"""

import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from tests.process import PortalProcess
from tests.real import acts
from tests.real.acts import for_each, has_read_everything, stamp, status_of, wait
from tests.real.comparison import compare, compare_ended_life
from tests.real.figures import Answer, Comparison, table
from tests.real.fleet_sums import compare_fleet
from tests.real.launcher import CRASHES, GenuineBot
from tests.real.listing import LISTS_TRADES, closed_trades

pytestmark = pytest.mark.real

SECONDS = float(os.environ.get("REAL_SECONDS", "600"))
RELEASES = os.environ.get("REAL_RELEASES", "2020.1,2021.6,2022.9.1,2024.3,2026.9").split(",")
HISTORY = 620  # more than one page of the portal's reading
CLOSED_IN_RUN = 50 * min(1.0, SECONDS / 600)
PACE = 0.25  # of the poll plan's intervals, so that the slowest answers are fresh in a quarter of the time
SLOWEST_SECONDS = (300 + 600) * PACE  # the slowest reading, and the time between two full ones
READ_SLOWLY = ("profit", "balance", "performance", "daily", "whitelist", "blacklist")
OUTAGE_SECONDS = 60 * min(1.0, SECONDS / 600)
TROUBLE = ("Traceback", "failed in our own code", "could not be written", "could not be stored")


@pytest.fixture
def bots(tmp_path):
    """Not started yet: their addresses are known."""
    made = [
        GenuineBot(version, tmp_path / version, seed=seed, history=HISTORY, supervised=True)
        for seed, version in enumerate(RELEASES, 1)
    ]
    try:
        yield made
    finally:
        for_each(GenuineBot.kill, made)


@pytest.fixture
def portal(tmp_path, bots):
    (tmp_path / "portal").mkdir()
    process = PortalProcess(tmp_path / "portal", PORTAL_POLL_PACE=str(PACE))
    process.furnish()
    for bot in bots:
        process.add_bot(bot.name, bot)
    try:
        for_each(GenuineBot.start, bots)
        process.start()
        yield process
    finally:
        process.stop()


@dataclass
class Story:
    """What happened, for the reader and for the comparison."""

    began: float = field(default_factory=time.monotonic)
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_lives: dict[str, list[Answer]] = field(default_factory=dict)  # bot -> closed trades of its wiped database
    words: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)  # in the portal's log

    def until(self, share: float) -> None:
        time.sleep(max(0.0, self.began + SECONDS * share - time.monotonic()))

    def tell(self, words: str) -> None:
        self.words.append(f"{time.monotonic() - self.began:5.0f} s  {words}")
        print(self.words[-1], flush=True)

    def read_log(self, portal: PortalProcess) -> None:
        lines = (portal.folder / "portal.log").read_text(errors="replace").splitlines()
        self.trouble += [line for line in lines if any(word in line for word in TROUBLE)]


def test_the_mirror_equals_the_bots_own_answers_after_every_trouble(bots, portal, show):
    story = Story()
    trade_with_trouble(bots, portal, story)
    for_each(acts.fall_silent, bots, len(bots))
    story.tell("all bots are silent")
    wait_until_caught_up(portal, bots, datetime.now(UTC))
    story.tell("the portal has read everything again")
    story.read_log(portal)
    results = [*(compared(portal, bot, story) for bot in bots), compared_fleet(portal, bots, story)]
    in_run = {bot.name: closed_in_run(portal, bot, story) for bot in bots}
    counts = ", ".join(f"{name} {count}" for name, count in in_run.items())
    show("\n".join([*story.words, *CRASHES, "", table(results), f"opened and closed meanwhile: {counts}"]))
    assert [line for result in results for line in result.differences] == []
    assert min(in_run.values()) >= CLOSED_IN_RUN
    assert story.trouble == []


def trade_with_trouble(bots: list[GenuineBot], portal: PortalProcess, story: Story) -> None:
    story.until(0.1)
    for_each(acts.kill_and_start, bots)
    story.tell("every bot was killed and started")
    story.until(0.2)
    kill_portal(portal, story)
    for bot in bots:
        if bot.release.number >= acts.LEAVES_UNFILLED:
            story.tell(acts.force_exit_of_an_unfilled_entry(bot, portal))
    story.until(0.35)
    acts.outage(bots, portal, OUTAGE_SECONDS)
    story.tell("the exchange was down, and the portal told which figures were missing")
    story.until(0.6)
    for bot in wiped(bots):
        story.ended_lives[bot.name] = acts.wipe(bot, portal)
        story.tell(f"{bot.name} lost its database")
    story.until(0.75)
    for bot in bots:
        story.tell(f"{bot.name}: trade {acts.delete_a_trade(bot)} was deleted")
    story.until(0.85)
    kill_portal(portal, story)
    for_each(acts.kill_and_start, bots)
    story.tell("every bot was killed and started again")
    story.until(1)
    for bot in bots:  # on a busy machine they trade less
        enough = f"{bot.name} to close {CLOSED_IN_RUN:.0f} trades"
        wait(lambda bot=bot: closed_in_run(portal, bot, story) >= CLOSED_IN_RUN, acts.PATIENCE, enough)


def kill_portal(portal: PortalProcess, story: Story) -> None:
    story.read_log(portal)
    acts.kill_portal(portal)
    story.tell("the portal was killed and started")


def wiped(bots: list[GenuineBot]) -> list[GenuineBot]:
    """One that tells its closed trades, and one that does not: there the portal must see it in other signs."""
    telling = [bot for bot in bots if bot.release.number >= LISTS_TRADES]
    silent = [bot for bot in bots if bot.release.number < LISTS_TRADES]
    return [*telling[-2:][:1], *silent[:1]]


def wait_until_caught_up(portal: PortalProcess, bots: list[GenuineBot], since: datetime) -> None:
    """Until every answer the comparison looks at was read after the bots fell silent."""
    kinds = ", ".join(f"'{kind}'" for kind in READ_SLOWLY)

    def caught_up() -> bool:
        query = f"SELECT count(*) AS n FROM bots_botreading WHERE kind IN ({kinds}) AND read_at > ?"
        read = portal.rows(query, stamp(since))[0]["n"]
        stopped = all(status_of(portal, bot)["state"] == "stopped" for bot in bots)
        whole = all(has_read_everything(portal, bot, since) for bot in bots)
        return read == len(bots) * len(READ_SLOWLY) and stopped and whole

    wait(caught_up, SLOWEST_SECONDS + acts.PATIENCE, "the portal to read everything again")


def compared(portal: PortalProcess, bot: GenuineBot, story: Story) -> Comparison:
    slug = str(portal.rows("SELECT slug FROM bots_bot WHERE name = ?", bot.name)[0]["slug"])
    old = story.ended_lives.get(bot.name)
    result = compare(portal, bot, slug, lives=1 if old is None else 2)
    if old:
        compare_ended_life(result, portal, slug, old)
    return result


def compared_fleet(portal: PortalProcess, bots: list[GenuineBot], story: Story) -> Comparison:
    told = [trade for bot in bots for trade in closed_trades(bot, bot.release.number)]
    of_ended_lives = [trade for trades in story.ended_lives.values() for trade in trades]
    untold = sum(bot.release.number < LISTS_TRADES for bot in bots)
    return compare_fleet(portal, [*told, *of_ended_lives], len(bots), untold)


def closed_in_run(portal: PortalProcess, bot: GenuineBot, story: Story) -> int:
    """Trades in the mirror that opened and closed since the story began; of those not told when, that are closed."""
    query = (
        "SELECT count(*) AS n FROM bots_trade trade JOIN bots_bot bot ON bot.id = trade.bot_id"
        " WHERE bot.name = ? AND NOT is_open AND gone_at IS NULL AND open_date > ?"
    )
    return int(str(portal.rows(query, bot.name, stamp(story.started))[0]["n"]))

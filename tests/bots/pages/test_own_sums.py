"""A bot that tells no closed trades shows its own sums by day and by pair, marked as such, and no total has them."""

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import Team
from bots.domain.fleet import fleet_for
from bots.models import Bot, BotReading
from bots.simulator import BotSpec, SimBot, running_fleet
from tests.bots.pages.reading import cells, page, row, text
from tests.builders import a_bot, a_trade
from tests.fleets import known, polled

MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def elder(alpha: Team) -> Iterator[tuple[SimBot, Bot]]:
    """A bot of 2020.1 with thirty closed trades and three open ones; one of the open ones then closes."""
    spec = BotSpec(name="elder", release="2020.1", history=30, open_trades=3, max_open_trades=20)
    with running_fleet([spec]) as fleet:
        sim = fleet.bots[0]
        bot = known(sim, alpha)
        polled(bot)
        sim.close_trade(sim.book.open[0].trade_id)
        polled(bot)
        yield sim, bot


def shown(figure: Decimal, places: str = "0.01") -> str:
    rounded = figure.quantize(Decimal(places))
    return f"{'+' if rounded > 0 else MINUS if rounded < 0 else ''}{abs(rounded)}"


def test_bob_reads_in_the_fleet_that_one_bot_tells_no_closed_trades(browser_of, bob, alpha, elder):
    a_trade(a_bot(alpha, "modern", status={"mode": "dry"}), "12.5")
    home = page(browser_of(bob).get("/"))
    assert "1 bot tells no closed trades · in no realized sum: elder" in text(home)
    today, week, everything, _, wins = cells(row(home, "elder"))[6:11]
    assert (today, week, everything, wins) == ("–", "–", "–", "–")
    assert "its own sums stand on its page" in row(home, "elder")
    assert cells(row(home, "modern"))[8] == "+12.50"
    assert "+12.50" in text(home[home.index('data-key="all"') : home.index('data-key="unrealized"')])


def test_own_sums_are_in_no_total_and_the_total_says_for_how_many_bots(bob, alpha, elder):
    (total,) = fleet_for(bob).totals
    assert (total.all, total.untold, total.unread, total.bots) == (None, 1, 0, 1)
    a_trade(a_bot(alpha, "modern", status={"mode": "dry"}), "12.5")
    (total,) = fleet_for(bob).totals
    assert (total.all, total.today, total.untold, total.bots) == (Decimal("12.5"), Decimal("12.5"), 1, 2)


def test_a_fleet_of_bots_that_tell_says_nothing_of_it(browser_of, bob, alpha):
    a_bot(alpha, "modern", status={"capabilities": ["closed_trades"]})
    assert "no closed trades" not in text(page(browser_of(bob).get("/")))


def test_bob_reads_the_bots_own_sums_with_their_age_on_its_page(browser_of, bob, elder):
    _, bot = elder
    overview = page(browser_of(bob).get(reverse("bot", args=[bot.slug])))
    told = BotReading.objects.get(bot=bot, kind="profit").data
    whole = text(overview)
    head = whole[whole.index("All time") : whole.index("Unrealized")]
    assert head.startswith(f"All time {shown(Decimal(told['closed_abs']))} USDT bot's own sums")
    assert re.search(r"bot's own sums, \d+ s old", head)
    assert whole.count("bot's own sums USDT, ") == 2  # by day and by pair
    pairs = BotReading.objects.get(bot=bot, kind="performance").data["pairs"]
    first = pairs[0]
    ratio = shown(Decimal(first["profit_ratio"]) * 100)
    assert cells(row(overview, f"pair-{first['pair']}")) == [
        first["pair"], str(first["trades"]), f"{ratio} %", "–",
    ]  # fmt: skip
    assert sum(pair["trades"] for pair in pairs) == 31


def test_the_performance_tab_lists_the_bots_own_days(browser_of, bob, elder):
    _, bot = elder
    markup = page(browser_of(bob).get(reverse("bot", args=[bot.slug]), {"tab": "performance"}))
    days = BotReading.objects.get(bot=bot, kind="daily").data["days"]
    assert len(days) == 30
    for day in days[:3]:
        expected = [day["day"], str(day["trades"]), shown(Decimal(day["profit_abs"]))]
        assert cells(row(markup, f"day-{day['day']}")) == expected
    assert date.fromisoformat(days[0]["day"]) > date.fromisoformat(days[1]["day"])
    assert "By exit reason" not in markup


def test_a_bot_that_tells_its_trades_shows_the_mirrors_sums(browser_of, bob, alpha):
    bot = a_bot(alpha, "modern", status={"capabilities": ["closed_trades"]})
    a_trade(bot, "12.5")
    markup = page(browser_of(bob).get(reverse("bot", args=[bot.slug])))
    assert "own sums" not in markup
    assert "1 closed trades" in text(markup)

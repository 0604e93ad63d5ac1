"""Each genuine release installs, starts, trades, and is read by one poll without a reading that fails."""

import time
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from accounts.models import Team
from bots.models import Bot, BotStatus, PollTurn, Trade
from tests.real.acts import fall_silent
from tests.real.launcher import GenuineBot
from tests.real.releases import RELEASES

pytestmark = pytest.mark.real

HISTORY = 60


@pytest.fixture(params=list(RELEASES))
def genuine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GenuineBot]:
    bot = GenuineBot(request.param, tmp_path, history=HISTORY)
    try:
        bot.start()
        wait_for_trades(bot)
        fall_silent(bot)
        yield bot
    finally:
        bot.kill()


def wait_for_trades(bot: GenuineBot, seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not bot.get("status"):
        assert time.monotonic() < deadline, f"no trade within {seconds} s:\n{bot.last_words()}"
        time.sleep(1)


def known(genuine: GenuineBot, team: Team) -> Bot:
    connection = {"url": genuine.url, "username": genuine.username}
    bot = Bot(team=team, name=genuine.name, slug="genuine", system="freqtrade", connection=connection)
    bot.set_secret("password", genuine.password)
    bot.save()
    BotStatus.objects.create(bot=bot)
    PollTurn.objects.create(bot=bot)
    return bot


def test_a_genuine_release_is_read_by_one_poll(genuine: GenuineBot, alpha: Team) -> None:
    bot, said = known(genuine, alpha), StringIO()
    call_command("poll_bot", "genuine", stdout=said)
    print(f"\n{genuine.release.version}\n{said.getvalue()}")
    bot.refresh_from_db()
    config = genuine.get("show_config")
    assert isinstance(config, dict)
    assert (bot.status.state, bot.status.mode, bot.status.strategy) == ("stopped", "dry", "Restless")
    assert [line for line in said.getvalue().splitlines() if line.startswith("no ")] == []
    opened = {str(trade["trade_id"]): trade for trade in genuine.get("status")}  # type: ignore[union-attr]
    rows = Trade.objects.filter(bot=bot)
    assert {trade.trade_id for trade in rows if trade.is_open} == set(opened)
    for trade in rows.filter(is_open=True):
        theirs = opened[trade.trade_id]
        assert (trade.pair, trade.open_rate) == (theirs["pair"], Decimal(theirs["open_rate"]))
        assert trade.open_date.strftime("%Y-%m-%d %H:%M:%S") == theirs["open_date"]
    told = genuine.release.number >= (2020, 4)
    profit = genuine.get("profit")
    assert isinstance(profit, dict)
    assert rows.filter(is_open=False).count() == (profit["closed_trade_count"] if told else 0)
    assert (rows.filter(is_open=False).count() >= HISTORY) is told

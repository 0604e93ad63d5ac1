"""The list of trades: filtered by what was asked, never more than a person may see."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Team, User
from bots.domain.trades import TradeQuery, open_trade_rows, trades_for
from bots.models import Bot, BotRun, Trade
from tests.builders import a_bot, a_run, a_trade, moving
from tests.fleets import utc


def ids(user: User, **given: str) -> list[str]:
    return [trade.trade_id for trade in trades_for(user, TradeQuery.parse(given))]


@pytest.fixture
def listed(alpha: Team) -> None:
    trend = a_bot(alpha, "trend", tags=["majors"])
    grid = a_bot(alpha, "grid", status={"mode": "dry", "stake_currency": "BTC"})
    a_trade(trend, "5", trade_id="1", pair="BTC/USDT", close_date=utc(2026, 11, 1, 12), exit_reason="roi")
    a_trade(trend, "-9", trade_id="2", pair="ETH/USDT", close_date=utc(2026, 11, 2, 23, 59), side="short")
    a_trade(trend, trade_id="3", pair="SOL/USDT")
    a_trade(grid, "0.1", trade_id="4", pair="ETH/BTC", close_date=utc(2026, 11, 3), enter_tag="dip")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["3", "4", "2", "1"]),  # open ones first, then the newest close
        ({"status": "open"}, ["3"]),
        ({"status": "closed"}, ["4", "2", "1"]),
        ({"bot": "trend", "status": "closed"}, ["2", "1"]),
        ({"bot_tag": "majors", "status": "closed"}, ["2", "1"]),
        ({"pair": "eth/usdt"}, ["2"]),
        ({"side": "short"}, ["2"]),
        ({"mode": "dry"}, ["4"]),
        ({"mode": "both", "status": "closed"}, ["4", "2", "1"]),
        ({"enter_tag": "dip"}, ["4"]),
        ({"exit_reason": "roi", "bot": "trend"}, ["2", "1"]),
        ({"from": "2026-11-02", "to": "2026-11-02", "status": "closed"}, ["2"]),
        ({"from": "2026-11-01T12:00:01Z", "status": "closed"}, ["4", "2"]),
        ({"ordering": "-profit_abs", "status": "closed"}, ["1", "4", "2"]),
        ({"ordering": "profit_abs", "status": "closed"}, ["2", "4", "1"]),
    ],
)
def test_what_was_asked_for(alice: User, listed: None, given: dict, expected: list[str]) -> None:
    assert ids(alice, **given) == expected


@pytest.mark.parametrize(
    "given",
    [{"status": "sold"}, {"ordering": "password"}, {"from": "yesterday"}, {"to": "2026-13-40"}, {"mode": "paper"}],
)
def test_what_is_not_understood_is_named(given: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        TradeQuery.parse(given)


def test_another_teams_trades_do_not_exist(charlie: User, listed: None) -> None:
    assert ids(charlie) == []
    assert ids(charlie, bot="trend") == []


def test_gone_trades_and_open_ones_of_an_ended_run_are_not_listed(alice: User, alpha: Team) -> None:
    bot = a_bot(alpha)
    a_trade(bot, trade_id="1")
    a_trade(bot, "4", trade_id="2", gone_at=timezone.now())
    a_trade(bot, "7", trade_id="3")
    BotRun.objects.update(ended_at=timezone.now())
    assert ids(alice, status="open") == []
    assert ids(alice, status="closed") == ["3"]


def test_what_was_open_at_a_retired_bot_is_no_position_and_what_closed_stays(alice: User, alpha: Team) -> None:
    bot = a_bot(alpha)
    a_trade(bot, trade_id="1")
    a_trade(bot, "4", trade_id="2")
    assert (ids(alice, status="open"), Trade.objects.open().count()) == (["1"], 1)
    Bot.objects.update(retired_at=timezone.now())
    assert (ids(alice, status="open"), Trade.objects.open().count()) == ([], 0)
    assert ids(alice, status="closed") == ["2"]


def test_what_moves_belongs_to_the_trade_with_the_same_open_time(alice: User, alpha: Team) -> None:
    """A cancelled entry's id lives on in another trade: its figures must not."""
    bot = a_bot(alpha)
    trade = a_trade(bot, trade_id="222")
    moving(trade, profit="12.34", ratio="0.012")
    other = a_trade(bot, trade_id="222", open_ms=trade.open_ms + 5000)
    rows = {row.trade.open_ms: row.profit_abs for row in open_trade_rows([trade, other], timezone.now())}
    assert rows == {trade.open_ms: Decimal("12.34"), other.open_ms: None}


def test_two_bots_with_the_same_trade_id_keep_their_own_figures(alice: User, alpha: Team) -> None:
    first, second = a_bot(alpha, "first"), a_bot(alpha, "second")
    for bot, profit in ((first, "1"), (second, "-2")):
        moving(a_trade(bot, trade_id="500", open_ms=1_700_000_000_000), profit=profit, ratio="0")
    rows = open_trade_rows(trades_for(alice), timezone.now())
    assert {row.trade.bot.name: row.profit_abs for row in rows} == {"first": Decimal(1), "second": Decimal(-2)}


def test_the_age_of_an_open_trades_figures_is_its_bots(alice: User, alpha: Team) -> None:
    bot = a_bot(alpha, status={"seen_at": timezone.now() - timedelta(minutes=47)})
    a_trade(bot)
    (row,) = open_trade_rows(trades_for(alice), timezone.now())
    assert row.stale
    assert 47 * 60 <= row.age_seconds < 47 * 60 + 60
    assert a_run(bot).ended_at is None

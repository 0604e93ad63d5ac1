"""Every sum by hand: periods, purses, days in the team's zone, and what does not count."""

from datetime import date, timedelta
from decimal import Decimal

from accounts.models import Team
from bots.domain.profit import Purse, curve, realized_by_bot, today_in
from tests.builders import a_bot, a_trade
from tests.fleets import utc

NOW = utc(2026, 11, 21, 12)
TODAY = date(2026, 11, 21)
USDT = Purse("live", "USDT")


def test_periods_count_today_as_their_last_day(alpha: Team) -> None:
    bot = a_bot(alpha)
    for days, profit in ((0, "1"), (1, "2"), (6, "4"), (7, "8"), (29, "16"), (30, "32"), (400, "64")):
        a_trade(bot, profit, close_date=NOW - timedelta(days=days))
    sums = realized_by_bot([bot.pk], TODAY)[bot.pk][USDT]
    assert (sums.today, sums.d7, sums.d30, sums.all) == (Decimal(1), Decimal(7), Decimal(31), Decimal(127))


def test_sums_are_exact_to_the_last_digit(alpha: Team) -> None:
    """Where floats give 0.30000000000000004, and where 18 places matter."""
    bot = a_bot(alpha)
    for profit in ("0.1", "0.2", "0.000000000000000001", "12345678901234.5", "-12345678901234.5"):
        a_trade(bot, profit, close_date=NOW)
    assert realized_by_bot([bot.pk], TODAY)[bot.pk][USDT].all == Decimal("0.300000000000000001")


def test_unlike_currencies_and_live_and_dry_stay_apart(alpha: Team) -> None:
    bot = a_bot(alpha)
    a_trade(bot, "7", currency="BTC", close_date=NOW)
    a_trade(bot, "-5", close_date=NOW)
    a_trade(bot, "1", mode="dry", close_date=NOW)
    purses = realized_by_bot([bot.pk], TODAY)[bot.pk]
    assert {purse: sums.all for purse, sums in purses.items()} == {
        Purse("live", "BTC"): Decimal(7),
        Purse("live", "USDT"): Decimal(-5),
        Purse("dry", "USDT"): Decimal(1),
    }


def test_open_trades_gone_trades_and_trades_without_a_figure_are_in_no_sum(alpha: Team) -> None:
    bot = a_bot(alpha)
    a_trade(bot, "10", close_date=NOW)
    a_trade(bot)
    a_trade(bot, "100", close_date=NOW, gone_at=NOW)
    a_trade(bot, "0", close_date=NOW, profit_abs=None)
    sums = realized_by_bot([bot.pk], TODAY)[bot.pk][USDT]
    assert (sums.all, sums.trades, sums.without_figure) == (Decimal(10), 2, 1)


def test_wins_and_losses_are_counted_by_value_not_by_text(alpha: Team) -> None:
    bot = a_bot(alpha)
    for profit in ("10", "9", "0.5", "-2", "-10", "0"):
        a_trade(bot, profit, close_date=NOW)
    sums = realized_by_bot([bot.pk], TODAY)[bot.pk][USDT]
    assert (sums.wins, sums.losses, sums.win_rate) == (3, 2, Decimal("0.6"))


def test_the_win_rate_of_a_bot_without_decided_trades_is_not_known(alpha: Team) -> None:
    bot = a_bot(alpha)
    a_trade(bot, "0", close_date=NOW)
    assert realized_by_bot([bot.pk], TODAY)[bot.pk][USDT].win_rate is None


def test_the_curve_ends_at_the_sum_of_all(alpha: Team) -> None:
    bot = a_bot(alpha)
    for days, profit in ((100, "50"), (29, "1"), (1, "-3"), (0, "10")):
        a_trade(bot, profit, close_date=NOW - timedelta(days=days))
    points = curve(realized_by_bot([bot.pk], TODAY)[bot.pk][USDT], TODAY)
    assert len(points) == 30
    assert (points[0], points[-2], points[-1]) == (Decimal(51), Decimal(48), Decimal(58))


def test_today_is_the_teams_day() -> None:
    evening = utc(2026, 11, 21, 22)
    assert today_in("UTC", evening) == date(2026, 11, 21)
    assert today_in("Asia/Tokyo", evening) == date(2026, 11, 22)


def test_two_queries_whatever_the_number_of_bots(alpha: Team, django_assert_num_queries) -> None:
    bots = [a_bot(alpha, f"bot-{number}") for number in range(7)]
    for bot in bots:
        a_trade(bot, "1", close_date=NOW)
    with django_assert_num_queries(2):
        assert len(realized_by_bot([bot.pk for bot in bots], TODAY)) == 7

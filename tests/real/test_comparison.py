"""The comparison of the mirror with the bots finds what differs, and nothing else."""

from decimal import Decimal

import pytest

from tests.real.comparison import compare_trade
from tests.real.figures import Comparison, canonical, seconds_of
from tests.real.listing import stamped
from tests.real.untold import LOST, compare_untold


def test_a_difference_is_named_with_both_sides():
    result = Comparison("2026.9")
    result.same("profit", "12.340", Decimal("12.34"))
    result.same("profit", "12.34", Decimal("12.35"))
    result.same("close rate", None, 0)
    assert result.figures == 3
    assert result.differences == [
        "profit: the portal has '12.34', the bot Decimal('12.35')",
        "close rate: the portal has None, the bot 0",
    ]
    assert canonical(1_794_145_626_967) == canonical("1794145626967.0")
    assert canonical("0.0004920262761848115") == Decimal("0.000492026276184812")


def test_every_figure_of_a_trade_counts():
    trade = {
        "trade_id": 7, "pair": "BTC/USDT", "is_open": False, "is_short": False, "quote_currency": "USDT",
        "leverage": Decimal("1.0"), "amount": Decimal("0.5"), "stake_amount": Decimal("30000.0"),
        "open_rate": Decimal("60000.0"), "close_rate": Decimal("60600.0"), "open_timestamp": 1_790_000_000_000,
        "close_timestamp": 1_790_000_060_250, "close_profit_abs": Decimal("239.7"), "close_profit": Decimal("0.0079"),
        "fee_open": Decimal("0.001"), "fee_close": Decimal("0.001"), "enter_tag": None, "exit_reason": "roi",
        "strategy": "Restless", "timeframe": 1, "exchange": "binance", "orders": [],
    }  # fmt: skip
    row = {
        "pair": "BTC/USDT", "is_open": 0, "side": "long", "currency": "USDT", "leverage": "1", "amount": "0.5",
        "stake_amount": "30000", "open_rate": "60000", "close_rate": "60600", "open_date": "2026-09-21 14:13:20",
        "close_date": "2026-09-21 14:14:20.250000", "profit_abs": "239.7", "profit_ratio": "0.0079",
        "realized_profit": None, "fee_open_ratio": "0.001", "fee_close_ratio": "0.001", "funding_fees": None,
        "enter_tag": None, "exit_reason": "roi", "strategy": "Restless", "timeframe": "1m", "exchange": "binance",
        "orders": "[]",
    }  # fmt: skip
    right = Comparison("2026.9")
    compare_trade(right, "trade 7", row, trade)
    assert (right.figures, right.differences, right.not_given) == (22, [], {"funding_fees"})
    for figure in set(row) - {"orders"}:
        wrong = Comparison("2026.9")
        compare_trade(wrong, "trade 7", {**row, figure: "something else"}, trade)
        assert [line.split(":")[0] for line in wrong.differences] == [f"trade 7 {figure}"]


# --- early generations ------------------------------------------------------------------------------------------------


OPEN_2021 = {
    "trade_id": 9, "pair": "ETH/BTC", "is_open": True, "open_timestamp": 1_624_000_000_123,
    "open_rate": Decimal("0.06"), "amount": Decimal("1.5"), "stake_amount": Decimal("0.09"), "sell_reason": None,
    "fee_open": Decimal("0.001"), "fee_close": Decimal("0.001"), "strategy": "Restless", "timeframe": 5,
    "exchange": "binance", "open_order": "(limit buy rem=1.50000000)",
}  # fmt: skip
ROW_2021 = {
    "pair": "ETH/BTC", "is_open": 1, "side": "long", "currency": "BTC", "leverage": "1", "amount": "1.5",
    "stake_amount": "0.09", "open_rate": "0.06", "close_rate": None, "open_date": "2021-06-18 07:06:40.123000",
    "close_date": None, "profit_abs": None, "profit_ratio": None, "realized_profit": None, "fee_open_ratio": "0.001",
    "fee_close_ratio": "0.001", "funding_fees": None, "enter_tag": None, "exit_reason": None, "strategy": "Restless",
    "timeframe": "5m", "exchange": "binance",
    "orders": '[{"kind": "limit", "side": "buy", "remaining": "1.5"}]',
}  # fmt: skip


def test_what_a_release_does_not_tell_is_counted_and_must_be_missing_in_the_mirror_too():
    right = Comparison("2021.6")
    compare_trade(right, "trade 9", ROW_2021, OPEN_2021)
    assert right.differences == []
    assert right.not_given == {
        "side", "leverage", "realized_profit", "funding_fees", "enter_tag", "filled orders",
    }  # fmt: skip
    for figure, made_up in (("leverage", "3"), ("side", "short"), ("funding_fees", "0.1"), ("enter_tag", "dip")):
        wrong = Comparison("2021.6")
        compare_trade(wrong, "trade 9", {**ROW_2021, figure: made_up}, OPEN_2021)
        assert wrong.differences == [f"trade 9 {figure}: the portal has {made_up!r}, the bot tells nothing"]


def test_an_order_in_words_is_held_against_the_one_the_mirror_has():
    result = Comparison("2021.6")
    compare_trade(result, "trade 9", {**ROW_2021, "orders": "[]"}, OPEN_2021)
    assert [line.split(":")[0] for line in result.differences] == ["trade 9 order in words"]


def test_the_moments_of_the_eldest_are_their_dates():
    assert stamped({"open_date": "2020-01-31 07:15:00", "close_date": None}, (2020, 1)) == {
        "is_open": True, "open_date": "2020-01-31 07:15:00", "close_date": None,
        "open_timestamp": 1_580_454_900_000, "close_timestamp": None,
    }  # fmt: skip
    # 2020.6 counts its timestamps in the zone of its machine: here an hour east of UTC.
    told = {"open_date": "2020-01-31 07:15:00", "open_timestamp": 1_580_458_500_250}
    assert stamped(told, (2020, 6))["open_timestamp"] == 1_580_454_900_250


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("0:46:27", 2787), ("1 day, 1:00:00", 90000), ("12 days, 0:00:01.5", 1036801), ("N/A", None)],
)
def test_a_duration_in_words_is_seconds(told, seconds):
    assert seconds_of(told) == seconds


class APortal:
    """The rows that a query asks for, by its table."""

    def __init__(self, trades, polls):
        self.tables = {"bots_trade": trades, "bots_snapshot": polls}

    def rows(self, query, *values):
        return next(rows for name, rows in self.tables.items() if name in query)


MISSING = '[{"figure": "close_date"}, {"figure": "close_rate"}, {"figure": "profit_abs"}, {"figure": "profit_ratio"}]'
UNTOLD = {
    "trade_id": "4", "open_ms": 1_580_454_900_000, "pair": "BTC/USDT", "open_rate": "9000", "stake_amount": "90",
    "close_date": None, "close_rate": None, "profit_abs": None, "profit_ratio": None, "missing": MISSING,
}  # fmt: skip
IN_THE_FILE = {
    "id": 4, "open_timestamp": 1_580_454_900_000, "close_timestamp": 1_580_454_990_000, "is_open": 0,
    "pair": "BTC/USDT", "open_rate": 9000.0, "stake_amount": 90.0,
}  # fmt: skip


def untold(trades, polls=()):
    result = Comparison("2020.1")
    compare_untold(result, APortal(trades, polls), 1, [IN_THE_FILE])
    return [line.split(":")[0] for line in result.differences]


def test_an_untold_trade_is_there_without_figures():
    assert untold([UNTOLD]) == []
    assert untold([{**UNTOLD, "open_rate": "9001"}]) == ["trade 4 open_rate"]
    assert untold([{**UNTOLD, "profit_abs": "0"}]) == ["trade 4 profit_abs"]
    assert untold([{**UNTOLD, "missing": "[]"}]) == [f"trade 4 {figure} is said to be missing" for figure in LOST]


def test_an_untold_trade_that_no_poll_could_see_is_not_lost_and_one_that_a_poll_saw_is():
    assert untold([], [{"at": "2020-01-31 07:14:59"}, {"at": "2020-01-31 07:16:31"}]) == []
    assert untold([], [{"at": "2020-01-31 07:15:30"}]) == ["closed trades that were seen open and are lost"]
    other = {**UNTOLD, "open_ms": UNTOLD["open_ms"] + 5000}
    assert untold([UNTOLD, other]) == ["closed trades the bot never had"]

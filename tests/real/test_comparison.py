"""The comparison of the mirror with the bots finds what differs, and nothing else."""

from decimal import Decimal

from tests.real.comparison import compare_trade
from tests.real.figures import Comparison, canonical


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

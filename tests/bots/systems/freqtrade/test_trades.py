"""Recorded trades of genuine releases -> exact value objects."""

import gc
import json
import tracemalloc
from decimal import Decimal

import pytest
from msgspec import Raw

from bots.systems.contract import Missing, Order
from bots.systems.errors import BadAnswer
from bots.systems.freqtrade import mapping, trades
from tests.bots.systems.freqtrade.recorded import read, read_down

RELEASES = ("2022.9.1", "2024.3", "2026.9")
D = Decimal


def test_an_open_trade_and_what_moves_in_it():
    first = trades.open_trades(read("2026.9", "status"), "USDT").trades[0]
    trade, moving = first.trade, first.moving
    assert (trade.trade_id, trade.open_ms, trade.pair, trade.side) == ("165", 1795243565226, "BTC/USDT", "long")
    assert (trade.amount, trade.stake_amount, trade.open_rate) == (D("0.0028157"), D("99.99986707"), D("35515.1"))
    assert (trade.is_open, trade.close_ms, trade.profit_abs, trade.profit_ratio) == (True, None, None, None)
    assert (trade.realized_profit, trade.fee_open_ratio, trade.currency) == (D(0), D("0.001"), "USDT")
    assert (trade.enter_tag, trade.exit_reason, trade.has_open_orders) == ("trend_up", "realbot_timer", True)
    assert (trade.strategy, trade.timeframe, trade.exchange) == ("RealbotStrategy", "1m", "binance")
    assert (moving.current_rate, moving.profit_abs) == (D("35396.7"), D("-0.53304524"))
    assert (moving.profit_ratio, moving.stop_rate, moving.missing) == (D("-0.00532513"), D("35231.0"), ())
    assert trade.orders[1] == Order(
        order_id="dry_run_sell_BTC/USDT_fc401589-3828-42e2-a5a3-b556617e2687",
        side="sell",
        kind="limit",
        status="open",
        is_open=True,
        rate=D("35431.8"),
        amount=D("0.0028157"),
        filled=D("0.0"),
        remaining=D("0.0028157"),
        cost=D("99.76531926000001"),
        placed_ms=1795243691081,
        filled_ms=None,
        tag="realbot_timer",
    )


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("2022.9.1", [("118", False), ("120", False), ("121", True), ("122", True), ("123", False)]),
        ("2026.9", [("165", True), ("171", False), ("173", False), ("174", False), ("175", True)]),
    ],
)
def test_open_orders_are_known_in_every_release(release, expected):
    found = trades.open_trades(read(release, "status"), "USDT").trades
    assert [(each.trade.trade_id, each.trade.has_open_orders) for each in found] == expected


def test_an_entry_that_is_not_filled_has_nothing_at_stake_yet():
    unfilled = trades.open_trades(read("2026.9", "status"), "USDT").trades[4]
    assert (unfilled.trade.amount, unfilled.moving.profit_abs, unfilled.moving.profit_ratio) == (D(0), D(0), D(0))


@pytest.mark.parametrize(
    ("release", "pair", "profit", "ratio", "closed_ms", "reason"),
    [
        ("2022.9.1", "ATOM/USDT", "2.219657980022248", "0.02004193735966897", 1790085470000, "force_exit"),
        ("2024.3", "AVAX/USDT", "0.18112090674507897", "0.001980571743990023", 1790142496000, "roi"),
        ("2026.9", "FIL/USDT", "2.226388449789937", "0.018638994281533705", 1790073946000, "exit_signal"),
    ],
)
def test_a_closed_trade_is_the_same_from_both_endpoints(release, pair, profit, ratio, closed_ms, reason):
    listed = trades.closed_trades(read(release, "trades"), "USDT")[0]
    asked = trades.trade(read(release, "trade_closed"), "USDT", "trade")
    assert listed == asked
    assert (listed.pair, listed.is_open, listed.close_ms, listed.exit_reason) == (pair, False, closed_ms, reason)
    assert (listed.profit_abs, listed.profit_ratio) == (D(profit), D(ratio))  # 18 decimals: what the tables hold
    assert (len(listed.orders), listed.realized_profit, listed.missing) == (2, None, ())


@pytest.mark.parametrize("release", RELEASES)
def test_all_recorded_trades_close_in_the_stake_currency_with_a_profit(release):
    found = trades.closed_trades(read(release, "trades"), "")
    assert len(found) == 12
    assert {trade.currency for trade in found} == {"USDT"}
    assert all(trade.profit_abs is not None and trade.close_ms > trade.open_ms for trade in found)


def test_prices_lost_with_the_exchange_are_missing_and_the_trade_stands():
    for release, reason in (
        ("2021.6", "the bot sent NaN"),
        ("2022.9.1", mapping.NO_PRICE),
        ("2026.9", mapping.NO_PRICE),
    ):
        each = trades.open_trades(read_down(release, "status"), "USDT").trades[0]
        assert each.trade.open_rate > 0
        assert (each.moving.current_rate, each.moving.profit_abs) == (None, None)
        assert Missing("profit_abs", reason) in each.moving.missing


def test_a_short_future_is_settled_in_its_stake_currency():
    answer = read("2026.9", "trade_closed")
    answer.pair, answer.is_short, answer.quote_currency, answer.leverage = "BTC/USDT:USDT", True, None, D("3.0")
    trade = trades.trade(answer, "", "trade")
    assert (trade.side, trade.currency, trade.leverage) == ("short", "USDT", D(3))
    # made in USDT, though the bot stakes another currency today
    assert trades.trade(answer, "USDC", "trade").currency == "USDT"


def test_a_closed_trade_without_its_close_or_an_open_one_among_them_is_a_bad_answer():
    answer = read("2026.9", "trades")
    answer.trades[3].close_timestamp = None
    with pytest.raises(BadAnswer, match="closed trade 4 lacks close_timestamp"):
        trades.closed_trades(answer, "USDT")
    answer.trades[2].is_open = True
    with pytest.raises(BadAnswer, match="trade 3 is open"):
        trades.closed_trades(answer, "USDT")


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(1, "1m"), (15, "15m"), (60, "1h"), (240, "4h"), (1440, "1d"), (10080, "1w"), (None, None), (0, None)],
)
def test_timeframes_are_spelled_as_in_settings(minutes, text):
    assert trades.timeframe(minutes) == text


def test_listed_orders_win_over_the_open_one_in_words():
    """Releases 2022.3 to 2023.8 give both while an order waits; the words know neither rate nor amount."""
    answer = read("2022.9.1", "trade_closed")
    listed = trades.trade(answer, "", "trade").orders
    answer.open_order, answer.is_open = "(limit sell rem=0.12000000)", True
    assert trades.trade(answer, "", "trade").orders == listed != ()


# --- from poll to poll


@pytest.mark.parametrize(
    "change",
    [
        {"amount": D(1)},
        {"stake_amount": D("sNaN")},
        {"orders": Raw(b"[]")},
        {"has_open_orders": False},
        {"exit_reason": "emergency_exit"},
        {"realized_profit": D("0.5")},
    ],
)
def test_an_open_trade_is_the_same_object_until_something_that_lasts_has_changed(change):
    known = trades.KnownTrades()

    def listed(known: trades.KnownTrades | None, **changes: object):
        answer = read("2026.9", "status")
        for name, value in changes.items():
            setattr(answer[0], name, value)
        return trades.open_trades(answer, "USDT", known).trades[0]

    first = listed(known)
    dearer = listed(known, current_rate=D("36000.5"))
    assert dearer.trade is first.trade
    assert dearer.moving.current_rate == D("36000.5")
    changed = listed(known, **change)
    assert changed.trade == listed(None, **change).trade
    assert changed.trade != first.trade


MIB = 2**20


def status_of(number: int, orders: str = "[]", trades_in_it: int = 1, room: int = 0) -> bytes:
    """A /status of trades nobody has seen before, with so much white space around."""
    told = {"pair": "BTC/USDT", "is_open": True, "open_timestamp": 1, "quote_currency": "USDT"}
    listed = [{"trade_id": number * trades_in_it + each, **told} for each in range(trades_in_it)]
    text = json.dumps(listed).replace('"quote_currency"', f'"orders": {orders}, "quote_currency"')
    return (text + " " * room).encode()


def held_after(polls: int, **shape: object) -> int:
    """Bytes that one bot's known trades keep."""
    known = trades.KnownTrades()
    gc.collect()
    tracemalloc.start()
    try:
        for number in range(polls):
            trades.open_trades_in(status_of(number, **shape), "USDT", known)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def test_trades_open_no_more_are_forgotten_and_no_answer_is_kept_for_its_orders():
    """Each trade's orders are a view into the whole answer as it was read."""
    assert held_after(200, room=100_000) < MIB / 10


@pytest.mark.parametrize(
    "shape",
    [
        {"orders": "[" + "{}," * 20_000 + "{}]"},
        {"orders": "[" + " " * 2000 + "]", "trades_in_it": 180},
        {"trades_in_it": 4000},
    ],
    ids=["orders", "bytes", "trades"],
)
def test_however_much_a_bot_tells_little_of_it_is_kept(shape):
    assert held_after(2, **shape) < MIB

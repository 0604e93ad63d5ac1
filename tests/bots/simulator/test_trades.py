"""Ids, pages and sums: what the simulator tells must add up as it does at a genuine bot."""

import time
from typing import Any

import pytest

from bots.simulator import BotSpec, Fleet, SimBot, running_fleet

from .conftest import RELEASES, Client


def read(client: Client, path: str) -> Any:
    return client.read(path)


def ids(client: Client, query: str) -> list[int]:
    return [trade["trade_id"] for trade in read(client, f"/trades{query}")["trades"]]


def closed(bot: SimBot, pair: str, rate: float, later: float) -> int:
    trade = bot.open_trade(pair, rate=rate)
    bot.close_trade(trade.trade_id, rate=later)
    return trade.trade_id


def test_the_id_of_a_cancelled_entry_is_given_again(client: Client) -> None:
    bot = client.bot
    first = bot.open_trade("BTC/USDT", filled=False)
    bot.cancel_unfilled(first.trade_id)
    second = bot.open_trade("ETH/USDT")
    assert (first.trade_id, second.trade_id) == (1, 1)
    assert second.open_ms > first.open_ms


def test_ids_in_the_middle_are_not_given_again(client: Client) -> None:
    bot = client.bot
    for pair in ("BTC/USDT", "ETH/USDT", "SOL/USDT"):
        bot.open_trade(pair)
    bot.delete_trade(2)
    assert bot.open_trade("LTC/USDT").trade_id == 4


def test_a_wiped_database_starts_at_one(client: Client) -> None:
    for _ in range(3):
        closed(client.bot, "BTC/USDT", 50_000.0, 51_000.0)
    client.bot.wipe_database()
    assert read(client, "/trades")["total_trades"] == 0
    assert client.bot.open_trade("BTC/USDT").trade_id == 1


def test_pages_ascend_by_id_although_an_old_trade_closed_last(client: Client) -> None:
    bot = client.bot
    late = bot.open_trade("BTC/USDT")
    closed(bot, "ETH/USDT", 3000.0, 3100.0)
    closed(bot, "SOL/USDT", 150.0, 151.0)
    bot.close_trade(late.trade_id)
    assert ids(client, "") == [1, 2, 3]
    assert ids(client, "?limit=2") == [1, 2]
    assert ids(client, "?limit=2&offset=2") == [3]
    assert ids(client, "?order_by_id=false")[0] == 1


@pytest.mark.parametrize(
    ("release", "status", "first"), [("2022.9.1", 200, 40), ("2024.3", 200, 40), ("2026.9", 422, 0)]
)
def test_limit_zero_means_all_descending_until_it_became_an_error(
    fleet: Fleet, release: str, status: int, first: int
) -> None:
    answer = Client(fleet[release]).get("/trades?limit=0")
    assert answer.status_code == status
    if status == 200:
        trades = answer.json()["trades"]
        assert (len(trades), trades[0]["trade_id"]) == (40, first)


def test_old_bots_ignore_the_wish_to_order_by_close(fleet: Fleet) -> None:
    assert ids(Client(fleet["2024.3"]), "?limit=3&order_by_id=false") == [1, 2, 3]


@pytest.mark.parametrize("release", RELEASES)
def test_profit_is_the_sum_of_the_trades(fleet: Fleet, release: str) -> None:
    client = Client(fleet[release])
    trades, profit = read(client, "/trades")["trades"], read(client, "/profit")
    assert len(trades) == profit["closed_trade_count"] == 40
    assert profit["profit_closed_coin"] == pytest.approx(sum(trade["close_profit_abs"] for trade in trades), abs=1e-6)
    assert profit["profit_closed_ratio_sum"] == pytest.approx(sum(trade["close_profit"] for trade in trades))
    assert profit["winning_trades"] == sum(trade["close_profit_abs"] > 0 for trade in trades)
    assert profit["trade_count"] == 42
    wallet = read(client, "/balance")["starting_capital"]
    assert profit["profit_closed_ratio"] == pytest.approx(profit["profit_closed_coin"] / wallet)


@pytest.mark.parametrize("release", RELEASES)
def test_every_profit_follows_from_rates_amount_and_fees(fleet: Fleet, release: str) -> None:
    for trade in read(Client(fleet[release]), "/trades")["trades"]:
        paid = trade["amount"] * trade["open_rate"] * (1 + trade["fee_open"])
        got = trade["amount"] * trade["close_rate"] * (1 - trade["fee_close"])
        assert trade["close_profit_abs"] == pytest.approx(got - paid, abs=2e-8)
        assert trade["close_profit"] == pytest.approx((got - paid) / paid, rel=1e-5)
        assert trade["close_timestamp"] > trade["open_timestamp"]


@pytest.mark.parametrize("release", RELEASES)
def test_groups_and_periods_add_up_to_the_profit(fleet: Fleet, release: str) -> None:
    client = Client(fleet[release])
    total = read(client, "/profit")["profit_closed_coin"]
    assert sum(row["profit_abs"] for row in read(client, "/performance")) == pytest.approx(total, abs=1e-6)
    assert sum(row["abs_profit"] for row in read(client, "/daily?timescale=70")["data"]) == pytest.approx(
        total, abs=1e-6
    )
    counts = read(client, "/stats")["exit_reasons"].values()
    assert sum(sum(count.values()) for count in counts) == 40
    if release != "2022.9.1":
        for path in ("/entries", "/exits", "/mix_tags"):
            assert sum(row["profit_abs"] for row in read(client, path)) == pytest.approx(total, abs=1e-6)
        for path in ("/weekly?timescale=12", "/monthly?timescale=4"):
            assert sum(row["abs_profit"] for row in read(client, path)["data"]) == pytest.approx(total, abs=1e-6)


def test_the_wallet_is_capital_plus_profit_minus_what_is_bound(client: Client) -> None:
    bot = client.bot
    bot.set_price("BTC/USDT", 50_000.0)
    closed(bot, "BTC/USDT", 50_000.0, 55_000.0)
    held = bot.open_trade("BTC/USDT", stake=500.0)
    balance = read(client, "/balance")
    rows = {row["currency"]: row for row in balance["currencies"]}
    profit = read(client, "/profit")["profit_closed_coin"]
    assert rows["USDT"]["balance"] == pytest.approx(10_000 + profit - 500)
    assert (rows["BTC"]["balance"], held.amount) == (0.01, 0.01)
    assert balance["total_bot"] == pytest.approx(10_000 + profit)


def test_foreign_coins_count_in_the_total_only() -> None:
    with running_fleet([BotSpec(foreign_coins={"ETH": 2.0})]) as fleet:
        fleet.bots[0].set_price("ETH/USDT", 3000.0)
        balance = read(Client(fleet.bots[0]), "/balance")
    assert (balance["total"], balance["total_bot"]) == (16_000.0, 10_000.0)


def test_the_open_profit_moves_with_the_price(client: Client) -> None:
    client.bot.open_trade("BTC/USDT", rate=50_000.0, stake=500.0)
    client.bot.set_price("BTC/USDT", 50_000.0)
    before = read(client, "/status")[0]
    client.bot.set_price("BTC/USDT", 51_000.0)
    after = read(client, "/status")[0]
    assert before["profit_abs"] == -0.9995 - 0.0005  # two fees of 0.1 % on 500 USDT
    assert after["profit_abs"] == pytest.approx(0.01 * 51_000 * 0.999 - 500.5)
    assert after["current_rate"] == 51_000.0
    assert read(client, "/profit")["profit_all_coin"] == after["profit_abs"]


def test_the_market_moves_by_itself(bot: SimBot) -> None:
    at = 1_800_000_000.0
    rates = {bot.market.rate("BTC/USDT", at + second) for second in range(60)}
    assert len(rates) > 50
    assert bot.market.rate("BTC/USDT", at) == bot.market.rate("BTC/USDT", at)
    assert max(rates) / min(rates) < 1.01


def test_the_past_is_the_same_for_the_same_seed() -> None:
    spec = BotSpec(history=25, seed=7)
    one, other, third = SimBot(spec), SimBot(spec), SimBot(BotSpec(history=25, seed=8))
    moves = [[round(t.close_profit or 0, 4) for t in bot.book.closed] for bot in (one, other, third)]
    assert moves[0] == moves[1] != moves[2]


def test_a_bot_in_btc_keeps_eight_decimals() -> None:
    with running_fleet([BotSpec(currency="BTC", history=30)]) as fleet:
        client = Client(fleet.bots[0])
        trade = read(client, "/trades?limit=1")["trades"][0]
        assert trade["quote_currency"] == read(client, "/show_config")["stake_currency"] == "BTC"
        assert 0.03 < trade["stake_amount"] < 0.07
        assert trade["close_profit_abs"] == round(trade["close_profit_abs"], 8) != 0


def test_a_self_trading_bot_opens_and_closes() -> None:
    with running_fleet([BotSpec(auto_trade=True, pace=0.05, fill_seconds=0.0, open_trades=1)]) as fleet:
        client, until = Client(fleet.bots[0]), time.monotonic() + 60
        while read(client, "/profit")["closed_trade_count"] < 2 and time.monotonic() < until:
            time.sleep(0.05)
        trades = read(client, "/trades")["trades"]
    assert len(trades) >= 2
    assert all(trade["close_timestamp"] > trade["open_timestamp"] for trade in trades)

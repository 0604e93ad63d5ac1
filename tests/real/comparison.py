"""Holds the portal's tables against a bot's own answers, figure by figure.

It reads the bot's JSON itself: nothing of the adapter is used. What moves with the price at every tick (rates,
unrealized profit, estimated values) is left out.
"""

import json
import re
from collections.abc import Iterable
from decimal import Decimal

from tests.direct import BotRefused, DirectBot
from tests.process import PortalProcess
from tests.real.figures import Answer, Comparison, Told, canonical, held_against, hundredth, moment, seconds_of
from tests.real.launcher import GenuineBot
from tests.real.listing import LISTS_TRADES, closed_trades, in_the_file, open_trades
from tests.real.untold import compare_untold


def compare(portal: PortalProcess, bot: GenuineBot, slug: str, *, lives: int = 1) -> Comparison:
    """The bot must be quiet: nothing may open or close while this reads. `lives`: how many its database has had."""
    result, number = Comparison(slug), bot.release.number
    bot_id = portal.rows("SELECT id FROM bots_bot WHERE slug = ?", slug)[0]["id"]
    now_open, closed = open_trades(bot, number), closed_trades(bot, number)
    result.open, result.closed = len(now_open), len(closed)
    if number < LISTS_TRADES:
        compare_trades(result, portal, bot_id, now_open, only_open=True)
        compare_untold(result, portal, bot_id, in_the_file(bot.database))
    else:
        compare_trades(result, portal, bot_id, [*closed, *now_open])
        compare_sums(result, portal, bot, bot_id, closed)
    compare_state(result, portal, bot, bot_id, len(now_open), lives)
    compare_profit(result, portal, bot, bot_id)
    compare_lists(result, portal, bot, bot_id)
    compare_daily(result, portal, bot, bot_id)
    compare_balance(result, portal, bot, bot_id)
    return result


# --- Trades ---------------------------------------------------------------------------------------------------------


TRADE_FIGURES = {
    "pair": Told(["pair"]),
    "is_open": Told(["is_open"]),
    "side": Told(["is_short"], lambda short: "short" if short else "long"),
    "currency": Told(["quote_currency", "pair"], lambda told: str(told).rpartition("/")[2].partition(":")[0]),
    "leverage": Told(["leverage"]),
    "amount": Told(["amount"]),
    "stake_amount": Told(["stake_amount"]),
    "open_rate": Told(["open_rate"]),
    "close_rate": Told(["close_rate"], when="closed"),
    "open_date": Told(["open_timestamp"], moment),
    "close_date": Told(["close_timestamp"], moment, when="closed"),
    "profit_abs": Told(["close_profit_abs"], when="closed"),
    "profit_ratio": Told(["close_profit"], when="closed"),
    "realized_profit": Told(["realized_profit"], when="open"),
    "fee_open_ratio": Told(["fee_open"]),
    "fee_close_ratio": Told(["fee_close"]),
    "funding_fees": Told(["funding_fees"]),
    "enter_tag": Told(["enter_tag", "buy_tag"]),
    "exit_reason": Told(["exit_reason", "sell_reason"]),
    "strategy": Told(["strategy"]),
    "timeframe": Told(["timeframe"], lambda minutes: f"{minutes}m"),
    "exchange": Told(["exchange"]),
}
ORDER_FIGURES = {
    "order_id": Told(["order_id"]),
    "side": Told(["ft_order_side"]),
    "kind": Told(["order_type"]),
    "status": Told(["status"]),
    "is_open": Told(["is_open"]),
    "rate": Told(["safe_price"]),
    "amount": Told(["amount"]),
    "filled": Told(["filled"]),
    "remaining": Told(["remaining"]),
    "cost": Told(["cost"]),
    "placed_ms": Told(["order_timestamp"]),
    "filled_ms": Told(["order_filled_timestamp"]),
    "tag": Told(["ft_order_tag"]),
}
ORDER_IN_WORDS = re.compile(r"\((\S+) (\S+) rem=(\S+)\)")


def compare_trades(
    result: Comparison, portal: PortalProcess, bot_id: object, trades: Iterable[Answer], *, only_open: bool = False
) -> None:
    """The trades of the mirror's current run against these, which are all that the bot has (or all that are open)."""
    rows = portal.rows(
        "SELECT trade.* FROM bots_trade trade JOIN bots_botrun run ON run.id = trade.run_id"
        " WHERE trade.bot_id = ? AND trade.gone_at IS NULL AND run.ended_at IS NULL AND trade.is_open >= ?",
        bot_id,
        int(only_open),
    )
    ours = {(row["trade_id"], row["open_ms"]): row for row in rows}
    theirs = {(str(trade["trade_id"]), trade["open_timestamp"]): trade for trade in trades}
    result.same("trades the portal lacks", sorted(theirs.keys() - ours.keys()), [])
    result.same("trades the bot lacks", sorted(ours.keys() - theirs.keys()), [])
    for key in ours.keys() & theirs.keys():
        compare_trade(result, f"trade {key[0]}", ours[key], theirs[key])


def compare_ended_life(result: Comparison, portal: PortalProcess, slug: str, trades: Iterable[Answer]) -> None:
    """The closed trades of a database that was wiped, as the bot told them before: they stay, in the run before."""
    rows = portal.rows(
        "SELECT trade.* FROM bots_trade trade JOIN bots_botrun run ON run.id = trade.run_id"
        " JOIN bots_bot bot ON bot.id = trade.bot_id"
        " WHERE bot.slug = ? AND NOT trade.is_open AND trade.gone_at IS NULL AND run.ended_at IS NOT NULL",
        slug,
    )
    ours = {(row["trade_id"], row["open_ms"]): row for row in rows}
    theirs = {(str(trade["trade_id"]), trade["open_timestamp"]): trade for trade in trades}
    result.closed += len(theirs)
    result.same("trades of the wiped database", sorted(ours), sorted(theirs))
    for key in ours.keys() & theirs.keys():
        compare_trade(result, f"trade {key[0]} of the wiped database", ours[key], theirs[key])


def compare_trade(result: Comparison, name: str, row: Answer, trade: Answer) -> None:
    held_against(result, name, row, trade, TRADE_FIGURES, "open" if trade["is_open"] else "closed")
    compare_orders(result, name, json.loads(str(row["orders"]), parse_float=Decimal), trade)


def compare_orders(result: Comparison, name: str, ours: list[Answer], trade: Answer) -> None:
    """From 2022.3 on orders are listed; before, the open one stands in words, and a filled one nowhere."""
    if "orders" not in trade:
        result.not_given.add("filled orders")
        result.same(f"{name} order in words", [in_words(order) for order in ours], spelled(trade.get("open_order")))
        return
    theirs = trade["orders"]
    result.same(f"{name} number of orders", len(ours), len(theirs))
    for place, (order, their) in enumerate(zip(ours, theirs, strict=False)):
        held_against(result, f"{name} order {place}", order, their, ORDER_FIGURES)


def in_words(order: Answer) -> tuple[object, ...]:
    return order["kind"], order["side"], Decimal(str(order["remaining"]))


def spelled(told: object) -> list[tuple[object, ...]]:
    match = ORDER_IN_WORDS.fullmatch(str(told)) if told else None
    return [(match[1], match[2], Decimal(match[3]))] if match else []


def compare_sums(
    result: Comparison, portal: PortalProcess, bot: DirectBot, bot_id: object, closed: list[Answer]
) -> None:
    """The mirror's closed trades added up, against the bot's list and against the bot's own account."""
    rows = portal.rows(
        "SELECT profit_abs FROM bots_trade trade JOIN bots_botrun run ON run.id = trade.run_id"
        " WHERE trade.bot_id = ? AND is_open = 0 AND gone_at IS NULL AND run.ended_at IS NULL",
        bot_id,
    )
    profits, told = [Decimal(str(row["profit_abs"])) for row in rows], bot.get("profit")
    result.same("sum of closed profits", sum(profits), sum(canonical(trade["close_profit_abs"]) for trade in closed))
    if "closed_trade_count" in told:
        result.same("closed trades counted", len(profits), told["closed_trade_count"])
    if "winning_trades" in told:
        result.same("winning trades counted", sum(profit > 0 for profit in profits), told["winning_trades"])
    # The bot adds floats and rounds to 8 places.
    off = abs(sum(profits) - Decimal(told["profit_closed_coin"]))
    result.same("sum of closed profits against /profit", off < Decimal("1e-8"), True)


# --- The bot as a whole ---------------------------------------------------------------------------------------------


STATE_FIGURES = {
    "state": Told(["state"]),
    "version": Told(["version"]),
    "stake_currency": Told(["stake_currency"]),
    "strategy": Told(["strategy"]),
    "exchange": Told(["exchange"]),
    "trading_mode": Told(["trading_mode"]),
    "timeframe": Told(["timeframe", "ticker_interval"]),
    "bot_name": Told(["bot_name"]),
    "mode": Told(["dry_run"], lambda dry: "dry" if dry in (True, "True") else "live"),
    "slots": Told(["max_open_trades"]),
}


def compare_state(
    result: Comparison, portal: PortalProcess, bot: DirectBot, bot_id: object, now_open: int, lives: int
) -> None:
    status = portal.rows("SELECT * FROM bots_botstatus WHERE bot_id = ?", bot_id)[0]
    said = {**bot.get("version"), "state": state_of(bot), **bot.get("show_config")}
    held_against(result, "bot", status, said, STATE_FIGURES)
    result.same("open trades", status["open_count"], now_open)
    runs = portal.rows("SELECT count(*) AS runs FROM bots_botrun WHERE bot_id = ?", bot_id)[0]["runs"]
    result.same("lives of the database", runs, lives)


def state_of(bot: DirectBot) -> str:
    """Until 2020.4 a bot says its state only by counting its trades or refusing to."""
    said = bot.get("show_config").get("state")
    if said is not None:
        return str(said)
    try:
        bot.get("count")
    except BotRefused:
        return "stopped"
    return "running"


PROFIT_FIGURES = {
    "closed_abs": Told(["profit_closed_coin"]),
    "closed_ratio": Told(["profit_closed_ratio"]),
    "closed_count": Told(["closed_trade_count"]),
    "trade_count": Told(["trade_count"]),
    "winning": Told(["winning_trades"]),
    "losing": Told(["losing_trades"]),
    "max_drawdown_ratio": Told(["max_drawdown"]),
    "max_drawdown_abs": Told(["max_drawdown_abs"]),
    "profit_factor": Told(["profit_factor"]),
    "expectancy": Told(["expectancy"]),
    "trading_volume": Told(["trading_volume"]),
    "first_trade_ms": Told(["first_trade_timestamp"]),
    "latest_trade_ms": Told(["latest_trade_timestamp"]),
    "average_duration_seconds": Told(["avg_duration"], seconds_of),
    "best_pair": Told(["best_pair"]),
}


def compare_profit(result: Comparison, portal: PortalProcess, bot: DirectBot, bot_id: object) -> None:
    held_against(result, "profit", reading(portal, bot_id, "profit"), bot.get("profit"), PROFIT_FIGURES)


PERFORMANCE_FIGURES = {
    "trades": Told(["count"]),
    "profit_abs": Told(["profit_abs"]),
    "profit_ratio": Told(["profit_ratio"]),
}
IN_PERCENT = Told(["profit"], hundredth)  # until 2021.10


def compare_lists(result: Comparison, portal: PortalProcess, bot: DirectBot, bot_id: object) -> None:
    ours = {pair["pair"]: pair for pair in reading(portal, bot_id, "performance")["pairs"]}
    theirs = {pair["pair"]: pair for pair in bot.get("performance")}
    result.same("performance pairs", sorted(ours), sorted(theirs))
    for name in ours.keys() & theirs.keys():
        former = {} if "profit_ratio" in theirs[name] else {"profit_ratio": IN_PERCENT}
        held_against(result, f"performance {name}", ours[name], theirs[name], PERFORMANCE_FIGURES | former)
    for kind in ("whitelist", "blacklist"):
        result.same(kind, reading(portal, bot_id, kind)["pairs"], bot.get(kind)[kind])


def compare_daily(result: Comparison, portal: PortalProcess, bot: DirectBot, bot_id: object) -> None:
    """Rows of words until 2020.4: ["2020-01-31", "-1.89125212 USDT", "0.000 USD", "12 trades"]."""
    theirs = bot.get("daily?timescale=30")
    days = theirs if isinstance(theirs, list) else [day_in_words(day) for day in theirs["data"]]
    ours = {day["day"]: day for day in reading(portal, bot_id, "daily")["days"]}
    result.same("days", sorted(ours), sorted(day[0] for day in days))
    for date, profit, *_, trades in days:
        result.same(f"profit of {date}", ours[date]["profit_abs"], Decimal(profit.split()[0]))
        result.same(f"trades of {date}", ours[date]["trades"], int(trades.split()[0]))


def day_in_words(day: Answer) -> list[str]:
    return [str(day["date"]), str(day["abs_profit"]), str(day["trade_count"])]


COIN_FIGURES = {"free": Told(["free"]), "used": Told(["used"]), "total": Told(["balance"])}


def compare_balance(result: Comparison, portal: PortalProcess, bot: DirectBot, bot_id: object) -> None:
    theirs, ours = bot.get("balance"), reading(portal, bot_id, "balance")
    result.same("balance currency", ours["currency"], theirs["stake"])
    held_against(result, "balance", ours, theirs, {"starting_capital": Told(["starting_capital"])})
    coins = {coin["currency"]: coin for coin in ours["currencies"]}
    result.same("coins", sorted(coins), sorted(coin["currency"] for coin in theirs["currencies"]))
    for coin in theirs["currencies"]:
        if coin["currency"] in coins:
            held_against(result, str(coin["currency"]), coins[coin["currency"]], coin, COIN_FIGURES)


def reading(portal: PortalProcess, bot_id: object, kind: str) -> Answer:
    row = portal.rows("SELECT data FROM bots_botreading WHERE bot_id = ? AND kind = ?", bot_id, kind)[0]
    return json.loads(str(row["data"]), parse_float=Decimal)

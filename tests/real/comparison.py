"""Holds the portal's tables against a bot's own answers, figure by figure.

Written apart from the adapter on purpose: it reads the bot's JSON itself, so that one misunderstanding of ours does not
stand on both sides. What moves with the price at every tick (rates, unrealized profit, estimated values) is left out.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Context, Decimal

from tests.direct import DirectBot
from tests.process import PortalProcess

Answer = dict[str, object]
PLACES = Decimal(1).scaleb(-18)  # what a database keeps
EXACT = Context(prec=60)


@dataclass
class Comparison:
    bot: str
    closed: int = 0
    open: int = 0
    figures: int = 0
    differences: list[str] = field(default_factory=list)

    def same(self, what: str, ours: object, theirs: object) -> None:
        self.figures += 1
        if canonical(ours) != canonical(theirs):
            self.differences.append(f"{what}: the portal has {ours!r}, the bot {theirs!r}")


def compare(portal: PortalProcess, bot: DirectBot, slug: str) -> Comparison:
    """The bot must be quiet: nothing may open or close while this reads."""
    result = Comparison(slug)
    row = portal.rows("SELECT id FROM bots_bot WHERE slug = ?", slug)[0]
    open_trades, closed_trades = list(bot.get("status")), all_closed(bot)
    result.open, result.closed = len(open_trades), len(closed_trades)
    compare_trades(result, portal, row["id"], [*closed_trades, *open_trades])
    compare_state(result, portal, bot, row["id"], len(open_trades))
    compare_profit(result, portal, bot, row["id"], closed_trades)
    compare_lists(result, portal, bot, row["id"])
    compare_balance(result, portal, bot, row["id"])
    return result


def all_closed(bot: DirectBot) -> list[Answer]:
    trades: list[Answer] = []
    while True:
        page = bot.get(f"trades?limit=200&offset={len(trades)}")
        trades += page["trades"]
        if not page["trades"]:
            assert len(trades) == page["total_trades"]
            return trades


# --- Trades ---------------------------------------------------------------------------------------------------------


def always(name: str) -> Callable[[Answer], object]:
    return lambda trade: trade.get(name)


def when_closed(name: str) -> Callable[[Answer], object]:
    return lambda trade: None if trade["is_open"] else trade.get(name)


TRADE_FIGURES: dict[str, Callable[[Answer], object]] = {
    "pair": always("pair"),
    "is_open": always("is_open"),
    "side": lambda trade: "short" if trade["is_short"] else "long",
    "currency": always("quote_currency"),
    "leverage": always("leverage"),
    "amount": always("amount"),
    "stake_amount": always("stake_amount"),
    "open_rate": always("open_rate"),
    "close_rate": when_closed("close_rate"),
    "open_date": lambda trade: moment(trade["open_timestamp"]),
    "close_date": lambda trade: moment(when_closed("close_timestamp")(trade)),
    "profit_abs": when_closed("close_profit_abs"),
    "profit_ratio": when_closed("close_profit"),
    "realized_profit": lambda trade: trade.get("realized_profit") if trade["is_open"] else None,
    "fee_open_ratio": always("fee_open"),
    "fee_close_ratio": always("fee_close"),
    "funding_fees": always("funding_fees"),
    "enter_tag": always("enter_tag"),
    "exit_reason": always("exit_reason"),
    "strategy": always("strategy"),
    "timeframe": lambda trade: f"{trade['timeframe']}m",
    "exchange": always("exchange"),
}
ORDER_FIGURES = {
    "order_id": "order_id",
    "side": "ft_order_side",
    "kind": "order_type",
    "status": "status",
    "is_open": "is_open",
    "rate": "safe_price",
    "amount": "amount",
    "filled": "filled",
    "remaining": "remaining",
    "cost": "cost",
    "placed_ms": "order_timestamp",
    "filled_ms": "order_filled_timestamp",
    "tag": "ft_order_tag",
}


def compare_trades(result: Comparison, portal: PortalProcess, bot_id: object, trades: Iterable[Answer]) -> None:
    rows = portal.rows(
        "SELECT trade.* FROM bots_trade trade JOIN bots_botrun run ON run.id = trade.run_id"
        " WHERE trade.bot_id = ? AND trade.gone_at IS NULL AND run.ended_at IS NULL",
        bot_id,
    )
    ours = {(row["trade_id"], row["open_ms"]): row for row in rows}
    theirs = {(str(trade["trade_id"]), trade["open_timestamp"]): trade for trade in trades}
    result.same("trades the portal lacks", sorted(theirs.keys() - ours.keys()), [])
    result.same("trades the bot lacks", sorted(ours.keys() - theirs.keys()), [])
    for key in ours.keys() & theirs.keys():
        compare_trade(result, f"trade {key[0]}", ours[key], theirs[key])


def compare_trade(result: Comparison, name: str, row: Answer, trade: Answer) -> None:
    for figure, of_the_bot in TRADE_FIGURES.items():
        result.same(f"{name} {figure}", row[figure], of_the_bot(trade))
    orders = json.loads(str(row["orders"]), parse_float=Decimal)
    result.same(f"{name} number of orders", len(orders), len(trade["orders"]))
    for number, (order, theirs) in enumerate(zip(orders, trade["orders"], strict=False)):
        for figure, key in ORDER_FIGURES.items():
            result.same(f"{name} order {number} {figure}", order[figure], theirs.get(key))


# --- The bot as a whole ---------------------------------------------------------------------------------------------


STATE_FIGURES = (
    "state", "version", "stake_currency", "strategy", "exchange", "trading_mode", "timeframe", "bot_name",
)  # fmt: skip


def compare_state(result: Comparison, portal: PortalProcess, bot: DirectBot, bot_id: object, now_open: int) -> None:
    status = portal.rows("SELECT * FROM bots_botstatus WHERE bot_id = ?", bot_id)[0]
    config = bot.get("show_config")
    for figure in STATE_FIGURES:
        result.same(figure, status[figure], config[figure])
    result.same("mode", status["mode"], "dry" if config["dry_run"] else "live")
    result.same("slots", status["slots"], config["max_open_trades"])
    result.same("open trades", status["open_count"], now_open)
    runs = portal.rows("SELECT count(*) AS runs FROM bots_botrun WHERE bot_id = ?", bot_id)[0]["runs"]
    result.same("lives of the database", runs, 1)


PROFIT_FIGURES = {
    "closed_abs": "profit_closed_coin",
    "closed_ratio": "profit_closed_ratio",
    "closed_count": "closed_trade_count",
    "trade_count": "trade_count",
    "winning": "winning_trades",
    "losing": "losing_trades",
    "max_drawdown_ratio": "max_drawdown",
    "max_drawdown_abs": "max_drawdown_abs",
    "profit_factor": "profit_factor",
    "expectancy": "expectancy",
    "trading_volume": "trading_volume",
    "first_trade_ms": "first_trade_timestamp",
    "latest_trade_ms": "latest_trade_timestamp",
    "best_pair": "best_pair",
}


def compare_profit(
    result: Comparison, portal: PortalProcess, bot: DirectBot, bot_id: object, closed: list[Answer]
) -> None:
    theirs, ours = bot.get("profit"), reading(portal, bot_id, "profit")
    for figure, name in PROFIT_FIGURES.items():
        result.same(f"profit {figure}", ours[figure], theirs.get(name))
    rows = portal.rows("SELECT profit_abs FROM bots_trade WHERE bot_id = ? AND is_open = 0 AND gone_at IS NULL", bot_id)
    profits = [Decimal(str(row["profit_abs"])) for row in rows]
    result.same("closed trades counted", len(profits), theirs["closed_trade_count"])
    result.same("winning trades counted", sum(profit > 0 for profit in profits), theirs["winning_trades"])
    result.same("sum of closed profits", sum(profits), sum(canonical(trade["close_profit_abs"]) for trade in closed))
    # The bot adds floats and rounds to 8 places.
    off = abs(sum(profits) - Decimal(theirs["profit_closed_coin"]))
    result.same("sum of closed profits against /profit", off < Decimal("1e-8"), True)


def compare_lists(result: Comparison, portal: PortalProcess, bot: DirectBot, bot_id: object) -> None:
    ours = {pair["pair"]: pair for pair in reading(portal, bot_id, "performance")["pairs"]}
    theirs = {pair["pair"]: pair for pair in bot.get("performance")}
    result.same("performance pairs", sorted(ours), sorted(theirs))
    for name in ours.keys() & theirs.keys():
        result.same(f"performance {name} trades", ours[name]["trades"], theirs[name]["count"])
        result.same(f"performance {name} profit", ours[name]["profit_abs"], theirs[name]["profit_abs"])
    for kind in ("whitelist", "blacklist"):
        result.same(kind, reading(portal, bot_id, kind)["pairs"], bot.get(kind)[kind])


def compare_balance(result: Comparison, portal: PortalProcess, bot: DirectBot, bot_id: object) -> None:
    theirs, ours = bot.get("balance"), reading(portal, bot_id, "balance")
    result.same("balance currency", ours["currency"], theirs["stake"])
    result.same("starting capital", ours["starting_capital"], theirs.get("starting_capital"))
    coins = {coin["currency"]: coin for coin in ours["currencies"]}
    result.same("coins", sorted(coins), sorted(coin["currency"] for coin in theirs["currencies"]))
    for coin in theirs["currencies"]:
        for figure, name in (("free", "free"), ("used", "used"), ("total", "balance")):
            result.same(f"{coin['currency']} {figure}", coins.get(coin["currency"], {}).get(figure), coin[name])


def reading(portal: PortalProcess, bot_id: object, kind: str) -> Answer:
    row = portal.rows("SELECT data FROM bots_botreading WHERE bot_id = ? AND kind = ?", bot_id, kind)[0]
    return json.loads(str(row["data"]), parse_float=Decimal)


# --- One form for both sides ----------------------------------------------------------------------------------------


def moment(epoch_ms: object) -> str | None:
    if epoch_ms is None:
        return None
    return (
        datetime.fromtimestamp(int(str(epoch_ms)) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f").removesuffix(".000000")
    )


def canonical(value: object) -> object:
    """Numbers as the database keeps them, whatever their type; an empty text is a missing one."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float | Decimal) or looks_like_number(value):
        number = Decimal(str(value))
        return number.quantize(PLACES, context=EXACT) if number.is_finite() else number
    return value or None if not isinstance(value, list) else value


def looks_like_number(value: object) -> bool:
    return isinstance(value, str) and value.lstrip("-").replace(".", "", 1).isdigit()

"""The reading endpoints: from a request to the bot's figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import validation
from .answers import balance, early, pairs, periods, profit, settings, trades
from .wire import Request, detail, refused

if TYPE_CHECKING:
    from .bot import SimBot

Json = Any
ONLY_OWN = "Only the currently active strategy is available in trade mode"


def status(bot: SimBot, request: Request) -> Json:
    show = trades.open_trade if bot.release.since("2020.12") else early.open_trade
    return [show(bot, trade) for trade in bot.book.open]


def count(bot: SimBot, request: Request) -> Json:
    busy = bot.reloads and not bot.release.since("2025.6")
    if bot.state == "stopped" or busy:
        raise refused(request, "trader is not running")
    return balance.count(bot)


def wallet(bot: SimBot, request: Request) -> Json:
    """With a dead exchange: 502 in 2022.9.1, 200 without prices in 2026.9; the release between is a guess."""
    if bot.faults.exchange_down and not bot.release.since("2025.1"):
        raise refused(request, "Error getting current tickers.")
    return balance.balance(bot)


def show_profit(bot: SimBot, request: Request) -> Json:
    if not bot.release.since("2020.6") and not bot.book.closed:
        raise refused(request, "no closed trade")
    return profit.profit(bot)


def health(bot: SimBot, request: Request) -> Json:
    if bot.faults.webserver_mode:
        raise refused(request, "Bot is not in the correct state")
    return settings.health(bot)


def list_trades(bot: SimBot, request: Request) -> Json:
    """Ascending by id and paged; limit=0 means all, descending, until it became an error in 2025.3."""
    if not bot.release.since("2021.4"):
        return _newest_trades(bot, request)
    limit = validation.number_of(bot.release, request, "limit", 500) or 0
    offset = validation.number_of(bot.release, request, "offset", 0) or 0
    if bot.release.since("2025.3"):
        validation.at_least_one(limit, "limit")
    closed = _ordered(bot, request)
    page = closed[::-1] if limit == 0 else closed[offset:] if limit < 0 else closed[offset : offset + limit]
    listed = {"trades": [trades.listed_trade(bot, trade) for trade in page], "trades_count": len(page)}
    return bot.release.shape("trades", {**listed, "offset": offset, "total_trades": len(closed)})


def _newest_trades(bot: SimBot, request: Request) -> Json:
    """2020.4 to 2021.3: from the highest id (2021.3: the latest close) down, until 2020.6 open trades among them."""
    limit = validation.number_of(bot.release, request, "limit", 0) or 0
    both = sorted(bot.book.trades.values(), key=lambda trade: trade.trade_id)
    closed = bot.book.closed_by_time if bot.release.since("2021.3") else bot.book.closed
    newest = (closed if bot.release.since("2020.7") else both)[::-1]
    page = newest[:limit] if limit > 0 else newest
    show = trades.listed_trade if bot.release.since("2020.12") else early.listed_trade
    return {"trades": [show(bot, trade) for trade in page], "trades_count": len(page)}


def _ordered(bot: SimBot, request: Request) -> list[Any]:
    by_id = request.last("order_by_id", "true").lower() not in ("false", "0", "no", "off", "f", "n")
    if by_id or not bot.release.since("2025.4"):
        return bot.book.closed
    return bot.book.closed_by_time[::-1]


def trade(bot: SimBot, request: Request, trade_id: str) -> Json:
    found = bot.book.trades.get(validation.whole(bot.release, trade_id, ["path", "tradeid"]))
    if found is None:
        raise detail(404, "Trade not found.")
    return trades.open_trade(bot, found)


def custom_data(bot: SimBot, request: Request, trade_id: str) -> Json:
    raise detail(404, f"No custom-data found for Trade ID: {trade_id}.")


def open_custom_data(bot: SimBot, request: Request) -> Json:
    raise detail(404, "No custom-data found for any open trades.")


def daily(bot: SimBot, request: Request) -> Json:
    return periods.daily(bot, _timescale(bot, request, 7))


def weekly(bot: SimBot, request: Request) -> Json:
    return periods.weekly(bot, _timescale(bot, request, 4))


def monthly(bot: SimBot, request: Request) -> Json:
    return periods.monthly(bot, _timescale(bot, request, 3))


def _timescale(bot: SimBot, request: Request, default: int) -> int:
    number = validation.number_of(bot.release, request, "timescale", default) or 0
    if bot.release.since("2025.3"):
        return validation.at_least_one(number, "timescale")
    if number < 1:
        raise refused(request, "timescale must be an integer greater than 0")
    return number


def logs(bot: SimBot, request: Request) -> Json:
    return settings.logs(bot, validation.number_of(bot.release, request, "limit", None))


def pair_candles(bot: SimBot, request: Request) -> Json:
    limit = validation.number_of(bot.release, request, "limit", 20) or 0
    return pairs.pair_candles(bot, request.last("pair"), request.last("timeframe"), limit)


def chosen_pair_candles(bot: SimBot, request: Request) -> Json:
    body = validation.object_of(bot.release, request)
    pair = str(validation.required(bot.release, body, "pair"))
    timeframe = str(validation.required(bot.release, body, "timeframe"))
    return pairs.pair_candles(bot, pair, timeframe, body.get("limit") or 20, body.get("columns"))


def pair_history(bot: SimBot, request: Request) -> Json:
    words = f"No data for {request.last('pair')}, {request.last('timeframe')} in {request.last('timerange')} found."
    raise detail(502, words) if bot.release.since("2023.6") else refused(request, words)


def plot_config(bot: SimBot, request: Request) -> Json:
    if bot.faults.webserver_mode:
        raise refused(request, "Strategy is mandatory in webserver mode.")
    return settings.PLOT


def strategy(bot: SimBot, request: Request, name: str) -> Json:
    if name == bot.spec.strategy:
        return settings.strategy(bot)
    only_own = bot.release.since("2025.7") and not bot.faults.webserver_mode
    raise detail(404, ONLY_OWN if only_own else "Strategy not found")


def edge(bot: SimBot, request: Request) -> Json:
    raise refused(request, "Edge is not enabled.")

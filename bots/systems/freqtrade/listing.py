"""Closed trades of 2020.4 to 2021.3: a list from the newest backwards, with a limit and no offset."""

from collections.abc import Awaitable, Callable

from bots.systems import contract
from bots.systems.contract import ClosedTrades, KnownHistory
from bots.systems.errors import NoSuchTrade
from bots.systems.freqtrade import answers, trades
from bots.systems.freqtrade.early import stamped
from bots.systems.freqtrade.releases import LISTS_BY_CLOSE, Release

NEWEST = (50, 500, 5000, 0)  # how many are asked for, one after another, until it is enough; 0: all
LARGEST = 24 * 1024 * 1024  # bytes: some 20,000 trades

Listed = answers.TradesAnswer | answers.EarlyTradesAnswer
Ask = Callable[[int], Awaitable[Listed]]  # of the newest so many trades


async def history(ask: Ask, known: KnownHistory, currency: str) -> ClosedTrades:
    """Back to the newest trade known, or everything. What closed late under an older number stays unseen below it."""
    for limit in NEWEST[-1:] if known.full or known.newest is None else NEWEST:
        listed = await ask(limit)
        closed = closed_trades(listed, currency)
        if is_whole(listed, limit):
            return ClosedTrades(tuple(closed), len(closed), whole=True)
        if any((trade.trade_id, trade.open_ms) == known.newest for trade in closed):
            return ClosedTrades(tuple(closed), None, proven=True)
    return ClosedTrades(tuple(closed), len(closed), whole=True)  # a limit of 0 has none


async def trade(ask: Ask, trade_id: str, currency: str, release: Release) -> contract.Trade:
    """One closed trade. Raises NoSuchTrade."""
    for limit in NEWEST:
        listed = await ask(limit)
        for found in closed_trades(listed, currency):
            if found.trade_id == trade_id:
                return found
        if is_whole(listed, limit) or passed(listed, int(trade_id), release):
            break
    raise NoSuchTrade("The bot does not know this trade", endpoint="trades")


def closed_trades(listed: Listed, currency: str) -> list[contract.Trade]:
    """Ascending by id. Until 2020.6 the open ones stand among them. Raises BadAnswer."""
    closed = sorted((entry for entry in listed.trades if not entry.is_open), key=lambda entry: entry.trade_id)
    return [trades.trade(_in_utc(entry), currency, "trades") for entry in closed]


def _in_utc(entry: answers.TradeAnswer) -> answers.TradeAnswer:
    return stamped(entry, "trades") if isinstance(entry, answers.EarlyTradeAnswer) else entry


def is_whole(listed: Listed, limit: int) -> bool:
    return limit == 0 or len(listed.trades) < limit


def passed(listed: Listed, number: int, release: Release) -> bool:
    """Whether the list, where it goes down by id, has gone below this number."""
    return release < LISTS_BY_CLOSE and min((entry.trade_id for entry in listed.trades), default=0) < number

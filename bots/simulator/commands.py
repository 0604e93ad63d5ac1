"""The bots' commands, with their refusals and their habits. Not idempotent where the real ones are not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import validation
from .answers import early, pairs, trades
from .desk import FORCED, USER
from .flask import failed
from .trades import Trade
from .wire import Refusal, Request, refused

if TYPE_CHECKING:
    from .bot import SimBot

Json = Any
PAUSED = "paused, no more entries will occur from now. Run /start to enable entries."
PAUSED_FROM_STOP = "starting bot with trader in paused state, no entries will occur. Run /start to enable entries."
PLEASE = "Wrong pair selected. Please pairs with stake {} pairs only"
NO_ENTRIES = "No more entries will occur from now. Run /reload_config to reset."


# --- the bot


def start(bot: SimBot, request: Request) -> Json:
    if bot.state == "running":
        return {"status": "already running"}
    bot.took_effect("start")
    bot.start()
    return {"status": "starting trader ..."}


def stop(bot: SimBot, request: Request) -> Json:
    if bot.state == "stopped":
        return {"status": "already stopped"}
    bot.took_effect("stop")
    bot.stop()
    return {"status": "stopping trader ..."}


def pause(bot: SimBot, request: Request) -> Json:
    """A state of its own from 2025.4 on. Before it, max_open_trades becomes 0 and only reload_config undoes that."""
    if not bot.release.since("2025.4"):
        bot.max_open_trades = 0
        bot.took_effect("pause", "max_open_trades=0")
        return {"status": NO_ENTRIES}
    was_stopped = bot.state == "stopped"
    if bot.state != "paused":
        bot.took_effect("pause")
        bot.pause()
    return {"status": PAUSED_FROM_STOP if was_stopped else PAUSED}


def reload_config(bot: SimBot, request: Request) -> Json:
    """The answer comes; a moment later nothing listens."""
    bot.took_effect("reload_config")
    bot.state = "reload_config"
    bot.changed()
    bot.listener.restart_soon(*bot.spec.reload_seconds)
    return {"status": "Reloading config ..."}


# --- trades


def force_exit(bot: SimBot, request: Request) -> Json:
    body = validation.object_of(bot.release, request)
    wanted = str(validation.required(bot.release, body, "tradeid"))
    order_type = validation.order_type_of(bot.release, body) or "market"
    _must_run(bot, request, "running", "paused")
    if wanted == "all":
        return _exit_all(bot, order_type)
    trade = _open_trade(bot, wanted)
    if trade is None:
        raise refused(request, "invalid argument")
    if not _exit(bot, trade, order_type, body.get("amount"), body.get("price")):
        raise refused(request, "Failed to exit trade.")
    return {"result": f"Created {_exit_word(bot)} order for trade {wanted}."}


def _exit_all(bot: SimBot, order_type: str) -> Json:
    for trade in list(bot.book.open):
        _exit(bot, trade, order_type, None, None)
    return {"result": f"Created {_exit_word(bot)} orders for all open trades."}


def _exit(bot: SimBot, trade: Trade, order_type: str, amount: float | None, price: float | None) -> bool:
    """False when it was an unfilled entry: that is cancelled, which the caller is told as a failure."""
    if trade.open_orders and bot.desk.cancel(trade, FORCED):
        bot.took_effect("force_exit", f"{trade.trade_id} entry cancelled")
        return False
    rate = bot.rate(trade.pair) if order_type == "market" or price is None else price
    part = bot.desk.part_of(trade, amount if bot.release.since("2022.8") else None)
    bot.desk.exit(trade, rate, part, order_type, "force_exit")
    bot.took_effect("force_exit", trade.trade_id)
    return True


def _exit_word(bot: SimBot) -> str:
    return "exit" if bot.release.since("2023.1") else "sell"


def force_enter(bot: SimBot, request: Request) -> Json:
    body = validation.object_of(bot.release, request)
    pair = str(validation.required(bot.release, body, "pair"))
    order_type = validation.order_type_of(bot.release, body) or "market"
    _refuse_entry(bot, request, pair, str(body.get("side") or "long"))
    rate = float(body.get("price") or bot.rate(pair))
    stake = float(body.get("stakeamount") or bot.spec.stake)
    trade = bot.desk.enter(pair, rate, stake, body.get("entry_tag") or "force_entry", order_type)
    bot.took_effect("force_enter", trade.trade_id)
    return trades.fresh_trade(bot, trade) if bot.release.since("2020.12") else early.listed_trade(bot, trade)


def _refuse_entry(bot: SimBot, request: Request, pair: str, side: str) -> None:
    if not bot.spec.force_entry:
        raise refused(request, "Force_entry not enabled.")
    _must_run(bot, request, "running")
    if side == "short":
        raise refused(request, "Can't go short on Spot markets.")
    if pair not in bot.spec.whitelist:
        raise _wrong_pair(bot, request, pair)
    taken = next((trade for trade in bot.book.open if trade.pair == pair), None)
    if taken:
        raise refused(request, f"position for {pair} already open - id: {taken.trade_id}")
    if 0 <= bot.max_open_trades <= len(bot.book.open):
        raise refused(request, "Maximum number of trades is reached.")


def _wrong_pair(bot: SimBot, request: Request, pair: str) -> Refusal:
    currency = bot.spec.currency
    if bot.release.flask:
        ours = pair.endswith(f"/{currency}")
        return Refusal(failed()) if ours else refused(request, PLEASE.format(currency))
    wrong_quote = f"Wrong pair selected. Only pairs with stake-currency {currency} allowed."
    gone = "Symbol does not exist or market is not active."
    return refused(request, gone if bot.release.since("2023.1") else wrong_quote)


def cancel_order(bot: SimBot, request: Request, trade_id: str) -> Json:
    _must_run(bot, request, "running", "paused")
    trade = _open_trade(bot, trade_id)
    if trade is None:
        raise refused(request, "Invalid trade_id.")
    if not trade.open_orders:
        raise refused(request, "No open order for trade_id.")
    bot.took_effect("cancel_order", trade_id)
    if bot.desk.cancel(trade, USER):
        raise refused(request, "no active trade")
    return trades.open_trade(bot, trade)


def delete_trade(bot: SimBot, request: Request, trade_id: str) -> Json:
    trade = bot.book.trades.get(validation.whole(bot.release, trade_id, ["path", "tradeid"]))
    wordy = bot.release.since("2025.1")
    if trade is None:
        raise refused(request, f"Trade with id '{trade_id}' not found." if wordy else "invalid argument")
    cancelled = len(trade.open_orders)
    bot.book.remove(trade.trade_id)
    bot.took_effect("delete_trade", trade_id)
    what = f"Deleted trade #{trade_id} for pair {trade.pair}." if wordy else f"Deleted trade {trade_id}."
    return {
        "cancel_order_count": cancelled,
        "result": "success",
        "result_msg": f"{what} Closed {cancelled} open orders.",
        "trade_id": trade.trade_id,
    }


def reload_trade(bot: SimBot, request: Request, trade_id: str) -> Json:
    trade = bot.book.trades.get(validation.whole(bot.release, trade_id, ["path", "tradeid"]))
    if trade is None:
        raise refused(request, f"Could not find trade with id {trade_id}.")
    bot.took_effect("reload_trade", trade_id)
    return trades.open_trade(bot, trade)


def _open_trade(bot: SimBot, wanted: str) -> Trade | None:
    trade = bot.book.trades.get(int(wanted)) if wanted.isdigit() else None
    return trade if trade and trade.is_open else None


def _must_run(bot: SimBot, request: Request, *states: str) -> None:
    if bot.state not in states:
        raise refused(request, "trader is not running")
    if bot.faults.exchange_down:
        raise refused(request, "exchange not reachable")  # the wording is ours


# --- pairs


def add_locks(bot: SimBot, request: Request) -> Json:
    wanted = validation.body_of(bot.release, request)
    now_ms = bot.now_ms()
    ends = [int(validation.moment_of(lock.get("until"), n).timestamp() * 1000) for n, lock in enumerate(wanted)]
    for lock, end_ms in zip(wanted, ends, strict=True):
        bot.locks.add(lock["pair"], now_ms, end_ms, side=lock.get("side") or "*", reason=lock.get("reason"))
        bot.took_effect("lock_pair", lock["pair"])
    return pairs.locks(bot)


def delete_lock(bot: SimBot, request: Request, lock_id: str) -> Json:
    return _unlock(bot, lock_id=validation.whole(bot.release, lock_id, ["path", "lockid"]))


def delete_locks(bot: SimBot, request: Request) -> Json:
    body = validation.object_of(bot.release, request)
    return _unlock(bot, lock_id=body.get("lockid"), pair=body.get("pair"))


def _unlock(bot: SimBot, lock_id: int | None = None, pair: str | None = None) -> Json:
    for lock in bot.locks.release(lock_id, pair):
        bot.took_effect("unlock", lock.pair)
    return pairs.locks(bot)


def add_to_blacklist(bot: SimBot, request: Request) -> Json:
    errors = {}
    for pair in validation.required(bot.release, validation.object_of(bot.release, request), "blacklist"):
        if pair in bot.blacklist:
            errors[pair] = f"Pair {pair} already in pairlist."
        else:
            bot.blacklist.append(pair)
            bot.took_effect("blacklist_add", pair)
    return pairs.blacklist(bot, errors)


def take_from_blacklist(bot: SimBot, request: Request) -> Json:
    errors = {}
    for pair in request.query.get("pairs_to_delete", []):
        if pair in bot.blacklist:
            bot.blacklist.remove(pair)
            bot.took_effect("blacklist_remove", pair)
        else:
            errors[pair] = f"Pair {pair} is not in the current blacklist."
    return pairs.blacklist(bot, errors)

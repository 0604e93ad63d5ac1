"""The bots' commands, with their refusals and their habits. Not idempotent where the real ones are not."""

from __future__ import annotations

import re
from dataclasses import dataclass
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
NO_ENTRIES = "No more {} will occur from now. Run /{} to reset."


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
    """A state of its own from 2025.4 on. Before it, max_open_trades becomes 0 and only reload_config undoes that; a
    bot that does not run says the same and does nothing."""
    if not bot.release.since("2025.4"):
        if bot.state == "running":
            bot.max_open_trades = 0
            bot.took_effect("pause", "max_open_trades=0")
        what = "entries" if bot.release.since("2022.8") else "buy"
        return {"status": NO_ENTRIES.format(what, _reload_name(bot))}
    was_stopped = bot.state == "stopped"
    if bot.state != "paused":
        bot.took_effect("pause")
        bot.pause()
    return {"status": PAUSED_FROM_STOP if was_stopped else PAUSED}


def reload_config(bot: SimBot, request: Request) -> Json:
    """The answer comes; a moment later nothing listens."""
    bot.took_effect("reload_config")
    bot.state = _reload_name(bot)
    bot.changed()
    bot.listener.restart_soon(*bot.spec.reload_seconds)
    return {"status": "Reloading config ..." if bot.release.since("2020.6") else "reloading config ..."}


def _reload_name(bot: SimBot) -> str:
    return "reload_config" if bot.release.since("2020.6") else "reload_conf"


# --- trades


def force_exit(bot: SimBot, request: Request) -> Json:
    body = validation.object_of(bot.release, request)
    wanted = validation.trade_id_of(bot.release, body)
    order = Wish(
        validation.order_type_of(bot.release, body) or bot.spec.force_order_type,
        _known(bot, "2022.8", validation.figure_of(bot.release, body, "amount")),
        _known(bot, "2025.12", validation.figure_of(bot.release, body, "price")),
    )
    _must_run(bot, request)
    if wanted == "all":
        return _exit_all(bot, Wish(order.order_type))
    trade = _open_trade(bot, wanted)
    if trade is None:
        raise refused(request, "invalid argument")
    if not _exit(bot, trade, order, request) and bot.release.since("2023.6"):
        raise refused(request, "Failed to exit trade.")
    return {"result": f"Created {_exit_word(bot)} order for trade {wanted}."}


@dataclass(frozen=True)
class Wish:
    order_type: str
    amount: float | None = None
    price: float | None = None


def _known(bot: SimBot, since: str, value: float | None) -> float | None:
    """What the release does not know it passes over in silence."""
    return value if bot.release.since(since) else None


def _exit_all(bot: SimBot, wish: Wish) -> Json:
    for trade in list(bot.book.open):
        _exit(bot, trade, wish, None)
    return {"result": f"Created {_exit_word(bot)} orders for all open trades."}


def _exit(bot: SimBot, trade: Trade, wish: Wish, request: Request | None) -> bool:
    """False when it was an unfilled entry: that is cancelled, which newer releases call a failure."""
    if trade.open_orders and not bot.release.since("2020.10") and trade.open_orders[0].side == "sell":
        return True  # left alone, and said to be done
    if trade.open_orders and bot.desk.cancel(trade, FORCED):
        bot.took_effect("force_exit", trade=trade, detail="entry cancelled")
        return False
    rate = bot.rate(trade.pair) if wish.order_type == "market" or wish.price is None else wish.price
    part = bot.desk.part_of(trade, wish.amount)
    left = (trade.amount - part) * rate
    if request and 0 < left < bot.spec.smallest_stake:
        raise refused(request, f"Remaining amount of {left} would be too small.")
    bot.desk.exit(trade, rate, part, wish.order_type, "force_exit")
    bot.took_effect("force_exit", trade=trade)
    return True


def _exit_word(bot: SimBot) -> str:
    return "exit" if bot.release.since("2023.6") else "sell"


def force_enter(bot: SimBot, request: Request) -> Json:
    body = validation.object_of(bot.release, request)
    pair = str(validation.required(bot.release, body, "pair"))
    order_type = validation.order_type_of(bot.release, body) or bot.spec.force_order_type
    price = validation.figure_of(bot.release, body, "price")
    stake = _known(bot, "2022.1", validation.figure_of(bot.release, body, "stakeamount"))
    _refuse_entry(bot, request, pair, str(_worded(bot, body, "side", "2022.4.1") or "long"))
    tag = _worded(bot, body, "entry_tag", "2022.2") or _usual_tag(bot)
    entry = price or bot.rate(pair), stake or bot.spec.stake, tag, order_type
    held = _held(bot, pair)
    trade = bot.desk.add(held, *entry) if held else bot.desk.enter(pair, *entry)
    bot.took_effect("force_enter", trade=trade)
    if bot.release.since("2020.12"):
        return trades.fresh_trade(bot, trade)
    return trades.without_stop(bot, early.listed_trade(bot, trade))


def _worded(bot: SimBot, body: Json, name: str, since: str) -> str | None:
    return body.get(name) if bot.release.since(since) else None


def _usual_tag(bot: SimBot) -> str | None:
    return "force_entry" if bot.release.since("2022.4.1") else "forceentry" if bot.release.since("2022.2") else None


def _refuse_entry(bot: SimBot, request: Request, pair: str, side: str) -> None:
    if not bot.spec.force_entry:
        raise refused(request, f"{'Force_entry' if bot.release.since('2022.4.1') else 'Forcebuy'} not enabled.")
    _must_run(bot, request, entering=True)
    if side == "short":
        raise refused(request, "Can't go short on Spot markets.")
    if pair not in bot.spec.whitelist and not (bot.market.lists(pair) and pair.endswith(f"/{bot.spec.currency}")):
        raise _wrong_pair(bot, request, pair)
    taken = _held(bot, pair)
    if taken:
        _refuse_more(bot, request, taken)
    elif bot.release.since("2022.9") and 0 <= bot.max_open_trades <= len(bot.book.open):
        raise refused(request, "Maximum number of trades is reached.")


def _held(bot: SimBot, pair: str) -> Trade | None:
    return next((trade for trade in bot.book.open if trade.pair == pair), None)


def _refuse_more(bot: SimBot, request: Request, taken: Trade) -> None:
    words = f"position for {taken.pair} already open - id: {taken.trade_id}"
    if not (bot.spec.position_adjustment and bot.release.since("2022.1")):
        raise refused(request, words)
    if taken.open_orders:
        raise refused(request, f"{words} and has open order {','.join(each.order_id for each in taken.open_orders)}")


def _wrong_pair(bot: SimBot, request: Request, pair: str) -> Refusal:
    currency = bot.spec.currency
    if bot.release.flask:
        ours = pair.endswith(f"/{currency}")
        return Refusal(failed()) if ours else refused(request, PLEASE.format(currency))
    wrong_quote = f"Wrong pair selected. Only pairs with stake-currency {currency} allowed."
    gone = "Symbol does not exist or market is not active."
    return refused(request, gone if bot.release.since("2022.12") else wrong_quote)


def cancel_order(bot: SimBot, request: Request, trade_id: str) -> Json:
    _must_run(bot, request)
    trade = _open_trade(bot, trade_id)
    if trade is None:
        raise refused(request, "Invalid trade_id.")
    if not trade.open_orders:
        raise refused(request, "No open order for trade_id.")
    bot.took_effect("cancel_order", trade=trade)
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
    bot.took_effect("delete_trade", trade=trade)
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
    bot.took_effect("reload_trade", trade=trade)
    return trades.open_trade(bot, trade)


def _open_trade(bot: SimBot, wanted: str) -> Trade | None:
    trade = bot.book.trades.get(int(wanted)) if wanted.isdigit() else None
    return trade if trade and trade.is_open else None


def _must_run(bot: SimBot, request: Request, *, entering: bool = False) -> None:
    """From 2025.4 on only a stopped bot does not sell: also one that is about to reload does."""
    sells = bot.release.since("2025.4") and bot.state != "stopped"
    if bot.state != "running" and (entering or not sells):
        raise refused(request, "trader is not running")
    if bot.faults.exchange_down:
        raise refused(request, "exchange not reachable")  # the wording is ours


# --- pairs


def add_locks(bot: SimBot, request: Request) -> Json:
    wanted = validation.body_of(bot.release, request)
    now_ms = bot.now_ms()
    ends = [int(validation.moment_of(lock.get("until"), n).timestamp() * 1000) for n, lock in enumerate(wanted)]
    for lock, end_ms in zip(wanted, ends, strict=True):
        side, reason = lock.get("side") or "*", lock.get("reason")
        bot.locks.add(lock["pair"], now_ms, bot.next_candle_ms(end_ms), side=side, reason=reason)
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
        problem = _unfit(bot, pair)
        if problem:
            errors[pair] = problem
        else:
            bot.blacklist.append(pair)
            bot.took_effect("blacklist_add", pair)
    return pairs.blacklist(bot, errors)


def _unfit(bot: SimBot, pair: str) -> str:
    """Why a pair is not taken; "" where it is. 2020.1 does not tell."""
    if not bot.release.since("2020.10") and not pair.endswith(f"/{bot.spec.currency}"):
        return f"Pair {pair} does not match stake currency."
    if pair in bot.blacklist:
        return f"Pair {pair} already in pairlist."
    try:
        re.compile(pair)
    except re.error:
        return f"Pair {pair} is not a valid wildcard."
    return ""


def take_from_blacklist(bot: SimBot, request: Request) -> Json:
    errors = {}
    for pair in request.query.get("pairs_to_delete", []):
        if pair in bot.blacklist:
            bot.blacklist.remove(pair)
            bot.took_effect("blacklist_remove", pair)
        else:
            errors[pair] = f"Pair {pair} is not in the current blacklist."
    return pairs.blacklist(bot, errors)

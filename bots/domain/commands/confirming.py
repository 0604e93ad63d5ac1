"""What a command is about, as the portal knows it at the moment it is asked: kept, and compared before it is sent."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from bots.domain.commands.params import ON_A_TRADE, Params
from bots.domain.commands.refusing import TradeChanged, WrongParams
from bots.models import Bot, Trade
from bots.models.money import exact

# These may also name a trade that is closed.
ALSO_CLOSED = frozenset({"delete_trade", "reload_trade"})
Before = dict[str, Any]
FIGURES = ("current_rate", "profit_abs", "profit_ratio")


def confirmed(bot: Bot, action: str, params: Params) -> tuple[Trade | None, Before]:
    """The trade the action names, and what stands before it. Raises TradeChanged, WrongParams.

    `bot` with its status. Money as plain decimal strings, moments as ISO 8601.
    """
    before = standing(bot)
    if action in ON_A_TRADE:
        trade = trade_meant(bot, action, params["trade_id"])
        require_expected(trade, params.get("expected", {}))
        require_enough(trade, params)
        return trade, before | of_trade(bot, trade)
    if action == "force_exit_all":
        listed = Trade.objects.open().filter(bot=bot).order_by("open_ms", "pk")
        before["trades"] = [of_trade(bot, trade) for trade in listed]
    return None, before


def require_mode(bot: Bot, mode: str | None) -> None:
    """Raises TradeChanged: what was confirmed with play money is not done with real money. None: nobody said."""
    now = bot.status.mode
    if mode is not None and mode != now:
        was, is_now = (word.upper() or "not known" for word in (mode, now))
        sentence = f"{bot.name} is no longer what was confirmed: mode was {was} and is {is_now}"
        raise TradeChanged(sentence, {"mode": (was, is_now)})


def standing(bot: Bot) -> Before:
    """`where`: the bot's address; were it another one when the command is sent, it would be another bot."""
    status = bot.status
    seen = status.seen_at
    facts = {"mode": status.mode, "state": status.state, "where": bot.address, "open_count": status.open_count}
    return facts | {"as_of": seen.isoformat() if seen else None}


def trade_meant(bot: Bot, action: str, trade_id: str) -> Trade:
    """Raises TradeChanged when the bot has no such trade, as far as is known."""
    mine = Trade.objects.filter(bot=bot, run__ended_at=None, gone_at=None, trade_id=trade_id)
    if action not in ALSO_CLOSED:
        mine = mine.filter(is_open=True)
    # Ids are used again: the one that lives is meant, else the last one that did.
    trade = mine.order_by("-is_open", "-open_ms").first()
    if trade is None:
        kind = "trade" if action in ALSO_CLOSED else "open trade"
        raise TradeChanged(f"{bot.name} has no {kind} {trade_id} any more")
    return trade


def require_expected(trade: Trade, expected: Mapping[str, str]) -> None:
    """Raises TradeChanged, naming each difference to what the person saw."""
    differences = {}
    for name in ("pair", "side"):
        if name in expected and expected[name] != getattr(trade, name):
            differences[name] = (expected[name], str(getattr(trade, name)))
    if "amount" in expected and (trade.amount is None or exact(expected["amount"]) != trade.amount):
        differences["amount"] = (expected["amount"], plain_or_unknown(trade.amount))
    if "open_date" in expected and not same_moment(expected["open_date"], trade.open_ms):
        differences["open_date"] = (expected["open_date"], trade.open_date.isoformat())
    if differences:
        raise TradeChanged(changed_sentence(trade.trade_id, differences), differences)


def changed_sentence(trade_id: str, differences: Mapping[str, tuple[str, str]]) -> str:
    words = [f"{name.replace('_', ' ')} was {was} and is {now}" for name, (was, now) in differences.items()]
    return f"Trade {trade_id} is no longer what was confirmed: {', '.join(words)}"


def same_moment(typed: str, open_ms: int) -> bool:
    """To the millisecond, or to the second where either side knows no more."""
    typed_ms = round(datetime.fromisoformat(typed).timestamp() * 1000)
    if typed_ms % 1000 == 0 or open_ms % 1000 == 0:
        return typed_ms // 1000 == open_ms // 1000
    return typed_ms == open_ms


def require_enough(trade: Trade, params: Params) -> None:
    wanted = params.get("amount")
    if wanted is not None and trade.amount is not None and Decimal(wanted) > trade.amount:
        raise WrongParams({"amount": f"The trade holds {trade.amount:f}"})


def of_trade(bot: Bot, trade: Trade) -> Before:
    moving = bot.status.moving.get(trade.trade_id, {})
    known = moving if trade.is_open and moving.get("open_ms") == trade.open_ms else {}
    figures = {name: known.get(name) for name in FIGURES}
    if not trade.is_open:
        figures = {
            "current_rate": None,
            "profit_abs": plain(trade.profit_abs),
            "profit_ratio": plain(trade.profit_ratio),
        }
    return {
        "trade_id": trade.trade_id,
        "open_ms": trade.open_ms,
        "pair": trade.pair,
        "side": trade.side,
        "is_open": trade.is_open,
        "amount": plain(trade.amount),
        "stake_amount": plain(trade.stake_amount),
        "open_rate": plain(trade.open_rate),
        "currency": trade.currency,
        **figures,
    }


def plain(number: Decimal | None) -> str | None:
    return None if number is None else format(number, "f")


def plain_or_unknown(number: Decimal | None) -> str:
    return "not known" if number is None else format(number, "f")

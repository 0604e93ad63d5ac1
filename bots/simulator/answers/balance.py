"""/count and /balance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..figures import profit_of
from ..trades import Trade

if TYPE_CHECKING:
    from ..bot import SimBot

Json = dict[str, Any]


def count(bot: SimBot) -> Json:
    trades = bot.book.open
    return {
        "current": len(trades),
        "max": float(bot.max_open_trades) if bot.release.flask else bot.max_open_trades,
        "total_stake": sum((trade.open_rate * _counted(bot, trade) for trade in trades), 0.0),
    }


def _counted(bot: SimBot, trade: Trade) -> float:
    """Older bots count an entry that waits as held."""
    return trade.amount if bot.release.since("2024.4") else trade.amount or trade.amount_requested


def balance(bot: SimBot) -> Json:
    """The wallet: stake currency, coins of open trades, coins that are none of the bot's business."""
    rows = [*_held_coins(bot), *_foreign_coins(bot), _stake_row(bot)]
    total, total_bot = sum(row["est_stake"] for row in rows), sum(row["est_stake_bot"] for row in rows)
    capital = bot.spec.capital
    ratio = total_bot / capital - 1
    full = {
        "currencies": [bot.release.shape("currency", row) for row in rows],
        "total": total,
        "total_bot": total_bot,
        "symbol": bot.spec.fiat,
        "value": bot.fiat(total),
        "value_bot": bot.fiat(total_bot),
        "stake": bot.spec.currency,
        "note": "Simulated balances" if bot.dry_run else "",
        "starting_capital": capital,
        "starting_capital_ratio": ratio,
        "starting_capital_pct": round(ratio * 100, 2),
        "starting_capital_fiat": bot.fiat(capital),
        "starting_capital_fiat_ratio": ratio if bot.spec.fiat else 0.0,
        "starting_capital_fiat_pct": round(ratio * 100, 2) if bot.spec.fiat else 0.0,
    }
    return bot.release.shape("balance", full)


def _row(bot: SimBot, coin: str, amount: float, used: float, worth: float, *, managed: bool = True) -> Json:
    return {
        "currency": coin,
        "free": amount - used,
        "balance": amount,
        "used": used,
        "bot_owned": amount if managed else 0.0,
        "est_stake": worth,
        "est_stake_bot": worth if managed else 0.0,
        "stake": bot.spec.currency,
        "side": "long",
        "leverage": 1.0,
        "is_position": False,
        "position": 0.0,
        "is_bot_managed": managed,
    }


def _held_coins(bot: SimBot) -> list[Json]:
    held = [trade for trade in bot.book.open if trade.is_filled]
    return [
        _row(bot, t.base, t.amount, sum((o.amount for o in t.open_orders), 0.0), _worth(bot, t.pair, t.amount))
        for t in held
    ]


def _foreign_coins(bot: SimBot) -> list[Json]:
    return [
        _row(bot, coin, amount, 0.0, _worth(bot, f"{coin}/{bot.spec.currency}", amount), managed=False)
        for coin, amount in bot.spec.foreign_coins.items()
    ]


def _worth(bot: SimBot, pair: str, amount: float) -> float:
    rate = bot.rate(pair)
    return 0.0 if math.isnan(rate) else amount * rate


def _stake_row(bot: SimBot) -> Json:
    """Wallet + what was earned - what is bound in trades; entries that wait are `used`."""
    earned = sum(map(profit_of, bot.book.closed)) + sum(trade.realized_profit for trade in bot.book.open)
    bound = sum(trade.stake_amount for trade in bot.book.open if trade.is_filled)
    waiting = sum((trade.stake_amount for trade in bot.book.open if not trade.is_filled), 0.0)
    amount = bot.spec.capital + earned - bound
    return _row(bot, bot.spec.currency, amount, waiting, amount)

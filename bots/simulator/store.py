"""The fleet's database file: a demo that is stopped and started goes on with the same ports and the same trades."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import orjson

from .bot import SimBot
from .fleet import Fleet
from .locks import Lock
from .trades import Order, Trade

KNOWN = {item.name for item in fields(Trade)}


def save(fleet: Fleet, path: Path) -> None:
    """Whole or not at all."""
    saved = {"bots": {bot.name: _saved(bot) for bot in fleet.bots}}
    fresh = path.with_suffix(".new")
    fresh.write_bytes(orjson.dumps(saved, option=orjson.OPT_SERIALIZE_DATACLASS))
    fresh.replace(path)


def load(path: Path) -> dict[str, Any]:
    """Saved bots by name; empty without a file. Raises orjson.JSONDecodeError for a broken one."""
    return dict(orjson.loads(path.read_bytes())["bots"]) if path.exists() else {}


def restore(bot: SimBot, saved: dict[str, Any]) -> None:
    bot.born_ms = saved["born_ms"]
    bot.state = saved["state"]
    bot.blacklist = saved["blacklist"]
    bot.locks.locks = [Lock(**lock) for lock in saved["locks"]]
    trades = [_trade(trade) for trade in saved["trades"]]
    bot.book.trades = {trade.trade_id: trade for trade in trades}
    bot.book.changed()


def _saved(bot: SimBot) -> dict[str, Any]:
    with bot.guard:
        return {
            "port": bot.listener.port,
            "born_ms": bot.born_ms,
            "state": "running" if bot.reloads else bot.state,
            "blacklist": list(bot.blacklist),
            "locks": list(bot.locks.locks),
            "trades": list(bot.book.trades.values()),
        }


def _trade(saved: dict[str, Any]) -> Trade:
    orders = [Order(**order) for order in saved["orders"]]
    return Trade(**{name: value for name, value in saved.items() if name in KNOWN} | {"orders": orders})

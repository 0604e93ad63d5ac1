"""The last look before a command is sent: the bot is read, and must be what was confirmed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone

from bots.domain.commands.confirming import changed_sentence, plain, plain_or_unknown
from bots.domain.commands.params import ON_A_TRADE
from bots.models import Command
from bots.models.money import exact
from bots.systems.contract import Kind, OpenTrades, Session, Trade
from bots.systems.errors import BadAnswer, NoSuchTrade, NotOffered, Refused

Seen = dict[str, Any]


class NotAsConfirmed(Exception):
    """Nothing is sent. `code` and the sentence become the command's."""

    def __init__(self, sentence: str, code: str = "trade_changed") -> None:
        super().__init__(sentence)
        self.code = code


async def look_before(command: Command, session: Session) -> Seen:
    """What the bot says of the thing just before it is done; later readings are held against it.

    Raises NotAsConfirmed, BotError (then nothing was sent either).
    """
    now = timezone.now()
    if command.action in ON_A_TRADE:
        return seen_at(now) | of_trade(await same_trade(command, session))
    if command.action in ("force_exit_all", "force_enter"):
        return seen_at(now) | await of_open_trades(command, session)
    return {}


def seen_at(now: datetime) -> Seen:
    return {"read_at": now.isoformat()}


async def same_trade(command: Command, session: Session) -> Trade:
    """Raises NotAsConfirmed, BotError."""
    before, trade_id = command.before, command.params["trade_id"]
    try:
        trade = await session.trade(trade_id)
    except (NoSuchTrade, NotOffered):
        raise NotAsConfirmed(f"The bot has no such trade {trade_id} any more; nothing was sent") from None
    differences = differences_of(before, trade)
    if differences:
        raise NotAsConfirmed(f"{changed_sentence(trade_id, differences)}; nothing was sent")
    return trade


def differences_of(before: Mapping[str, Any], trade: Trade) -> dict[str, tuple[str, str]]:
    """Field -> (as confirmed, at the bot now)."""
    found = {}
    for name in ("open_ms", "pair", "side"):
        if before[name] != getattr(trade, name):
            found[name] = (str(before[name]), str(getattr(trade, name)))
    if before["is_open"] and not trade.is_open:
        found["state"] = ("open", "closed")
    if not same_amount(before["amount"], trade):
        found["amount"] = (before["amount"] or "not known", plain_or_unknown(trade.amount))
    return found


def same_amount(confirmed: str | None, trade: Trade) -> bool:
    if confirmed is None or trade.amount is None:
        return confirmed is None and trade.amount is None
    return exact(confirmed) == exact(trade.amount)


def of_trade(trade: Trade) -> Seen:
    return {
        "trade_id": trade.trade_id,
        "open_ms": trade.open_ms,
        "pair": trade.pair,
        "amount": plain(trade.amount),
        "realized_profit": plain(trade.realized_profit),
        "has_open_orders": bool(trade.has_open_orders),
        "exiting": is_exiting(trade),
        "entry_filled": entry_filled(trade),
        "orders": [order.order_id for order in trade.orders],
        "open_orders": [order.order_id for order in trade.orders if order.is_open],
    }


def entry_filled(trade: Trade) -> bool:
    """Whether anything was bought: an entry without a fill is cancelled by an exit, and its trade vanishes."""
    orders = [order for order in trade.orders if order.side == entry_side(trade)]
    if orders:
        return any(order.filled for order in orders) or not any(order.is_open for order in orders)
    return bool(trade.amount)


def is_exiting(trade: Trade) -> bool:
    """An order against the position waits."""
    return any(order.is_open and order.side == exit_side(trade) for order in trade.orders)


def exit_side(trade: Trade) -> str:
    return "buy" if trade.side == "short" else "sell"


def entry_side(trade: Trade) -> str:
    return "sell" if trade.side == "short" else "buy"


async def of_open_trades(command: Command, session: Session) -> Seen:
    """Of an exit-all: what it will meet. Of an entry: what is open in the pair already.

    An exit-all is not held up by an answer that cannot be read: it is what people reach for when something is wrong."""
    try:
        listed = await session.read(Kind.OPEN_TRADES)
    except (BadAnswer, Refused):
        if command.action == "force_exit_all":
            return {}
        raise
    assert isinstance(listed, OpenTrades)
    trades = [each.trade for each in listed.trades]
    if command.action == "force_enter":
        trades = [trade for trade in trades if trade.pair == command.params["pair"]]
        held = [of_trade(trade) for trade in trades]  # an entry may add to one of them
        return {"open": [[trade.trade_id, trade.open_ms] for trade in trades], "held": held}
    return {"trades": [of_trade(trade) for trade in trades]}


def opened_since(command: Command) -> list[str]:
    """Trades that an exit-all met although they were not open when it was confirmed."""
    confirmed = {(each["trade_id"], each["open_ms"]) for each in command.before.get("trades", ())}
    met = command.outcome.get("at_sending", {}).get("trades", ())
    return [
        f"{each['pair']} #{each['trade_id']}" for each in met if (each["trade_id"], each["open_ms"]) not in confirmed
    ]

"""What an exit or an entry brought: filled, partly, cancelled or still pending, and the fill in figures."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from bots.domain.commands.checking import entry_side, exit_side
from bots.domain.commands.confirming import plain
from bots.models import Command, Trade
from bots.models.money import exact
from bots.systems import contract

PENDING, FILLED, PARTLY, CANCELLED, NONE = "pending", "filled", "partly", "cancelled", "none"
SETTLED = (FILLED, PARTLY, CANCELLED, NONE)
Known = Mapping[str, Any]  # the trade as it was just before sending (checking.of_trade), or as confirmed


def effect_of_exit(known: Known, wanted: str | None, trade: contract.Trade) -> str:
    """`wanted`: the amount of a partial exit; None: all of it. "" when nothing of the exit can be seen."""
    if not trade.is_open:
        return FILLED
    orders = exit_orders_since(known, trade)
    if any(order.is_open for order in orders):
        return PENDING
    if orders:
        filled = sum((order.filled or Decimal(0) for order in orders), Decimal(0))
        if not filled:
            return CANCELLED
        # A bot rounds the amount to what the exchange takes: its order, filled wholly, is all that was asked for.
        whole = wanted is not None and (filled >= Decimal(wanted) or all(map(is_whole, orders)))
        return FILLED if whole else PARTLY
    if exits_without_id(trade) and not known.get("exiting"):
        return PENDING
    return PENDING if trade.has_open_orders and not known.get("has_open_orders") else ""


def exits_without_id(trade: contract.Trade) -> bool:
    """Until 2020.3 the open order is told in words alone: whether it is another one than before, its side may tell."""
    return any(order.is_open and not order.order_id and order.side == exit_side(trade) for order in trade.orders)


def exit_orders_since(known: Known, trade: contract.Trade) -> list[contract.Order]:
    """Orders against the position that were not there before. Releases before 2022.3 do not list them."""
    return orders_since(known, trade, exit_side(trade))


def orders_since(known: Known, trade: contract.Trade, side: str) -> list[contract.Order]:
    before = set(known.get("orders", ()))
    return [order for order in trade.orders if order.side == side and order.order_id and order.order_id not in before]


def is_whole(order: contract.Order) -> bool:
    """Filled to its last part."""
    return not order.is_open and bool(order.amount and order.filled) and (order.filled or 0) >= (order.amount or 0)


def effect_of_addition(known: Known, trade: contract.Trade) -> str:
    """Of an entry that adds to a trade already open. "" when nothing of it can be seen.

    Where the bot lists orders a larger amount alone says nothing: an older order may have filled meanwhile."""
    orders = orders_since(known, trade, entry_side(trade))
    if any(order.is_open for order in orders):
        return PENDING
    if orders:
        return FILLED if any(order.filled for order in orders) else CANCELLED
    unlisted = trade.is_open and not trade.orders and not known.get("has_open_orders")
    return FILLED if unlisted and growth(known, trade) > 0 else ""


def growth(known: Known, trade: contract.Trade) -> Decimal:
    """By how much what is held became more; 0 where the bot gives no amount."""
    amount = known.get("amount")
    return Decimal(0) if amount is None or trade.amount is None else trade.amount - Decimal(amount)


def fill_of_addition(known: Known, trade: contract.Trade) -> dict[str, Any]:
    """Of what was added alone. Its rate and stake are not known where the bot lists no orders."""
    filled = [order for order in orders_since(known, trade, entry_side(trade)) if order.filled]
    if not filled:
        amount = plain(growth(known, trade))
        return {"open_rate": None, "amount": amount, "stake_amount": None, "currency": trade.currency}
    bought = plain(sum((order.filled or Decimal(0) for order in filled), Decimal(0)))
    costs = [order.cost for order in filled]
    stake = None if None in costs else plain(sum((cost for cost in costs if cost is not None), Decimal(0)))
    return {"open_rate": plain(filled[-1].rate), "amount": bought, "stake_amount": stake, "currency": trade.currency}


def fill_of_exit(command: Command, before: Known, known: Known, trade: contract.Trade) -> dict[str, Any] | None:
    """Of a trade that closed, or of the part that was sold. Money in `currency`, as plain strings."""
    if not trade.is_open:
        figures = {"profit_abs": plain(trade.profit_abs), "profit_ratio": plain(trade.profit_ratio)}
        return figures | at_rate(command, before, trade, trade.close_rate, trade.close_ms)
    filled = [order for order in exit_orders_since(known, trade) if order.filled]
    if not filled:
        return None
    sold = sum((order.filled or Decimal(0) for order in filled), Decimal(0))
    figures = {"profit_abs": plain(gained(known, trade)), "profit_ratio": None, "amount": plain(sold)}
    return figures | at_rate(command, before, trade, filled[-1].rate, filled[-1].filled_ms)


def at_rate(
    command: Command, before: Known, trade: contract.Trade, rate: Decimal | None, at_ms: int | None
) -> dict[str, Any]:
    return {
        "close_rate": plain(rate),
        "currency": trade.currency,
        "slippage_ratio": slippage(before, rate),
        "seconds": seconds_after(command.sent_at, at_ms),
    }


def gained(known: Known, trade: contract.Trade) -> Decimal | None:
    """What a partial exit realized; None where the bot does not tell."""
    if trade.realized_profit is None:
        return None
    return trade.realized_profit - Decimal(known.get("realized_profit") or 0)


def slippage(before: Known, rate: Decimal | None) -> str | None:
    """Against the price at confirmation, as a ratio; below zero the exit was worse for the holder."""
    seen = before.get("current_rate")
    if seen is None or rate is None or not Decimal(seen):
        return None
    moved = (rate - Decimal(seen)) / Decimal(seen)
    return plain(exact((-moved if before.get("side") == "short" else moved).quantize(Decimal("1e-8"))))


def seconds_after(sent_at: datetime | None, at_ms: int | None) -> str | None:
    """From sending to the fill, by the bot's clock; None where that clock says it was before."""
    if sent_at is None or at_ms is None:
        return None
    seconds = at_ms / 1000 - sent_at.timestamp()
    return f"{seconds:.1f}" if seconds >= 0 else None


def from_mirror(row: Trade) -> contract.Trade:
    """The mirror's row as the bot told it."""
    same = {name: getattr(row, name) for name in contract.Trade.__struct_fields__ if hasattr(row, name)}
    orders = msgspec.convert(row.orders, tuple[contract.Order, ...])
    close_ms = round(row.close_date.timestamp() * 1000) if row.close_date else None
    open_orders = any(order.is_open for order in orders)
    return contract.Trade(
        **{**same, "orders": orders, "missing": (), "close_ms": close_ms, "has_open_orders": open_orders}
    )

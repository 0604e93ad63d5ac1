"""What an exit or an entry brought: filled, partly, cancelled or still pending, and the fill in figures."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

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
        return FILLED if wanted is not None and filled >= Decimal(wanted) else PARTLY
    return PENDING if trade.has_open_orders and not known.get("has_open_orders") else ""


def exit_orders_since(known: Known, trade: contract.Trade) -> list[contract.Order]:
    """Orders against the position that were not there before. Releases before 2022.3 do not list them."""
    side, before = exit_side(trade), set(known.get("orders", ()))
    return [order for order in trade.orders if order.side == side and order.order_id and order.order_id not in before]


def exit_side(trade: contract.Trade) -> str:
    return "buy" if trade.side == "short" else "sell"


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

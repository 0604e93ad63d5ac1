"""One way of saying a thing, whoever told it: a sentence that goes on from the bot's name, and what stands below."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

SHORT = " short"
SENTENCES = {
    "entry_placed": "placed an entry of {what}",
    "entry_filled": "entered {what}",
    "entry_cancelled": "cancelled an entry of {what}",
    "exit_placed": "placed an exit of {what}",
    "exit_filled": "exited {what}",
    "exit_cancelled": "cancelled an exit of {what}",
    "trade_closed": "closed {what}",
    "forced_outside": "was made to exit {what}, and not by this portal",
    "started": "started",
    "stopped": "stopped",
    "paused": "paused: no new entries",
    "reloaded": "reloaded its configuration",
}


def about_trade(kind: str, pair: str, side: str) -> str:
    return SENTENCES[kind].format(what=pair + (SHORT if side == "short" else ""))


def order_detail(pair: str, amount: Decimal | None, rate: Decimal | None, *more: str | None) -> str:
    """ "0.007 BTC at 110591 · mean_lo"; what is not known is left out."""
    base = pair.partition("/")[0] if "/" in pair else ""
    held = f"{plain(amount)} {base}".strip() if amount is not None and amount > 0 else ""
    price = f"at {plain(rate)}" if rate is not None and rate > 0 else ""
    return joined(f"{held} {price}".strip(), *more)


def joined(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)


def plain(figure: Decimal) -> str:
    """Without exponent and trailing zeros."""
    text = f"{figure:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def gain(profit_abs: Any, profit_ratio: Any, currency: str) -> dict[str, Any]:
    """What a time line draws as profit: of this order or trade, net, in `currency`; None where not told."""
    return {"profit_abs": profit_abs, "profit_ratio": profit_ratio, "currency": currency}


LATEST_MS = 253402300800000  # the year 10000: what lies beyond is no time


def moment_of(epoch_ms: int | None, otherwise: datetime) -> datetime:
    """The moment a bot names; `otherwise` where it names none that is one."""
    if epoch_ms is None or not 0 < epoch_ms < LATEST_MS:
        return otherwise
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)

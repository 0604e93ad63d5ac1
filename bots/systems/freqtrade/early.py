"""What releases before 2020.8 say otherwise: moments as dates alone, and an order as words."""

import re
from datetime import UTC, datetime
from decimal import Decimal

from bots.systems import contract
from bots.systems.errors import BadAnswer
from bots.systems.freqtrade import answers

_SECOND = "%Y-%m-%d %H:%M:%S"


def epoch_ms(date: str, endpoint: str) -> int:
    """Of "2020-01-31 07:15:00", which is UTC. Raises BadAnswer."""
    try:
        return int(datetime.strptime(date, _SECOND).replace(tzinfo=UTC).timestamp()) * 1000
    except (ValueError, OverflowError):
        raise BadAnswer(f"{endpoint} holds a date that is none", endpoint=endpoint) from None


def stamped(trade: answers.EarlyTradeAnswer, endpoint: str) -> answers.EarlyTradeAnswer:
    """With its moments in UTC. The date gives the second; from 2020.5 on the timestamp beside it, which counts in the
    zone of the bot's machine, gives the milliseconds. Raises BadAnswer."""
    trade.open_timestamp = epoch_ms(trade.open_date, endpoint) + trade.open_timestamp % 1000
    if trade.close_date is not None:
        trade.close_timestamp = epoch_ms(trade.close_date, endpoint) + (trade.close_timestamp or 0) % 1000
    return trade


_ORDER_IN_WORDS = re.compile(r"\((\w{1,40}) (buy|sell) rem=(\d{1,20}(?:\.\d{1,18})?)\)")


def order_in_words(trade: answers.TradeAnswer) -> tuple[contract.Order, ...]:
    """The open order of a release that does not list orders (before 2022.3): "(limit buy rem=0.12000000)"."""
    match = _ORDER_IN_WORDS.fullmatch(trade.open_order or "")
    if match is None:
        return ()
    order = contract.Order(
        order_id=trade.open_order_id or "",
        side=match[2],
        kind=match[1],
        status="open",
        is_open=True,
        rate=None,
        amount=None,
        filled=None,
        remaining=Decimal(match[3]),
        cost=None,
        placed_ms=None,
        filled_ms=None,
    )
    return (order,)

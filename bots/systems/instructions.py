"""What may be asked of a bot: one act in the portal's words, what it needs, and what the bot says when it took it."""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct


class Instruction(Struct, frozen=True):
    """One act at a bot in the portal's words; the adapter knows the words of the bot's release.

    Which of the fields an action needs and which it may carry stands in `NEEDS` and `CARRIES`.
    """

    action: str
    trade_id: str = ""  # the bot's own
    open_ms: int | None = None  # of that trade: ids are used again
    amount: Decimal | None = None  # of the base currency; None: all of it
    order_type: str = ""  # limit, market; "" as the bot is configured
    price: Decimal | None = None
    pair: str = ""
    side: str = ""  # long, short; of a lock also "*"
    stake_amount: Decimal | None = None  # stake currency
    leverage: Decimal | None = None
    enter_tag: str = ""
    pairs: tuple[str, ...] = ()
    lock_id: str = ""
    until_ms: int | None = None
    note: str = ""  # the reason a lock carries at the bot


class Accepted(Struct, frozen=True):
    """The bot took it. `words`: its own, for people; `trade_id`, `open_ms`: of the trade it named, if any."""

    words: str
    trade_id: str = ""
    open_ms: int | None = None
    problems: Mapping[str, str] = {}  # of several pairs: what the bot did not take, and why


# What an instruction must say, by action; each inner tuple: one of these.
NEEDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "start": (),
    "stop": (),
    "pause": (),
    "reload_config": (),
    "force_exit": (("trade_id",),),
    "force_exit_all": (),
    "force_enter": (("pair",),),
    "cancel_order": (("trade_id",),),
    "delete_trade": (("trade_id",),),
    "reload_trade": (("trade_id",),),
    "lock_pair": (("pair",), ("until_ms",)),
    "unlock": (("lock_id", "pair"),),
    "blacklist_add": (("pairs",),),
    "blacklist_remove": (("pairs",),),
}
# What it may say besides, and the capability a bot must have for it ("" : every bot that offers the action).
CARRIES: Mapping[str, Mapping[str, str]] = {
    "force_exit": {"amount": "force_exit_partial", "order_type": "force_exit_order_type", "price": "force_exit_price"},
    "force_exit_all": {"order_type": "force_exit_order_type"},
    "force_enter": {
        "price": "",
        "side": "force_enter_side",
        "order_type": "force_enter_order_type",
        "stake_amount": "force_enter_stake_amount",
        "enter_tag": "force_enter_tag",
        "leverage": "force_enter_leverage",
    },
    "lock_pair": {"side": "", "note": ""},
}

PREPARING_SECONDS = 5.0  # an adapter may have to look at the bot's release first
ANSWER_SECONDS = 15.0
# A bot speaks to its exchange once or more for every trade before it answers.
_PATIENCE_SECONDS: Mapping[str, float] = {"force_exit_all": 45.0}


def answer_seconds(action: str) -> float:
    """How long the answer to the request itself is waited for."""
    return _PATIENCE_SECONDS.get(action, ANSWER_SECONDS)


def longest_seconds(action: str) -> float:
    """How long `Session.perform` takes at most: afterwards there is an answer or an error."""
    return PREPARING_SECONDS + answer_seconds(action)

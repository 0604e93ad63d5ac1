"""What a person confirms: the act, its victim as it is now, and the few words an act may need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any, Self
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.utils import timezone

from bots.domain.commands import ActRefused, Duplicate, KeyUsedOtherwise, Offer, TradeChanged, WrongParams
from bots.domain.commands.offering import POINTLESS
from bots.domain.commands.params import ON_A_TRADE
from bots.models import Bot, Trade
from bots.templatetags.commands import action_word

EXPECTED = ("pair", "side", "amount", "open_date")
LONGEST_REASON = 500
LONGEST_ID = 19
PARTS = (("25 %", Decimal("0.25")), ("50 %", Decimal("0.5")))
PLACES = Decimal("1e-8")


@dataclass(frozen=True)
class Asked:
    """One field of an action's form. `extra`: only releases that understand it are asked for it."""

    name: str
    label: str
    kind: str = "text"  # text, decimal, choice, moment, pairs
    hint: str = ""
    required: bool = False
    extra: bool = True
    choices: tuple[tuple[str, str], ...] = ()


ORDER = (("", "As configured"), ("market", "Market"), ("limit", "Limit"))
SIDES = (("long", "Long"), ("short", "Short"))
LOCK_SIDES = (("*", "Both sides"), *SIDES)
PAIR = Asked("pair", "Pair", hint="As the bot writes it: BTC/USDT", required=True, extra=False)
PAIRS = Asked("pairs", "Pairs", "pairs", "One on a line, or between commas", required=True, extra=False)
ORDER_TYPE = Asked("order_type", "Order", "choice", choices=ORDER)
FIELDS: Mapping[str, tuple[Asked, ...]] = {
    "force_exit": (
        ORDER_TYPE,
        Asked("amount", "Amount to exit", "decimal", "Left empty: all of it"),
        Asked("price", "Limit price", "decimal", "Of a limit order only"),
    ),
    "force_exit_all": (ORDER_TYPE,),
    "force_enter": (
        PAIR,
        Asked("side", "Side", "choice", choices=SIDES),
        ORDER_TYPE,
        Asked("price", "Limit price", "decimal", "Left empty: the bot's own"),
        Asked("stake_amount", "Stake", "decimal", "Left empty: as configured"),
        Asked("leverage", "Leverage", "decimal", "Left empty: as configured"),
        Asked("enter_tag", "Enter tag"),
    ),
    "lock_pair": (
        PAIR,
        Asked("until", "Until", "moment", required=True, extra=False),
        Asked("side", "Side", "choice", choices=LOCK_SIDES),
        Asked("note", "Reason at the bot", hint="Stands beside the lock in the bot's own list"),
    ),
    "unlock": (PAIR,),
    "blacklist_add": (PAIRS,),
    "blacklist_remove": (PAIRS,),
}
AT_TRADES = ON_A_TRADE
AT_BOTS = frozenset(FIELDS) - ON_A_TRADE | {"start", "stop", "pause", "reload_config"}
# Acts that cost money or cannot be undone wear red; everything else is the ordinary button.
DANGEROUS = {"force_exit", "force_exit_all", "delete_trade", "stop"}
OF_THE_BOT = {"start", "stop", "pause", "reload_config", "force_exit_all"}
SAYINGS = {
    "start": "The bot trades again: it looks for entries and manages its open trades.",
    "stop": "The bot enters nothing and no longer manages its open trades until it is started again.",
    "pause": "No new entries. Open trades are managed to their end; Start lets it enter again.",
    "reload_config": "The bot reads its configuration again and goes on as it says there. What was paused or"
    " blacklisted only in its memory is forgotten.",
    "force_exit": "The portal reads the trade again before it sends. If it is no longer what stands here, nothing is"
    " sent and you are told.",
    "force_exit_all": "It is sent once and never again by itself. If the answer is lost, the portal reads the bot to"
    " find out what happened.",
    "force_enter": "The bot applies its own limits (slots, locks, balance) and may refuse.",
    "cancel_order": "The order that is open now is cancelled at the exchange. A trade whose entry was not filled is"
    " gone with it.",
    "delete_trade": "The bot forgets the trade and cancels its open orders. What it holds stays on the exchange, and"
    " nothing watches it any more.",
    "reload_trade": "The bot reads the orders of the trade again from the exchange. Nothing is bought or sold.",
    "lock_pair": "No new entry in this pair until then. Open trades go on.",
    "unlock": "The bot may enter again where the lock was.",
    "blacklist_add": "The bot enters these no more, until it is restarted or reads its configuration again.",
    "blacklist_remove": "The bot may enter these again.",
}


@dataclass(frozen=True)
class ShownField:
    asked: Asked
    value: str
    error: str


@dataclass
class Confirmation:
    """The form of one act at one bot, and of one trade there if it is about one."""

    bot: Bot
    action: str
    zone: str
    trade: Trade | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    key: str = field(default_factory=lambda: f"form-{uuid4()}")
    reason: str = ""
    expected: dict[str, str] = field(default_factory=dict)
    refusal: ActRefused | None = None
    mistakes: dict[str, str] = field(default_factory=dict)
    typed: str = ""
    insists_on: int | None = None
    confirmed_mode: str | None = None  # as it stood on the form that was posted; None: on none
    offer: Offer | None = None  # None: the bot does not offer it now

    @classmethod
    def fresh(cls, bot: Bot, action: str, zone: str, trade: Trade | None, given: Mapping[str, str]) -> Self:
        return cls(bot, action, zone, trade, given, expected=facts_of(trade))

    @classmethod
    def posted(cls, bot: Bot, action: str, zone: str, trade: Trade | None, given: Mapping[str, str]) -> Self:
        """`expected` is what stood on the form that was confirmed, however old it is. The trade is the page's own even
        where a form says nothing: a bot may have used its number again for another."""
        own = {"open_date": opened(trade)} if trade else {}
        made = cls(bot, action, zone, trade, given, expected=own | given_facts(given))
        made.key = given.get("key", "")[:100] or made.key
        made.reason = given.get("reason", "").strip()[:LONGEST_REASON]
        made.typed = given.get("typed", "").strip()
        made.confirmed_mode = given.get("confirmed_mode")
        insists_on = given.get("insists_on", "")
        made.insists_on = int(insists_on) if is_number(insists_on) else None
        return made

    # --- What the bot is told ---

    @property
    def lock_id(self) -> str:
        return self.given.get("lock_id", "")[:40] if self.action == "unlock" else ""

    @property
    def known(self) -> tuple[Asked, ...]:
        return () if self.lock_id else FIELDS.get(self.action, ())

    def params(self) -> dict[str, Any]:
        """As `ask` takes them; it checks every one. What the bot's release cannot do is told all the same: dropping the
        amount of a partial exit would exit everything."""
        told = {one.name: self.param(one) for one in self.known if self.given.get(one.name, "").strip()}
        if self.lock_id:
            told["lock_id"] = self.lock_id
        if self.trade is not None:
            told |= {"trade_id": self.trade.trade_id, "expected": self.expected}
        return told

    def param(self, one: Asked) -> Any:
        value = self.given[one.name].strip()
        if one.kind == "pairs":
            return value.replace(",", " ").split()
        return self.moment(value) if one.kind == "moment" else value

    def moment(self, typed: str) -> str:
        """A browser's datetime-local is a wall clock: the person's own. What is none, `ask` refuses by field."""
        try:
            found = datetime.fromisoformat(typed)
        except ValueError:
            return typed
        return (found if found.tzinfo else found.replace(tzinfo=ZoneInfo(self.zone))).isoformat()

    # --- What the page shows ---

    @property
    def asked(self) -> list[Asked]:
        """The fields this bot's release understands."""
        extras = self.offer.extras if self.offer else ()
        return [one for one in self.known if not one.extra or one.name in extras]

    @property
    def fields(self) -> list[ShownField]:
        return [ShownField(one, self.value(one), self.mistakes.get(one.name, "")) for one in self.asked]

    def value(self, one: Asked) -> str:
        usual = self.tomorrow() if one.kind == "moment" else one.choices[0][0] if one.choices else ""
        return self.given.get(one.name, usual)

    def tomorrow(self) -> str:
        there = timezone.now().astimezone(ZoneInfo(self.zone)) + timedelta(days=1)
        return there.strftime("%Y-%m-%dT%H:%M")

    @property
    def must_type(self) -> str:
        """What has to be typed by hand: of exit-all at a bot that is not known to be dry, the bot's name."""
        return self.bot.name if self.action == "force_exit_all" and self.bot.status.mode != "dry" else ""

    @property
    def is_other_mode(self) -> bool:
        """What was confirmed stood there with another mode."""
        return self.confirmed_mode is not None and self.confirmed_mode != self.bot.status.mode

    @property
    def is_so_already(self) -> bool:
        """The bot is what the act would make of it."""
        return self.bot.status.state in POINTLESS.get(self.action, ())

    @property
    def is_dangerous(self) -> bool:
        return self.action in DANGEROUS

    @property
    def title(self) -> str:
        what = f"{action_word(self.action)} {self.trade.pair}" if self.trade else action_word(self.action)
        return f"{what} on {self.bot.name}"

    @property
    def button(self) -> str:
        """Verb, pair and bot: what is pressed says what happens."""
        verb = self.offer.verb if self.offer else ""
        if self.action in OF_THE_BOT:
            return f"{verb} {self.bot.name}"
        return f"{verb} {self.trade.pair} on {self.bot.name}" if self.trade else f"{verb} on {self.bot.name}"

    @property
    def saying(self) -> str:
        return SAYINGS.get(self.action, "")

    @property
    def differences(self) -> dict[str, tuple[str, str]]:
        return self.refusal.differences if isinstance(self.refusal, TradeChanged) else {}

    @property
    def first(self) -> Any:
        """The command this one repeats."""
        return self.refusal.first if isinstance(self.refusal, Duplicate | KeyUsedOtherwise) else None

    @property
    def may_insist(self) -> bool:
        return isinstance(self.refusal, Duplicate)

    @property
    def other_mistakes(self) -> dict[str, str]:
        drawn = {one.name for one in self.asked} | {"reason", "typed"}
        return {name: words for name, words in self.mistakes.items() if name not in drawn}

    def refuse(self, refusal: ActRefused) -> None:
        """The next confirmation is about the trade as it is now."""
        self.refusal = refusal
        if isinstance(refusal, WrongParams):
            self.mistakes = refusal.fields
        if isinstance(refusal, KeyUsedOtherwise):
            self.key = f"form-{uuid4()}"
        if isinstance(refusal, TradeChanged):
            self.bot.status.refresh_from_db()
        self.expected = facts_of(self.trade)


def is_number(typed: str) -> bool:
    """Of a row: as many digits as its id may have."""
    return typed.isascii() and typed.isdigit() and len(typed) < LONGEST_ID


def facts_of(trade: Trade | None) -> dict[str, str]:
    """By what a trade is recognized when it is read again."""
    if trade is None:
        return {}
    amount = "" if trade.amount is None else format(trade.amount, "f")
    return {"pair": trade.pair, "side": trade.side, "amount": amount, "open_date": opened(trade)}


def opened(trade: Trade) -> str:
    """By the key's own milliseconds."""
    whole, rest = divmod(trade.open_ms, 1000)
    return datetime.fromtimestamp(whole, UTC).replace(microsecond=rest * 1000).isoformat()


def given_facts(given: Mapping[str, str]) -> dict[str, str]:
    return {name: given.get(f"expected_{name}", "") for name in EXPECTED if given.get(f"expected_{name}")}


def parts_of(amount: Decimal | None) -> list[tuple[str, str]]:
    """(words, amount) of the usual parts of a trade, never more than the part; "" is all of it."""
    if not amount:
        return []
    parts = [(words, (amount * share).quantize(PLACES, ROUND_DOWN)) for words, share in PARTS]
    return [(words, format(part, "f")) for words, part in parts if part] + [("All", "")]

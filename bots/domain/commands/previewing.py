"""What a wish for many bots would bring at each: told before anybody confirms, by the rules that asking holds to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from django.utils import timezone

from accounts.models import User
from bots.domain.audit import Actor
from bots.domain.commands.asking import Wish, require_may_send, require_once, require_role, waiting_by, words_of
from bots.domain.commands.confirming import Before, confirmed
from bots.domain.commands.offering import POINTLESS, require_capability, require_ready
from bots.domain.commands.params import ON_A_TRADE, Params, parsed, require_ahead
from bots.domain.commands.refusing import NothingIsSent, WrongParams
from bots.domain.commands.wording import STOPS_ENTRIES, WORDS
from bots.domain.freshness import freshness_of, shown_state
from bots.domain.refusing import ActRefused
from bots.models import Bot, Command, FourEyes
from bots.systems.instructions import NEEDS

# A trade belongs to one bot, so nothing is done to the trades of many by naming one.
MANY_AT_ONCE = tuple(action for action in NEEDS if action not in ON_A_TRADE)
NO_NEED = "nothing_to_do"


class NothingToDo(ActRefused):
    """The bot is already what the action would make of it."""

    code = NO_NEED


@dataclass(frozen=True)
class PreviewLine:
    """What one bot would get. `possible`: else `code` and `sentence` say why not. `trades`: open ones that an exit-all
    would close, as last read `age_seconds` ago. `waits`: for a second person."""

    bot: Bot
    possible: bool
    code: str
    sentence: str
    mode: str
    state: str
    age_seconds: float | None
    trades: tuple[Before, ...] = ()
    waits: bool = False
    note: str = ""

    @property
    def is_live(self) -> bool:
        """A bot that is not known to be dry counts as live."""
        return self.mode != "dry"


def preview(user: User, bots: Iterable[Bot], action: str, params: Mapping[str, object]) -> list[PreviewLine]:
    """One line a bot (with team and status), LIVE ones first. Nothing is written. Raises WrongParams."""
    listed = list(bots)
    asking = Asking.of(user, listed, action, params_for_many(action, params))
    return in_order([line_of(asking, bot) for bot in listed])


@dataclass(frozen=True)
class Asking:
    """What is the same for all, read once. `hindrance`: why nothing is sent at all; `rules`: four eyes, by team."""

    user: User
    action: str
    typed: Params
    allowed: frozenset[int]
    rules: Mapping[int, FourEyes]
    hindrance: NothingIsSent | None
    now: datetime

    @classmethod
    def of(cls, user: User, bots: list[Bot], action: str, typed: Params) -> Self:
        mine = Bot.objects.commandable_by(user, action).filter(pk__in=[bot.pk for bot in bots])
        rules = {rule.team_id: rule for rule in FourEyes.objects.filter(team__in={bot.team_id for bot in bots})}
        allowed = frozenset(mine.values_list("pk", flat=True))
        return cls(user, action, typed, allowed, rules, hindrance(), timezone.now())


def hindrance() -> NothingIsSent | None:
    try:
        require_may_send()
    except NothingIsSent as refusal:
        return refusal
    return None


def params_for_many(action: str, params: Mapping[str, object]) -> Params:
    """Raises WrongParams: for all bots alike."""
    if action not in MANY_AT_ONCE:
        raise WrongParams({"action": f"{str(action)[:40]!r} cannot be asked of many bots at once"})
    typed = parsed(action, params)
    require_ahead(typed)
    if "lock_id" in typed:
        raise WrongParams({"lock_id": "A lock's number belongs to one bot: name the pair"})
    return typed


def in_order(lines: Iterable[PreviewLine]) -> list[PreviewLine]:
    return sorted(lines, key=lambda line: (not line.is_live, line.bot.name, line.bot.pk))


def line_of(asking: Asking, bot: Bot) -> PreviewLine:
    action, now = asking.action, asking.now
    facts: dict[str, Any] = {
        "mode": bot.status.mode,
        "state": shown_state(bot, bot.status, now),
        "age_seconds": freshness_of(bot, bot.status, now).age_seconds,
    }
    try:
        before, lost = checked(asking, bot)
    except ActRefused as refusal:
        return PreviewLine(bot, possible=False, code=refusal.code, sentence=str(refusal), **facts)
    trades = tuple(before.get("trades", ()))
    sentence = sentence_of(action, len(trades))
    note = STOPS_ENTRIES if action == "pause" and "pause" not in bot.status.capabilities else ""
    if lost is not None:
        note = f"Once more: what became of command {lost.pk} is not known"
    waits = waiting_by(asking.rules.get(bot.team_id), bot, action) is not None
    return PreviewLine(bot, True, "", sentence, trades=trades, waits=waits, note=note, **facts)


def checked(asking: Asking, bot: Bot) -> tuple[Before, Command | None]:
    """All that asking would check now; with the lost command that it would insist on. Raises ActRefused."""
    user, action, typed, now = asking.user, asking.action, asking.typed, asking.now
    if bot.pk not in asking.allowed:
        require_role(user, bot, action)
    if asking.hindrance is not None:
        raise asking.hindrance
    words_of(bot, action, typed, "", "")
    require_ready(bot)
    require_capability(bot, action, typed)
    require_need(bot, action, now)
    trade, before = confirmed(bot, action, typed)
    wish = Wish(Actor(), user, bot, action, typed, "", "", None, None)
    return before, require_once(wish, trade, now, of_many=True)


def require_need(bot: Bot, action: str, now: datetime) -> None:
    """Raises NothingToDo where the bot itself said lately that it is so: pausing a stopped bot would start it."""
    state = shown_state(bot, bot.status, now)
    if state in POINTLESS.get(action, ()):
        raise NothingToDo(f"{bot.name} is {state} already")


def sentence_of(action: str, trades: int) -> str:
    if action != "force_exit_all":
        return WORDS[action].label
    if not trades:
        return "Exit all: no open trade as last seen"
    return f"Exit {trades} open trade{'' if trades == 1 else 's'}"

"""What a wish for many bots would bring at each: told before anybody confirms, by the rules that asking holds to."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from accounts.models import User
from bots.domain.audit import Actor
from bots.domain.commands.asking import Wish, require_may_send, require_once, require_role, waiting_time, words_of
from bots.domain.commands.confirming import Before, confirmed
from bots.domain.commands.offering import POINTLESS, require_capability, require_ready
from bots.domain.commands.params import ON_A_TRADE, Params, parsed, require_ahead
from bots.domain.commands.refusing import CommandRefused, WrongParams
from bots.domain.commands.wording import STOPS_ENTRIES, WORDS
from bots.domain.freshness import freshness_of, shown_state
from bots.models import Bot
from bots.systems.instructions import NEEDS

# A trade belongs to one bot, so nothing is done to the trades of many by naming one.
MANY_AT_ONCE = tuple(action for action in NEEDS if action not in ON_A_TRADE)
NO_NEED = "nothing_to_do"


class NothingToDo(CommandRefused):
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
    typed = params_for_many(action, params)
    now = timezone.now()
    return in_order([line_of(user, bot, action, typed, now) for bot in bots])


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


def line_of(user: User, bot: Bot, action: str, typed: Params, now: datetime) -> PreviewLine:
    facts: dict[str, Any] = {
        "mode": bot.status.mode,
        "state": shown_state(bot, bot.status, now),
        "age_seconds": freshness_of(bot, bot.status, now).age_seconds,
    }
    try:
        before = checked(user, bot, action, typed, now)
    except CommandRefused as refusal:
        return PreviewLine(bot, possible=False, code=refusal.code, sentence=str(refusal), **facts)
    trades = tuple(before.get("trades", ()))
    sentence = sentence_of(action, len(trades))
    note = STOPS_ENTRIES if action == "pause" and "pause" not in bot.status.capabilities else ""
    waits = waiting_time(bot, action) is not None
    return PreviewLine(bot, True, "", sentence, trades=trades, waits=waits, note=note, **facts)


def checked(user: User, bot: Bot, action: str, typed: Params, now: datetime) -> Before:
    """All that asking would check now. Raises CommandRefused."""
    require_role(user, bot, action)
    require_may_send()
    words_of(bot, action, typed, "", "")
    require_ready(bot)
    require_capability(bot, action, typed)
    require_need(bot, action, now)
    trade, before = confirmed(bot, action, typed)
    require_once(Wish(Actor(), user, bot, action, typed, "", "", None, None), trade, now)
    return before


def require_need(bot: Bot, action: str, now: datetime) -> None:
    """Raises NothingToDo where the bot itself said lately that it is so: pausing a stopped bot would start it."""
    state = shown_state(bot, bot.status, now)
    if state in POINTLESS.get(action, ()):
        raise NothingToDo(f"{bot.name} is {state} already")


def sentence_of(action: str, trades: int) -> str:
    if action != "force_exit_all":
        return WORDS[action].label
    return f"Exit {trades} open trade{'' if trades == 1 else 's'}"

"""A person asks for a command: role, params, reason, capability, the trade as it was confirmed; then written down.

Everything from the lock on is one transaction with the audit row as its last statement. What is written may be sent
from the commit on; what is refused here has left no trace at the bot.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.access import LOWEST_ROLE
from accounts.models import User
from bots.domain import safety
from bots.domain.audit import Actor, AuditUnavailable, append
from bots.domain.audit.entry import storable
from bots.domain.commands.confirming import Before, confirmed, require_mode
from bots.domain.commands.handing import hand_over_on_commit
from bots.domain.commands.offering import require_capability, require_ready
from bots.domain.commands.params import Params, parsed, require_ahead
from bots.domain.commands.refusing import (
    CapabilityMissing,
    Duplicate,
    KeyUsedOtherwise,
    NothingIsSent,
    ReasonMissing,
    WrongParams,
)
from bots.domain.commands.steps import act_of, tell, told_before
from bots.domain.commands.wording import REASON_REQUIRED, WORDS, about
from bots.domain.refusing import RoleTooLow
from bots.models import Bot, Command, CommandBatch, FourEyes, Trade
from bots.models.command import CONFIRMED_FOR
from bots.systems.instructions import NEEDS

SAME_AGAIN = timedelta(seconds=30)  # within which the same exit is taken for a second click
LONGEST_REASON, LONGEST_KEY = 500, 100


@dataclass(frozen=True)
class Asked:
    """`replayed`: this key had brought this command before; nothing new was written."""

    command: Command
    replayed: bool = False


@dataclass(frozen=True)
class Wish:
    """One request, typed and checked as far as its words go."""

    actor: Actor
    user: User
    bot: Bot
    action: str
    params: Params
    reason: str
    key: str
    insists_on: int | None
    batch: CommandBatch | None
    mode: str | None = None

    @property
    def digest(self) -> str:
        body = [self.bot.pk, self.action, self.params, self.reason, self.insists_on]
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def ask(  # noqa: PLR0917  the order in which it is said
    actor: Actor,
    user: User,
    bot: Bot,
    action: str,
    params: Mapping[str, object],
    reason: str = "",
    *,
    key: str = "",
    insists_on: int | None = None,
    batch: CommandBatch | None = None,
    mode: str | None = None,
) -> Asked:
    """Write the command down; it is sent within seconds, or expires. `bot` was fetched with visible_to(user).

    `key`: the Idempotency-Key: the same key with the same request gives the same command. `insists_on`: the id of the
    command that a Duplicate named. `mode`: live, dry or "" (not known) as the person saw it; TradeChanged where the bot
    is in another by now. Raises ActRefused of every kind, and AuditUnavailable: nothing was written.
    """
    require_role(user, bot, action)
    typed, clean = words_of(bot, action, params, reason, key)
    wish = Wish(actor, user, bot, action, typed, clean, key, insists_on, batch, mode_meant(typed, mode))
    try:
        return written(wish)
    except IntegrityError:  # the same key at the same moment, at another bot
        if wish.key and (before := replay(wish)):
            return before
        raise
    except OperationalError as failure:
        raise AuditUnavailable("The command cannot be written down, so nothing was done. Try again.") from failure


def require_role(user: User, bot: Bot, action: str) -> None:
    """Raises RoleTooLow, WrongParams for an action nobody declared."""
    if action not in WORDS:
        raise WrongParams({"action": f"There is no action {str(action)[:40]!r}"})
    if not Bot.objects.commandable_by(user, action).filter(pk=bot.pk).exists():
        raise RoleTooLow(f"{WORDS[action].label} at {bot.name} takes the role {LOWEST_ROLE[action]} or higher")


def words_of(bot: Bot, action: str, params: object, reason: str, key: str) -> tuple[Params, str]:
    """(params, reason) as they are stored. Raises WrongParams, CapabilityMissing."""
    if action not in NEEDS:
        raise CapabilityMissing(f"{bot.name} offers no {WORDS[action].past}", action)
    clean = str(reason).strip()
    if len(clean) > LONGEST_REASON:
        raise WrongParams({"reason": f"At most {LONGEST_REASON} characters"})
    if len(key) > LONGEST_KEY or (key and not key.isprintable()):
        raise WrongParams({"key": f"At most {LONGEST_KEY} printable characters"})
    return parsed(action, params), storable(clean, LONGEST_REASON)


def mode_meant(params: Params, mode: str | None) -> str | None:
    expected: Mapping[str, str] = params.get("expected", {})
    return mode if mode is not None else expected.get("mode")


def written(wish: Wish) -> Asked:
    with transaction.atomic():
        bot = locked(wish.bot)
        if wish.key and (before := replay(wish)):
            return before
        require_ahead(wish.params)
        if wish.action in REASON_REQUIRED and not wish.reason:
            raise ReasonMissing(f"Say why: {WORDS[wish.action].past} goes into the audit with its reason")
        require_may_send()
        require_ready(bot)
        require_mode(bot, wish.mode)
        require_capability(bot, wish.action, wish.params)
        trade, before_state = confirmed(bot, wish.action, wish.params)
        now = timezone.now()
        insisted = require_once(wish, trade, now, of_many=wish.batch is not None)
        command = drafted(wish, bot, trade, before_state, now)
        command.insists_on = insisted
        command.save(force_insert=True)
        if command.state == Command.INTENT:
            hand_over_on_commit(command.pk)
        tell(command)
        append(act_of("command_asked", wish.actor, command, told(command)))
    return Asked(command)


def require_may_send() -> None:
    """Raises NothingIsSent."""
    try:
        safety.require_may_send()
    except safety.SafeMode as silence:
        raise NothingIsSent(str(silence)) from None


def locked(bot: Bot) -> Bot:
    """One at a time at each bot: two identical wishes at the same moment see each other."""
    mine = Bot.objects.select_for_update(of=("self",), no_key=True)
    return mine.select_related("team", "status").get(pk=bot.pk)


def replay(wish: Wish) -> Asked | None:
    """What this key brought before. Raises KeyUsedOtherwise."""
    first = Command.objects.filter(requested_by=wish.user, key=wish.key).select_related("bot__team").first()
    if first is None:
        return None
    if first.body_digest != wish.digest:
        raise KeyUsedOtherwise(first)
    return Asked(first, replayed=True)


def require_once(wish: Wish, trade: Trade | None, now: datetime, *, of_many: bool = False) -> Command | None:
    """The command that is insisted on, if there is one. Raises Duplicate, naming the newest of the same.

    `of_many`: a batch insists by itself where nothing but lost answers is in its way. Who pulls the kill switch is not
    held up at the very bot that something is wrong with.
    """
    same = same_before(wish, trade, now)
    if not same:
        return None
    first = same[0]
    if wish.insists_on == first.pk or (of_many and all(is_lost_exit_all(each, now) for each in same)):
        return first
    raise Duplicate(first, duplicate_sentence(first, now))


def is_lost_exit_all(command: Command, now: datetime) -> bool:
    """Sent long ago, and nobody knows what became of it."""
    sent, action = command.sent_at, command.action
    return action == "force_exit_all" and command.state == Command.UNKNOWN and bool(sent and sent < now - SAME_AGAIN)


def same_before(wish: Wish, trade: Trade | None, now: datetime) -> list[Command]:
    """The commands that would do the same again, of the last 30 s or without an end: newest first."""
    if wish.action == "force_exit":
        same = Q(action="force_exit", trade=trade) | Q(action="force_exit_all")
    elif wish.action == "force_exit_all":
        same = Q(action="force_exit_all")
    elif wish.action == "force_enter":
        same = Q(action="force_enter", params__pair=wish.params["pair"])
    else:
        return []
    since = now - SAME_AGAIN
    recent = Q(state__in=(Command.DONE, Command.CLOSED)) & (Q(requested_at__gte=since) | Q(sent_at__gte=since))
    going_on = Q(state__in=(*Command.UNSENT, Command.SENT, Command.UNKNOWN))
    return list(Command.objects.filter(same, recent | going_on, bot=wish.bot).order_by("-id"))


def duplicate_sentence(first: Command, now: datetime) -> str:
    seconds = max(round((now - first.requested_at).total_seconds()), 0)
    told = {Command.UNKNOWN: "and its outcome is not known yet", Command.DONE: "and the bot accepted it"}
    standing = told.get(first.state, f"and is {first.state}")
    return (
        f"A {about(first)} was asked {seconds} s ago by {first.requested_by_name} (command {first.pk})"
        f" {standing}. To do it once more, insist."
    )


def drafted(wish: Wish, bot: Bot, trade: Trade | None, before: Before, now: datetime) -> Command:
    waits = waiting_time(bot, wish.action)
    actor = wish.actor
    return Command(
        bot=bot,
        team=bot.team,
        action=wish.action,
        params=wish.params,
        reason=wish.reason,
        state=Command.WAITING if waits else Command.INTENT,
        requested_by=wish.user,
        requested_by_name=wish.user.username,
        role=actor.role or wish.user.role_in(bot.team) or "",
        address=storable(actor.address, 64),
        client=storable(actor.client, 200),
        session=storable(actor.session, 64),
        key=wish.key,
        body_digest=wish.digest,
        batch=wish.batch,
        trade=trade,
        before=before,
        requested_at=now,
        expires_at=now + (waits or CONFIRMED_FOR),
        announced_at=None if waits else now,
    )


def waiting_time(bot: Bot, action: str) -> timedelta | None:
    """How long a second person has to approve it; None: nobody needs to. A bot not known to be dry counts as live."""
    return waiting_by(FourEyes.objects.filter(team=bot.team_id).first(), bot, action)


def waiting_by(rule: FourEyes | None, bot: Bot, action: str) -> timedelta | None:
    if rule is None or action not in rule.actions or bot.status.mode == "dry":
        return None
    return timedelta(minutes=max(rule.wait_minutes, 1))


def told(command: Command) -> dict[str, Any]:
    details = {"params": command.params, "before": told_before(command.before), "reason": command.reason}
    more = {"insists_on": command.insists_on_id, "batch": command.batch_id, "waits_for_approval": None}
    if command.state == Command.WAITING:
        more["waits_for_approval"] = True
    return details | {name: value for name, value in more.items() if value is not None}

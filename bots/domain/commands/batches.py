"""One wish for many bots: one command each under one batch; its progress, its stop, and once more for the refused."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.access import LOWEST_ROLE
from accounts.models import Team, User
from bots.domain.audit import Act, Actor, AuditUnavailable, append
from bots.domain.audit.entry import Detail, storable
from bots.domain.commands.approving import approve
from bots.domain.commands.asking import LONGEST_KEY, LONGEST_REASON, ask
from bots.domain.commands.ending import cancel
from bots.domain.commands.params import Params
from bots.domain.commands.previewing import params_for_many, require_need
from bots.domain.commands.refusing import ReasonMissing, WrongParams
from bots.domain.commands.wording import REASON_REQUIRED, WORDS
from bots.domain.refusing import ActRefused, RoleTooLow
from bots.models import Bot, Command, CommandBatch

MOST_BOTS = 500
NOT_REACHED = {"code": "not_reached", "sentence": "Not asked: the batch was interrupted or stopped before"}
NOT_APPROVED = "Not approved: the audit could not be written before; it still waits"
UNRECORDED = "audit_unavailable"  # the rest is not tried: each would wait for the same lock or disk
LeftOut = dict[str, str]  # {"bot": slug, "code", "sentence"}
REPEATED = (Command.REFUSED, Command.EXPIRED)
NOT_DONE = (*REPEATED, Command.CANCELLED)


class BatchKeyUsed(ActRefused):
    """This person used the key for another batch: `first`."""

    code = "key_used"

    def __init__(self, first: CommandBatch) -> None:
        super().__init__(f"This key belongs to another batch ({first.pk}): take a new one")
        self.first = first


@dataclass(frozen=True)
class AskedMany:
    """`replayed`: this key had brought this batch before; nothing new was written."""

    batch: CommandBatch
    replayed: bool = False


@dataclass(frozen=True)
class Wishes:
    """`typed`: what the person typed to confirm, where LIVE trades are to be closed."""

    actor: Actor
    user: User
    team: Team
    bots: Sequence[Bot]
    action: str
    params: Params
    reason: str
    key: str
    kind: str
    modes: Mapping[str, str]

    @property
    def digest(self) -> str:
        body = [self.team.pk, sorted(bot.pk for bot in self.bots), self.action, self.params, self.reason, self.kind]
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def ask_many(  # noqa: PLR0917  the order in which it is said
    actor: Actor,
    user: User,
    team: Team,
    bots: Iterable[Bot],
    action: str,
    params: Mapping[str, object],
    reason: str = "",
    *,
    key: str = "",
    kind: str = CommandBatch.BULK,
    typed: str = "",
    modes: Mapping[str, str] | None = None,
) -> AskedMany:
    """Ask it of every bot (fetched with visible_to(user), with team and status), LIVE ones first. What is not possible
    at a bot leaves it out, and is told in `left_out`.

    `typed`: the team's name (of a single bot also its own), required where LIVE bots are to exit everything, and for
    both kinds of the kill switch. `modes`: slug -> mode as the person saw it; a bot that is in
    another by now is left out. Raises RoleTooLow, WrongParams, ReasonMissing, BatchKeyUsed, AuditUnavailable: then
    no command was written.
    """
    require_role_in(user, team, action)
    listed = chosen(team, bots, kind)
    clean = params_for_many(action, params)
    wishes = Wishes(actor, user, team, listed, action, clean, words(reason), keyed(key), kind, modes or {})
    if key and (before := replay(wishes)):
        return before
    if action in REASON_REQUIRED and not wishes.reason:
        raise ReasonMissing(f"Say why: {WORDS[action].past} goes into the audit with its reason")
    require_typed(wishes, typed)
    try:
        batch = written(wishes)
    except IntegrityError:  # the same key at the same moment
        if before := replay(wishes):
            return before
        raise
    ask_each(batch, wishes)
    return AskedMany(batch)


def require_role_in(user: User, team: Team, action: str) -> None:
    """Raises RoleTooLow, WrongParams for an action nobody declared."""
    if action not in WORDS:
        raise WrongParams({"action": f"There is no action {str(action)[:40]!r}"})
    if not Team.objects.where(user, action).filter(pk=team.pk).exists():
        raise RoleTooLow(f"{WORDS[action].label} takes the role {LOWEST_ROLE[action]} or higher in {team.name}")


def chosen(team: Team, bots: Iterable[Bot], kind: str) -> list[Bot]:
    """Each once, LIVE ones first; the kill switch takes a team of any size. Raises WrongParams."""
    listed = sorted({bot.pk: bot for bot in bots}.values(), key=lambda bot: (bot.status.mode == "dry", bot.name))
    if not listed or (kind == CommandBatch.BULK and len(listed) > MOST_BOTS):
        raise WrongParams({"bots": f"Choose 1 to {MOST_BOTS} bots"})
    if strange := [bot.slug for bot in listed if bot.team_id != team.pk]:
        raise WrongParams({"bots": f"{', '.join(strange[:5])}: not of the team {team.name}"})
    return listed


def words(reason: str) -> str:
    clean = str(reason).strip()
    if len(clean) > LONGEST_REASON:
        raise WrongParams({"reason": f"At most {LONGEST_REASON} characters"})
    return storable(clean, LONGEST_REASON)


def keyed(key: str) -> str:
    if len(key) > LONGEST_KEY or (key and not key.isprintable()):
        raise WrongParams({"key": f"At most {LONGEST_KEY} printable characters"})
    return key


def must_be_typed(team: Team, bots: Sequence[Bot], action: str, kind: str) -> list[str]:
    """What a person must type, one of these; empty: nothing."""
    risky = action == "force_exit_all" or kind != CommandBatch.BULK
    if not risky or all(bot.status.mode == "dry" for bot in bots):
        return []
    return [team.name, bots[0].name] if len(bots) == 1 and kind == CommandBatch.BULK else [team.name]


def require_typed(wishes: Wishes, typed: str) -> None:
    """Raises WrongParams."""
    wanted = must_be_typed(wishes.team, wishes.bots, wishes.action, wishes.kind)
    if wanted and typed.strip() not in wanted:
        live = sum(bot.status.mode != "dry" for bot in wishes.bots)
        raise WrongParams({"typed": f"{live} LIVE: type {' or '.join(wanted)} to confirm"})


def replay(wishes: Wishes) -> AskedMany | None:
    first = CommandBatch.objects.filter(requested_by=wishes.user, key=wishes.key).select_related("team").first()
    if first is None:
        return None
    if first.body_digest != wishes.digest:
        raise BatchKeyUsed(first)
    return AskedMany(first, replayed=True)


def written(wishes: Wishes) -> CommandBatch:
    """Every bot stands in `left_out` until it was asked, so that an interruption shows."""
    with transaction.atomic():
        batch = CommandBatch.objects.create(
            team=wishes.team,
            kind=wishes.kind,
            action=wishes.action,
            params=wishes.params,
            reason=wishes.reason,
            requested_by=wishes.user,
            requested_by_name=wishes.user.username,
            key=wishes.key,
            body_digest=wishes.digest,
            left_out=[{"bot": bot.slug, **NOT_REACHED} for bot in wishes.bots],
        )
        live = sum(bot.status.mode != "dry" for bot in wishes.bots)
        told: dict[str, Detail] = {"params": wishes.params, "reason": wishes.reason}
        numbers: dict[str, Detail] = {
            "bots": len(wishes.bots),
            "live": live,
            "first_bots": [bot.slug for bot in wishes.bots[:40]],
        }
        append(act_of("batch_asked", wishes.actor, batch, {**told, **numbers}))
    return batch


def act_of(action: str, actor: Actor, batch: CommandBatch, details: Mapping[str, Detail]) -> Act:
    team = batch.team
    told = {"batch": batch.pk, "kind": batch.kind, "action": batch.action, **details}
    return Act(action, actor, f"batch {batch.pk}", team.slug, team.pk, details=told)


def ask_each(batch: CommandBatch, wishes: Wishes) -> None:
    left_out: list[LeftOut] = []
    is_recorded = True
    for bot in wishes.bots:
        if is_recorded and CommandBatch.objects.filter(pk=batch.pk, stopped_at=None).exists():
            told = ask_one(batch, wishes, bot)
            left_out += told
            is_recorded = not any(line["code"] == UNRECORDED for line in told)
        else:
            left_out.append({"bot": bot.slug, **NOT_REACHED})
    batch.left_out = left_out
    batch.save(update_fields=["left_out"])


def ask_one(batch: CommandBatch, wishes: Wishes, bot: Bot) -> list[LeftOut]:
    try:
        require_need(bot, wishes.action, timezone.now())
        mode = wishes.modes.get(bot.slug)
        ask(wishes.actor, wishes.user, bot, wishes.action, wishes.params, wishes.reason, batch=batch, mode=mode)
    except ActRefused as refusal:
        return [{"bot": bot.slug, "code": refusal.code, "sentence": str(refusal)}]
    except AuditUnavailable as refusal:  # the other bots' commands are written and may be sent already
        return [{"bot": bot.slug, "code": UNRECORDED, "sentence": str(refusal)}]
    return []


# --- What becomes of it -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Progress:
    """`by_state`: number of commands. `left_out`: bots without a command, and why. `unsent`: what a stop would end."""

    commands: list[Command]
    by_state: dict[str, int]
    left_out: list[LeftOut]
    asked_since: frozenset[str] = frozenset()  # slugs of bots that got the same later

    @property
    def total(self) -> int:
        return len(self.commands) + len(self.left_out)

    @property
    def unsent(self) -> int:
        return sum(command.state in Command.UNSENT for command in self.commands)

    @property
    def under_way(self) -> int:
        return sum(command.state not in (*Command.FINAL, Command.UNKNOWN) for command in self.commands)

    @property
    def has_ended(self) -> bool:
        return self.under_way == 0

    @property
    def repeatable(self) -> int:
        return len(refused_bots(self))


def progress(batch: CommandBatch) -> Progress:
    mine = batch.commands.select_related("bot__team", "bot__status", "trade").order_by("id")
    return standing_of(batch, list(mine))


def progress_of_each(batches: Sequence[CommandBatch]) -> list[Progress]:
    """Of a page of batches, by one reading of their commands, each with no more than its state and its bot's slug."""
    brief = Command.objects.filter(batch__in=[batch.pk for batch in batches]).select_related("bot").order_by("id")
    by_batch: dict[int | None, list[Command]] = {}
    for command in brief.only("state", "batch_id", "bot__slug"):
        by_batch.setdefault(command.batch_id, []).append(command)
    return [standing_of(batch, by_batch.get(batch.pk, [])) for batch in batches]


def standing_of(batch: CommandBatch, listed: list[Command]) -> Progress:
    asked = {command.bot.slug for command in listed}
    left_out = [line for line in batch.left_out if line["bot"] not in asked]
    standing = Progress(listed, dict(Counter(command.state for command in listed)), left_out)
    return replace(standing, asked_since=asked_since(batch, refused_bots(standing)))


def asked_since(batch: CommandBatch, slugs: Sequence[str]) -> frozenset[str]:
    """Of these bots those that got the same command after the batch, and did not refuse it."""
    if not slugs:
        return frozenset()
    later = Command.objects.filter(action=batch.action, requested_at__gte=batch.requested_at, bot__slug__in=slugs)
    later = later.exclude(batch=batch).exclude(state__in=NOT_DONE)
    return frozenset(slug for slug, params in later.values_list("bot__slug", "params") if params == batch.params)


def stop(actor: Actor, user: User, batch: CommandBatch) -> CommandBatch:
    """End what has not been sent; what was sent is at the bots. Raises RoleTooLow, AuditUnavailable."""
    require_role_in(user, batch.team, batch.action)
    with transaction.atomic():
        now = timezone.now()
        first = CommandBatch.objects.filter(pk=batch.pk, stopped_at=None)
        if first.update(stopped_at=now, stopped_by_name=user.username):
            batch.stopped_at, batch.stopped_by_name = now, user.username
            append(act_of("batch_stopped", actor, batch, {"unsent": progress(batch).unsent}))
    for command in batch.commands.filter(state__in=Command.UNSENT).select_related("bot__team"):
        try:
            cancel(actor, user, command)
        except ActRefused:
            continue  # sent in this very moment
        except AuditUnavailable:
            break  # the rest is refused later: nothing of a stopped batch is claimed or approved
    return batch


def approve_all(actor: Actor, user: User, batch: CommandBatch) -> dict[str, Any]:
    """As the second person, every command of the batch that waits: {"approved": number, "refused": {slug: sentence}}.

    Raises RoleTooLow, and AuditUnavailable only where it kept every one from being approved."""
    require_role_in(user, batch.team, batch.action)
    approved, refused, unwritten = 0, {}, None
    for command in batch.commands.filter(state=Command.WAITING).select_related("bot__team", "requested_by"):
        if unwritten:
            refused[command.bot.slug] = NOT_APPROVED
            continue
        try:
            approve(actor, user, command)
        except ActRefused as refusal:
            refused[command.bot.slug] = str(refusal)
        except AuditUnavailable as refusal:
            refused[command.bot.slug], unwritten = str(refusal), refusal
        else:
            approved += 1
    if unwritten and not approved:
        raise unwritten
    return {"approved": approved, "refused": refused}


def refused_bots(done: Progress) -> list[str]:
    """Slugs: refused or expired without being sent, and those left out; without those that got the same since."""
    ended = [command.bot.slug for command in done.commands if command.state in REPEATED]
    return [slug for slug in (*ended, *(line["bot"] for line in done.left_out)) if slug not in done.asked_since]


def repeat_refused(
    actor: Actor,
    user: User,
    batch: CommandBatch,
    *,
    key: str = "",
    typed: str = "",
    reason: str = "",
    modes: Mapping[str, str] | None = None,
) -> AskedMany:
    """The same once more, only at those bots where nothing was done. Raises as ask_many."""
    require_role_in(user, batch.team, batch.action)
    slugs = refused_bots(progress(batch))
    if not slugs:
        raise WrongParams({"bots": "None was refused or left out"})
    bots = Bot.objects.visible_to(user).filter(slug__in=slugs, team=batch.team).select_related("team", "status")
    again = reason or batch.reason
    more = {"key": key, "kind": batch.kind, "typed": typed}
    return ask_many(actor, user, batch.team, bots, batch.action, batch.params, again, modes=modes, **more)

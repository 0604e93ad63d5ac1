"""The kill switch of a team: no bot enters any more, or every bot exits everything. Then looking whether it is so."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import Team, User
from bots.domain.audit import Actor, AuditUnavailable, append
from bots.domain.commands.batches import AskedMany, Progress, act_of, ask_many, progress
from bots.domain.commands.effects import SETTLED
from bots.domain.commands.refusing import WrongParams
from bots.domain.commands.steps import PORTAL
from bots.domain.polling.schedule import wake
from bots.models import Bot, BotStatus, Command, CommandBatch, Trade
from bots.models.prepared import Given, Prepared

log = logging.getLogger(__name__)

KILLS = {CommandBatch.PAUSE_ALL: "pause", CommandBatch.EXIT_ALL: "force_exit_all"}
CHECKED = tuple(KILLS.values())
# A poll may have begun before the last command ended.
READ_AFTER = timedelta(seconds=3)
# By then what could be read was read; a bot silent for so long is named as unknown.
CHECKED_WITHIN = timedelta(seconds=90)
# A batch forgotten by all, commands that wait for somebody: looked at no longer.
CHECKED_AT_ALL = timedelta(days=2)
ENTERS_NOTHING = ("paused", "stopped")


def pull(
    actor: Actor,
    user: User,
    team: Team,
    kind: str,
    reason: str = "",
    *,
    key: str = "",
    typed: str = "",
    modes: Mapping[str, str] | None = None,
) -> AskedMany:
    """`kind`: pause_all or exit_all, at every bot of the team that is not retired. Raises as ask_many."""
    if kind not in KILLS:
        raise WrongParams({"kind": f"One of {', '.join(KILLS)}"})
    bots = bots_of(user, team)
    return ask_many(actor, user, team, bots, KILLS[kind], {}, reason, key=key, kind=kind, typed=typed, modes=modes)


def bots_of(user: User, team: Team) -> list[Bot]:
    return list(Bot.objects.visible_to(user).active().filter(team=team).select_related("team", "status"))


# --- Looking afterwards -----------------------------------------------------------------------------------------------


@dataclass
class PostCheck:
    """What reading showed of the batch's bots. `left`: slug -> open trades (or the state it still enters in);
    `unknown`: slugs of bots not read since; `untold`: accepted, but the bot's release tells no such state."""

    sentence: str = ""
    as_of: str = ""
    bots: int = 0
    bots_done: int = 0
    open_trades_left: int = 0
    left: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    settled: bool = True


UNCHECKED = Prepared(
    lambda: (
        CommandBatch.objects.filter(checked_at=None, action__in=CHECKED, requested_at__gt=Given("since"))
        .order_by("id")
        .values_list("pk")[:50]
    )
)


def check_batches(now: datetime | None = None) -> int:
    """The tick's: how many were checked to the end. Two at once are harmless."""
    now = now or timezone.now()
    open_ones = [pk for (pk,) in UNCHECKED.rows(since=now - CHECKED_AT_ALL)]
    done = 0
    for batch in CommandBatch.objects.filter(pk__in=open_ones).select_related("team").order_by("id"):
        try:
            done += check(batch, now)
        except (AuditUnavailable, DatabaseError) as failure:
            log.error("a batch's check waits, because it cannot be written down: %s", failure)
    return done


def check(batch: CommandBatch, now: datetime) -> bool:
    """Whether it is checked to the end now."""
    standing = progress(batch)
    if not standing.has_ended or not is_complete(batch, standing, now):
        return False
    begun = parse_datetime(str(batch.post_check.get("begun_at", "")))
    if begun is None:
        begin(batch, standing, now)
        return False
    found = post_check(batch, standing, begun)
    if now - begun < CHECKED_WITHIN and (found.unknown or not found.settled):
        return False
    return finish(batch, found, begun, now)


def is_complete(batch: CommandBatch, standing: Progress, now: datetime) -> bool:
    """Whether all bots were asked; one that was interrupted is taken as it is after a while."""
    interrupted = any(line["code"] == "not_reached" for line in standing.left_out)
    return not interrupted or batch.stopped_at is not None or now - batch.requested_at > CHECKED_WITHIN


def begin(batch: CommandBatch, standing: Progress, now: datetime) -> None:
    CommandBatch.objects.filter(pk=batch.pk, checked_at=None).update(post_check={"begun_at": now.isoformat()})
    wake(command.bot_id for command in standing.commands)


def finish(batch: CommandBatch, found: PostCheck, begun: datetime, now: datetime) -> bool:
    with transaction.atomic():
        told = {**asdict(found), "begun_at": begun.isoformat()}
        mine = CommandBatch.objects.filter(pk=batch.pk, checked_at=None)
        if not mine.update(post_check=told, checked_at=now):
            return False
        numbers = {name: getattr(found, name) for name in ("sentence", "bots", "bots_done", "open_trades_left")}
        append(act_of("batch_checked", PORTAL, batch, {**numbers, "unknown": found.unknown[:100]}))
    return True


def post_check(batch: CommandBatch, standing: Progress, since: datetime) -> PostCheck:
    """How the batch's bots stand, as read after `since`."""
    by_slug = {command.bot.slug: command for command in standing.commands}
    slugs = [*by_slug, *(line["bot"] for line in standing.left_out)]
    bots = list(Bot.objects.filter(slug__in=slugs, team=batch.team).select_related("status").order_by("name"))
    found = PostCheck(bots=len(bots), as_of=timezone.now().isoformat())
    read = [bot for bot in bots if is_read_since(bot, since)]
    found.unknown = [bot.slug for bot in bots if bot not in read]
    if batch.action == "force_exit_all":
        look_at_trades(found, read, by_slug)
    else:
        look_at_states(found, read, by_slug)
    found.sentence = sentence_of(batch, found)
    return found


def is_read_since(bot: Bot, since: datetime) -> bool:
    seen = bot.status.seen_at
    return bot.retired_at is None and bot.enabled and seen is not None and seen > since + READ_AFTER


def look_at_trades(found: PostCheck, read: Iterable[Bot], commands: dict[str, Command]) -> None:
    bots = list(read)
    counts = Counter(Trade.objects.open().filter(bot__in=bots).values_list("bot", flat=True))
    for bot in bots:
        count = counts[bot.pk]
        if count:
            found.open_trades_left += count
            found.left[bot.slug] = str(count)
            found.settled &= is_settled(commands.get(bot.slug))
        else:
            found.bots_done += 1


def is_settled(command: Command | None) -> bool:
    """False while the exits that were accepted may still be filled."""
    return command is None or command.state != Command.DONE or command.effect in SETTLED


def look_at_states(found: PostCheck, read: Iterable[Bot], commands: dict[str, Command]) -> None:
    for bot in read:
        if bot.status.state in ENTERS_NOTHING:
            found.bots_done += 1
        elif accepted_untold(bot.status, commands.get(bot.slug)):
            found.bots_done += 1
            found.untold.append(bot.slug)
        else:
            found.left[bot.slug] = bot.status.state


def accepted_untold(status: BotStatus, command: Command | None) -> bool:
    accepted = command is not None and command.state == Command.DONE
    return accepted and "pause" not in status.capabilities


def sentence_of(batch: CommandBatch, found: PostCheck) -> str:
    exits = batch.action == "force_exit_all"
    words = "0 open trades left on" if exits else "no new entries on"
    parts = [f"{words} {found.bots_done} of {found.bots} bots"]
    if found.left:
        still = f"{found.open_trades_left} left: " if exits else "still entering: "
        parts.append(still + listed([f"{slug} ({what})" for slug, what in found.left.items()]))
    if found.unknown:
        parts.append(f"not read since: {listed(found.unknown)}")
    if found.untold:
        parts.append(f"accepted, but the release tells no such state: {listed(found.untold)}")
    return "; ".join(parts)


def listed(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")

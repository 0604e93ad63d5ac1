"""What the tick does for commands, every second: nothing that was asked is forgotten, whatever died meanwhile."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import DatabaseError
from django.db.models import F, Q
from django.utils import timezone

from bots.domain.audit import AuditUnavailable
from bots.domain.commands import outside
from bots.domain.commands.claiming import CLOCKS_DIFFER, FIRST_LOOK, may_be_sent
from bots.domain.commands.looking import next_look
from bots.domain.commands.steps import take_step
from bots.domain.log_lines import about
from bots.models import Bot, Command
from bots.models.command import CONFIRMED_FOR
from bots.models.prepared import Prepared
from bots.systems.instructions import longest_seconds

log = logging.getLogger(__name__)

ANNOUNCED_AGAIN = timedelta(seconds=3)
# So long after the latest moment of an answer: whoever sent it has ended, or cannot write.
ANSWER_LOST = timedelta(seconds=20)
MOST_AT_ONCE = 500


@dataclass
class Swept:
    """`to_send` and `to_look_at` are to be handed to the workers."""

    to_send: list[int] = field(default_factory=list)
    to_look_at: list[int] = field(default_factory=list)
    expired: int = 0
    lost: int = 0
    outside: int = 0


def sweep(now: datetime | None = None) -> Swept:
    """Two at once share the work: each step is a conditional UPDATE."""
    now = now or timezone.now()
    done = Swept()
    if UNDER_WAY.rows():
        take_due_steps(done, now)
    for event in outside.not_audited(now):
        done.outside += written(partial(outside.audit, event), event.bot)
    return done


def take_due_steps(done: Swept, now: datetime) -> None:
    for command in late(now):
        done.expired += written(partial(expire, command, now), command.bot)
    for command in without_answer(now):
        done.lost += written(partial(lose, command, now), command.bot)
    done.to_send = announced_again(now)
    done.to_look_at = due_looks(now)


# Whether there is one at all of which something may have to be done. Nearly always there is none.
UNDER_WAY = Prepared(
    lambda: (
        Command.objects.filter(
            Q(state__in=(*Command.UNSENT, Command.SENT, Command.UNKNOWN))
            | Q(state=Command.DONE, next_look_at__isnull=False)
        )
        .order_by()
        .values_list("pk")[:1]
    )
)


def written(step: Callable[[], bool], bot: Bot | None) -> bool:
    """One step that cannot be written down does not hold up the others; the next tick tries again."""
    try:
        return step()
    except (AuditUnavailable, DatabaseError) as failure:
        extra = about(bot.slug) if bot else None
        log.error("a command's step waits, because it cannot be written down: %s", failure, extra=extra)
        return False


def late(now: datetime) -> list[Command]:
    """Past their time; or so far ahead of it that the clock must have been set back."""
    ahead = Q(state=Command.INTENT, expires_at__gt=now + CONFIRMED_FOR + CLOCKS_DIFFER)
    mine = Command.objects.filter(Q(expires_at__lte=now) | ahead, state__in=Command.UNSENT)
    return list(mine.select_related("bot__team").order_by("pk")[:MOST_AT_ONCE])


def expire(command: Command, now: datetime) -> bool:
    if command.state == Command.WAITING:
        sentence = "Nobody approved it in time; it was not sent"
    else:
        why = command.outcome.get("hindrance")
        sentence = "It was not sent within 60 s, so it will not be" + (f": {why}" if why else "")
    outcome = {**command.outcome, "sentence": sentence, "effect": "none"}
    details = {"outcome": {"sentence": sentence}}
    # As it was read: approved meanwhile, it has a fresh minute.
    same = Q(expires_at=command.expires_at)
    columns: dict[str, Any] = {"code": "expired", "ended_at": now, "outcome": outcome}
    return take_step(command, (command.state,), Command.EXPIRED, where=same, details=details, **columns)


def without_answer(now: datetime) -> list[Command]:
    mine = Command.objects.filter(state=Command.SENT, sent_at__lt=now - ANSWER_LOST)
    listed = mine.select_related("bot__team").order_by("pk")[:MOST_AT_ONCE]
    return [command for command in listed if now > latest_answer(command) + ANSWER_LOST]


def latest_answer(command: Command) -> datetime:
    assert command.sent_at is not None
    return command.sent_at + timedelta(seconds=longest_seconds(command.action))


def lose(command: Command, now: datetime) -> bool:
    sentence = "It was sent, and its answer was lost: the bot is being read"
    outcome = {**command.outcome, "sentence": sentence}
    columns: dict[str, Any] = {"code": "lost_answer", "outcome": outcome, "next_look_at": now + FIRST_LOOK}
    return take_step(command, (Command.SENT,), Command.UNKNOWN, details={"outcome": {"sentence": sentence}}, **columns)


def announced_again(now: datetime) -> list[int]:
    """Intents that nobody claimed: their message was lost, or no worker was there."""
    silent = Q(announced_at=None) | Q(announced_at__lt=now - ANNOUNCED_AGAIN) | Q(announced_at__gt=now + CLOCKS_DIFFER)
    ids = Command.objects.filter(may_be_sent(now), silent).order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE]
    return [pk for pk in ids if Command.objects.filter(silent, pk=pk, state=Command.INTENT).update(announced_at=now)]


def due_looks(now: datetime) -> list[int]:
    """Take the looks that are due, and plan the next ones at once: a look that gets lost is only one less."""
    due = Command.objects.filter(state__in=(Command.UNKNOWN, Command.DONE), next_look_at__lte=now)
    mine = []
    for command in due.order_by("next_look_at")[:MOST_AT_ONCE]:
        same = Command.objects.filter(pk=command.pk, looks=command.looks, next_look_at=command.next_look_at)
        if same.update(looks=F("looks") + 1, next_look_at=next_look(command, now)):
            mine.append(command.pk)
    return mine


def begin_alone(now: datetime | None = None) -> None:
    """The only process that sends begins: what was under way when the last one ended has lost its answer."""
    now = now or timezone.now()
    for command in Command.objects.filter(state=Command.SENT).select_related("bot__team"):
        written(partial(lose, command, now), command.bot)

"""What sending writes: the claim before the request leaves, and what came back. Each is one conditional step."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from bots.domain import safety
from bots.domain.commands.checking import Seen, opened_since
from bots.domain.commands.steps import take_step
from bots.domain.polling.schedule import wake
from bots.models import Bot, Command
from bots.models.command import CONFIRMED_FOR
from bots.systems.errors import BotError, BotFailed, Busy, NoSuchTrade, NotRunning, Refused, TryAgain
from bots.systems.instructions import Accepted

# Clocks of two machines may differ by so much; further ahead no clock of today has put an expiry: it was set back.
CLOCKS_DIFFER = timedelta(seconds=30)
EXITS = frozenset({"force_exit", "force_exit_all"})
FOLLOWED = EXITS | {"force_enter", "cancel_order"}
FIRST_LOOK = timedelta(seconds=2)
SOON = timedelta(seconds=1)


def may_be_sent(now: datetime) -> Q:
    """Confirmed less than 60 s ago, by whichever clock."""
    return Q(state=Command.INTENT, expires_at__gt=now, expires_at__lte=now + CONFIRMED_FOR + CLOCKS_DIFFER)


def to_send(command_id: int) -> Command | None:
    """The command with its bot, team and status, if it may still be sent."""
    mine = Command.objects.filter(may_be_sent(timezone.now()), pk=command_id)
    return mine.select_related("bot__team", "bot__status", "requested_by", "trade", "batch").first()


def why_not(command: Command) -> tuple[str, str] | None:
    """(code, sentence) of what changed in the portal since it was asked; None: nothing that matters."""
    if (silence := safety.silence()) is not None:
        return safety.CODE, f"Safe mode: nothing was sent. {silence.why}"
    if command.batch is not None and command.batch.stopped_at is not None:
        return "batch_stopped", f"{command.batch.stopped_by_name} stopped the batch; nothing was sent"
    user = command.requested_by
    allowed = user is not None and Bot.objects.commandable_by(user, command.action).filter(pk=command.bot_id).exists()
    if not allowed:
        return "role_lost", f"{command.requested_by_name} may not do this any more; nothing was sent"
    return bot_changed(command)


def bot_changed(command: Command) -> tuple[str, str] | None:
    bot = command.bot
    if bot.retired_at is not None or not bot.enabled:
        return "bot_not_ready", "The bot was retired or paused in the portal meanwhile; nothing was sent"
    if bot.address != command.before.get("where"):
        return "bot_changed", "The bot's address was changed meanwhile; nothing was sent"
    if bot.status.mode != command.before.get("mode"):
        return "bot_changed", f"The bot became {bot.status.mode or 'unknown'} meanwhile; nothing was sent"
    return None


def claim(command: Command, seen: Seen) -> bool:
    """INTENT -> SENT, committed before the request leaves: whoever gets True sends, once. Raises AuditUnavailable.

    Reading the bot took its time: what must hold is asked once more.
    """
    fresh = to_send(command.pk)
    if fresh is None:
        return False
    if problem := why_not(fresh):
        refuse(command, *problem)
        return False
    now = timezone.now()
    outcome = {**command.outcome, "at_sending": seen}
    outcome.pop("hindrance", None)
    waited = {"asked_to_sent_ms": milliseconds(now - (command.approved_at or command.requested_at))}
    return take_step(
        command,
        (Command.INTENT,),
        Command.SENT,
        where=may_be_sent(now),
        details=waited,
        sent_at=now,
        outcome={**outcome, "timings": waited},
    )


def refuse(command: Command, code: str, sentence: str, states: tuple[str, ...] = (Command.INTENT,)) -> bool:
    """-> REFUSED: it is certain that the bot did nothing. Raises AuditUnavailable."""
    now = timezone.now()
    outcome = {**command.outcome, "sentence": sentence, "effect": "none"}
    return take_step(
        command,
        states,
        Command.REFUSED,
        details={"outcome": {"sentence": sentence}},
        code=code,
        outcome=outcome,
        ended_at=now,
        next_look_at=None,
    )


def hinder(command: Command, sentence: str) -> None:
    """This worker cannot send it; another may. What hindered it stands in the row should nobody send it."""
    outcome = {**command.outcome, "hindrance": sentence}
    Command.objects.filter(pk=command.pk, state=Command.INTENT).update(outcome=outcome)


def record(command: Command, answer: Accepted | BotError, answered_at: datetime) -> bool:
    """SENT (or already UNKNOWN) -> what the bot's answer says. Raises AuditUnavailable, DatabaseError."""
    sent = command.sent_at or answered_at
    timings = {**command.outcome.get("timings", {}), "sent_to_answered_ms": milliseconds(answered_at - sent)}
    told = accepted(command, answer) if isinstance(answer, Accepted) else failed(command, answer)
    outcome = {**command.outcome, **told.pop("outcome"), "timings": timings}
    state = told.pop("state")
    words = {name: outcome[name] for name in ("words", "sentence", "effect") if outcome.get(name)}
    if "problems" in outcome:
        words["problems"] = [f"{pair}: {why}"[:100] for pair, why in list(outcome["problems"].items())[:20]]
    with transaction.atomic():
        transaction.on_commit(lambda: wake([command.bot_id]), robust=True)
        return take_step(
            command,
            (Command.SENT, Command.UNKNOWN),
            state,
            details={"outcome": words, **timings},
            answered_at=answered_at,
            outcome=outcome,
            **told,
        )


def accepted(command: Command, answer: Accepted) -> dict[str, Any]:
    now = timezone.now()
    outcome: dict[str, Any] = {"words": answer.words[:500], "sentence": "The bot accepted it"}
    if answer.problems:
        outcome["problems"] = {pair[:60]: why[:200] for pair, why in list(answer.problems.items())[:50]}
    if answer.trade_id:
        outcome |= {"trade_id": answer.trade_id, "open_ms": answer.open_ms}
    if command.action in FOLLOWED:
        outcome["effect"] = "pending"
    if command.action == "force_exit_all" and (late := opened_since(command)):
        outcome["opened_since"] = late
    following = now + SOON if command.action in FOLLOWED else None
    return {"state": Command.DONE, "code": "", "outcome": outcome, "ended_at": now, "next_look_at": following}


def failed(command: Command, error: BotError) -> dict[str, Any]:
    now = timezone.now()
    # `answered`: the bot spoke, so what it did it has done by now
    outcome = {"words": str(error)[:500], "error": error.code, "answered": isinstance(error, Refused)}
    if not error.may_have_happened:
        sentence = f"{str(error)[:400]}; nothing was done"
        outcome |= {"sentence": sentence, "effect": "none"}
        code = code_of(error)
        return {"state": Command.REFUSED, "code": code, "outcome": outcome, "ended_at": now, "next_look_at": None}
    outcome["sentence"] = "It was sent, and what became of it is not known yet: the bot is being read"
    first = SOON if outcome["answered"] else FIRST_LOOK
    return {"state": Command.UNKNOWN, "code": "lost_answer", "outcome": outcome, "next_look_at": now + first}


def code_of(error: BotError) -> str:
    if isinstance(error, Refused | NotRunning | NoSuchTrade):
        return "bot_refused"
    if isinstance(error, TryAgain) and not isinstance(error, Busy | BotFailed):
        return "not_sent_unreachable"
    return error.code


def milliseconds(span: timedelta) -> int:
    return max(round(span.total_seconds() * 1000), 0)


def outcome_with(command: Command, more: Mapping[str, Any]) -> dict[str, Any]:
    return {**command.outcome, **more}

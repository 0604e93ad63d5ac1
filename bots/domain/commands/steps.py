"""One step of a command: a conditional UPDATE on the state before it, with what tells of it, in one transaction."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from bots.domain import events
from bots.domain.audit import Act, Actor, append
from bots.domain.audit.entry import Detail
from bots.domain.commands.wording import about, pair_of
from bots.models import BotStatus, Command, Event

# Who takes the steps that no person takes.
PORTAL = Actor(name="portal", role="process", client="commands")
TOLD_OF_A_TRADE = ("trade_id", "pair", "side", "amount")
TOLD_TRADES = 20  # of an exit-all, in an audit row: it holds 16 kB, and a bot may name its pairs in any script
TOLD_AS_EVENTS = {
    Command.WAITING: "command_waiting",
    Command.INTENT: "command_asked",
    Command.DONE: "command_done",
    Command.REFUSED: "command_refused",
    Command.UNKNOWN: "command_unknown",
    Command.CANCELLED: "command_cancelled",
    Command.EXPIRED: "command_expired",
}


def take_step(
    command: Command,
    states: Collection[str],
    to: str,
    *,
    actor: Actor = PORTAL,
    where: Q | None = None,
    details: Mapping[str, Detail] | None = None,
    **columns: Any,
) -> bool:
    """Whether it was ours to take: False when the command is in none of `states` any more (or `where` fails).

    The command in memory has the new values then. Raises AuditUnavailable: nothing was changed.
    """
    with transaction.atomic():
        mine = Command.objects.filter(where or Q(), pk=command.pk, state__in=states)
        if not mine.update(state=to, **columns):
            return False
        for name, value in {"state": to, **columns}.items():
            setattr(command, name, value)
        tell(command)
        append(act_of(f"command_{to}", actor, command, details))
    return True


def act_of(action: str, actor: Actor, command: Command, details: Mapping[str, Detail] | None = None) -> Act:
    """The audit row of a step: which command, how it stands, and what is new with this step."""
    told: dict[str, Detail] = {"command": command.pk, "action": command.action, "state": command.state}
    if "trade_id" in command.params:
        told["trade_id"] = command.params["trade_id"]
    if command.code:
        told["code"] = command.code
    return replace(Act.on_bot(action, actor, command.bot), details={**told, **(details or {})})


def tell(command: Command) -> None:
    """The time line and the open pages, with the commit."""
    moment = timezone.now()
    if kind := TOLD_AS_EVENTS.get(command.state):
        events.record([happened(kind, command, moment)], moment)
    change(command)


def change(command: Command, *more: str) -> None:
    """Raise the bot's seq in this transaction and announce it after the commit."""
    bot = command.bot
    BotStatus.objects.filter(pk=bot.pk).update(seq=F("seq") + 1)
    seq = BotStatus.objects.values_list("seq", flat=True).get(pk=bot.pk)
    changed = events.Changed(bot.pk, bot.slug, bot.team_id, ("commands", *more), seq)
    transaction.on_commit(lambda: events.announce([changed]))


def happened(kind: str, command: Command, moment: datetime) -> events.Happened:
    sentence = command.outcome.get("sentence") or command.reason
    return events.Happened(
        kind=kind,
        team_id=command.team_id,
        bot_id=command.bot_id,
        at=moment,
        key=f"command:{command.pk}:{command.state}",
        text=f"{events.KINDS[kind].label}: {about(command)}, by {command.requested_by_name}",
        detail=str(sentence),
        source=Event.PORTAL,
        pair=pair_of(command),
        trade_pk=command.trade_id,
        data={"command": command.pk, "action": command.action, "code": command.code},
    )


def told_before(before: Mapping[str, Any]) -> dict[str, Detail]:
    """What was confirmed, small enough for an audit row whatever the number of trades."""
    told = {name: value for name, value in before.items() if name != "trades"}
    if "trades" in before:
        trades = before["trades"]
        told["open_trades"] = len(trades)
        told["trades"] = [" ".join(str(each[name]) for name in TOLD_OF_A_TRADE) for each in trades[:TOLD_TRADES]]
    return told

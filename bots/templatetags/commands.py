"""How a command is written: its action, what it is about, and how far it has come."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils import timezone

from bots.domain.commands.listing import SHOWN_IN_ROWS_FOR
from bots.domain.commands.wording import WORDS, subject_of
from bots.domain.fleet import decimals_of
from bots.models import Command
from bots.templatetags.figures import rounded, signed

register = template.Library()

STATES = {
    "under_way": "Under way",
    "attention": "Needs somebody",
    Command.WAITING: "Waiting for approval",
    Command.INTENT: "Asked",
    Command.SENT: "Sent",
    Command.DONE: "Done",
    Command.REFUSED: "Refused",
    Command.UNKNOWN: "Unknown",
    Command.CLOSED: "Closed by a person",
    Command.CANCELLED: "Cancelled",
    Command.EXPIRED: "Expired",
}
# Where nothing better was written down when it ended so.
PLAIN = {
    Command.WAITING: "waits for a second person",
    Command.INTENT: "waits to be sent",
    Command.SENT: "waits for the bot's answer",
    Command.UNKNOWN: "sent, and no answer came: it may have happened",
    Command.CANCELLED: "taken back, nothing was sent",
    Command.EXPIRED: "not sent in time, and never will be",
    Command.DONE: "the bot took it",
    Command.REFUSED: "not done",
    Command.CLOSED: "closed by a person",
}
EFFECTS = {"pending": "waits for the fill", "filled": "filled", "partly": "partly filled", "cancelled": "order gone"}


@dataclass(frozen=True)
class Step:
    word: str
    kind: str = ""  # now, ok, no, what


@register.filter
def action_word(action: str) -> str:
    """'force_exit' -> 'Force exit'."""
    return WORDS[action].label if action in WORDS else action.replace("_", " ").capitalize()


@register.filter
def state_word(state: str) -> str:
    return STATES.get(state, state)


@register.filter
def subject(command: Command) -> str:
    """'BTC/USDT #1113', 'ETH/USDT', or 'whole bot'."""
    return subject_of(command) or "whole bot"


@register.filter
def steps(command: Command) -> list[Step]:
    """asked -> [approved ->] sent -> how it ended; the last one says where it stands now."""
    came = [Step("asked")]
    if command.approved_at:
        came.append(Step("approved"))
    if command.sent_at:
        came.append(Step("sent"))
    return standing(command, came)


def standing(command: Command, came: list[Step]) -> list[Step]:
    if command.state == Command.WAITING:
        return [*came, Step("waiting for a second person", "now")]
    if command.state in (Command.INTENT, Command.SENT):
        return [*came[:-1], Step(came[-1].word, "now")]
    return [*came, ended(command)]


def ended(command: Command) -> Step:
    if command.state == Command.DONE:
        return Step("done", "ok")
    if command.state == Command.REFUSED:
        return Step("refused" if command.sent_at else "not sent", "no")
    return {
        Command.UNKNOWN: Step("unknown", "what"),
        Command.CLOSED: Step("closed by hand", "what"),
        Command.CANCELLED: Step("cancelled", "no"),
    }.get(command.state, Step("expired", "no"))


@register.filter
def answer(command: Command) -> str:
    """What became of it, in one line: the bot's words in quotes where it spoke."""
    outcome: Mapping[str, Any] = command.outcome
    if command.state == Command.CLOSED:
        return command.remark or PLAIN[Command.CLOSED]
    told = str(outcome.get("sentence") or "")
    if not told and outcome.get("words"):
        told = f"\N{LEFT DOUBLE QUOTATION MARK}{outcome['words']}\N{RIGHT DOUBLE QUOTATION MARK}"
    told = told or PLAIN.get(command.state, "")
    fill = outcome.get("fill")
    if fill and fill.get("close_rate"):
        return f"{told}; {brought(fill)}"
    effect = EFFECTS.get(command.effect, "") if command.state == Command.DONE else ""
    return f"{told}; {effect}" if effect and effect not in told else told


def brought(fill: Mapping[str, Any]) -> str:
    """'closed at 0.126413, -0.76 USDT'."""
    rate = f"closed at {fill['close_rate']}"
    if fill.get("profit_abs") is None:
        return rate
    currency = str(fill.get("currency", ""))
    return f"{rate}, {signed(rounded(Decimal(fill['profit_abs']), decimals_of(currency)))} {currency}"


@register.filter
def from_iso(text: str | None) -> datetime | None:
    """A moment as commands keep it."""
    return datetime.fromisoformat(text) if text else None


@register.filter
def is_under_way(command: Command | None) -> bool:
    """Nothing else should be asked of the same trade before this has ended."""
    return command is not None and command.state in (Command.WAITING, Command.INTENT, Command.SENT)


@register.filter
def is_recent(command: Command) -> bool:
    """Without an end, or ended within the last minutes."""
    return command.ended_at is None or timezone.now() - command.ended_at < SHOWN_IN_ROWS_FOR


@register.filter
def look_up(found: Mapping[Any, Any] | None, key: object) -> Any:
    """found[key], or nothing."""
    return (found or {}).get(key)


AUDIT_WORDS = {
    "command_asked": "asked",
    "command_waiting": "asked, a second person has to approve",
    "command_intent": "approved",
    "command_approved": "approved",
    "command_declined": "declined",
    "command_sent": "sent to the bot",
    "command_done": "the bot took it",
    "command_refused": "refused",
    "command_unknown": "no answer: it may have happened",
    "command_resolved": "found out by reading the bot",
    "command_closed": "closed with a remark",
    "command_cancelled": "taken back",
    "command_expired": "not sent in time, and never will be",
    "command_effect": "what followed at the bot",
}
KINDS = {
    "command_asked": "t-cmd",
    "command_waiting": "t-cmd",
    "command_done": "t-up",
    "command_effect": "t-up",
    "command_refused": "t-down",
    "command_unknown": "t-warn",
    "command_expired": "t-warn",
}
TOLD_OF = ("reason", "words", "sentence", "found", "remark", "error", "why")


@register.filter
def audit_word(action: str) -> str:
    return AUDIT_WORDS.get(action, action.removeprefix("command_").replace("_", " "))


@register.filter
def audit_kind(action: str) -> str:
    """The mark on the time line."""
    return KINDS.get(action, "")


@register.filter
def told(details: Mapping[str, Any]) -> str:
    """What a row of the audit says in words."""
    outcome = details.get("outcome")
    places = [details, outcome] if isinstance(outcome, Mapping) else [details]
    found = (place.get(name) for place in places for name in TOLD_OF)
    said = list(dict.fromkeys(words for words in found if words and isinstance(words, str)))
    # A sentence often holds the bot's words already.
    return "; ".join(words for words in said if not any(words in other for other in said if other != words))


@register.filter
def until_moment(command: Command, name: str) -> str:
    """'0.4 s': from asking to sent_at or answered_at; "" while that is not known."""
    begun = command.approved_at or command.requested_at
    reached = getattr(command, name)
    return "" if reached is None else f"{max((reached - begun).total_seconds(), 0):.1f} s"

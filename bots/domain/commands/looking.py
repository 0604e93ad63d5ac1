"""Reading a bot again: to resolve what is UNKNOWN, and to follow what it accepted. Never sends anything.

Looks follow a fixed course after the moment of sending (or of the answer), ever more rarely; the tick starts each.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from bots.domain.audit import append
from bots.domain.commands import effects
from bots.domain.commands.claiming import CLOCKS_DIFFER, EXITS, refuse
from bots.domain.commands.evidence import (
    DONE,
    PART,
    UNCHANGED,
    UNCLEAR,
    Found,
    evidence,
    found_of_exit,
    open_before,
    opened,
)
from bots.domain.commands.steps import PORTAL, TOLD_TRADES, act_of, change, take_step
from bots.domain.profit import tells_closed_trades
from bots.models import Command, Trade
from bots.systems.contract import Session
from bots.systems.errors import BotError
from bots.systems.instructions import longest_seconds

UNKNOWN_COURSE = (2, 5, 10, 20, 40, 80, 160, 300)  # seconds after sending; then every 5 minutes
FOLLOWING_COURSE = (1, 2, 4, 8, 16, 32, 64, 128, 300)  # seconds after the answer; then every 5 minutes
EVERY = timedelta(minutes=5)
UNKNOWN_LONGEST, FOLLOWED_LONGEST = timedelta(hours=24), timedelta(days=7)
OFTEN, RARELY = 20, timedelta(minutes=10)  # after so many looks, the pauses to follow what was accepted
# A request that got lost may still be worked at: so long after its end, an unchanged bot has not done it.
SETTLED_AFTER = timedelta(seconds=30)
# An exit of all is worked off trade by trade, and an open entry is cancelled first: until then a trade that is still
# held may get its order.
PART_AFTER = timedelta(minutes=5)
NEEDED_READINGS = 2


def next_look(command: Command, now: datetime) -> datetime | None:
    """None: it has been looked at long enough."""
    unknown = command.state == Command.UNKNOWN
    course, longest = (UNKNOWN_COURSE, UNKNOWN_LONGEST) if unknown else (FOLLOWING_COURSE, FOLLOWED_LONGEST)
    since = (command.sent_at if unknown else command.answered_at) or command.sent_at or command.requested_at
    if now - since > longest:
        return None
    planned = (since + timedelta(seconds=seconds) for seconds in course)
    rarely = not unknown and command.looks >= OFTEN
    return next((at for at in planned if at > now), now + (RARELY if rarely else EVERY))


def to_look_at(command_id: int) -> Command | None:
    mine = Command.objects.filter(pk=command_id, state__in=(Command.UNKNOWN, Command.DONE))
    return mine.select_related("bot__team", "bot__status", "trade").first()


def asks_the_bot(command: Command) -> bool:
    """Until its end is known: of most acts, and of an exit that was cancelled, the polls bring none."""
    return command.bot.retired_at is None and command.bot.enabled


async def look(command: Command, session: Session) -> Found:
    """One look at the bot. A bot that cannot be read tells nothing."""
    try:
        return await evidence(command, session)
    except BotError as error:
        return Found(UNCLEAR, f"The bot could not be read: {error}")


def seen_in_mirror(command: Command) -> bool:
    """Whether the polls have brought its end already: then the bot need not be asked."""
    if command.action != "force_exit" or command.trade is None or command.sent_at is None:
        return False
    row: Trade = command.trade
    if row.is_open or row.changed_at < command.sent_at:
        return False
    write(command, found_of_exit(command, effects.from_mirror(row)))
    return True


def write(command: Command, found: Found) -> None:
    """What a look brought, if the command still stands as it did before it. Raises AuditUnavailable."""
    if command.state == Command.UNKNOWN:
        resolve(command, found)
    elif found.verdict in (DONE, PART):
        follow(command, found)


# --- resolving --------------------------------------------------------------------------------------------------------


def resolve(command: Command, found: Found) -> None:
    now = timezone.now()
    found = entered_in_mirror(command, found)
    if found.verdict == DONE:
        resolved(command, found, now)
        return
    readings = command.outcome.get("readings", 0) + (found.verdict in (PART, UNCHANGED))
    doubt = untold_by_mirror(command, found)
    if found.verdict == UNCLEAR or readings < NEEDED_READINGS or not settled(command, now) or doubt:
        note(command, {"found": f"{found.words}{doubt}", "readings": readings})
    elif found.verdict == PART:
        following = replace(found, effect=effects.PENDING) if found.effect and not is_all_of_it(command) else found
        resolved(command, following, now)
    else:
        unchanged(command, found)


def settled(command: Command, now: datetime) -> bool:
    """Long enough after the request ended; at once when the bot itself had answered."""
    return bool(command.outcome.get("answered")) or now >= settled_at(command)


def settled_at(command: Command) -> datetime:
    sent = command.sent_at or command.requested_at
    return (command.answered_at or sent + timedelta(seconds=longest_seconds(command.action))) + SETTLED_AFTER


def is_unseen_entry(command: Command, found: Found) -> bool:
    """An entry without an answer that no open trade shows: it may have been opened and closed again before the look."""
    return command.action == "force_enter" and found.verdict == UNCHANGED and not command.outcome.get("answered")


def entered_in_mirror(command: Command, found: Found) -> Found:
    """By the first trade of the pair that the polls brought since it was sent, open or closed; else as it was found."""
    if not is_unseen_entry(command, found):
        return found
    since = (command.sent_at or command.requested_at) - CLOCKS_DIFFER
    rows = Trade.objects.filter(
        bot=command.bot_id, pair=command.params["pair"], open_ms__gte=round(since.timestamp() * 1000)
    )
    before = open_before(command)
    fresh = (row for row in rows.order_by("open_ms") if (row.trade_id, row.open_ms) not in before)
    return next((opened(effects.from_mirror(row)) for row in fresh), found)


def untold_by_mirror(command: Command, found: Found) -> str:
    """Why a missing trade proves nothing yet; "" where it does."""
    if not is_unseen_entry(command, found):
        return ""
    status = command.bot.status
    if not tells_closed_trades(status):
        return "; it may have been closed again: this bot tells nothing of closed trades"
    read, since = (status.seen_at, status.history_at), settled_at(command)
    if all(at is not None and at >= since for at in read):
        return ""
    return "; it may have been closed again: the closed trades are not read yet"


def resolved(command: Command, found: Found, now: datetime) -> None:
    """UNKNOWN -> DONE."""
    outcome = after(command, found, f"It happened: {found.words}")
    following = next_look_after_done(command, found, now)
    details = {"outcome": {"found": found.words, "effect": outcome.get("effect", "")}}
    changes: dict[str, Any] = {"code": "", "outcome": outcome, "ended_at": now, "next_look_at": following}
    take_step(command, (Command.UNKNOWN,), Command.DONE, details=details, **changes)


def next_look_after_done(command: Command, found: Found, now: datetime) -> datetime | None:
    pending = found.effect == effects.PENDING
    return now + timedelta(seconds=FOLLOWING_COURSE[0]) if pending else None


def unchanged(command: Command, found: Found) -> None:
    """UNKNOWN -> REFUSED: it was read again and again, and nothing had happened."""
    if command.outcome.get("answered"):
        words = command.outcome.get("words", "")
        refuse(command, "bot_refused", f"{words}; nothing changed: {found.words}", (Command.UNKNOWN,))
    else:
        refuse(command, "no_effect", f"It had no effect: {found.words}", (Command.UNKNOWN,))


def note(command: Command, more: dict[str, Any]) -> None:
    """Not a step: what the last look brought, for people."""
    outcome = {**command.outcome, **more}
    if Command.objects.filter(pk=command.pk, state=command.state, looks=command.looks).update(outcome=outcome):
        command.outcome = outcome


# --- following --------------------------------------------------------------------------------------------------------


def follow(command: Command, found: Found) -> None:
    """The effect of what the bot accepted. When it is final the audit gets a row with the fill."""
    if found.effect not in effects.SETTLED or (found.verdict == PART and not is_all_of_it(command)):
        return
    outcome = after(command, found, command.outcome.get("sentence", ""))
    with transaction.atomic():
        pending = Command.objects.filter(pk=command.pk, state=Command.DONE, outcome__effect=effects.PENDING)
        if not pending.update(outcome=outcome, next_look_at=None):
            return
        command.outcome = outcome
        change(command, *(("trades",) if command.action in EXITS else ()))
        append(act_of("command_effect", PORTAL, command, {"outcome": told(outcome)}))


def is_all_of_it(command: Command) -> bool:
    """What is still held by now stays so."""
    since = command.answered_at or command.sent_at or command.requested_at
    return timezone.now() >= since + PART_AFTER


def after(command: Command, found: Found, sentence: str) -> dict[str, Any]:
    more = {"effect": found.effect} if found.effect else {}
    return {**command.outcome, **found.more, **more, "found": found.words, "sentence": sentence}


def told(outcome: dict[str, Any]) -> dict[str, Any]:
    """Of the outcome, what belongs into the audit: small, whatever the number of trades."""
    names = ("effect", "found", "fill")
    small = {name: outcome[name] for name in names if outcome.get(name)}
    if "trades" in outcome:
        small["trades"] = [end_in_words(end) for end in outcome["trades"][:TOLD_TRADES]]
    return small


def end_in_words(end: dict[str, Any]) -> str:
    fill = end.get("fill") or {}
    profit = f", {fill['profit_abs']} {fill['currency']}" if fill.get("profit_abs") else ""
    return f"{end['pair']} #{end['trade_id']}: {end['effect'] or 'not seen'}{profit}"

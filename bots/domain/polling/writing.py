"""Results into the tables: one transaction for many bots, only by those who still hold the right to write."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, transaction

from bots.domain import events, rollups
from bots.domain.happenings import standing
from bots.domain.log_lines import about
from bots.domain.mirror import mirror
from bots.domain.polling import readings
from bots.domain.polling.asking import PollResult
from bots.domain.polling.kept import Kept
from bots.domain.polling.metering import RESTS, RESTS_READING_ON
from bots.domain.polling.orders import PollOrder, orders_for
from bots.domain.polling.schedule import Claim, back_off, locked, next_due
from bots.domain.polling.standing import DESCRIPTION, failed, succeeded
from bots.models import BotStatus, PollTurn
from bots.models.loading import built, columns_of
from bots.models.prepared import GivenKeys, Prepared
from bots.models.rows import update_rows
from bots.systems.contract import Kind
from bots.systems.errors import BadAnswer, WrongPassword

log = logging.getLogger(__name__)

MOST_PASSWORD_TRIES = 3
STATUS_COLUMNS = [column.name for column in BotStatus._meta.concrete_fields if column.name != "bot"]
# What no quiet poll changes: written only with a changed state.
DESCRIBING = {*DESCRIPTION, "bot_name", "capabilities", "error_code", "last_error"}
MOVING_COLUMNS = [name for name in STATUS_COLUMNS if name not in DESCRIBING]
TURN_COLUMNS = [
    "next_poll_at",
    "leased_until",
    "due",
    "held",
    "full_reread_at",
    "reread_offset",
    "reread_after",
    "mismatches",
]


def write(results: Sequence[PollResult], now: datetime, kept: Kept | None = None) -> list[events.Changed]:
    """Write what polls brought and announce what changed. A bot whose answer the database refuses harms only itself.
    `kept` keeps what was written, for the next polls of these bots.

    Raises OperationalError when the database is not there: nothing was written, the leases run out, the bots are asked
    again.
    """
    try:
        changed = write_together(results, now, kept)
    except OperationalError as failure:
        if not is_deadlock(failure):
            raise
        log.warning("the database ended a circle of waiting writers; %d polls are written again", len(results))
        changed = write_together(begun_anew(results, now), now, kept)
    except Exception as refusal:  # whatever an answer does to our code or the database: it harms only its bot
        fresh = begun_anew(results, now)
        if len(fresh) > 1:
            return [change for result in fresh for change in write([result], now, kept)]
        for result in fresh:
            slug, run = result.order.bot.slug, result.order.run
            log.exception("%s: this answer could not be written", slug, extra=about(slug, run))
        changed = write_together([unwritable(result, refusal) for result in fresh], now, kept)
    events.announce(changed)
    return changed


def is_deadlock(failure: OperationalError) -> bool:
    """PostgreSQL's deadlock_detected: the others go on, and this one may at once try again."""
    return getattr(failure.__cause__, "sqlstate", None) == "40P01"


def begun_anew(results: Sequence[PollResult], now: datetime) -> list[PollResult]:
    """The same results on rows as the database has them: what was rolled back must not live on in memory."""
    claims = [Claim(result.order.bot.id, result.order.turn.fence) for result in results]
    orders = {order.bot.id: order for order in orders_for(claims, now)}
    mine = [result for result in results if holds(result, orders.get(result.order.bot.id))]
    return [replace(result, order=orders[result.order.bot.id]) for result in mine]


def holds(result: PollResult, fresh: PollOrder | None) -> bool:
    return fresh is not None and fresh.turn.fence == result.order.turn.fence


def unwritable(result: PollResult, refusal: Exception) -> PollResult:
    problem = BadAnswer(f"the answer could not be stored: {type(refusal).__name__}")
    return PollResult(result.order, error=problem, requests=result.requests, seconds=result.seconds)


def write_together(results: Sequence[PollResult], now: datetime, kept: Kept | None = None) -> list[events.Changed]:
    with transaction.atomic():
        ours = still_ours(results)
        what = {result.order.bot.id: write_one(result, now) for result in ours}
        readings.keep(ours, now)
        for event in events.record((each for result in ours for each in result.happened), now):
            what[event.bot_id or 0].update(events.words_of(event))
        raise_from_now(ours)
        changed = [changed_at(result, what[result.order.bot.id]) for result in ours]
        described = {change.bot_id for change in changed if "state" in change.what}
        statuses = [result.order.status for result in ours]
        update_rows([status for status in statuses if status.bot_id in described], STATUS_COLUMNS)
        update_rows([status for status in statuses if status.bot_id not in described], MOVING_COLUMNS)
        update_rows([result.order.turn for result in ours], TURN_COLUMNS)
        rollups.recount({result.order.turn.bot: result.days for result in ours if result.days})
    if kept is not None:
        kept.keep(ours)
    return changed


TURN = columns_of(PollTurn)
OWNER, FENCE = TURN.index("bot_id"), TURN.index("fence")
TURNS = Prepared(lambda: locked(GivenKeys("bots")).filter(bot__retired_at=None).values_list(*TURN))
SEQS = Prepared(
    lambda: (
        BotStatus.objects.filter(pk__in=GivenKeys("bots")).order_by("pk").select_for_update().values_list("pk", "seq")
    )
)


def still_ours(results: Sequence[PollResult]) -> list[PollResult]:
    """Those whose fencing number is still the turn's, with the turn as it is now (a person may have woken it)."""
    rows = {row[OWNER]: row for row in TURNS.rows(bots=bots_of(results))}
    ours = []
    for result in results:
        row = rows.get(result.order.bot.id)
        if row is not None and row[FENCE] == result.order.turn.fence:
            look_at_turn(result, row)
            ours.append(result)
    return ours


def look_at_turn(result: PollResult, row: tuple[Any, ...]) -> None:
    """Take over what became of the turn while the bot was asked: nearly always nothing."""
    result.woken, result.hastened = False, frozenset()
    if row == result.order.turn_row:
        return
    turn = built(PollTurn, row)
    asked_anew = result.order.turn.due.keys() - turn.due.keys()
    result.woken = not turn.due and bool(asked_anew)
    result.hastened = frozenset(kind for kind in Kind if kind in asked_anew)
    result.order.turn = turn


def raise_from_now(results: Sequence[PollResult]) -> None:
    """The statuses' numbers as they are now. Others raise them, too, without the turn (commands): from here on they
    wait, and no earlier, because a batch takes its time."""
    seqs = dict(SEQS.rows(bots=bots_of(results)))
    for result in results:
        result.order.status.seq = seqs[result.order.bot.id]


def bots_of(results: Sequence[PollResult]) -> list[int]:
    return [result.order.bot.id for result in results]


def write_one(result: PollResult, now: datetime) -> set[str]:
    """Bring the bot's status, trades and turn (in memory; the trades in the database) to what the poll brought.

    Returns what changed.
    """
    order, status = result.order, result.order.status
    before, result.happened = standing.Standing.of(status), []
    began = time.thread_time()
    result.days, result.mirror_changed, result.seen_open = set(), False, ()
    if result.error is not None:
        what = failed(status, result, now)
    else:
        what = succeeded(status, result, now)
        mirrored = mirror(result, now)
        what |= mirrored.what
        result.days, result.mirror_changed = mirrored.days, bool(mirrored.what)
    result.happened += standing.noticed(order.bot, before, status, now)
    result.cost += time.thread_time() - began
    reschedule(result, now)
    return what


def changed_at(result: PollResult, what: set[str]) -> events.Changed:
    bot, status = result.order.bot, result.order.status
    if what:
        status.seq += 1
    # "seen" alone says: nothing changed, the figures on the page are as fresh as this
    return events.Changed(bot.id, bot.slug, bot.team_id, ("seen", *sorted(what)), status.seq)


def reschedule(result: PollResult, now: datetime) -> None:
    turn, plan = result.order.turn, result.order.bot.plan()
    turn.leased_until = None
    rested = now + timedelta(seconds=result.cost * RESTS)
    if result.error is not None:
        wait = back_off(result.order.status.failures, plan[Kind.STATE], result.error)
        turn.next_poll_at = max(now + timedelta(seconds=wait), rested)
        if isinstance(result.error, WrongPassword) and result.order.status.auth_failures >= MOST_PASSWORD_TRIES:
            turn.held = WrongPassword.code
        return
    if result.woken:
        return
    asked = [kind for kind in [*result.asked, *result.failed] if kind not in result.hastened]
    turn.due = next_due(turn.due, asked, plan, counted_from(turn.next_poll_at, plan[Kind.STATE], now))
    soonest = now if result.hastened else datetime.fromtimestamp(min(turn.due.values()), now.tzinfo)
    turn.next_poll_at = max(soonest, rested)
    if turn.reread_offset is not None or (result.history and result.history.next_offset is not None):
        turn.due[Kind.CLOSED_TRADES] = now.timestamp()
        turn.next_poll_at = now + timedelta(seconds=result.cost * RESTS_READING_ON)


def counted_from(came_due: datetime, every: float, now: datetime) -> datetime:
    """Where the next interval begins: when the poll came due, not when it was over, or every 2 s would be every 3.
    What is later than half an interval (`every`, in seconds) is not made up for."""
    return min(max(came_due, now - timedelta(seconds=every / 2)), now)

"""The mirror: every trade of a bot, exactly as the bot has it, and which life of its database it belongs to.

A trade is known by (run, trade id, open time): bots use ids again. A trade the bot no longer has stays, marked gone and
out of totals. A wiped or swapped database begins a new run; the trades of the old one stay in the reports.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from django.db.models import Count

from accounts.models import Team
from bots.domain.agreement import after_history
from bots.domain.events import Happened
from bots.domain.happenings import standing
from bots.domain.happenings import trades as happenings
from bots.domain.log_lines import about
from bots.domain.polling.asking import History, PollResult, digest_of, moved, repursed
from bots.domain.rollups import day_of
from bots.domain.untold import begun_again, end_untold
from bots.models import BotRun, Trade
from bots.models.money import ExactSum
from bots.models.rollup import UNDATED
from bots.systems import contract

log = logging.getLogger(__name__)

COLUMNS = [field.name for field in Trade._meta.concrete_fields if field.name not in ("id", "seen_at")]


@dataclass
class Mirrored:
    """What one poll changed in the mirror."""

    opened: int = 0
    closed: int = 0
    gone: int = 0
    new_run: BotRun | None = None
    begun: bool = False  # the new run has no rows yet
    what: set[str] = field(default_factory=set)
    days: set[date] = field(default_factory=set)  # on which the sums over closed trades may have changed


def mirror(result: PollResult, now: datetime) -> Mirrored:
    """Bring the bot's trades up to what the poll read. Inside the caller's transaction; changes `result.order.turn`.

    When the open trades moved but the closed ones could not be read, nothing is written: whose database that is was not
    proven in this poll (asking.same_database).
    """
    done = Mirrored()
    if is_as_before(result):
        result.seen_open = result.order.seen_open
        return done
    first = result.order.status.history_at is None and result.closed_trades_told
    run = current_run(result, done, now)
    if run is None:
        return done
    quiet = first or done.new_run is not None  # what is read for the first time is no news
    writer = RunWriter(run, result, now, quiet=quiet, begun=done.begun)
    if result.history is not None or not moved(result) or not result.closed_trades_told:
        trades = trades_of(result)
        writer.write(trades)
        if result.open_trades is not None and not trades:
            result.seen_open = result.open_trades.lasting
        done.days |= writer.days
        done.gone += mark_gone(run, result, now, done.days)
    ended = end_untold(run, result, now)
    result.happened += writer.told
    if done.new_run is not None:
        result.happened += standing.run_began(result.order.bot, run, now)
    if ended:
        done.days.add(UNDATED)
    done.opened, done.closed = writer.opened, writer.closed + ended
    if writer.written or done.gone or ended:
        done.what.add("trades")
        count_run(run)
    if result.history is not None:
        after_history(result, run, now)
    elif not result.closed_trades_told:
        result.order.status.history_at = None  # a sum nobody tells is not known
    return done


def is_as_before(result: PollResult) -> bool:
    """Nearly always: the run goes on, no closed trade was read, and the open ones are as before."""
    order = result.order
    if order.run is None or order.status.history_at is None or not result.closed_trades_told:
        return False
    if result.history is not None or result.followed or result.gone or moved(result) or repursed(result):
        return False
    return result.lists_the_same


def trades_of(result: PollResult) -> list[contract.Trade]:
    """Every trade this poll read, each key once. What is closed wins over the same trade still open a moment before."""
    found: dict[tuple[str, int], contract.Trade] = {}
    listed = result.open_trades.lasting if result.open_trades and not result.lists_the_same else ()
    history = result.history.trades if result.history else ()
    for trade in [*listed, *result.followed, *history]:
        known = result.order.known_open.get(trade.trade_id)
        if known and trade.is_open and known.open_ms == trade.open_ms and known.digest == digest_of(trade):
            continue
        before = found.get((trade.trade_id, trade.open_ms))
        if before is None or before.is_open:
            found[trade.trade_id, trade.open_ms] = trade
    return list(found.values())


# --- Runs -----------------------------------------------------------------------------------------------------------


def current_run(result: PollResult, done: Mirrored, now: datetime) -> BotRun | None:
    """The life of the bot's database that this poll read; None when the poll does not prove which one it was."""
    run, history = result.order.run, result.history
    if run is None:
        return begin_run(result, done, now, "first seen")
    if not result.closed_trades_told:
        return untold_run(run, result, done, now)
    if history is not None and wiped(run, history):
        return other_run(result, done, now, "none of the known trades is at the bot any more")
    if history is not None and not run.closed_count and (known := earlier_run(result)):
        return begin_again(known, result, done, now)
    if repursed(result):
        return repursed_run(run, result, done, now)
    return run


def untold_run(run: BotRun, result: PollResult, done: Mirrored, now: datetime) -> BotRun:
    """Where closed trades are not told, only signs against the run can be seen."""
    reason = changed_purse(run, result) if repursed(result) else begun_again(run, result)
    if not reason:
        return run
    result.ended = []
    return begin_run(result, done, now, reason)


def repursed_run(run: BotRun, result: PollResult, done: Mirrored, now: datetime) -> BotRun | None:
    """Another mode or currency: usually another database, but a bot may go on with the same one. Then its old trades
    stay what they were made in, and none is counted twice."""
    if result.history is None:
        return None
    if not (run.anchor_id or shares_open_trades(result)):
        return other_run(result, done, now, changed_purse(run, result))
    # A history that was read and is not wiped holds the run's newest closed trade (asking.same_database).
    assert result.state is not None
    run.mode, run.currency = result.state.mode, result.state.stake_currency
    run.save(update_fields=["mode", "currency"])
    done.what.add("run")
    return run


def changed_purse(run: BotRun, result: PollResult) -> str:
    assert result.state is not None
    return f"{run.mode} {run.currency} became {result.state.mode} {result.state.stake_currency}"


def shares_open_trades(result: PollResult) -> bool:
    listed, known = result.open_trades, result.order.known_open
    found = listed.lasting if listed else ()
    return any((one := known.get(trade.trade_id)) is not None and one.open_ms == trade.open_ms for trade in found)


def other_run(result: PollResult, done: Mirrored, now: datetime, reason: str) -> BotRun:
    """Another database: one that this bot had before, or a new one."""
    known = earlier_run(result)
    return begin_again(known, result, done, now) if known else begin_run(result, done, now, reason)


def earlier_run(result: PollResult) -> BotRun | None:
    """An ended run of this bot that holds one of the closed trades just read: its database is back."""
    trades = result.history.trades if result.history else ()
    if not trades:  # nearly always: nothing closed since the last reading
        return None
    some = {trade.trade_id: trade.open_ms for trade in [*trades[:250], *trades[-250:]]}
    ended = Trade.objects.filter(
        bot=result.order.bot, run__ended_at__isnull=False, is_open=False, trade_id__in=list(some)
    )
    for run_id, trade_id, open_ms in ended.order_by("-run__number").values_list("run", "trade_id", "open_ms"):
        if some[trade_id] == open_ms:
            return BotRun.objects.get(pk=run_id)
    return None


def begin_again(run: BotRun, result: PollResult, done: Mirrored, now: datetime) -> BotRun:
    """The database of an ended run is back (dry after live, a volume mounted again): its trades are no new ones."""
    order, state = result.order, result.state
    assert state is not None
    BotRun.objects.filter(bot=order.bot, ended_at=None).update(ended_at=now)
    run.ended_at, run.mode, run.currency = None, state.mode, state.stake_currency
    run.save(update_fields=["ended_at", "mode", "currency"])
    take_over(run, result, done)
    slug = order.bot.slug
    log.warning("%s: run %s goes on: its database is back", slug, run.number, extra=about(slug, run))
    return run


def begin_run(result: PollResult, done: Mirrored, now: datetime, reason: str) -> BotRun:
    order, state = result.order, result.state
    assert state is not None
    last = BotRun.objects.filter(bot=order.bot).order_by("-number").first()
    if last:
        BotRun.objects.filter(bot=order.bot, ended_at=None).update(ended_at=now)
    run = BotRun.objects.create(
        bot=order.bot,
        number=last.number + 1 if last else 1,
        mode=state.mode,
        currency=state.stake_currency,
        started_at=now,
        reason=reason,
    )
    take_over(run, result, done)
    done.begun = True
    if last:
        slug = order.bot.slug
        log.warning("%s: run %s begins: %s", slug, run.number, reason, extra=about(slug, run))
    return run


def take_over(run: BotRun, result: PollResult, done: Mirrored) -> None:
    """From here on this run is the bot's: what was known of another one says nothing of it."""
    order = result.order
    order.run = done.new_run = run
    order.known_open, order.seen_open, result.followed, result.gone = {}, (), [], []
    order.turn.mismatches = 0
    order.status.history_at = None
    done.what.add("run")


def wiped(run: BotRun, history: History) -> bool:
    """Whether a reading from the bot's first trade on shows none of the trades the mirror holds in that range."""
    if not history.full or history.offset or not run.closed_count:
        return False
    known = Trade.objects.filter(run=run, is_open=False, gone_at=None)
    if history.next_offset is not None:
        known = known.filter(trade_id__in=[trade.trade_id for trade in history.trades])
        if not known.exists():
            return True
    read = {(trade.trade_id, trade.open_ms) for trade in history.trades}
    return not any(key in read for key in known.values_list("trade_id", "open_ms").iterator())


def count_run(run: BotRun) -> None:
    """What the mirror holds of the run's closed trades, counted anew from its rows."""
    closed = Trade.objects.filter(run=run).closed().aggregate(count=Count("id"), profit=ExactSum("profit_abs"))
    newest = Trade.objects.filter(run=run).closed().order_by("-open_ms").values_list("trade_id", "open_ms").first()
    run.closed_count, run.closed_profit = closed["count"], closed["profit"] or Decimal(0)
    run.anchor_id, run.anchor_ms = newest or ("", 0)
    run.save(update_fields=["closed_count", "closed_profit", "anchor_id", "anchor_ms"])


# --- Trades ---------------------------------------------------------------------------------------------------------


class Known(NamedTuple):
    """What the mirror holds of a trade."""

    digest: str
    is_open: bool
    gone: bool
    close_day: date | None


class RunWriter:
    """Writes trades of one run; what is already there in the same form is left alone."""

    def __init__(self, run: BotRun, result: PollResult, now: datetime, *, quiet: bool, begun: bool) -> None:
        assert result.state is not None
        self.quiet, self.begun, self.told = quiet, begun, list[Happened]()
        self.run, self.bot, self.now = run, result.order.bot, now
        self.mode = result.state.mode
        self.written = self.opened = self.closed = 0
        self.days: set[date] = set()

    @cached_property
    def zone(self) -> ZoneInfo:
        """As it is now: it may have been changed since the poll began."""
        return ZoneInfo(Team.objects.values_list("time_zone", flat=True).get(pk=self.bot.team_id))

    def write(self, trades: Iterable[contract.Trade]) -> None:
        listed = list(trades)
        for start in range(0, len(listed), 500):
            self.write_some(listed[start : start + 500])

    def write_some(self, trades: list[contract.Trade]) -> None:
        known = self.known(trades)
        rows = [row for trade in trades if (row := self.row(trade, known.get((trade.trade_id, trade.open_ms))))]
        news = [] if self.quiet else [row for row in rows if is_news(known.get((row.trade_id, row.open_ms)))]
        before = self.orders_before(news)
        Trade.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["run", "trade_id", "open_ms"], update_fields=UPDATED
        )
        self.written += len(rows)
        self.told += happenings.events_of(self.bot, news, before, self.now)

    def orders_before(self, rows: list[Trade]) -> dict[tuple[str, int], list[dict[str, Any]]]:
        """The orders of those that are known and open."""
        if not rows:
            return {}
        known = Trade.objects.filter(run=self.run, is_open=True, trade_id__in={row.trade_id for row in rows})
        return {(trade_id, ms): orders for trade_id, ms, orders in known.values_list("trade_id", "open_ms", "orders")}

    def known(self, trades: list[contract.Trade]) -> dict[tuple[str, int], Known]:
        """Those the mirror holds, by their keys."""
        if self.begun:
            return {}
        found = Trade.objects.filter(run=self.run, trade_id__in={trade.trade_id for trade in trades})
        listed = found.values_list("trade_id", "open_ms", "digest", "is_open", "gone_at", "close_day")
        return {
            (key, ms): Known(digest, is_open, gone is not None, day) for key, ms, digest, is_open, gone, day in listed
        }

    def row(self, trade: contract.Trade, known: Known | None) -> Trade | None:
        digest = digest_of(trade)
        if known and known.digest == digest and not known.gone:
            return None
        if known and trade.is_open and not known.is_open and not known.gone:
            return None  # closed is final: an older answer saw it open
        self.opened += known is None and trade.is_open
        self.closed += not trade.is_open and (known is None or known.is_open)
        row = Trade(bot=self.bot, run=self.run, mode=self.mode, digest=digest, **self.columns(trade))
        self.days |= {day_of(each.close_day) for each in (row, known) if each and not each.is_open}
        return row

    def columns(self, trade: contract.Trade) -> dict[str, Any]:
        closed = moment(trade.close_ms)
        same = {name: clipped(name, getattr(trade, name)) for name in COPIED}
        return same | {
            "open_date": moment(trade.open_ms),
            "close_date": closed,
            "close_day": closed.astimezone(self.zone).date() if closed and not trade.is_open else None,
            "orders": msgspec.to_builtins(trade.orders),
            "missing": msgspec.to_builtins(trade.missing),
            "seen_at": self.now,
            "changed_at": self.now,
            "gone_at": None,
        }


def is_news(known: Known | None) -> bool:
    """A closed trade that is read in another way, or is found again, has no news."""
    return known is None or known.is_open


COPIED = [name for name in contract.Trade.__struct_fields__ if name in COLUMNS and name not in ("orders", "missing")]
# A trade stays in the mode it was first seen in, whatever its bot does later.
KEY = {"bot", "run", "trade_id", "open_ms", "mode", "seen_at"}
UPDATED = [name for name in COLUMNS if name not in KEY]
LONGEST = {column.name: column.max_length for column in Trade._meta.concrete_fields if column.max_length}


def clipped(name: str, value: Any) -> Any:
    return value[: LONGEST[name]] if isinstance(value, str) and name in LONGEST else value


def moment(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000, UTC)


def mark_gone(run: BotRun, result: PollResult, now: datetime, days: set[date]) -> int:
    """Trades the bot no longer has: open ones it does not know any more, closed ones a full reading did not bring.
    Adds the days these were counted on to `days`."""
    count = 0
    for trade_id, open_ms in result.gone:
        gone = Trade.objects.filter(run=run, trade_id=trade_id, open_ms=open_ms, is_open=True, gone_at=None)
        result.happened += happenings.gone_told(result.order.bot, gone, now)
        count += gone.update(gone_at=now, changed_at=now)
    if result.history is not None and result.history.full:
        missing = missing_from(run, result.history, result.order.turn.reread_after)
        days |= set(missing.values())
        count += Trade.objects.filter(pk__in=missing).update(gone_at=now, changed_at=now)
    return count


def missing_from(run: BotRun, history: History, after: int) -> dict[int, date]:
    """Closed trades of the mirror in the range of ids this part of a full reading covers, which it did not bring: each
    with the day it counts on."""
    read = {(trade.trade_id, trade.open_ms) for trade in history.trades}
    numbers = [int(trade.trade_id) for trade in history.trades if trade.trade_id.isdigit()]
    last = max(numbers, default=after) if history.next_offset is not None else None
    known = Trade.objects.filter(run=run, is_open=False, gone_at=None)
    return {
        pk: day_of(day)
        for pk, trade_id, open_ms, day in known.values_list("pk", "trade_id", "open_ms", "close_day").iterator()
        if (trade_id, open_ms) not in read and within(trade_id, after if history.offset else 0, last)
    }


def within(trade_id: str, after: int, last: int | None) -> bool:
    if not trade_id.isdigit():
        return after == 0 and last is None
    return int(trade_id) > after and (last is None or int(trade_id) <= last)

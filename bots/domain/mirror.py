"""The mirror: every trade of a bot, exactly as the bot has it, and which life of its database it belongs to.

A trade is known by (run, trade id, open time): bots use ids again. A trade the bot no longer has stays, marked gone and
out of totals. A wiped or swapped database begins a new run; the trades of the old one stay in the reports.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from django.db.models import Count, Q
from django.utils import timezone

from bots.domain.polling.asking import History, PollResult, digest_of, moved
from bots.domain.untold import begun_again, end_untold
from bots.models import Bot, BotRun, PollTurn, Trade
from bots.models.money import ExactSum
from bots.systems import contract

log = logging.getLogger(__name__)

# A full reading because count or sum differ: at most this often. Signs of another database do not wait.
REREAD_EVERY = timedelta(minutes=10)
# Bots add floats: sums that agree to this share are the same.
SAME_SUM = Decimal("1e-7")
COLUMNS = [field.name for field in Trade._meta.concrete_fields if field.name not in ("id", "seen_at")]


@dataclass
class Mirrored:
    """What one poll changed in the mirror."""

    opened: int = 0
    closed: int = 0
    gone: int = 0
    new_run: BotRun | None = None
    what: set[str] = field(default_factory=set)


def mirror(result: PollResult, now: datetime) -> Mirrored:
    """Bring the bot's trades up to what the poll read. Inside the caller's transaction; changes `result.order.turn`.

    When the open trades moved but the closed ones could not be read, nothing is written: whose database that is was not
    proven in this poll (asking.same_database).
    """
    done = Mirrored()
    run = current_run(result, done, now)
    writer = RunWriter(run, result.order.bot, now)
    if result.history is not None or not moved(result) or not result.closed_trades_told:
        writer.write(trades_of(result))
        done.gone += mark_gone(run, result, now)
    ended = end_untold(run, result, now)
    done.opened, done.closed = writer.opened, writer.closed + ended
    if writer.written or done.gone or ended:
        done.what.add("trades")
        count_run(run)
    if result.history is not None:
        after_history(result, run, now)
    return done


def trades_of(result: PollResult) -> list[contract.Trade]:
    """Every trade this poll read, each key once. What is closed wins over the same trade still open a moment before."""
    found: dict[tuple[str, int], contract.Trade] = {}
    listed = result.open_trades
    history = result.history.trades if result.history else ()
    for trade in [*(each.trade for each in (listed.trades if listed else ())), *result.followed, *history]:
        known = result.order.known_open.get(trade.trade_id)
        if known and trade.is_open and known.open_ms == trade.open_ms and known.digest == digest_of(trade):
            continue
        before = found.get((trade.trade_id, trade.open_ms))
        if before is None or before.is_open:
            found[trade.trade_id, trade.open_ms] = trade
    return list(found.values())


# --- Runs -----------------------------------------------------------------------------------------------------------


def current_run(result: PollResult, done: Mirrored, now: datetime) -> BotRun:
    state, run = result.state, result.order.run
    assert state is not None
    if run is None:
        return begin_run(result, done, now, "first seen")
    if (run.mode, run.currency) != (state.mode, state.stake_currency):
        # What was asked by the old run's marks says nothing of the new one: its trades are read in the next poll.
        result.history, result.followed, result.gone, result.ended = None, [], [], []
        result.order.turn.reread_offset = 0
        reason = f"{run.mode} {run.currency} became {state.mode} {state.stake_currency}"
        return begin_run(result, done, now, reason)
    if result.history is not None and wiped(run, result.history):
        return begin_run(result, done, now, "none of the known trades is at the bot any more")
    if not result.closed_trades_told and (reason := begun_again(run, result)):
        result.ended = []
        return begin_run(result, done, now, reason)
    return run


def begin_run(result: PollResult, done: Mirrored, now: datetime, reason: str) -> BotRun:
    order, state = result.order, result.state
    assert state is not None
    last = BotRun.objects.filter(bot=order.bot).order_by("-number").first()
    BotRun.objects.filter(bot=order.bot, ended_at=None).update(ended_at=now)
    number = last.number + 1 if last else 1
    order.run = done.new_run = BotRun.objects.create(
        bot=order.bot, number=number, mode=state.mode, currency=state.stake_currency, started_at=now, reason=reason
    )
    order.known_open = {}
    order.turn.mismatches = 0
    done.what.add("run")
    if last:
        log.warning("%s: run %s begins: %s", order.bot.slug, number, reason, extra={"bot": order.bot.slug})
    return order.run


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


class RunWriter:
    """Writes trades of one run; what is already there in the same form is left alone."""

    def __init__(self, run: BotRun, bot: Bot, now: datetime) -> None:
        self.run, self.bot, self.now = run, bot, now
        self.zone = ZoneInfo(bot.team.time_zone)
        self.written = self.opened = self.closed = 0

    def write(self, trades: Iterable[contract.Trade]) -> None:
        listed = list(trades)
        for start in range(0, len(listed), 500):
            self.write_some(listed[start : start + 500])

    def write_some(self, trades: list[contract.Trade]) -> None:
        known = self.known(trades)
        rows = [row for trade in trades if (row := self.row(trade, known.get((trade.trade_id, trade.open_ms))))]
        Trade.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["run", "trade_id", "open_ms"], update_fields=UPDATED
        )
        self.written += len(rows)

    def known(self, trades: list[contract.Trade]) -> dict[tuple[str, int], tuple[str, bool, bool]]:
        """Key -> (digest, is open, gone) of those the mirror holds."""
        found = Trade.objects.filter(run=self.run, trade_id__in={trade.trade_id for trade in trades})
        listed = found.values_list("trade_id", "open_ms", "digest", "is_open", "gone_at")
        return {(key, ms): (digest, is_open, gone is not None) for key, ms, digest, is_open, gone in listed}

    def row(self, trade: contract.Trade, known: tuple[str, bool, bool] | None) -> Trade | None:
        digest = digest_of(trade)
        if known and known[0] == digest and not known[2]:
            return None
        if known and trade.is_open and not known[1] and not known[2]:
            return None  # closed is final: an older answer saw it open
        self.opened += known is None and trade.is_open
        self.closed += not trade.is_open and (known is None or known[1])
        return Trade(bot=self.bot, run=self.run, mode=self.run.mode, digest=digest, **self.columns(trade))

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


COPIED = [name for name in contract.Trade.__struct_fields__ if name in COLUMNS and name not in ("orders", "missing")]
KEY = {"bot", "run", "trade_id", "open_ms", "seen_at"}
UPDATED = [name for name in COLUMNS if name not in KEY]
LONGEST = {column.name: column.max_length for column in Trade._meta.concrete_fields if column.max_length}


def clipped(name: str, value: Any) -> Any:
    return value[: LONGEST[name]] if isinstance(value, str) and name in LONGEST else value


def moment(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000, UTC)


def mark_gone(run: BotRun, result: PollResult, now: datetime) -> int:
    """Trades the bot no longer has: open ones it does not know any more, closed ones a full reading did not bring."""
    count = 0
    for trade_id, open_ms in result.gone:
        gone = Trade.objects.filter(run=run, trade_id=trade_id, open_ms=open_ms, is_open=True, gone_at=None)
        count += gone.update(gone_at=now, changed_at=now)
    if result.history is not None and result.history.full:
        missing = missing_from(run, result.history, result.order.turn.reread_after)
        count += Trade.objects.filter(pk__in=missing).update(gone_at=now, changed_at=now)
    return count


def missing_from(run: BotRun, history: History, after: int) -> list[int]:
    """Closed trades of the mirror in the range of ids this part of a full reading covers, which it did not bring."""
    read = {(trade.trade_id, trade.open_ms) for trade in history.trades}
    numbers = [int(trade.trade_id) for trade in history.trades if trade.trade_id.isdigit()]
    last = max(numbers, default=after) if history.next_offset is not None else None
    known = Trade.objects.filter(run=run, is_open=False, gone_at=None).values_list("pk", "trade_id", "open_ms")
    return [
        pk
        for pk, trade_id, open_ms in known.iterator()
        if (trade_id, open_ms) not in read and within(trade_id, after if history.offset else 0, last)
    ]


def within(trade_id: str, after: int, last: int | None) -> bool:
    if not trade_id.isdigit():
        return after == 0 and last is None
    return int(trade_id) > after and (last is None or int(trade_id) <= last)


# --- Agreement with the bot's own figures ---------------------------------------------------------------------------


def after_history(result: PollResult, run: BotRun, now: datetime) -> None:
    """Go on with a full reading in parts, or compare the mirror with what the bot says of itself."""
    turn, history = result.order.turn, result.history
    assert history is not None
    if history.full:
        numbers = [int(trade.trade_id) for trade in history.trades if trade.trade_id.isdigit()]
        turn.reread_offset = history.next_offset
        turn.reread_after = max(numbers, default=0) if history.next_offset is not None else 0
        turn.full_reread_at = turn.full_reread_at if history.unasked else now
        turn.mismatches = 0
        return
    if turn.reread_offset is not None or history.next_offset is not None:
        return
    turn.mismatches = turn.mismatches + 1 if differs(result, run, history) else 0
    if turn.mismatches >= 2 and (turn.full_reread_at is None or now - turn.full_reread_at >= REREAD_EVERY):
        demand_reread(turn, now, f"the bot's closed trades are not the {run.closed_count} of the mirror")


def differs(result: PollResult, run: BotRun, history: History) -> bool:
    total = history.total if history.total is not None else counted_by_the_bot(result)
    if total is not None and total != run.closed_count:
        return True
    profit = result.profit
    if profit is None or profit.closed_abs is None or profit.closed_count != run.closed_count:
        return False
    volume = max(abs(profit.closed_abs), profit.trading_volume or Decimal(0), Decimal(1))
    return abs(profit.closed_abs - run.closed_profit) > volume * SAME_SUM


def counted_by_the_bot(result: PollResult) -> int | None:
    """Closed trades as the bot counts them; some releases only count the open ones with them."""
    profit, listed = result.profit, result.open_trades
    if profit is None or profit.closed_count is not None:
        return profit.closed_count if profit else None
    return None if profit.trade_count is None or listed is None else profit.trade_count - len(listed.trades)


def demand_reread(turn: PollTurn, now: datetime, reason: str) -> None:
    log.info("bot %s: all closed trades are read again: %s", turn.bot_id, reason)
    turn.reread_offset, turn.reread_after = 0, 0


def close_days_anew(team_id: int, zone: str) -> None:
    """The team's days begin elsewhere: put every closed trade on its day again."""
    trades = Trade.objects.filter(bot__team=team_id).filter(~Q(close_date=None), is_open=False)
    batch: list[Trade] = []
    for trade in trades.only("pk", "close_date", "close_day").iterator(chunk_size=1000):
        trade.close_day = timezone.localtime(trade.close_date, ZoneInfo(zone)).date()
        batch.append(trade)
        if len(batch) == 1000:
            Trade.objects.bulk_update(batch, ["close_day"])
            batch = []
    Trade.objects.bulk_update(batch, ["close_day"])

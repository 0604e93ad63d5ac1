"""The conversation of one poll: which answers are fetched, in which order, and what a failure leaves standing.

The bot's state comes first: when that fails, the poll has failed and the bot is left alone. After it every reading
stands for itself: what failed keeps its last good value, with the reason, and the others are as fresh as they can be.
"""

import asyncio
import hashlib
import time
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from operator import is_

import msgspec

from bots.domain.account import is_to_the_letter
from bots.domain.events.recording import Happened
from bots.domain.polling.metering import Metered
from bots.domain.polling.orders import PollOrder
from bots.systems.contract import BotState, ClosedTrades, Kind, KnownHistory, OpenTrades, Profit, Session, Trade, Value
from bots.systems.errors import BadAnswer, BotError, NoSuchTrade, NotOffered, TimedOut, Unreachable, WrongPassword

# The order in which a poll asks: what moves first, what is slow last.
ORDER = (
    Kind.OPEN_TRADES,
    Kind.PROFIT,
    Kind.CLOSED_TRADES,
    Kind.BALANCE,
    Kind.HEALTH,
    Kind.LOCKS,
    Kind.LOGS,
    Kind.PERFORMANCE,
    Kind.DAILY,
    Kind.WHITELIST,
    Kind.BLACKLIST,
    Kind.CONFIG,
)
UNDUE = frozenset({Kind.CLOSED_TRADES, Kind.CONFIG})  # the bot's other answers may call for them before they are due
MOST_FOLLOWED = 50  # vanished trades looked up in one poll; the rest follows in the next
MOST_OPEN_TRADES = 2000  # each is a row, and one writer writes for all bots
MOST_ORDERS = 1000  # of one trade
MOST_KEPT_BYTES = 1024 * 1024  # of one reading, as JSON; pages draw it, and every poll may write it anew
encode = msgspec.json.Encoder().encode


@dataclass
class History:
    """Closed trades as read in this poll. `full` readings began at the bot's first trade."""

    trades: tuple[Trade, ...]
    total: int | None
    full: bool = False
    offset: int = 0
    next_offset: int | None = None
    unasked: bool = False  # full because the bot gave everything, not because a full reading was due


@dataclass
class PollResult:
    """What one poll brought. `error` is set when the bot gave not even its state."""

    order: PollOrder
    asked: list[Kind] = field(default_factory=list)
    state: BotState | None = None
    values: dict[Kind, Value] = field(default_factory=dict)
    encoded: dict[Kind, bytes] = field(default_factory=dict)  # the same as JSON, of kinds that are kept
    failed: dict[Kind, BotError] = field(default_factory=dict)
    followed: list[Trade] = field(default_factory=list)  # trades that left the open ones
    gone: list[tuple[str, int]] = field(default_factory=list)  # (trade id, open ms) the bot no longer has
    ended: list[tuple[str, int]] = field(default_factory=list)  # no longer open, at a bot that tells no more of them
    others_open: bool = False  # than the mirror holds as open
    history: History | None = None
    error: BotError | None = None
    requests: int = 0
    seconds: float = 0.0  # of the whole poll
    cost: float = 0.0  # seconds in which it kept the loop or the writer from all other bots
    latency_ms: int | None = None  # of the state's request
    cut_short: BotError | None = None  # too slow to give everything at once
    days: set[date] = field(default_factory=set)  # whose sums over closed trades it changed
    mirror_changed: bool = False  # trades or the run
    seen_open: tuple[Trade, ...] = ()  # the open trades, when the mirror holds them just so
    woken: bool = False  # a person asked for a fresh poll while this one was under way
    hastened: frozenset[Kind] = frozenset()  # asked for anew while this one was under way
    happened: list[Happened] = field(default_factory=list)  # what was noticed while this was written

    @property
    def closed_trades_told(self) -> bool:
        return self.state is None or self.state.tells_closed_trades

    @property
    def open_trades(self) -> OpenTrades | None:
        found = self.values.get(Kind.OPEN_TRADES)
        return found if isinstance(found, OpenTrades) else None

    @property
    def lists_the_same(self) -> bool:
        """The open trades are the very objects that the poll before held against the mirror."""
        listed, seen = self.open_trades, self.order.seen_open
        return listed is not None and len(listed.trades) == len(seen) and all(map(is_, listed.lasting, seen))

    @property
    def profit(self) -> Profit | None:
        found = self.values.get(Kind.PROFIT)
        return found if isinstance(found, Profit) else None


_digests: dict[int, tuple["weakref.ref[Trade]", str]] = {}  # by id; adapters give an unchanged trade as the same object


def digest_of(trade: Trade) -> str:
    """A short fingerprint of the lasting facts."""
    number = id(trade)
    known = _digests.get(number)
    if known is not None and known[0]() is trade:
        return known[1]
    digest = hashlib.blake2b(encode(trade), digest_size=16).hexdigest()
    if trade.is_open:
        _digests[number] = (weakref.ref(trade, lambda _: _digests.pop(number, None)), digest)
    return digest


async def ask(order: PollOrder, session: Session, limit: float) -> PollResult:
    """One poll. Raises nothing of the bot's: failures stand in the result. `limit`: seconds for all of it."""
    result, began, before = PollResult(order), time.monotonic(), session.requests
    metered = Metered(conversation(result, session, began))
    try:
        async with asyncio.timeout(limit):
            await metered
    except BotError as error:
        result.error = bare(error)
    except TimeoutError:
        # With the state known it is only slow: what was not asked stays due, and comes with the next poll.
        late = TimedOut(f"not done within {limit:g} s; the rest is asked next time")
        if result.state is None:
            result.error = late
        else:
            result.cut_short = late
    result.requests, result.seconds = session.requests - before, time.monotonic() - began
    result.cost = metered.seconds
    return result


def bare(error: BotError) -> BotError:
    """Without its traceback: the frames in it hold the whole answer, and results wait to be written."""
    error.__context__ = None
    return error.with_traceback(None)


async def conversation(result: PollResult, session: Session, began: float) -> None:
    state = await session.read(Kind.STATE)
    assert isinstance(state, BotState)
    result.state, result.latency_ms = state, round((time.monotonic() - began) * 1000)
    result.asked.append(Kind.STATE)
    due = result.order.kinds
    for kind in ORDER:
        if (kind in due or kind in UNDUE) and wanted(kind, result) and not await answered(kind, result, session):
            return


def wanted(kind: Kind, result: PollResult) -> bool:
    """Closed trades are also asked for when the open ones changed, or the bot's count is not the mirror's; settings
    when the bot has another mode, release or strategy."""
    if kind is Kind.CLOSED_TRADES:
        return result.closed_trades_told and (
            kind in result.order.kinds
            or result.order.turn.reread_offset is not None
            or repursed(result)
            or moved(result)
        )
    return kind in result.order.kinds or (kind is Kind.CONFIG and became_another(result))


def repursed(result: PollResult) -> bool:
    """The bot trades in another mode or currency than its run: whether with another database must be read."""
    run, state = result.order.run, result.state
    return run is not None and state is not None and (run.mode, run.currency) != (state.mode, state.stake_currency)


def became_another(result: PollResult) -> bool:
    status, state = result.order.status, result.state
    assert state is not None
    told = (state.mode, state.version[:60], state.strategy[:200])  # as long as the columns
    return told != (status.mode, status.version, status.strategy)


def moved(result: PollResult) -> bool:
    profit = result.profit
    return result.others_open or (profit is not None and profit.closed_count not in (None, result.order.closed_count))


def keys_of(now_open: OpenTrades) -> set[tuple[str, int]]:
    return {(each.trade.trade_id, each.trade.open_ms) for each in now_open.trades}


async def answered(kind: Kind, result: PollResult, session: Session) -> bool:
    """Whether the bot still speaks: an unreachable bot is not asked for the rest."""
    try:
        await fetch(kind, result, session)
    except NotOffered:
        result.asked.append(kind)
    except (Unreachable, WrongPassword) as error:
        result.failed[kind] = bare(error)
        return False
    except BotError as error:
        result.failed[kind] = bare(error)
        result.asked.append(kind)
    else:
        result.asked.append(kind)
    return True


async def fetch(kind: Kind, result: PollResult, session: Session) -> None:
    if kind is Kind.CLOSED_TRADES:
        history = await closed_trades(result, session)
        refuse_orders(history.trades)
        result.history = history
        return
    value = await session.read(kind)
    if not isinstance(value, OpenTrades):
        result.encoded[kind] = encoded(kind, value)
        result.values[kind] = value
        return
    refuse_excess(value)
    result.values[kind] = value
    still, known = keys_of(value), result.order.open_keys
    result.others_open = still != known.keys()
    if result.others_open:
        await follow_vanished([key for key in known if key not in still], result, session)


def refuse_excess(value: OpenTrades) -> None:
    """Raises BadAnswer: well-formed, but more than any bot has."""
    if len(value.trades) > MOST_OPEN_TRADES:
        raise BadAnswer(f"{len(value.trades)} trades are open at once, where {MOST_OPEN_TRADES} are the most read")
    refuse_orders(value.lasting)


def encoded(kind: Kind, value: Value) -> bytes:
    """As JSON. Raises BadAnswer: more than is kept of any bot."""
    written = encode(value)
    if len(written) > MOST_KEPT_BYTES:
        raise BadAnswer(f"{len(written)} bytes of {kind.replace('_', ' ')}, where {MOST_KEPT_BYTES} are the most kept")
    return written


def refuse_orders(trades: Iterable[Trade]) -> None:
    for trade in trades:
        if len(trade.orders) > MOST_ORDERS:
            raise BadAnswer(f"trade {trade.trade_id} has {len(trade.orders)} orders, where {MOST_ORDERS} are read")


async def follow_vanished(vanished: list[tuple[str, int]], result: PollResult, session: Session) -> None:
    """Trades of the mirror that are open no more: they closed (under an old id), or the bot removed them."""
    if not result.closed_trades_told:
        result.ended = vanished
        return
    for trade_id, open_ms in vanished[:MOST_FOLLOWED]:
        try:
            trade = await session.trade(trade_id)
        except NoSuchTrade:
            result.gone.append((trade_id, open_ms))
            continue
        refuse_orders([trade])
        if trade.open_ms == open_ms:
            result.followed.append(trade)
        else:  # the id was given to another trade
            result.gone.append((trade_id, open_ms))


async def closed_trades(result: PollResult, session: Session) -> History:
    order = result.order
    if order.turn.reread_offset is not None:
        return history_of(await session.closed_trades(reread(order.turn.reread_offset)), order.turn.reread_offset)
    if told_unchanged(result):
        return History((), order.closed_count)
    new = await session.closed_trades(KnownHistory(order.closed_count, newest=newest_known(result)))
    if new.whole:
        return History(new.trades, new.total, full=True, unasked=True)
    fewer = new.total is not None and new.total < order.closed_count
    if fewer or not (new.proven or await same_database(result, session)):
        return history_of(await session.closed_trades(reread(0)), 0)
    return History(new.trades, new.total, next_offset=new.next_offset)


def told_unchanged(result: PollResult) -> bool:
    """The profit read in this poll is that of the closed trades the mirror holds, which were once read to their end.
    That none was ever closed is borne out by asking."""
    run, profit, read_before = result.order.run, result.profit, result.order.status.history_at is not None
    if run is None or profit is None or not run.closed_count or moved(result) or repursed(result):
        return False
    return read_before and is_to_the_letter(profit, run, (open_ms for _, open_ms in result.order.open_keys))


async def same_database(result: PollResult, session: Session) -> bool:
    """Whether the bot still has the newest closed trade of the mirror. If not, its database may be another one: it is
    read from its beginning before anything is written. Ids alone prove nothing: a wiped database begins at 1 again."""
    newest = newest_known(result)
    if newest is None:
        return True
    try:
        anchor = await session.trade(newest[0])
    except NoSuchTrade:
        return False
    return anchor.open_ms == newest[1]


def newest_known(result: PollResult) -> tuple[str, int] | None:
    run = result.order.run
    return (run.anchor_id, run.anchor_ms) if run and run.anchor_id else None


def reread(offset: int) -> KnownHistory:
    return KnownHistory(closed_count=0, full=True, offset=offset)


def history_of(read: ClosedTrades, offset: int) -> History:
    return History(read.trades, read.total, full=True, offset=offset, next_offset=read.next_offset)

"""The polling engine of a worker process: one event loop for all conversations, one thread that writes.

Shards hand their orders in and go; nobody waits for a dead bot. Results are written in small batches while other polls
are still under way.
"""

import asyncio
import gc
import logging
import queue
import resource
import threading
import time
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import Future
from typing import Any

import uvloop
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from bots.domain.log_lines import about
from bots.domain.polling.asking import PollResult, ask
from bots.domain.polling.keeping import Keeper
from bots.domain.polling.kept import Kept
from bots.domain.polling.orders import PollOrder, orders_for
from bots.domain.polling.schedule import Claim
from bots.domain.polling.writing import write
from bots.models import Bot
from bots.models.doors import open_door
from bots.models.long_threads import look_after_connection
from bots.models.sealing import SealBroken
from bots.systems.contract import Door, Kind, Session
from bots.systems.errors import BotError, WrongSettings

log = logging.getLogger(__name__)

BATCH_SECONDS = 0.2
BATCH_MOST = 250
# A first reading makes a row for each trade and each kind of reading, another poll changes two; whoever else writes,
# people's commands among them, waits for the whole transaction.
FIRST_READING_WEIGHS = 25
# Conversations under way, and results that wait to be written: they lie in memory.
POLLS_AT_ONCE = 1000
# Claims of a process: these, and what follows them until the next tick. Whatever is claimed and not begun must be
# renewed, and read again when that comes too late: with more bots than a process can ask, nothing else got done.
IN_HAND = 3000
# SQLite gives its lock to whoever asks while it is free, and who waits for it asks but every tenth of a second: a
# writer that is behind would keep all others out, people's commands among them. While 10,000 bots were read for the
# first time others waited up to 9 s for a writer that wrote for a second on end.
WRITES_ON_END, SQLITE_ASKS_EVERY = 0.25, 0.11  # seconds
# Objects made since the last look for garbage. What is kept of the bots stays: to look through it again after every
# seven hundred, as Python does unless told otherwise, cost a tenth of a poll.
GARBAGE_AFTER = 50_000
# A poll is several requests; a first reading of a long history is many.
POLL_LIMIT_FACTOR = 3.0


class Engine:
    def __init__(self) -> None:
        self.batches: queue.SimpleQueue[list[PollResult] | None] = queue.SimpleQueue()
        self.arrived: list[PollResult] = []  # since the last batch; only the loop thread touches it
        self.loop = uvloop.new_event_loop()
        self.running = threading.Event()
        self.under_way: set[int] = set()
        self.next_up: dict[int, PollOrder] = {}  # the newest order of a bot whose older conversation is not over
        self.sessions = Sessions()
        self.kept = Kept()
        self.keeper = Keeper()
        self.loop_thread = threading.Thread(target=self.run_loop, name="bots", daemon=True)
        self.writer_thread = threading.Thread(target=self.run_writer, name="bot-writer", daemon=True)

    def start(self) -> "Engine":
        raise_open_files()
        gc.set_threshold(GARBAGE_AFTER)
        self.loop_thread.start()
        self.writer_thread.start()
        self.keeper.start()
        self.running.wait(5)
        return self

    def ask(self, claims: Iterable[Claim], kinds: frozenset[Kind] | None = None) -> None:
        """Begin the polls of these claims, of every kind that is due or of those given; returns at once."""
        self.submit(orders_for(claims, timezone.now(), kinds, self.kept))

    def submit(self, orders: Iterable[PollOrder]) -> None:
        """Begin these polls; returns at once."""
        listed = list(orders)
        self.loop.call_soon_threadsafe(self.begin, listed)

    def call(self, conversation: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Run one coroutine on the bots' loop, for what is not a poll."""
        return asyncio.run_coroutine_threadsafe(conversation, self.loop)

    def stop(self, seconds: float = 2.0) -> None:
        """Write what has come in, give back what is under way: others ask these bots."""
        self.loop.call_soon_threadsafe(self.hand_over)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.loop_thread.join(seconds)
        self.batches.put(None)
        self.writer_thread.join(seconds)
        self.keeper.stop(seconds)

    # --- the loop thread ---

    def run_loop(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.prepare())
        self.loop.call_soon(self.running.set)
        self.loop.run_forever()
        self.door.close()

    async def prepare(self) -> None:
        self.door = open_door()
        self.places = asyncio.Semaphore(POLLS_AT_ONCE)
        self.tasks: set[asyncio.Task[None]] = set()

    def begin(self, orders: list[PollOrder]) -> None:
        for order in orders:
            self.keeper.took(order.claim)
            task = self.loop.create_task(self.poll(order))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def poll(self, order: PollOrder) -> None:
        if order.bot.id in self.under_way:
            self.next_up[order.bot.id] = order  # a person was impatient, or changed the connection: it follows at once
            return
        self.under_way.add(order.bot.id)
        try:
            await self.places.acquire()
            await self.hold_conversation(order)
        finally:
            self.under_way.discard(order.bot.id)
            if following := self.next_up.pop(order.bot.id, None):
                self.begin([following])

    async def hold_conversation(self, order: PollOrder) -> None:
        try:
            self.arrive(await converse(order, self.door, self.sessions))
        except BaseException:  # cancelled: nothing is written, and a claim that nobody ends takes its place for good
            self.settled([order.claim])
            raise

    def arrive(self, result: PollResult) -> None:
        """One hand-over for all results of BATCH_SECONDS: waking the writer for each costs more than writing, and a
        batch costs what six polls do, however many are in it."""
        if not self.arrived:
            self.loop.call_later(BATCH_SECONDS, self.hand_over)
        self.arrived.append(result)

    def hand_over(self) -> None:
        if self.arrived:
            self.batches.put(self.arrived)
            self.arrived = []

    def settled(self, claims: list[Claim]) -> None:
        """Written, or given up: until then nobody else may ask these bots, however long the writer is behind."""
        for claim in claims:
            self.keeper.ended(claim)
            self.places.release()

    # --- the writer thread ---

    def run_writer(self) -> None:
        written_for = 0.0  # seconds
        while (batch := self.batches.get()) is not None:
            for portion in portions(batch):
                began = time.monotonic()
                write_batch(portion, self.kept)
                self.loop.call_soon_threadsafe(self.settled, [result.order.claim for result in portion])
                written_for += time.monotonic() - began
                if written_for > WRITES_ON_END and connection.vendor == "sqlite":
                    time.sleep(SQLITE_ASKS_EVERY)
                    written_for = 0.0
        connection.close()


class Sessions:
    """Open conversations, kept from poll to poll: unsealing a password costs more than asking with it.

    A changed connection is another conversation. Losing all of them costs time, nothing else.
    """

    MOST = 20_000

    def __init__(self) -> None:
        self.kept: dict[int, tuple[tuple[object, ...], Session]] = {}

    def with_(self, bot: Bot, door: Door, release: str) -> Session:
        """Raises WrongSettings, SealBroken."""
        connection = (bot.uuid, bot.system, bot.connection, bot.sealed)
        known = self.kept.get(bot.id)
        if known is not None and known[0] == connection:
            return known[1]
        if len(self.kept) >= self.MOST:
            self.kept.clear()
        session = bot.open(door, release=release)
        self.kept[bot.id] = (connection, session)
        return session


async def converse(order: PollOrder, door: Door, sessions: Sessions) -> PollResult:
    """One poll of one bot. Whatever goes wrong is in the result: the bot's row must say it."""
    limit = settings.PORTAL_POLL_DEADLINE_SECONDS * POLL_LIMIT_FACTOR
    if order.reads_long:
        limit *= 2
    try:
        session = sessions.with_(order.bot, door, order.status.version)
        return await ask(order, session, limit)
    except SealBroken as broken:
        return PollResult(order, error=WrongSettings(str(broken)))
    except BotError as error:
        return PollResult(order, error=error)
    except Exception as bug:  # the boundary of a conversation: one bot's surprise must not end the others
        slug = order.bot.slug
        log.exception("%s: the poll failed in our own code", slug, extra=about(slug, order.run))
        return PollResult(order, error=WrongSettings(f"the portal failed on this bot: {type(bug).__name__}"))


def portions(batch: Iterable[PollResult]) -> Iterator[list[PollResult]]:
    """What is written in one transaction each."""
    portion, weight = list[PollResult](), 0
    for result in batch:
        heavy = FIRST_READING_WEIGHS if result.order.run is None else 1
        if weight + heavy > BATCH_MOST:
            yield portion
            portion, weight = [], 0
        portion.append(result)
        weight += heavy
    if portion:
        yield portion


def write_batch(batch: list[PollResult], kept: Kept | None = None) -> None:
    look_after_connection()
    try:
        write(batch, timezone.now(), kept)
    except DatabaseError as failure:
        log.error("%d polls could not be written, the bots are asked again: %s", len(batch), failure)
        connection.close()
    except Exception:  # the boundary of the writer: without it one surprise would end all writing for good
        log.exception("%d polls could not be written, the bots are asked again", len(batch))
        connection.close()


def raise_open_files() -> None:
    """A connection a bot: the usual limit of 1024 open files is soon reached."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


_engine: Engine | None = None
_lock = threading.Lock()


def engine() -> Engine:
    """The engine of this process, started by its first use."""
    global _engine  # noqa: PLW0603  one per process is the point
    with _lock:
        if _engine is None:
            _engine = Engine().start()
        return _engine


def room() -> int:
    """How many bots more this process should be given now."""
    return max(IN_HAND - len(_engine.keeper.held), 0) if _engine else IN_HAND


def is_behind() -> bool:
    """What is due in its own time comes first: those that have waited longest."""
    return room() < IN_HAND // 2


def stop_engine() -> None:
    global _engine  # noqa: PLW0603
    with _lock:
        if _engine is not None:
            _engine.stop()
            _engine = None

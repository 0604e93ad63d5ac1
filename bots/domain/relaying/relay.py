"""The relay: one line to every bot it holds, and one thread that writes what is heard.

It runs on an event loop of its own, in a process of its own (`manage.py relay`) or inside the all-in-one process.
"""

import asyncio
import logging
import os
import secrets
import socket
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import uvloop
from django.db import DatabaseError, DataError, IntegrityError, connection
from django.db import Error as DatabaseFailure
from django.utils import timezone

from bots.domain.events import Happened
from bots.domain.happenings.messages import Told
from bots.domain.log_lines import about
from bots.domain.polling.engine import raise_open_files
from bots.domain.relaying import leases, writing
from bots.domain.relaying.line import Line
from bots.domain.relaying.reports import Report, note, report_of
from bots.models import Bot
from bots.models.doors import open_door, open_socket_door
from bots.models.long_threads import look_after_connection
from bots.systems.contract import Kind
from bots.systems.hearing import Heard, Stream

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.05
READINGS_AT_ONCE = 50  # of connections out of the database: renewing the leases comes in between
HANDSHAKES_AT_ONCE = 300  # more than the bots of a large fleet that hang and keep their place to the deadline
EARLY_GAP_SECONDS = 1.0  # between two early polls of one bot
REREAD_GAP_SECONDS = 10.0  # between two readings after a reconnect
MOST_WAITING = 20_000  # things heard that wait for a database that does not answer; the polls know the rest
FLOOD_TEXT = "sends more than anybody can listen to"

Given = TypeVar("Given")


class Relay:
    """`poll_soon`: told the bots that are due early, in a thread of its own; a failure of it costs a second. `alive`:
    called on the loop when the leases were renewed and followed."""

    def __init__(
        self,
        poll_soon: Callable[[list[int]], None] | None = None,
        name: str = "",
        alive: Callable[[], None] | None = None,
    ) -> None:
        self.name = name or f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"[:80]
        self.poll_soon = poll_soon
        self.alive = alive
        self.lines: dict[int, tuple[Line, leases.Stamp, asyncio.Task[None]]] = {}
        self.noted: dict[int, Report] = {}  # of these lines, as it stands in the database
        self.teams: dict[int, int] = {}
        self.told: list[Told] = []
        self.floods: dict[int, int] = {}
        self.early: dict[int, set[Kind]] = defaultdict(set)
        self.reread: set[int] = set()
        self.early_at: dict[int, float] = {}  # loop time of the last one
        self.reread_at: dict[int, float] = {}
        self.hastening: asyncio.Task[None] | None = None
        self.renewed_at = 0.0  # loop time
        # A thread for leases, one that writes, one that asks for polls: none of them waits for another's statement.
        self.keeper = ThreadPoolExecutor(1, thread_name_prefix="relay-leases")
        self.writer = ThreadPoolExecutor(1, thread_name_prefix="relay-writer")
        self.caller = ThreadPoolExecutor(1, thread_name_prefix="relay-caller")
        self.ending = asyncio.Event()

    async def run(self) -> None:
        """Until `ending` is set."""
        self.loop = asyncio.get_running_loop()
        self.door, self.sockets = open_door(), open_socket_door()
        self.readings = asyncio.Semaphore(READINGS_AT_ONCE)
        self.places = asyncio.Semaphore(HANDSHAKES_AT_ONCE)
        tasks = [asyncio.create_task(act()) for act in (self.keep_leases, self.hang_up_in_time, self.flush_on)]
        log.info("relay %s listens", self.name)
        try:
            ending = asyncio.create_task(self.ending.wait())
            # None of them ends by itself; if one does, the process ends and says so instead of being deaf.
            done, _ = await asyncio.wait({ending, *tasks}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            ending.cancel()
            for task in filter(None, (*tasks, self.hastening)):
                task.cancel()
            await self.end()

    async def end(self) -> None:
        await self.hang_up(list(self.lines))
        with suppress(DatabaseError, TimeoutError):
            await asyncio.wait_for(self.flush(), 2)
        with suppress(DatabaseError, TimeoutError):
            await asyncio.wait_for(self.on(self.keeper, leases.leave, self.name, timezone.now()), 2)
        self.door.close()
        for thread in (self.keeper, self.writer, self.caller):
            thread.shutdown(wait=False, cancel_futures=True)

    async def on(self, thread: ThreadPoolExecutor, act: Callable[..., Given], *given: Any) -> Given:
        return await self.loop.run_in_executor(thread, partial(in_database, act, *given))

    # --- leases

    async def keep_leases(self) -> None:
        while True:
            began = self.loop.time()
            try:
                shared = await asyncio.wait_for(self.renew(), leases.HANG_UP_SECONDS)
                self.renewed_at = began
                await self.follow(shared)
                if self.alive is not None:
                    self.alive()
            except (DatabaseError, TimeoutError) as problem:
                log.warning("relay %s: its leases cannot be renewed: %s", self.name, str(problem) or "time-out")
            except Exception:  # the boundary of the task: without it the leases would run out and nobody say why
                log.exception("relay %s: keeping its leases failed in our own code", self.name)
            await asyncio.sleep(max(0.1, leases.RENEW_SECONDS - (self.loop.time() - began)))

    async def hang_up_in_time(self) -> None:
        """By this process's own clock, whatever the database or the task that asks it is waiting for: before the
        leases run out and others take the bots."""
        while True:
            if (left := self.lease_left()) > 0:
                await asyncio.sleep(left)
                continue
            if self.lines:
                log.warning("relay %s: hangs up, others may take its bots", self.name)
                await self.hang_up(list(self.lines))
            await asyncio.sleep(0.1)  # until the leases are renewed

    def lease_left(self) -> float:
        """Seconds in which we may still listen by the leases that were renewed last."""
        return self.renewed_at + leases.HANG_UP_SECONDS - self.loop.time()

    async def renew(self) -> leases.Shared:
        reports = [report_of(line) for line, _, _ in self.lines.values()]
        before, self.noted = self.noted, {}  # where this fails, nobody knows what stands in the database
        news = [report for report in reports if report.is_news_after(before.get(report.bot_id))]
        shared = await self.on(self.keeper, renewed, self.name, news)
        # Where we were forgotten meanwhile, a line that stands has a lease that does not know of it.
        self.noted = {report.bot_id: report for report in reports if report.bot_id not in shared.taken}
        return shared

    async def follow(self, shared: leases.Shared) -> None:
        """Hang up what is no longer ours (or leads elsewhere), then release it, then listen to what is new."""
        changed = [bot for bot, (_, stamp, _) in self.lines.items() if shared.mine.get(bot) != stamp]
        await self.hang_up(changed)
        if shared.give_up:
            with suppress(DatabaseError):
                await self.on(self.keeper, leases.release, self.name, shared.give_up)
        if self.lease_left() <= 0:  # letting go took long: what we were told is old
            return
        for bot_id, stamp in shared.mine.items():
            if bot_id not in self.lines:
                line = self.line_to(bot_id, stamp[0])
                self.lines[bot_id] = (line, stamp, self.loop.create_task(line.run()))

    def line_to(self, bot_id: int, slug: str) -> Line:
        return Line(
            bot_id, slug, partial(self.stream_of, bot_id), self.places,
            hear=self.hear, opened=self.opened, flooded=self.flooded,
        )  # fmt: skip

    async def hang_up(self, bots: Iterable[int]) -> None:
        tasks = [self.lines.pop(bot_id)[2] for bot_id in bots]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def stream_of(self, bot_id: int) -> Stream | None:
        """Raises WrongSettings, SealBroken."""
        async with self.readings:
            bot, stream = await self.on(self.keeper, opened_stream, bot_id, self.door, self.sockets)
        self.teams[bot_id] = bot.team_id
        return stream

    # --- what the lines say, on the loop

    def hear(self, line: Line, heard: Heard) -> None:
        if len(self.told) < MOST_WAITING:
            self.told.append(Told(line.bot_id, self.teams[line.bot_id], heard, timezone.now()))
        if heard.changed:
            self.early[line.bot_id].update(heard.changed)

    def opened(self, line: Line) -> None:
        self.reread.add(line.bot_id)

    def flooded(self, line: Line, messages: int) -> None:
        self.floods[line.bot_id] = max(messages, self.floods.get(line.bot_id, 0))
        self.reread.add(line.bot_id)  # what was not looked at is read

    # --- writing

    async def flush_on(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                if self.told or self.floods:
                    await self.flush()
                if (self.early or self.reread) and (self.hastening is None or self.hastening.done()):
                    self.hastening = self.loop.create_task(self.hasten())
            except DatabaseError as problem:
                log.warning("relay %s: what was heard cannot be written yet: %s", self.name, problem)
                await asyncio.sleep(1)
            except Exception:  # the boundary of the task: without it nothing heard would ever be written again
                log.exception("relay %s: writing what was heard failed in our own code", self.name)
                await asyncio.sleep(1)

    async def flush(self) -> None:
        """Raises DatabaseError: then all that was heard waits for the next time."""
        told, self.told = self.told, []
        floods, self.floods = self.floods, {}
        try:
            await self.on(self.writer, written, told, [self.flood_event(*flood) for flood in floods.items()])
        except DatabaseError:
            self.told = [*told, *self.told][:MOST_WAITING]
            raise

    async def hasten(self) -> None:
        """What was told makes old what was read. Nobody who tells something waits for it, or for the broker."""
        reread, early = self.due_rereads(), self.due_early()
        if not reread and not early:
            return
        try:
            await self.on(self.caller, hastened, reread, early)
            if self.poll_soon is not None:
                await self.on(self.caller, self.poll_soon, sorted({*reread, *early}))
        except DatabaseError as problem:
            log.warning("relay %s: what is old cannot be read early yet: %s", self.name, problem)
            self.reread |= reread
            for bot_id, kinds in early.items():
                self.early[bot_id] |= kinds
            await asyncio.sleep(1)
        except Exception:  # the boundary of the task: the polls come in their own time
            log.exception("relay %s: asking for early polls failed in our own code", self.name)
            await asyncio.sleep(1)

    def due_rereads(self) -> set[int]:
        return self.due(self.reread, self.reread_at, REREAD_GAP_SECONDS)

    def due_early(self) -> dict[int, frozenset[Kind]]:
        chosen = self.due(set(self.early), self.early_at, EARLY_GAP_SECONDS)
        return {bot_id: frozenset(kinds) for bot_id in chosen if (kinds := self.early.pop(bot_id))}

    def due(self, waiting: set[int], last: dict[int, float], gap: float) -> set[int]:
        """Those of `waiting` that have had none within the gap; the others wait on."""
        now = self.loop.time()
        chosen = {bot_id for bot_id in waiting if now - last.get(bot_id, -gap) >= gap}
        waiting -= chosen
        last.update(dict.fromkeys(chosen, now))
        return chosen

    def flood_event(self, bot_id: int, messages: int) -> Happened:
        now = timezone.now()
        detail = f"more than {messages} messages within a second; the polls find what was left out"
        return Happened(
            kind="warning",
            team_id=self.teams[bot_id],
            bot_id=bot_id,
            at=now,
            key=f"flood {now:%Y-%m-%d %H}",
            text=FLOOD_TEXT,
            detail=detail,
            source="websocket",
        )


# --- in a thread, with the database


def in_database(act: Callable[..., Given], *given: Any) -> Given:
    look_after_connection()
    try:
        return act(*given)
    except DatabaseFailure:
        connection.close()
        raise


def renewed(name: str, news: list[Report]) -> leases.Shared:
    shared = leases.keep(name)
    note(name, news)
    return shared


def opened_stream(bot_id: int, door: Any, sockets: Any) -> tuple[Bot, Stream | None]:
    """Raises WrongSettings, SealBroken, Bot.DoesNotExist."""
    bot = Bot.objects.select_related("status").get(pk=bot_id)
    return bot, bot.stream(door, sockets, bot.status.version)


def written(told: list[Told], floods: list[Happened]) -> None:
    keep(told, floods, timezone.now())


def hastened(reread: set[int], early: dict[int, frozenset[Kind]]) -> None:
    now: datetime = timezone.now()
    if reread:
        writing.read_early(dict.fromkeys(reread, writing.MOVING), now, patiently=False)
    if early:
        writing.read_early(early, now, patiently=True)


def keep(told: list[Told], floods: list[Happened], now: datetime) -> None:
    """Together; when the database refuses them, one by one, and what it refuses then is left out: the polls know it.

    Raises DatabaseError when the database is not there."""
    try:
        writing.write(told, floods, now)
    except (DataError, IntegrityError) as refusal:
        if len(told) + len(floods) == 1:
            slug = slug_of((told or floods)[0])
            log.error("a thing heard cannot be stored and is left out: %s", type(refusal).__name__, extra=about(slug))
            return
        for each in told:
            keep([each], [], now)
        for flood in floods:
            keep([], [flood], now)


def slug_of(heard: Told | Happened) -> str:
    listed = Bot.objects.filter(pk=heard.bot_id or 0)
    return listed.values_list("slug", flat=True).first() or ""


# --- a relay in a thread of its own


class RelayThread:
    """The relay inside another process."""

    def __init__(self, poll_soon: Callable[[list[int]], None]) -> None:
        self.poll_soon = poll_soon
        self.thread = threading.Thread(target=self.work, name="relay", daemon=True)
        self.running = threading.Event()

    def start(self) -> None:
        self.thread.start()

    def join(self) -> None:
        """Until it has ended, by itself or stopped."""
        self.thread.join()

    def work(self) -> None:
        uvloop.run(self.listen())

    async def listen(self) -> None:
        raise_open_files()
        self.loop, self.relay = asyncio.get_running_loop(), Relay(self.poll_soon)
        self.running.set()
        await self.relay.run()

    def stop(self, seconds: float = 1.0) -> None:
        if self.running.is_set():
            with suppress(RuntimeError):
                self.loop.call_soon_threadsafe(self.relay.ending.set)
            self.thread.join(seconds)

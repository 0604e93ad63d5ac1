"""The outbox of a worker process: one event loop of its own for all commands, so that no hanging bot delays another.

A command is read, checked at the bot, claimed (committed) and sent once. Whatever happens after the claim, nothing
sends it again: it ends by its answer, or stays UNKNOWN until the bot was read.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import uvloop
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from bots.domain import safety
from bots.domain.audit import AuditUnavailable
from bots.domain.commands import claiming, looking
from bots.domain.commands.checking import NotAsConfirmed, look_before
from bots.domain.commands.params import instruction
from bots.domain.log_lines import about
from bots.domain.polling.engine import Sessions
from bots.models import Command
from bots.models.doors import open_door
from bots.models.sealing import SealBroken
from bots.systems.contract import Session
from bots.systems.errors import BotError, TimedOut, WrongSettings
from bots.systems.instructions import Accepted, longest_seconds

log = logging.getLogger(__name__)
Found = TypeVar("Found")

DATABASE_THREADS = 4
BACKSTOP_SECONDS = 5.0  # the adapter keeps its own deadlines; this is for one that does not
# Pauses between tries to write what the bot answered; after them the tick finds the command SENT and reads the bot.
WRITE_AGAIN = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)


def nothing(point: str, command_id: int) -> None:
    """Where a test may stand."""


class Outbox:
    """`at(point, command id)` is called between the steps: loaded, checked, claimed, answered, recorded."""

    def __init__(self, at: Callable[[str, int], None] = nothing) -> None:
        self.at = at
        self.loop = uvloop.new_event_loop()
        self.running = threading.Event()
        self.database = ThreadPoolExecutor(DATABASE_THREADS, thread_name_prefix="outbox-rows")
        self.sessions = Sessions()
        self.under_way: set[tuple[str, int]] = set()  # errand and command
        self.extras: dict[int, dict[str, object]] = {}  # by command, once it is read: what log lines of it carry
        self.tasks: set[asyncio.Task[None]] = set()
        self.thread = threading.Thread(target=self.run, name="outbox", daemon=True)

    def start(self) -> "Outbox":
        self.thread.start()
        self.running.wait(5)
        return self

    def submit(self, command_ids: Iterable[int]) -> None:
        """Send these, if they may still be sent; returns at once."""
        self.begin_soon([(number, self.carry) for number in command_ids])

    def look(self, command_ids: Iterable[int]) -> None:
        """Read the bots of these, which are unknown or followed; returns at once."""
        self.begin_soon([(number, self.follow) for number in command_ids])

    def stop(self, seconds: float = 2.0) -> None:
        """What is nearly done may end; the rest is dropped: not sent it is announced again, sent it becomes UNKNOWN."""
        asyncio.run_coroutine_threadsafe(self.finish(seconds), self.loop)
        self.thread.join(seconds + 1)
        together = threading.Barrier(DATABASE_THREADS)
        for _ in range(DATABASE_THREADS):
            self.database.submit(close_connection, together, seconds)
        self.database.shutdown(wait=True)

    # --- the loop thread ---

    def run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self.prepare())
        self.loop.call_soon(self.running.set)
        self.loop.run_forever()
        self.door.close()

    async def prepare(self) -> None:
        self.door = open_door()

    async def finish(self, seconds: float) -> None:
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=seconds)
        for task in self.tasks:
            task.cancel()
        self.loop.call_soon(self.loop.stop)

    def begin_soon(self, errands: list[tuple[int, Callable[[int], Any]]]) -> None:
        self.loop.call_soon_threadsafe(self.begin, errands)

    def begin(self, errands: list[tuple[int, Callable[[int], Any]]]) -> None:
        """The same message may come twice, or while its command is under way: once is enough."""
        for command_id, errand in errands:
            if (errand.__name__, command_id) not in self.under_way:
                self.under_way.add((errand.__name__, command_id))
                task = self.loop.create_task(self.carried_out(command_id, errand))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)

    async def carried_out(self, command_id: int, errand: Callable[[int], Any]) -> None:
        try:
            await errand(command_id)
        except (DatabaseError, AuditUnavailable) as failure:
            extra = self.extras.get(command_id)
            log.error("command %s waits, because the database refuses: %s", command_id, failure, extra=extra)
        except Exception:  # the boundary of an errand: one command's surprise must not end the others
            log.exception("command %s failed in our own code", command_id, extra=self.extras.get(command_id))
        finally:
            self.extras.pop(command_id, None)
            self.under_way.discard((errand.__name__, command_id))

    async def rows(self, act: Callable[..., Found], *arguments: object) -> Found:
        """Run an act on the database in a thread of its own."""
        return await self.loop.run_in_executor(self.database, on_fresh_connection, act, *arguments)

    # --- sending ---

    async def carry(self, command_id: int) -> None:
        command = await self.rows(claiming.to_send, command_id)
        if command is None:
            return
        self.extras[command_id] = about(command.bot.slug)
        self.at("loaded", command_id)
        if not await self.rows(safety.has_looked):
            await self.rows(claiming.hinder, command, safety.NOT_LOOKED)
            return
        if problem := await self.rows(claiming.why_not, command):
            await self.rows(claiming.refuse, command, *problem)
            return
        session = await self.session_for(command)
        if session is None or not await self.claimed(command, session):
            return
        self.at("claimed", command_id)
        answer = await performed(command, session)
        answered_at = timezone.now()
        self.at("answered", command_id)
        await self.written(command, answer, answered_at)
        self.at("recorded", command_id)

    async def session_for(self, command: Command) -> Session | None:
        bot = command.bot
        try:
            return self.sessions.with_(bot, self.door, bot.status.version)
        except SealBroken as broken:
            extra = about(bot.slug)
            log.error("%s: this worker cannot open the bot's password: %s", bot.slug, broken, extra=extra)
            await self.rows(claiming.hinder, command, "no worker could open the bot's password (PORTAL_SECRETS_KEY)")
        except WrongSettings as error:
            await self.rows(claiming.refuse, command, error.code, f"{error}; nothing was sent")
        return None

    async def claimed(self, command: Command, session: Session) -> bool:
        try:
            seen = await look_before(command, session)
        except NotAsConfirmed as changed:
            await self.rows(claiming.refuse, command, changed.code, str(changed))
            return False
        except BotError as error:
            sentence = f"The bot was to be read first, and could not be: {error}; nothing was sent"
            await self.rows(claiming.refuse, command, claiming.code_of(error), sentence)
            return False
        self.at("checked", command.pk)
        return await self.rows(claiming.claim, command, seen)

    async def written(self, command: Command, answer: Accepted | BotError, answered_at: Any) -> None:
        for pause in (*WRITE_AGAIN, None):
            try:
                await self.rows(claiming.record, command, answer, answered_at)
            except (DatabaseError, AuditUnavailable) as failure:
                extra = about(command.bot.slug)
                log.error("command %s was sent, its answer cannot be written yet: %s", command.pk, failure, extra=extra)
                if pause is not None:
                    await asyncio.sleep(pause)
            else:
                return

    # --- reading what became of it ---

    async def follow(self, command_id: int) -> None:
        command = await self.rows(looking.to_look_at, command_id)
        if command is None:
            return
        self.extras[command_id] = about(command.bot.slug)
        if await self.rows(looking.seen_in_mirror, command):
            return
        session = await self.session_for(command) if looking.asks_the_bot(command) else None
        if session is not None:
            found = await looking.look(command, session)
            await self.rows(looking.write, command, found)


async def performed(command: Command, session: Session) -> Accepted | BotError:
    """Send it, once. What it raises is an answer too."""
    limit = longest_seconds(command.action) + BACKSTOP_SECONDS
    try:
        async with asyncio.timeout(limit):
            return await session.perform(instruction(command.action, command.params, command.before.get("open_ms")))
    except BotError as error:
        return error
    except TimeoutError:
        return TimedOut(f"No answer within {limit:g} s")
    except Exception as bug:  # the boundary of an adapter: after the claim every end must be written down
        log.exception("command %s: the adapter failed", command.pk, extra=about(command.bot.slug))
        return BotError(f"The portal failed while it sent this: {type(bug).__name__}")


def on_fresh_connection(act: Callable[..., Found], *arguments: object) -> Found:
    close_old_connections()
    try:
        return act(*arguments)
    except DatabaseError:
        connection.close()
        raise


def close_connection(together: threading.Barrier, seconds: float) -> None:
    """Each of the threads takes one: none may take two before all have one."""
    connection.close()
    try:
        together.wait(seconds)
    except threading.BrokenBarrierError:
        log.warning("a connection of the outbox was still in use when it stopped")


_outbox: Outbox | None = None
_lock = threading.Lock()


def outbox() -> Outbox:
    """The outbox of this process, started by its first use."""
    global _outbox  # noqa: PLW0603  one per process is the point
    with _lock:
        if _outbox is None:
            _outbox = Outbox().start()
        return _outbox


def stop_outbox() -> None:
    global _outbox  # noqa: PLW0603
    with _lock:
        if _outbox is not None:
            _outbox.stop()
            _outbox = None

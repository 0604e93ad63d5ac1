"""The one place that announces what changed, to every web process.

A lost announcement costs a late refresh, never a wrong page: so nobody waits for it, and nobody fails with it.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from channels.layers import get_channel_layer
from django.conf import settings

log = logging.getLogger(__name__)

GROUP = "changes"
SEND_SECONDS, RETRY_SECONDS = 2.0, 1.0


@dataclass(frozen=True, slots=True)
class Changed:
    """What is new at one bot. `seq` is BotStatus.seq as the change's transaction left it."""

    bot_id: int
    slug: str
    team_id: int
    what: tuple[str, ...]
    seq: int

    def and_then(self, later: "Changed") -> "Changed":
        """Both as one; the order of `what` is kept."""
        what = tuple(dict.fromkeys((*self.what, *later.what)))
        return Changed(later.bot_id, later.slug, later.team_id, what, max(self.seq, later.seq))

    def packed(self) -> list[object]:
        return [self.bot_id, self.slug, self.team_id, list(self.what), self.seq]

    @classmethod
    def unpacked(cls, packed: Sequence[object]) -> Self:
        bot_id, slug, team_id, what, seq = packed
        return cls(bot_id, slug, team_id, tuple(what), seq)  # type: ignore[arg-type]


def layer_failures() -> tuple[type[Exception], ...]:
    """What a channel layer may fail with."""
    if settings.EMBEDDED:
        return OSError, TimeoutError
    from redis.exceptions import RedisError  # an installation without Redis need not load it

    return OSError, TimeoutError, RedisError


def announce(changes: Iterable[Changed]) -> None:
    """Tell every web process. Call it after commit; returns at once and raises nothing."""
    _mouth.say(changes)


def use_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Announce from this running loop from now on (embedded: the web server's, the only one that hears)."""
    _mouth.use(loop)


class _Mouth:
    """Hands changes to the channel layer on an event loop: the one given, or (team installation) one of its own.

    One message is on its way at a time; what comes meanwhile waits, one change a bot, and so does what could not be
    sent: a layer that hangs for an hour costs one late refresh and a bounded piece of memory.
    """

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.waiting: dict[int, Changed] = {}
        self.sending = False
        self.reaching = True
        self.lock = threading.Lock()
        self.pid = os.getpid()

    def use(self, loop: asyncio.AbstractEventLoop | None) -> None:
        with self.lock:
            self.loop, self.sending = loop, False

    def say(self, changes: Iterable[Changed]) -> None:
        loop = self.running_loop()
        if loop is None:
            return
        with self.lock:
            for change in changes:
                self.keep(change)
            if self.sending or not self.waiting:
                return
            self.sending = True
        sending = self.send_waiting()
        try:
            asyncio.run_coroutine_threadsafe(sending, loop)
        except RuntimeError:  # the loop closed between the look and the call
            sending.close()
            self.sending = False

    def running_loop(self) -> asyncio.AbstractEventLoop | None:
        """None where nobody can hear: an embedded installation's process without a web server."""
        if self.pid != os.getpid():  # forked: the parent's thread did not come along
            self.pid, self.lock = os.getpid(), threading.Lock()
            self.use(None)
        if self.loop is not None and self.loop.is_running():
            return self.loop
        if settings.EMBEDDED:
            return None
        loop = own_loop()
        self.use(loop)
        return loop

    async def send_waiting(self) -> None:
        while batch := self.taken():
            if not await self.sent(batch):
                self.give_back(batch)
                await asyncio.sleep(RETRY_SECONDS)

    def taken(self) -> list[Changed]:
        with self.lock:
            batch, self.waiting = list(self.waiting.values()), {}
            self.sending = bool(batch)
        return batch

    def give_back(self, batch: list[Changed]) -> None:
        with self.lock:
            later, self.waiting = self.waiting, {change.bot_id: change for change in batch}
            for change in later.values():
                self.keep(change)

    def keep(self, change: Changed) -> None:
        earlier = self.waiting.get(change.bot_id)
        self.waiting[change.bot_id] = earlier.and_then(change) if earlier else change

    async def sent(self, batch: list[Changed]) -> bool:
        message = {"type": "changed", "changes": [change.packed() for change in batch]}
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await get_channel_layer().group_send(GROUP, message)
        except layer_failures() as failure:
            self.note(False, failure)
            return False
        self.note(True)
        return True

    def note(self, reaching: bool, failure: BaseException | None = None) -> None:
        """Once when it begins, once when it is over."""
        if reaching == self.reaching:
            return
        self.reaching = reaching
        if reaching:
            log.info("changes are announced to browsers again")
        else:
            log.warning("changes cannot be announced: %s; open pages refresh late", str(failure) or "time-out")


def own_loop() -> asyncio.AbstractEventLoop:
    """A fresh event loop, running for the rest of the process in a thread of its own."""
    loop = asyncio.new_event_loop()
    running = threading.Event()
    loop.call_soon(running.set)
    threading.Thread(target=loop.run_forever, name="announcements", daemon=True).start()
    running.wait(1)
    return loop


_mouth = _Mouth()

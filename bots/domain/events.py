"""The one place that announces what changed, to every web process.

A lost announcement costs a late refresh, never a wrong page: so nobody waits for it, and nobody fails with it.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Self

from channels.layers import get_channel_layer
from django.conf import settings
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

GROUP = "changes"
# What a channel layer may fail with.
LAYER_FAILURES = (OSError, TimeoutError, RedisError)
SEND_SECONDS = 2.0
# Announcements on their way at once; while the layer hangs, what comes on top is dropped.
MOST_ON_THE_WAY = 100


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


def announce(changes: Iterable[Changed]) -> None:
    """Tell every web process, in one message. Call it after commit; returns at once and raises nothing."""
    packed = [change.packed() for change in changes]
    if packed:
        _mouth.say({"type": "changed", "changes": packed})


def use_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Announce from this running loop from now on (embedded: the web server's, the only one that hears)."""
    _mouth.use(loop)


class _Mouth:
    """Hands messages to the channel layer on an event loop: the one given, or (team installation) one of its own."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.on_the_way = 0
        self.reaching = True
        self.lock = threading.Lock()
        self.pid = os.getpid()

    def use(self, loop: asyncio.AbstractEventLoop | None) -> None:
        with self.lock:
            self.loop, self.on_the_way = loop, 0

    def say(self, message: dict[str, object]) -> None:
        loop = self.running_loop()
        if loop is None:
            return
        with self.lock:
            if self.on_the_way >= MOST_ON_THE_WAY:
                return
            self.on_the_way += 1
        sending = self.send(message)
        try:
            asyncio.run_coroutine_threadsafe(sending, loop).add_done_callback(self.sent)
        except RuntimeError:  # the loop closed between the look and the call
            sending.close()
            self.sent()

    def running_loop(self) -> asyncio.AbstractEventLoop | None:
        """None where nobody can hear: an embedded installation's process without a web server."""
        if self.pid != os.getpid():  # forked: the parent's thread did not come along
            self.pid, self.lock = os.getpid(), threading.Lock()
            self.use(None)
        if self.loop is not None and self.loop.is_running():
            return self.loop
        if settings.EMBEDDED:
            return None
        with self.lock:
            if self.loop is None or not self.loop.is_running():
                self.loop = own_loop()
        return self.loop

    async def send(self, message: dict[str, object]) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await get_channel_layer().group_send(GROUP, message)
        except LAYER_FAILURES as failure:
            self.note(False, failure)
        else:
            self.note(True)

    def sent(self, future: "Future[None] | None" = None) -> None:
        with self.lock:
            self.on_the_way = max(0, self.on_the_way - 1)

    def note(self, reaching: bool, failure: BaseException | None = None) -> None:
        if reaching == self.reaching:
            return
        self.reaching = reaching
        if reaching:
            log.info("changes are announced to browsers again")
        else:
            log.warning("changes cannot be announced (%s): open pages refresh late", failure or type(failure).__name__)


def own_loop() -> asyncio.AbstractEventLoop:
    """A fresh event loop, running for the rest of the process in a thread of its own."""
    loop = asyncio.new_event_loop()
    running = threading.Event()
    loop.call_soon(running.set)
    threading.Thread(target=loop.run_forever, name="announcements", daemon=True).start()
    running.wait(1)
    return loop


_mouth = _Mouth()

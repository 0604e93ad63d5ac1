"""One browser's socket: what waits to be told, and the writer that tells it. A stalled one holds nobody else."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from django.utils import timezone

from bots.domain.events import Changed
from bots.live.visitors import Visitor

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

# Why we close, in the `bye`, and the close code beside it.
LOGGED_OUT, ROLE_CHANGED, SLOW, DEAF = "logged_out", "role_changed", "slow", ""
CLOSE_CODES = {LOGGED_OUT: 4401, ROLE_CHANGED: 4403, SLOW: 4408, DEAF: 1013}
GOODBYE_SECONDS = 1.0


def rendered(change: Changed) -> str:
    return json.dumps({"bot": change.slug, "what": change.what, "seq": change.seq}, separators=(",", ":"))


class Browser:
    """Waiting news are kept one a bot (later ones join earlier ones), so a slow reader costs bounded memory."""

    def __init__(self, visitor: Visitor, send: Send) -> None:
        self.visitor = visitor
        self.send = send
        self.waiting: dict[int, tuple[Changed, str]] = {}
        self.pong = False
        self.idle: asyncio.Future[None] | None = None
        self.ending: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.writing_since: float | None = None  # loop time

    def offer(self, change: Changed, text: str) -> None:
        """`text` is the change rendered, once for every browser."""
        earlier = self.waiting.get(change.bot_id)
        if earlier is not None:
            change = earlier[0].and_then(change)
            text = rendered(change)
        self.waiting[change.bot_id] = (change, text)
        self.wake()

    def wake(self) -> None:
        if self.idle is not None and not self.idle.done():
            self.idle.set_result(None)

    def end(self, reason: str) -> None:
        if not self.ending.done():
            self.ending.set_result(reason)

    def stalled(self, now: float, patience: float) -> bool:
        """It has not taken a message for `patience` seconds."""
        return self.writing_since is not None and now - self.writing_since > patience

    async def serve(self, receive: Receive, hello: str) -> None:
        """Until the browser goes, or we end it."""
        reading = asyncio.create_task(self.read(receive))
        writing = asyncio.create_task(self.write(hello))
        tasks = {reading, writing}
        awaited: set[asyncio.Future[Any]] = {*tasks, self.ending}
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self.ending.done() and not self.ending.cancelled():
            await self.say_goodbye(self.ending.result())

    async def read(self, receive: Receive) -> None:
        """What a browser says is ignored, but for "ping"."""
        while (message := await receive())["type"] != "websocket.disconnect":
            if message.get("text") == "ping":
                self.pong = True
                self.wake()

    async def write(self, hello: str) -> None:
        await self.tell(hello)
        loop, send = asyncio.get_running_loop(), self.send
        now = loop.time
        while True:
            if not (self.waiting or self.pong):
                self.idle = loop.create_future()  # an asyncio.Event would cost twice as much
                await self.idle
            news, self.waiting = self.waiting, {}
            for _, text in news.values():  # as tell() does: a call less, a thousand times a message
                self.writing_since = now()
                await send({"type": "websocket.send", "text": text})
            self.writing_since = None
            if self.pong:
                self.pong = False
                await self.tell(json.dumps({"pong": timezone.now().isoformat()}))

    async def tell(self, text: str) -> None:
        self.writing_since = asyncio.get_running_loop().time()
        await self.send({"type": "websocket.send", "text": text})
        self.writing_since = None

    async def say_goodbye(self, reason: str) -> None:
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                if reason:
                    await self.tell(json.dumps({"bye": reason}))
                await self.send({"type": "websocket.close", "code": CLOSE_CODES[reason]})
        except (OSError, TimeoutError):  # it went first, or reads nothing at all
            return

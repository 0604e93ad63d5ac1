"""One bot's line: opened, kept alive by questions of our own, and opened again after a while when it breaks."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import datetime

from django.db import DatabaseError
from django.utils import timezone

from bots.domain.log_lines import about
from bots.models.sealing import SealBroken
from bots.systems.errors import BadAnswer, BotError, NeedsAPerson, TryAgain, WrongSettings
from bots.systems.hearing import Heard, Stream

log = logging.getLogger(__name__)

ASK_AFTER_SECONDS = 15.0  # of silence; bots send no signs of life by themselves
ANSWER_SECONDS = 8.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0  # seconds between two tries
PAUSE_FOR_A_PERSON = 120.0  # what asking again does not change
STEADY_SECONDS = 30.0  # a line that stood so long begins its pauses anew
MOST_PER_SECOND = 200  # messages that are looked at; what is beyond is only counted
YIELD_EVERY = 50  # messages: a flood must not keep the loop from the other lines

Opening = Callable[[], Awaitable[Stream | None]]


class Line:
    """`open_stream` gives a fresh stream of the bot, or None where there is none; `places` bounds the handshakes under
    way at once. `hear`, `opened` and `flooded` are called on the loop and must return at once."""

    def __init__(
        self,
        bot_id: int,
        slug: str,
        open_stream: Opening,
        places: asyncio.Semaphore,
        *,
        hear: "Callable[[Line, Heard], None]",
        opened: "Callable[[Line], None]",
        flooded: "Callable[[Line, int], None]",
    ) -> None:
        self.bot_id = bot_id
        self.slug = slug
        self.open_stream = open_stream
        self.places = places
        self.hear = hear
        self.opened = opened
        self.flooded = flooded
        self.connected_since: datetime | None = None
        self.heard_at: datetime | None = None
        self.error: BotError | None = None
        self.messages = self.connects = 0
        self.stream: Stream | None = None
        self.awaiting_sign = False
        self.last_message = 0.0  # loop time
        self.window = 0.0  # loop time: the second in which messages are counted
        self.in_window = 0

    async def run(self) -> None:
        """Until cancelled."""
        tries = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self.listen_once()
            except BotError as error:
                self.lost(error)
            except SealBroken as broken:
                self.lost(WrongSettings(str(broken)))
            except Exception as bug:  # the boundary of a line: one bot's surprise must not end the others
                log.exception("%s: listening failed in our own code", self.slug, extra=about(self.slug))
                self.lost(WrongSettings(f"the portal failed on this bot's websocket: {type(bug).__name__}"))
            finally:
                self.hang_up()
            stood = asyncio.get_running_loop().time() - began
            tries = 0 if stood >= STEADY_SECONDS else tries + 1
            await asyncio.sleep(self.pause(tries))

    def pause(self, tries: int) -> float:
        if isinstance(self.error, NeedsAPerson):
            return PAUSE_FOR_A_PERSON * random.uniform(0.8, 1.2)  # noqa: S311
        doubled = min(FIRST_PAUSE * 2 ** min(max(tries - 1, 0), 10), LONGEST_PAUSE)
        return doubled * random.uniform(0.5, 1.0)  # noqa: S311

    def lost(self, error: BotError) -> None:
        error.__context__ = None
        self.error, self.connected_since = error.with_traceback(None), None

    def hang_up(self) -> None:
        self.connected_since = None
        if self.stream is not None:
            self.stream.abort()
            self.stream = None

    async def listen_once(self) -> None:
        """Raises BotError when the line breaks; SealBroken."""
        try:
            self.stream = stream = await self.open_stream()
        except DatabaseError as problem:
            extra = about(self.slug)
            log.warning("%s: its connection cannot be read, tried again soon: %s", self.slug, problem, extra=extra)
            raise TryAgain("the portal's database did not answer") from None
        if stream is None:
            raise WrongSettings("this bot's release says nothing by itself")
        async with self.places:
            await stream.open()
        self.connected_since, self.error = timezone.now(), None
        self.connects += 1
        self.last_message = asyncio.get_running_loop().time()
        self.opened(self)
        watching = asyncio.create_task(self.watch(stream))
        try:
            await self.read(stream)
        finally:
            watching.cancel()

    async def read(self, stream: Stream) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message = await stream.receive()
            self.last_message, self.awaiting_sign = loop.time(), False
            self.messages += 1
            if self.within_measure(self.last_message):
                self.take(stream, message)
            if self.messages % YIELD_EVERY == 0:
                await asyncio.sleep(0)

    def within_measure(self, now: float) -> bool:
        if now - self.window >= 1.0:
            if self.in_window > MOST_PER_SECOND:
                self.flooded(self, self.in_window)
            self.window, self.in_window = now, 0
        self.in_window += 1
        if self.in_window == MOST_PER_SECOND + 1:
            self.flooded(self, self.in_window)
        return self.in_window <= MOST_PER_SECOND

    def take(self, stream: Stream, message: bytes) -> None:
        try:
            heard = stream.understood(message)
        except BadAnswer as problem:
            log.info("%s: a message is left out: %s", self.slug, problem, extra=about(self.slug))
            return
        if heard is not None:
            self.heard_at = timezone.now()
            self.hear(self, heard)

    async def watch(self, stream: Stream) -> None:
        """A line on which nothing comes back is dead, whatever the operating system believes."""
        loop = asyncio.get_running_loop()
        while True:
            silent = loop.time() - self.last_message
            if silent < ASK_AFTER_SECONDS:
                await asyncio.sleep(ASK_AFTER_SECONDS - silent)
                continue
            self.awaiting_sign = True
            try:
                await stream.ask_for_sign()
            except BotError:
                stream.abort()
                return
            await asyncio.sleep(ANSWER_SECONDS)
            if self.awaiting_sign:
                extra = about(self.slug)
                log.info("%s: its websocket is silent and gives no sign: opened anew", self.slug, extra=extra)
                stream.abort()
                return

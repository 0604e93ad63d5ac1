"""One connection to a bot: a question goes out, its answer is read. One question at a time."""

import asyncio
from collections.abc import Callable

from bots.systems.answering import Answering, End

TICK = 0.001  # seconds: the loop's clock counts in these


class Wire(asyncio.Protocol):
    """Made by the loop's `create_connection`. `lost` is told when, while nothing is asked, it is over or says
    something all the same."""

    def __init__(self, lost: "Callable[[Wire], None]") -> None:
        self._loop = asyncio.get_running_loop()
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._answering = Answering()
        self._answered: asyncio.Future[Answering] | None = None
        self._alarm: asyncio.TimerHandle | None = None  # may ring before the question is late: it outlives questions
        self._late_at = 0.0  # of the loop's clock
        self._unasked = b""  # what it said before it was asked anything
        self.is_over = self._was_cut = False
        self.has_left = False  # a byte of the last question was handed to the network

    def ask(self, message: bytes, max_bytes: int, seconds: float) -> "asyncio.Future[Answering]":
        """Send, and read until the answer is whole, wrong, too large or late. A future of what came, `end` set, to be
        used before the next question; whoever waits no more calls `drop`."""
        answered = self._answered = self._loop.create_future()
        self._answering.begin(max_bytes)
        if self._unasked or self.is_over or self._transport is None:
            self._not_asked()
        else:
            self.has_left = True
            self._late_at = self._loop.time() + seconds
            self._watch()
            self._transport.write(message)
        return answered

    def drop(self) -> None:
        """At once, without a goodbye."""
        if self._answered is not None:
            self._answered.cancel()
            self._answered = None
        self._part(in_peace=False)

    # --- called by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's are none of asyncio's classes

    def data_received(self, data: bytes) -> None:
        if self._answered is None:
            self._unasked = self._unasked or data[:64]
            self._lost(self)
            return
        self._answering.take(data)
        if self._answering.end is not None:
            self._settle()

    def connection_lost(self, problem: Exception | None) -> None:
        self.is_over, self._was_cut = True, problem is not None
        if self._answered is None:
            self._take_alarm_back()
            self._lost(self)
            return
        self._answering.ended(cut=self._was_cut)
        self._settle()

    def _watch(self) -> None:
        """One alarm for many questions: to set and take back one for each costs more."""
        if self._alarm is not None:
            if self._alarm.when() <= self._late_at:
                return
            self._alarm.cancel()
        self._alarm = self._loop.call_at(self._late_at, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._answered is None:
            return
        if self._late_at - self._loop.time() > TICK:
            self._watch()
            return
        self._answering.stop(End.LATE)
        self._settle()

    def _not_asked(self) -> None:
        """Of a stranger that speaks first, or one that is gone already."""
        if self._unasked:
            self._answering.unasked(self._unasked)
        else:
            self._answering.ended(cut=self._was_cut)
        self._settle()

    def _settle(self) -> None:
        answering, answered = self._answering, self._answered
        self._answered = None
        if not answering.kept_alive:
            self._part(in_peace=answering.end is End.ANSWERED)
        if answered is not None and not answered.done():
            answered.set_result(answering)

    def _part(self, *, in_peace: bool) -> None:
        self.is_over = True
        self._take_alarm_back()
        if self._transport is not None:
            (self._transport.close if in_peace else self._transport.abort)()

    def _take_alarm_back(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

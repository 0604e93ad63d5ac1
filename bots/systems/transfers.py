"""libcurl's transfers on an asyncio loop, awaited one by one.

libcurl's sockets wait in an epoll of their own, and that one stands in the loop: all answers that came in since the
last turn are taken up together. A watcher of the loop for each socket and request (pycurl.AsyncCurlMulti) costs about
half as much again as the transfers themselves.
"""

import asyncio
import select
from contextlib import suppress
from typing import Any

import pycurl

HERE = hasattr(select, "epoll")  # on Linux
READ, WRITE = (select.EPOLLIN, select.EPOLLOUT) if HERE else (1, 4)
MOST_AT_ONCE = 1024  # sockets taken up in one turn


class Transfers:
    """The part of pycurl.AsyncCurlMulti that is needed here. Made and used inside one running loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._futures: dict[pycurl.Curl, asyncio.Future[None]] = {}
        self._watched: set[int] = set()
        self._due: float | None = None  # by the loop's clock: when libcurl wants to look at its own time-outs
        self._soon: asyncio.Handle | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = 0.0
        self.closed = False
        self._epoll = select.epoll()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._loop.add_reader(self._epoll.fileno(), self._sockets_ready)

    def setopt(self, option: int, value: Any) -> None:
        self._multi.setopt(option, value)

    def add_handle(self, curl: pycurl.Curl) -> "asyncio.Future[None]":
        """Begin; the future raises pycurl.error. Whoever waits no more tells `give_up`."""
        future: asyncio.Future[None] = self._loop.create_future()
        self._multi.add_handle(curl)
        self._futures[curl] = future
        return future

    def give_up(self, curl: pycurl.Curl) -> None:
        """Nobody waits for it any more."""
        if self._futures.pop(curl, None) is not None:
            self._multi.remove_handle(curl)

    def futures(self) -> "tuple[asyncio.Future[None], ...]":
        return tuple(self._futures.values())

    async def aclose(self) -> None:
        """Ends what is under way and closes every connection."""
        if self.closed:
            return
        for curl, future in list(self._futures.items()):
            self.give_up(curl)
            future.cancel()
        self.closed = True
        for handle in (self._soon, self._alarm):
            if handle is not None:
                handle.cancel()
        self._loop.remove_reader(self._epoll.fileno())
        self._multi.close()
        self._epoll.close()

    # --- called by libcurl; none of these may call it back

    def _watch(self, what: int, fd: int, _multi: object, _data: object) -> None:
        if what in (pycurl.POLL_REMOVE, pycurl.POLL_NONE):
            if fd in self._watched:
                self._watched.discard(fd)
                with suppress(OSError):  # closed already
                    self._epoll.unregister(fd)
            return
        wanted = (READ if what & pycurl.POLL_IN else 0) | (WRITE if what & pycurl.POLL_OUT else 0)
        if fd in self._watched:
            self._epoll.modify(fd, wanted)
        else:
            self._epoll.register(fd, wanted)
            self._watched.add(fd)

    def _set_timer(self, timeout_ms: int) -> None:
        """Several times a request, nearly always to what is over before it is due: an alarm that is set already and
        goes off too early is cheaper than another one."""
        if timeout_ms < 0:
            self._due = None
            return
        self._due = self._loop.time() + timeout_ms / 1000
        if timeout_ms == 0:
            if not self._soon:
                self._soon = self._loop.call_soon(self._at_once)
        elif self._alarm is None or self._alarm_at > self._due:
            self._set_alarm(self._due)

    def _set_alarm(self, at: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm, self._alarm_at = self._loop.call_at(at, self._alarmed), at

    # --- called by the loop

    def _at_once(self) -> None:
        self._soon = None
        self._look_at_the_clock()

    def _alarmed(self) -> None:
        self._alarm = None
        self._look_at_the_clock()

    def _look_at_the_clock(self) -> None:
        if self._due is None:
            return
        if self._due > self._loop.time():
            if self._alarm is None:
                self._set_alarm(self._due)
            return
        self._due = None
        self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        self._finish()

    def _sockets_ready(self) -> None:
        for fd, events in self._epoll.poll(0, MOST_AT_ONCE):
            ready = (pycurl.CSELECT_IN if events & ~WRITE else 0) | (pycurl.CSELECT_OUT if events & WRITE else 0)
            self._multi.socket_action(fd, ready)
        self._finish()

    def _finish(self) -> None:
        """Hand on what has ended."""
        waiting = 1
        while waiting:
            waiting, ended, failed = self._multi.info_read()
            for curl in ended:
                self._ended(curl, None)
            for curl, code, words in failed:
                self._ended(curl, pycurl.error(code, words))

    def _ended(self, curl: pycurl.Curl, error: pycurl.error | None) -> None:
        future = self._futures.pop(curl, None)
        if future is None:
            return
        self._multi.remove_handle(curl)
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


def transfers() -> "Transfers | pycurl.AsyncCurlMulti":
    return Transfers() if HERE else pycurl.AsyncCurlMulti()


def give_up(multi: "Transfers | pycurl.AsyncCurlMulti", curl: pycurl.Curl) -> None:
    """The future was cancelled: AsyncCurlMulti sees that itself."""
    if isinstance(multi, Transfers):
        multi.give_up(curl)

"""Names of bots looked up so that one dead name server holds up no bot but its own.

A shared pool of threads would be full with as many names whose server hangs. Here a name has at most one lookup under
way, however often it is asked for, and nobody waits for another name's.
"""

import asyncio
import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from bots.systems.errors import NameNotFound, TimedOut, Unreachable

Addresses = tuple[str, ...]
FRESH_SECONDS = 60.0
MOST_KNOWN = 20_000
ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|[0-9a-f:.]*:[0-9a-f:.]*")
THIS_MACHINE = re.compile(r"(?:.*\.)?localhost\.?", re.IGNORECASE)
LOOPBACK = ("127.0.0.1", "::1")
MOST_LOOKUPS = 500  # at once, each a thread that waits as long as the system's resolver pleases


def system_lookup(name: str) -> Addresses:
    """Blocks. Raises OSError, UnicodeError."""
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(where[0]) for *_, where in found))


class Names:
    """One per event loop."""

    def __init__(self, lookup: Callable[[str], Addresses] = system_lookup) -> None:
        self._lookup = lookup
        self._known: dict[str, tuple[float, Addresses]] = {}
        self._under_way: dict[str, asyncio.Future[Addresses]] = {}

    async def addresses(self, name: str, deadline: float) -> Addresses:
        """Never empty. An address is its own, and this machine is known (RFC 6761: no name server says where it is).
        `deadline` in seconds. Raises NameNotFound, TimedOut, Unreachable."""
        if ADDRESS.fullmatch(name):
            return (name,)
        if THIS_MACHINE.fullmatch(name):
            return LOOPBACK
        known = self._known.get(name)
        if known and time.monotonic() < known[0]:
            return known[1]
        try:
            found = await asyncio.wait_for(asyncio.shield(self._asked(name)), deadline)
        except TimeoutError:
            raise TimedOut(f"Gave up on {name} after {deadline:.1f} s: the name server did not answer") from None
        if not found:
            raise NameNotFound(f"{name} does not resolve")
        return found

    def _asked(self, name: str) -> "asyncio.Future[Addresses]":
        if name not in self._under_way:
            if len(self._under_way) >= MOST_LOOKUPS:
                raise Unreachable(f"{name} was not looked up: {MOST_LOOKUPS} other names wait for their name servers")
            loop = asyncio.get_running_loop()
            self._under_way[name] = loop.create_future()
            # A daemon, not an executor's thread: the process must not wait for a name server when it ends.
            threading.Thread(target=self._look_up, args=(name, loop), name="lookup", daemon=True).start()
        return self._under_way[name]

    def _look_up(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        try:
            found = self._lookup(name)
        except (OSError, UnicodeError):
            found = ()
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(self._found, name, found)

    def _found(self, name: str, found: Addresses) -> None:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        if found:
            self._known[name] = (time.monotonic() + FRESH_SECONDS, found)
        waiting = self._under_way.pop(name)
        if not waiting.done():
            waiting.set_result(found)

"""Bots that answer as recorded ones did, whole and consistent, until a test breaks one thing."""

import asyncio
import json
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from tests.bots.systems.raw_bots import Caller, Server, Talk, http, serving

FOLDER = Path(__file__).parents[1] / "recordings" / "freqtrade"
RELEASES = ("2020.1", "2021.6", "2022.9.1", "2024.3", "2026.9")
ENDPOINTS = (
    "show_config",
    "status",
    "count",
    "profit",
    "trades",
    "balance",
    "health",
    "locks",
    "logs",
    "performance",
    "daily",
    "whitelist",
    "blacklist",
    "version",
)
# Asked of these alone, whose settings do not tell what stands in it: the version; the state.
ASKED_OF = {"version": ("2020.1", "2021.6"), "count": ("2020.1",)}
REASONS = {404: "404 Not Found", 502: "502 Bad Gateway"}


@cache
def statuses(release: str) -> dict[str, int]:
    """Endpoint -> HTTP status, as recorded."""
    index = json.loads((FOLDER / release / "_index.json").read_text())
    return {name: entry["status"] for name, entry in index.items()}


@cache
def endpoints_of(release: str) -> tuple[str, ...]:
    """What the portal reads of this release, and it gives."""
    known = statuses(release)
    read = [name for name in ENDPOINTS if release in ASKED_OF.get(name, RELEASES)]
    return tuple(name for name in read if known[name] == 200)


Broken = bytes | Callable[[Caller], Awaitable[None]]


class RecordedBot:
    """`instead`: what an endpoint ("status", "trades", "trade", ...; "*": every one) answers in place of the recording:
    a whole answer, or what is done to the caller, after which the connection ends."""

    def __init__(self, release: str = "2026.9") -> None:
        self.release = release
        self.instead: dict[str, Broken] = {}
        self.requests: list[str] = []

    def recorded(self, endpoint: str) -> bytes:
        """The body of a reading."""
        if endpoint == "trades":
            return self.page_of_trades(0)
        return (FOLDER / self.release / f"{endpoint}.json").read_bytes()

    def page_of_trades(self, offset: int) -> bytes:
        page = {"trades": self.closed[offset:], "offset": offset, "total_trades": len(self.closed)}
        return json.dumps({**page, "trades_count": len(page["trades"])}).encode()

    @property
    def closed(self) -> list[dict[str, object]]:
        """Empty where a bot tells nothing of its closed trades."""
        if "trades" not in endpoints_of(self.release):
            return []
        return json.loads((FOLDER / self.release / "trades.json").read_bytes())["trades"]

    @property
    def trades(self) -> dict[str, dict[str, object]]:
        open_ones = json.loads(self.recorded("status"))
        return {str(trade["trade_id"]): trade for trade in [*self.closed, *open_ones]}

    def answer(self, target: str) -> tuple[str, bytes]:
        """(endpoint, whole answer) of a request's target."""
        parts = urlsplit(target.removeprefix("/api/v1/"))
        endpoint, _, number = parts.path.partition("/")
        code = statuses(self.release).get(endpoint, 200)
        if code != 200:
            return endpoint, http((FOLDER / self.release / f"{endpoint}.json").read_bytes(), REASONS[code])
        if endpoint == "trades":
            return endpoint, http(self.page_of_trades(int(parse_qs(parts.query).get("offset", ["0"])[0])))
        if endpoint == "trade" and number not in self.trades:
            return endpoint, http(b'{"detail":"Trade not found."}', "404 Not Found")
        if endpoint == "trade":
            return endpoint, http(json.dumps(self.trades[number]).encode())
        return endpoint, http((FOLDER / self.release / f"{endpoint}.json").read_bytes())

    async def talk(self, caller: Caller) -> None:
        while True:
            head = await caller.request()
            endpoint, answer = self.answer(head.split()[1].decode())
            self.requests.append(endpoint)
            broken = self.instead.get(endpoint, self.instead.get("*", answer))
            if not isinstance(broken, bytes):
                await broken(caller)
                return
            await caller.say(broken)


@contextmanager
def listening(talk: Talk, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> Iterator[Server]:
    """`serving` on a loop of its own in a thread, for tests that are not asynchronous."""
    ready, found = threading.Event(), []
    loop = asyncio.new_event_loop()

    async def live() -> None:
        async with serving(talk, tls, host) as server:
            found.append((server, stop))
            ready.set()
            await stop.wait()
        callers = asyncio.all_tasks() - {asyncio.current_task()}
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)

    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(live(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield found[0][0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()

"""Bots and browsers for benchmarks of the whole portal, each in a process of its own that obeys lines of JSON.

All processes of a machine share its monotonic clock, so a moment noted by one can be compared with another's.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import uvloop

PLACE = "bench.crowd"
# As live.js has them: seconds from one reading of a page to the next, after news and after what is elsewhere.
LEAST_GAP, ELSEWHERE_GAP = 0.25, 4.0
BUSY = 4  # open trades from which on a bot closes one


# --- bots: {"fills": a second, "bots": of so many, "flood": messages a second of the last, "seconds"} ->
# {"sent": [[bot, moment]], "said": messages of the flood}; {} -> {"asked": requests so far}


async def be_bots(wanted: int) -> None:
    from bots.simulator import BotSpec
    from bots.simulator.fleet import Fleet

    specs = [BotSpec(name=f"bot-{n}", seed=n, max_open_trades=8, open_trades=2) for n in range(1, wanted + 1)]
    async with Fleet(specs) as fleet:
        say({"bots": [{**bot.card(), "ws_token": bot.spec.ws_token} for bot in fleet.bots]})
        async for wish in wishes():
            if "fills" in wish:
                filling = fill(fleet.bots[: wish["bots"]], wish["fills"], wish["seconds"])
                flooding = flood(fleet.bots[-1], wish["flood"], wish["seconds"])
                sent, said = await asyncio.gather(filling, flooding)
                say({"sent": sent, "said": said})
            else:
                say({"asked": sum(len(bot.requests) for bot in fleet.bots)})


async def fill(bots: list[Any], per_second: float, seconds: float) -> list[tuple[str, float]]:
    """One after the other opens or closes a trade, and says so."""
    sent = []
    for number in range(int(per_second * seconds)):
        bot = bots[number % len(bots)]
        sent.append((bot.name, time.monotonic()))
        if len(bot.book.open) >= BUSY:
            bot.close_trade(bot.book.open[0].trade_id)
        else:
            bot.open_trade()
        await asyncio.sleep(1 / per_second)
    return sent


async def flood(bot: Any, per_second: int, seconds: float) -> int:
    """Behind its time it says less than it was asked to, and tells how much."""
    said, ends = 0, time.monotonic() + seconds
    while per_second and time.monotonic() < ends:
        bot.flood(per_second // 20)
        said += per_second // 20
        await asyncio.sleep(0.05)
    return said


# --- browsers: {"viewers", "seconds"} -> {"ready"}, then {"frames": [[bot, moment]], "pages": moments, "read": pages}


async def be_browsers(address: str, cookie: str) -> None:
    async for wish in wishes():
        viewers = [Viewer(address, cookie) for _ in range(wish["viewers"])]
        await asyncio.gather(*(viewer.open() for viewer in viewers))
        say({"ready": len(viewers)})
        watching = [asyncio.create_task(viewer.watch()) for viewer in viewers]
        await asyncio.sleep(wish["seconds"])
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        await asyncio.gather(*(viewer.close() for viewer in viewers))
        first = viewers[0] if viewers else None
        seen = {"frames": first.frames, "pages": first.pages} if first else {}
        say({**seen, "read": sum(len(viewer.pages) for viewer in viewers)})


class Viewer:
    """An open page of events: reads it again when told of a change, as live.js does."""

    def __init__(self, address: str, cookie: str) -> None:
        self.address, self.cookie = address, cookie
        self.frames: list[tuple[str, float]] = []  # of those that tell of an event: bot, when it came
        self.pages: list[tuple[float, float]] = []  # asked for, there
        self.news, self.anything = asyncio.Event(), asyncio.Event()

    async def open(self) -> None:
        import aiohttp
        from websockets.asyncio.client import connect

        self.web = aiohttp.ClientSession(headers={"Cookie": self.cookie})
        self.line = await connect(
            self.address.replace("http", "ws") + "/ws/fleet/", origin=self.address,  # type: ignore[arg-type]
            additional_headers={"Cookie": self.cookie}, proxy=None, compression=None, open_timeout=60,
        )  # fmt: skip

    async def close(self) -> None:
        await self.web.close()
        await self.line.close()

    async def watch(self) -> None:
        reading = asyncio.create_task(self.read())
        try:
            async for message in self.line:
                said = json.loads(message)
                if "bot" in said:
                    if "events" in said["what"]:
                        self.frames.append((said["bot"], time.monotonic()))
                        self.news.set()
                    self.anything.set()
        finally:
            reading.cancel()

    async def read(self) -> None:
        began = came = time.monotonic()
        while True:
            await self.anything.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.news.wait(), max(0.0, began + ELSEWHERE_GAP - time.monotonic()))
            await asyncio.sleep(max(0.0, began + max(LEAST_GAP, 1.5 * (came - began)) - time.monotonic()))
            self.news.clear()
            self.anything.clear()
            began = time.monotonic()
            async with self.web.get(f"{self.address}/events/?group=trades&fragment=events") as answer:
                await answer.read()
                assert answer.status == 200, answer.status
            came = time.monotonic()
            self.pages.append((began, came))


# --- how they are spoken to


async def wishes() -> Any:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        yield json.loads(line)


def say(words: dict[str, Any]) -> None:
    print(json.dumps(words), flush=True)


class Crowd:
    def __init__(self, child: "subprocess.Popen[str]") -> None:
        self.child = child

    def tell(self, **wish: Any) -> None:
        assert self.child.stdin is not None
        print(json.dumps(wish), file=self.child.stdin, flush=True)

    def hear(self) -> dict[str, Any]:
        assert self.child.stdout is not None
        found: dict[str, Any] = json.loads(self.child.stdout.readline())
        return found

    def ask(self, **wish: Any) -> dict[str, Any]:
        self.tell(**wish)
        return self.hear()


@contextmanager
def crowd(role: str, *given: str) -> Iterator[Crowd]:
    child = subprocess.Popen(
        [sys.executable, "-m", PLACE, role, *given], env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        yield Crowd(child)
    finally:
        child.kill()
        child.wait()


if __name__ == "__main__" and sys.argv[1:2] == ["bots"]:
    uvloop.run(be_bots(int(sys.argv[2])))
elif __name__ == "__main__" and sys.argv[1:2] == ["browsers"]:
    uvloop.run(be_browsers(sys.argv[2], sys.argv[3]))

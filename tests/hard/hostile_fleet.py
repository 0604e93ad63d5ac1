"""A fleet of recorded bots in a process of its own, hostile ones among them.

    python -m tests.hard.hostile_fleet <number of healthy bots> <fault> ...

Prints one line of JSON, {"healthy": [url, ...], "hostile": {fault: url}}, and serves until it is terminated.
"""

import asyncio
import json
import random
import resource
import sys
from contextlib import AsyncExitStack
from typing import Any

import uvloop

from bots.systems.http import MIB
from tests.bots.systems.raw_bots import Talk, http, serving
from tests.hard.faults import ON_THE_WIRE
from tests.hard.recorded_bots import RecordedBot


class ManyTrades(RecordedBot):
    """Nearly as many open trades as are believed, and every price moves."""

    def answer(self, target: str) -> tuple[str, bytes]:
        if not target.endswith("/status"):
            return super().answer(target)
        pattern = json.loads(self.recorded("status"))[0] | {"orders": []}
        now = random.random()
        trades = [{**pattern, "trade_id": 1000 + number, "profit_abs": now + number} for number in range(1900)]
        return "status", http(json.dumps(trades).encode())


class EndlessHistory(RecordedBot):
    """Has always more closed trades than were asked for, and none is the one it gave before."""

    orders = 0

    def page_of_trades(self, offset: int) -> bytes:
        pattern = self.closed[0] | {"orders": [{}] * self.orders}
        first = 10_000 + offset
        page = [{**pattern, "trade_id": first + number, "close_profit_abs": random.random()} for number in range(500)]
        return json.dumps({"trades": page, "offset": offset, "total_trades": 10**9}).encode()


class EndlessOrders(EndlessHistory):
    """The same, with as many orders as are decoded."""

    orders = 46


class Padded(RecordedBot):
    """Whole answers with NaN in them, as large as is repaired: every one costs as much as it can."""

    def answer(self, target: str) -> tuple[str, bytes]:
        endpoint, whole = super().answer(target)
        body = whole.partition(b"\r\n\r\n")[2]
        if body.startswith(b"{"):
            return endpoint, http(b'{"pad": NaN, %s %s' % (b'"x":1,' * 80_000, body[1:]))
        return endpoint, whole


class Deep(RecordedBot):
    """As many empty orders in one trade as are decoded."""

    def answer(self, target: str) -> tuple[str, bytes]:
        if not target.endswith("/status"):
            return super().answer(target)
        pattern = json.loads(self.recorded("status"))[0] | {"orders": [{}] * 24_900}
        return "status", http(json.dumps([pattern | {"trade_id": 7}]).encode())


def saying(body: bytes) -> Talk:
    bot = RecordedBot()
    bot.instead["*"] = http(body)
    return bot.talk


WELL_FORMED = {
    "many trades": lambda: ManyTrades().talk,
    "endless history": lambda: EndlessHistory().talk,
    "endless orders": lambda: EndlessOrders().talk,
    "NaN in half a MiB": lambda: Padded().talk,
    "many orders": lambda: Deep().talk,
    "8 MiB of digits": lambda: saying(b'{"dry_run": 1.%s}' % (b"3" * (8 * MIB - 100))),
    "8 MiB of objects": lambda: saying(b"[%s{}]" % (b"{}," * (8 * MIB // 3 - 10))),
    "8 MiB of one text": lambda: saying(b'{"state": "%s"}' % (b"\\u0000" * (8 * MIB // 6 - 10))),
    "8 MiB of brackets": lambda: saying(b"[" * (8 * MIB - 10)),
}


def hostile(fault: str) -> Talk:
    if fault in WELL_FORMED:
        return WELL_FORMED[fault]()
    bot = RecordedBot()
    bot.instead["*"] = ON_THE_WIRE[fault][0]
    return bot.talk


async def main(healthy: int, faults: list[str]) -> None:
    async with AsyncExitStack() as stack:

        async def url(talk: Talk) -> str:
            return (await stack.enter_async_context(serving(talk))).url

        told: dict[str, Any] = {"healthy": [await url(RecordedBot().talk) for _ in range(healthy)]}
        told["hostile"] = {fault: await url(hostile(fault)) for fault in faults}
        print(json.dumps(told), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    uvloop.run(main(int(sys.argv[1]), sys.argv[2:]))

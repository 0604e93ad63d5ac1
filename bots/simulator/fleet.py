"""Many bots on one event loop."""

import asyncio
import math
import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Self

from . import messages
from .bot import SimBot
from .market import Market
from .spec import BotSpec

TURN = 0.25  # seconds between two looks at the bots that trade by themselves


class Fleet:
    """`async with Fleet([BotSpec(...)]) as fleet: fleet.bots[0].url`. `ports`: 0 or missing = any free one."""

    def __init__(self, specs: Sequence[BotSpec], ports: Sequence[int] = ()) -> None:
        markets = {spec.seed: Market(spec.seed) for spec in specs}
        self.bots = [SimBot(spec, markets[spec.seed]) for spec in specs]
        self._ports = [*ports, *[0] * len(specs)]
        self._traders = [Trader(bot) for bot in self.bots if bot.spec.auto_trade or bot.spec.fill_seconds is not None]
        self._turning: asyncio.Task[None] | None = None

    def __getitem__(self, name: str) -> SimBot:
        return next(bot for bot in self.bots if bot.name == name)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for bot, port in zip(self.bots, self._ports, strict=False):
            bot.listener.attach(loop, port)
            if not bot.spec.listening:
                bot.shut_down()
        if self._traders:
            self._turning = asyncio.create_task(self._turn())
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._turning:
            self._turning.cancel()
            with suppress(asyncio.CancelledError):
                await self._turning
        for bot in self.bots:
            bot.shut_down()
        await asyncio.sleep(0)

    async def _turn(self) -> None:
        while True:
            await asyncio.sleep(TURN)
            for trader in self._traders:
                with trader.bot.guard:
                    trader.act()


class Trader:
    """The strategy of a bot that trades by itself: enters and exits at its pace, prefers to take profits."""

    def __init__(self, bot: SimBot) -> None:
        self.bot = bot
        self.chance = random.Random(f"{bot.spec.seed}/{bot.name}/trader")
        self.due = time.time() + self._pause()
        self.minute = int(time.time() // 60)

    def act(self) -> None:
        if self.bot.state in ("stopped", "reload_config") or self.bot.faults.exchange_down:
            return
        self._fill_what_waited()
        self._tell_candles()
        if self.bot.spec.auto_trade and time.time() >= self.due:
            self.due = time.time() + self._pause()
            self._trade()

    def _pause(self) -> float:
        return self.chance.expovariate(1 / self.bot.spec.pace)

    def _fill_what_waited(self) -> None:
        wait = self.bot.spec.fill_seconds
        if wait is None:
            return
        ripe_ms = self.bot.now_ms() - int(wait * 1000)
        for trade in list(self.bot.book.open):
            if any(order.placed_ms <= ripe_ms for order in trade.open_orders):
                self.bot.desk.fill(trade)

    def _trade(self) -> None:
        bot = self.bot
        ready = [trade for trade in bot.book.open if not trade.open_orders]
        room = len(bot.book.open) < bot.max_open_trades and bot.state == "running"
        if room and (len(ready) < 2 or self.chance.random() < 0.5):
            self._enter()
        elif ready:
            self._exit()

    def _enter(self) -> None:
        bot = self.bot
        busy = {trade.pair for trade in bot.book.open} | set(bot.blacklist)
        busy |= {lock.pair for lock in bot.locks.active(bot.now_ms())}
        free = [pair for pair in bot.spec.whitelist if pair not in busy]
        if free:
            pair = self.chance.choice(free)
            tag = self.chance.choice(["trend_up", "pullback", "breakout", "mean_lo"])
            bot.desk.enter(pair, bot.rate(pair), bot.spec.stake, tag, "limit")

    def _exit(self) -> None:
        bot = self.bot
        ranked = sorted(
            (trade for trade in bot.book.open if not trade.open_orders),
            key=lambda trade: trade.profit_ratio(bot.rate(trade.pair)),
        )
        winner = self.chance.random() < bot.spec.skill
        trade = ranked[-1] if winner else ranked[0]
        rate = bot.rate(trade.pair)
        good = not math.isnan(rate) and trade.profit_ratio(rate) > 0
        bot.desk.exit(trade, rate, trade.amount, "limit", "roi" if good else "exit_signal")

    def _tell_candles(self) -> None:
        minute = int(time.time() // 60)
        if minute == self.minute or not self.bot.listener.channels or not messages.knows(self.bot, "new_candle"):
            return
        self.minute = minute
        for pair in self.bot.spec.whitelist:
            self.bot.publish(messages.new_candle(self.bot, pair))


@contextmanager
def running_fleet(specs: Sequence[BotSpec], ports: Sequence[int] = ()) -> Iterator[Fleet]:
    """The fleet on a loop of its own in a thread, for tests that are not asynchronous."""
    fleet = Fleet(specs, ports)
    started, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def live() -> None:
        async with fleet:
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(live(),), name="simulator", daemon=True)
    thread.start()
    if not started.wait(10):
        raise TimeoutError("the simulated fleet did not start")
    try:
        yield fleet
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()

"""`python -m bots.simulator`: a fleet in a process of its own.

Prints one line of JSON, `{"bots": [...]}`, and serves until SIGTERM, SIGINT or the end of `--parent-pid`.
"""

import argparse
import asyncio
import gc
import os
import resource
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from . import store
from .demo import demo_specs
from .fleet import Fleet
from .spec import BotSpec

SAVE_SECONDS = 30.0
LOOK_SECONDS = 1.0
SLOW_SECONDS = 3.0  # the slow bot of the demo
GARBAGE_AFTER = 50_000  # objects made since the last look for garbage: trades stay, looking at them again takes long


def main(arguments: Sequence[str] | None = None) -> None:
    gc.set_threshold(GARBAGE_AFTER)
    chosen = asked_for(arguments)
    allow_many_files()
    specs = demo_specs() if chosen.demo else plain_specs(chosen)
    with asyncio.Runner(loop_factory=quick_loop) as runner:
        runner.run(serve(specs, chosen))


def asked_for(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bots.simulator", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="the dozen bots of `make demo`")
    parser.add_argument("--state-file", type=Path, help="ports and trades are kept there from one start to the next")
    parser.add_argument("--parent-pid", type=int, help="end when this process is gone")
    parser.add_argument("--port-base", type=int, default=0, help="first port; default: free ones")
    parser.add_argument("--bots", type=int, default=5)
    parser.add_argument("--release", default="2026.9")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--currency", default="USDT")
    parser.add_argument("--history", type=int, default=0, help="closed trades of each bot")
    parser.add_argument("--open-trades", type=int, default=5)
    parser.add_argument("--auto-trade", action="store_true")
    parser.add_argument("--pace", type=float, default=6.0, help="seconds between two acts of --auto-trade")
    return parser.parse_args(arguments)


def plain_specs(chosen: argparse.Namespace) -> list[BotSpec]:
    return [
        BotSpec(
            name=f"bot-{number:04d}",
            release=chosen.release,
            seed=chosen.seed,
            currency=chosen.currency,
            history=chosen.history,
            open_trades=chosen.open_trades,
            max_open_trades=max(5, chosen.open_trades),
            auto_trade=chosen.auto_trade,
            pace=chosen.pace,
            fill_seconds=2.0 if chosen.auto_trade else None,
        )
        for number in range(1, chosen.bots + 1)
    ]


async def serve(specs: list[BotSpec], chosen: argparse.Namespace) -> None:
    saved = store.load(chosen.state_file) if chosen.state_file else {}
    ports = [port_of(spec, number, chosen.port_base, saved) for number, spec in enumerate(specs)]
    fleet = Fleet([replace(spec, history=0, open_trades=0) if spec.name in saved else spec for spec in specs], ports)
    for bot in fleet.bots:
        if bot.name in saved:
            store.restore(bot, saved[bot.name])
        if bot.spec.fault == "slow":
            bot.faults.hang = SLOW_SECONDS
    async with fleet:
        announce(fleet)
        await live_on(fleet, chosen.state_file, chosen.parent_pid)


def port_of(spec: BotSpec, number: int, base: int, saved: dict[str, Any]) -> int:
    if base:
        return base + number
    return int(saved[spec.name]["port"]) if spec.name in saved else 0


def announce(fleet: Fleet) -> None:
    line = orjson.dumps({"bots": [bot.card() for bot in fleet.bots]}, option=orjson.OPT_APPEND_NEWLINE)
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


async def live_on(fleet: Fleet, state_file: Path | None, parent: int | None) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    waited = 0.0
    try:
        while not ended.is_set() and (parent is None or is_alive(parent)):
            await pause(ended, LOOK_SECONDS)
            waited += LOOK_SECONDS
            if state_file and waited >= SAVE_SECONDS:
                waited = 0.0
                store.save(fleet, state_file)
    finally:
        if state_file:
            store.save(fleet, state_file)


async def pause(ended: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await ended.wait()
    except TimeoutError:
        return


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def quick_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def allow_many_files() -> None:
    """Two descriptors a bot: its port and its reader."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()

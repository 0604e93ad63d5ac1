"""Polling: bots per CPU-second, the portal (decode, change detection, database) against loops that store nothing.

One poll is 5 GETs of one bot with 5 open trades whose prices move. CPU time is that of the polling process alone.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

from bench.fleet import simulated
from bench.report import Row, finish

BOTS = int(os.environ.get("BENCH_BOTS", "200"))
CYCLES = int(os.environ.get("BENCH_CYCLES", "6"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
PATHS = ("show_config", "status", "count", "profit", "balance")
Bots = list[dict[str, Any]]


def bare_aiohttp(bots: Bots) -> Callable[[], None]:
    """The baseline of goal 1: fetches and parses, stores nothing."""
    import aiohttp
    import uvloop

    async def cycles() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            for _ in range(CYCLES):
                await asyncio.gather(*(poll(session, bot) for bot in bots))

    async def poll(session: aiohttp.ClientSession, bot: dict[str, Any]) -> None:
        login = aiohttp.BasicAuth(bot["username"], bot["password"])
        for path in PATHS:
            async with session.get(f"{bot['url']}/api/v1/{path}", auth=login) as answer:
                await answer.json()

    return lambda: uvloop.run(cycles())


def naive_requests(bots: Bots) -> Callable[[], None]:
    """The other baseline: one task per bot with requests, nothing stored."""
    import requests

    def run() -> None:
        for bot in bots:
            for path in PATHS:
                requests.get(f"{bot['url']}/api/v1/{path}", auth=(bot["username"], bot["password"]), timeout=10).json()

    return run


def portal(bots: Bots) -> Callable[[], None]:
    """The portal's own engine: claim, orders, conversation, one writer, SQLite."""
    from django.db import connection
    from django.utils import timezone

    from bots.domain.polling.engine import Engine
    from bots.domain.polling.orders import orders_for
    from bots.domain.polling.schedule import claim_due
    from bots.models import Bot, BotStatus, PollTurn
    from bots.systems.contract import Kind

    kinds = frozenset({Kind.STATE, Kind.OPEN_TRADES, Kind.COUNT, Kind.PROFIT, Kind.BALANCE})
    add_bots(bots)
    engine = Engine().start()

    def cycle(number: int) -> None:
        PollTurn.objects.update(next_poll_at=timezone.now())
        claims = claim_due()
        engine.submit(orders_for(claims, timezone.now(), kinds))
        while PollTurn.objects.exclude(leased_until=None).exists():
            time.sleep(0.1)

    def run() -> None:
        for number in range(CYCLES):
            cycle(number)
        assert BotStatus.objects.filter(error_code="", open_count=5).count() == Bot.objects.count()
        connection.close()

    cycle(0)  # the first reading brings everything; it is not what goal 1 speaks of
    return run


def add_bots(bots: Bots) -> None:
    from django.core.management import call_command

    from accounts.models import Team
    from bots.models import Bot, BotStatus, PollTurn

    call_command("migrate", verbosity=0)
    team = Team.objects.create(name="Bench", slug="bench")
    for each in bots:
        connection = {"url": each["url"], "username": each["username"]}
        bot = Bot(team=team, name=each["name"], slug=each["name"], system="freqtrade", connection=connection)
        bot.set_secret("password", each["password"])
        bot.save()
        BotStatus.objects.create(bot=bot)
        PollTurn.objects.create(bot=bot)


PARTS = {"aiohttp": (bare_aiohttp, CYCLES), "requests": (naive_requests, 1), "portal": (portal, CYCLES)}


def measured(part: str, bots: Bots) -> float:
    """Bots polled per CPU-second."""
    prepare, cycles = PARTS[part]
    run = prepare(bots)
    began = time.process_time()
    run()
    return len(bots) * cycles / (time.process_time() - began)


def in_a_child(part: str, bots: Bots) -> float:
    """Each measurement in a fresh process, so that none pays for another's memory."""
    import json
    import subprocess

    with tempfile.TemporaryDirectory() as data:
        given = json.dumps(bots)
        environment = {**os.environ, "PORTAL_DATA_DIR": data, "BENCH_PART": part, "LOG_LEVEL": "ERROR"}
        command = [sys.executable, "-m", "bench.poll"]
        answer = subprocess.run(command, input=given, env=environment, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise SystemExit(answer.stderr[-2000:])
        return float(answer.stdout)


def child() -> None:
    import json

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    print(measured(os.environ["BENCH_PART"], json.loads(sys.stdin.read())), flush=True)
    os._exit(0)  # engine threads are of no further use


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def main() -> None:
    with simulated(BOTS) as bots:
        rounds = [{part: in_a_child(part, bots) for part in PARTS} for _ in range(ROUNDS)]
    found = {part: median([each[part] for each in rounds]) for part in PARTS}
    ratio = {part: median([each["portal"] / each[part] for each in rounds]) for part in ("aiohttp", "requests")}
    rows = [
        Row.told("portal with SQLite", found["portal"], "bots per CPU-second"),
        Row.told("bare aiohttp + uvloop, stores nothing", found["aiohttp"], "bots per CPU-second"),
        Row.told("requests, one task a bot, stores nothing", found["requests"], "bots per CPU-second"),
        Row.at_least("1", "portal against bare aiohttp + uvloop", ratio["aiohttp"], 1.5, "times"),
        Row.at_least("1", "portal against one requests task a bot", ratio["requests"], 20, "times"),
    ]
    finish(rows, ("pycurl", "aiohttp", "uvloop", "django", "msgspec"))


if __name__ == "__main__":
    child() if "BENCH_PART" in os.environ else main()

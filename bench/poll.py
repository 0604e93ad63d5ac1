"""Polling: bots per CPU-second, the portal (decode, change detection, database) against loops that store nothing and
against the design such a portal usually begins with (goal 1); how long a cycle of many bots takes (goal 2). On SQLite,
then with 1, 2 and 4 processes at once on one PostgreSQL, beside as many processes of the bare loop.

One poll is 5 GETs of one bot with 5 open trades whose prices move. CPU time is that of the polling process alone.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bench.fleet import simulated
from bench.report import Row, finish

BOTS = int(os.environ.get("BENCH_BOTS", "200"))
CYCLE_BOTS = int(os.environ.get("BENCH_CYCLE_BOTS", "1000"))
CYCLES = int(os.environ.get("BENCH_CYCLES", "12"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
TEAM_ROUNDS = int(os.environ.get("BENCH_TEAM_ROUNDS", "3"))
MEASURED = os.environ.get("BENCH_PARTS", "embedded,team").split(",")
WORKERS = [int(word) for word in os.environ.get("BENCH_WORKERS", "1,2,4").split(",")]
EVERY, PACED_ROUNDS = 2.0, 10  # seconds between two polls of a bot, polls of each: the baseline at goal 2's pace
SHARED = "BENCH_SHARED"  # the database has its tables and bots already: other processes poll theirs in it, too
CLOSED = "BENCH_CLOSED"  # trades that each bot closed before
PATHS = ("show_config", "status", f"trades?limit=500&offset={os.environ.get(CLOSED, '0')}", "profit", "balance")
SOME_CLOSED = 20
# Seconds say something of one machine only: on that of the goals bare aiohttp did 2,016 bots a CPU-second, a cycle of
# 1,000 in half a second.
CYCLE_OF_BARE = 1.5
Bots = list[dict[str, Any]]


def bare_aiohttp(bots: Bots) -> Callable[[], None]:
    """The baseline of goal 1: fetches and parses, stores nothing."""
    import aiohttp
    import uvloop

    async def cycles() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            for _ in range(CYCLES):
                await asyncio.gather(*(bare_poll(session, bot) for bot in bots))

    return lambda: uvloop.run(cycles())


async def bare_poll(session: Any, bot: dict[str, Any]) -> None:
    import aiohttp

    login = {"Authorization": aiohttp.encode_basic_auth(bot["username"], bot["password"])}
    for path in PATHS:
        async with session.get(f"{bot['url']}/api/v1/{path}", headers=login) as answer:
            await answer.json()


def paced_aiohttp(bots: Bots) -> float:
    """CPU seconds of a poll of the baseline where each bot is asked every 2 s, not one right after the other."""
    import aiohttp
    import uvloop

    async def asked(session: aiohttp.ClientSession, bot: dict[str, Any], begin: float) -> None:
        loop = asyncio.get_running_loop()
        for number in range(PACED_ROUNDS):
            await asyncio.sleep(begin + number * EVERY - loop.time())
            await bare_poll(session, bot)

    async def all_asked() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            now = asyncio.get_running_loop().time()
            spread = EVERY / len(bots)
            await asyncio.gather(*(asked(session, bot, now + place * spread) for place, bot in enumerate(bots)))

    began = time.process_time()
    uvloop.run(all_asked())
    return (time.process_time() - began) / (len(bots) * PACED_ROUNDS)


def naive_requests(bots: Bots) -> Callable[[], None]:
    """One bot after another with requests, nothing stored."""
    import requests

    def run() -> None:
        for bot in bots:
            for path in PATHS:
                requests.get(f"{bot['url']}/api/v1/{path}", auth=(bot["username"], bot["password"]), timeout=10).json()

    return run


def celery_design(bots: Bots) -> Callable[[], None]:
    """The other baseline: how such a portal is first written. One Celery task per bot, requests, the ORM. The tasks run
    in place, so that no broker is counted."""
    from celery import shared_task

    from bots.models import Bot, BotRun

    migrated(bots)
    for bot in Bot.objects.all():
        BotRun.objects.create(bot=bot, number=1, mode="dry", currency="USDT")

    @shared_task
    def poll(bot_id: int) -> None:
        naive_poll(bot_id)

    numbers = list(Bot.objects.values_list("pk", flat=True))
    return lambda: [poll.apply((number,)).get() for number in numbers] and None


def naive_poll(bot_id: int) -> None:
    import requests
    from django.utils import timezone

    from bots.models import Bot, Snapshot

    bot = Bot.objects.select_related("status").get(pk=bot_id)
    login = (bot.connection["username"], bot.opened_secrets()["password"])
    told = {
        path: requests.get(f"{bot.connection['url']}/api/v1/{path}", auth=login, timeout=10).json() for path in PATHS
    }
    status, now = bot.status, timezone.now()
    status.state, status.seen_at, status.open_count = told["show_config"]["state"], now, len(told["status"])
    status.balance, status.closed_profit = told["balance"]["total_bot"], told["profit"]["profit_closed_coin"]
    status.save()
    Snapshot.objects.create(
        bot=bot, at=now, state=status.state, mode="dry", currency="USDT", open_count=status.open_count,
        balance=status.balance, realized=status.closed_profit,
    )  # fmt: skip
    for trade in told["status"]:
        keep_naively(bot, trade, now)


def keep_naively(bot: Any, trade: dict[str, Any], now: Any) -> None:
    from datetime import UTC, datetime

    from bots.models import Trade

    opened = datetime.fromtimestamp(trade["open_timestamp"] / 1000, UTC)
    Trade.objects.update_or_create(
        bot=bot,
        run=bot.runs.get(),
        trade_id=str(trade["trade_id"]),
        open_ms=trade["open_timestamp"],
        defaults={
            "mode": "dry", "currency": "USDT", "pair": trade["pair"], "side": "long", "is_open": True,
            "leverage": 1, "open_date": opened, "seen_at": now, "changed_at": now, "orders": trade["orders"],
            "open_rate": trade["open_rate"], "amount": trade["amount"], "stake_amount": trade["stake_amount"],
            "profit_abs": trade["profit_abs"], "profit_ratio": trade["profit_ratio"],
        },
    )  # fmt: skip


def portal(bots: Bots) -> Callable[[], None]:
    """The portal's own engine: claim, orders, conversation, one writer, SQLite."""
    from django.db import connection
    from django.utils import timezone

    from bots.domain.polling.engine import Engine
    from bots.domain.polling.schedule import claim_due
    from bots.models import Bot, BotStatus, PollTurn
    from bots.systems.contract import Kind

    kinds = frozenset({Kind.STATE, Kind.OPEN_TRADES, Kind.CLOSED_TRADES, Kind.PROFIT, Kind.BALANCE})
    if SHARED not in os.environ:
        migrated(bots)
    own = list(Bot.objects.filter(name__in=[bot["name"] for bot in bots]).values_list("pk", flat=True))
    engine = Engine().start()

    def cycle(number: int) -> None:
        PollTurn.objects.filter(bot__in=own).update(next_poll_at=timezone.now())
        engine.ask(claim_due(only=own), kinds)
        time.sleep(0.05)
        while engine.keeper.held:  # in memory: to ask the database again and again is no part of a poll
            time.sleep(0.02)

    def run() -> None:
        for number in range(CYCLES):
            cycle(number)
        assert not PollTurn.objects.filter(bot__in=own).exclude(leased_until=None).exists()
        assert BotStatus.objects.filter(bot__in=own, error_code="", open_count=5).count() == len(own) == len(bots)
        connection.close()

    cycle(0)  # the first reading brings everything; it is not what goal 1 speaks of
    return run


def migrated(bots: Bots) -> None:
    """A fresh database with these bots."""
    from django.core.management import call_command

    from accounts.models import Team

    call_command("migrate", verbosity=0)
    add_bots(bots, Team.objects.create(name="Bench", slug="bench").pk)


def add_bots(bots: Bots, team_id: int) -> None:
    from bots.models import Bot, BotStatus, PollTurn

    for each in bots:
        connection = {"url": each["url"], "username": each["username"]}
        bot = Bot(team_id=team_id, name=each["name"], slug=each["name"], system="freqtrade", connection=connection)
        bot.set_secret("password", each["password"])
        bot.save()
        BotStatus.objects.create(bot=bot)
        PollTurn.objects.create(bot=bot)


# Those whose ratio is wanted most closely beside each other: the machine is not the same a minute later.
PARTS = {
    "aiohttp": (bare_aiohttp, CYCLES),
    "portal": (portal, CYCLES),
    "requests": (naive_requests, 1),
    "naive": (celery_design, 1),
}


def measured(part: str, bots: Bots) -> float:
    """Bots polled per CPU-second."""
    prepare, cycles = PARTS[part]
    run = prepare(bots)
    began = time.process_time()
    run()
    return len(bots) * cycles / (time.process_time() - began)


def cycle_seconds(part: str, bots: Bots) -> float:
    """From the moment at which all bots are due to the last row written, or answer read."""
    run = PARTS[part][0](bots)
    began = time.monotonic()
    run()
    return (time.monotonic() - began) / CYCLES


def in_a_child(part: str, bots: Bots) -> float:
    """Each measurement in a fresh process, so that none pays for another's memory."""
    return in_children(part, bots, 1)[0]


def in_children(part: str, bots: Bots, processes: int, **environment: str) -> list[float]:
    """So many processes at once, each with its share of the bots: what each of them found."""
    with ExitStack() as stack:
        shares = [bots[number::processes] for number in range(processes)]
        children = [stack.enter_context(started(part, environment)) for _ in shares]
        for child, share in zip(children, shares, strict=True):
            assert child.stdin is not None
            child.stdin.write(json.dumps(share))
            child.stdin.close()
        return [found_by(child) for child in children]


@contextmanager
def started(part: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    with tempfile.TemporaryDirectory() as data, tempfile.TemporaryFile("w+") as said:
        given = {**os.environ, "PORTAL_DATA_DIR": data, "BENCH_PART": part, "LOG_LEVEL": "ERROR", **environment}
        command, pipe = [sys.executable, "-m", "bench.poll"], subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=said, env=given, text=True) as child:
            yield child
            if child.wait():
                said.seek(0)
                raise SystemExit(said.read()[-2000:])


def found_by(child: "subprocess.Popen[str]") -> float:
    """One number; none where it failed, which is told when it has ended."""
    assert child.stdout is not None
    return float(child.stdout.read() or "nan")


def child() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    part, bots = os.environ["BENCH_PART"], json.loads(sys.stdin.read())
    if part == "furnish":
        migrated(bots)
        print(0)
        return
    cycle, _, of = part.partition(" of ")
    if part == "paced aiohttp":
        print(paced_aiohttp(bots), flush=True)
    else:
        print(cycle_seconds(of, bots) if of else measured(cycle, bots), flush=True)
    os._exit(0)  # engine threads are of no further use


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def sqlite_rows() -> Iterator[Row]:
    with simulated(BOTS) as bots:
        rounds = [{part: in_a_child(part, bots) for part in PARTS} for _ in range(ROUNDS)]
    with simulated(CYCLE_BOTS) as bots:
        cycle, bare = (in_a_child(f"cycle of {part}", bots) for part in ("portal", "aiohttp"))
    found = {part: median([each[part] for each in rounds]) for part in PARTS}
    ratio = {
        part: median([each["portal"] / each[part] for each in rounds]) for part in ("aiohttp", "requests", "naive")
    }
    yield Row.told("portal with SQLite", found["portal"], "bots per CPU-second")
    yield Row.told("bare aiohttp + uvloop, stores nothing", found["aiohttp"], "bots per CPU-second")
    yield Row.told("requests, one bot after another, stores nothing", found["requests"], "bots per CPU-second")
    yield Row.told("one Celery task a bot, requests, ORM", found["naive"], "bots per CPU-second")
    yield Row.at_least("1", "portal against bare aiohttp + uvloop", ratio["aiohttp"], 1.5, "times")
    yield Row.told("the same, least of the rounds", min(each["portal"] / each["aiohttp"] for each in rounds), "times")
    yield Row.told("the same, most of the rounds", max(each["portal"] / each["aiohttp"] for each in rounds), "times")
    yield Row.told("portal against requests that stores nothing", ratio["requests"], "times")
    yield Row.at_least("1", "portal against one requests task a bot, with ORM", ratio["naive"], 20, "times")
    with simulated(BOTS, history=SOME_CLOSED) as bots:
        yield from closed_before("portal with SQLite", bots, 1, {}, ROUNDS)
    yield from cycle_rows(f"a cycle of {CYCLE_BOTS} bots, all due at once", cycle, bare)


def cycle_rows(name: str, cycle: float, bare: float) -> Iterator[Row]:
    yield Row.at_most("2", name, cycle, 0.75, "s")
    yield Row.at_most("2", f"{name}: against bare aiohttp", cycle / bare, CYCLE_OF_BARE, "times")


def team_rows() -> Iterator[Row]:
    """As `sqlite_rows`, on one PostgreSQL and Redis."""
    for workers in WORKERS:
        name = f"PostgreSQL + Redis, {workers} at once"
        with furnished(CYCLE_BOTS, 0) as (bots, told):
            rounds = [both(bots[: BOTS * workers], workers, told) for _ in range(TEAM_ROUNDS)]
            cycle, bare = (max(found) for found in both_in_children("cycle of ", bots, workers, told))
        yield Row.told(f"{name}: portal", median([portal for portal, _ in rounds]), "bots per CPU-second")
        yield Row.told(f"{name}: bare aiohttp", median([bare for _, bare in rounds]), "bots per CPU-second")
        ratio = median([portal / bare for portal, bare in rounds])
        yield Row.at_least("1", f"{name}: portal against bare aiohttp", ratio, 1.5, "times")
        with furnished(BOTS * workers, SOME_CLOSED) as (bots, told):
            yield from closed_before(name, bots, workers, told, TEAM_ROUNDS)
        yield from cycle_rows(f"{name}: a cycle of {CYCLE_BOTS}", cycle, bare)


@contextmanager
def furnished(number: int, closed: int) -> Iterator[tuple[Bots, dict[str, str]]]:
    """Bots, and the variables of a team installation that knows them."""
    from tests.engines import installed_or_installable
    from tests.run import team_installation

    installed_or_installable("pg_ctl", "redis-server")
    with ExitStack() as stack:
        bots, told = stack.enter_context(simulated(number, history=closed)), team_installation(stack)
        in_children("furnish", bots, 1, **told)
        yield bots, {**told, SHARED: "1"}


def closed_before(name: str, bots: Bots, workers: int, told: dict[str, str], rounds: int) -> Iterator[Row]:
    """Of bots that closed trades before, as most did: the portal finds in their profit that none was added, and leaves
    one of the five requests out."""
    found = [both(bots, workers, {**told, CLOSED: str(SOME_CLOSED)}) for _ in range(rounds)]
    ratio = median([portal / bare for portal, bare in found])
    yield Row.told(f"{name}: of bots that closed {SOME_CLOSED} trades before", ratio, "times")


def both(bots: Bots, workers: int, told: dict[str, str]) -> tuple[float, float]:
    """Bots per CPU-second of all processes together: of the portal, of the bare loop."""
    portal, bare = both_in_children("", bots, workers, told)
    return of_equal_shares(portal), of_equal_shares(bare)


def both_in_children(prefix: str, bots: Bots, workers: int, told: dict[str, str]) -> Iterator[list[float]]:
    return (in_children(f"{prefix}{part}", bots, workers, **told) for part in ("portal", "aiohttp"))


def of_equal_shares(rates: list[float]) -> float:
    return len(rates) / sum(1 / rate for rate in rates)


def main() -> None:
    rows: list[Row] = []
    for name, part in (("embedded", sqlite_rows), ("team", team_rows)):
        if name in MEASURED:
            for row in part():
                print(row.line(), flush=True)
                rows.append(row)
    print()
    finish(rows, ("httptools", "aiohttp", "uvloop", "django", "msgspec", "psycopg"))


if __name__ == "__main__":
    child() if "BENCH_PART" in os.environ else main()

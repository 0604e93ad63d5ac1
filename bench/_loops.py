"""The loops that bench-poll compares: bare aiohttp, requests, the usual first design of such a portal, the portal."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Any, NamedTuple

EVERY, PACED_ROUNDS = 2.0, 10  # seconds between two polls of a bot, polls of each: the baseline at goal 2's pace
SHARED = "BENCH_SHARED"  # the database has its tables and bots already: other processes poll theirs in it, too
CLOSED = "BENCH_CLOSED"  # trades that each bot closed before
PATHS = ("show_config", "status", f"trades?limit=500&offset={os.environ.get(CLOSED, '0')}", "profit", "balance")
Bots = list[dict[str, Any]]


class Loop(NamedTuple):
    """Made ready for some bots: `cycle` polls each of them once; `end` looks whether it did."""

    cycle: Callable[[], object]
    end: Callable[[], object] = lambda: None


def bare_aiohttp(bots: Bots) -> Loop:
    """The baseline of goal 1: fetches and parses, stores nothing. Connected before the cycles that count."""
    import aiohttp
    import uvloop

    async def opened() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    async def cycle() -> None:
        await asyncio.gather(*(bare_poll(session, bot) for bot in bots))

    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    session = runner.run(opened())
    runner.run(cycle())
    return Loop(lambda: runner.run(cycle()), lambda: runner.run(session.close()))


async def bare_poll(session: Any, bot: dict[str, Any]) -> None:
    import aiohttp

    login = {"Authorization": aiohttp.encode_basic_auth(bot["username"], bot["password"])}
    for path in PATHS:
        async with session.get(f"{bot['url']}/api/v1/{path}", headers=login) as answer:
            await answer.json()


def paced_aiohttp(bots: Bots) -> Loop:
    """The baseline where each bot is asked every 2 s, not one right after the other; a cycle is PACED_ROUNDS polls."""
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

    return Loop(lambda: uvloop.run(all_asked()))


def naive_requests(bots: Bots) -> Loop:
    """One bot after another with requests, nothing stored."""
    import requests

    def cycle() -> None:
        for bot in bots:
            for path in PATHS:
                requests.get(f"{bot['url']}/api/v1/{path}", auth=(bot["username"], bot["password"]), timeout=10).json()

    return Loop(cycle)


def celery_design(bots: Bots) -> Loop:
    """The other baseline: how such a portal is first written. One Celery task per bot, requests, the ORM. The tasks run
    in place, so that no broker is counted."""
    with_django()
    from celery import shared_task

    from bots.models import Bot, BotRun

    migrated(bots)
    for bot in Bot.objects.all():
        BotRun.objects.create(bot=bot, number=1, mode="dry", currency="USDT")

    @shared_task
    def poll(bot_id: int) -> None:
        naive_poll(bot_id)

    numbers = list(Bot.objects.values_list("pk", flat=True))
    return Loop(lambda: [poll.apply((number,)).get() for number in numbers])


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


def portal(bots: Bots) -> Loop:
    """The portal's own engine: claim, orders, conversation, one writer, the database."""
    with_django()
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

    def cycle() -> None:
        PollTurn.objects.filter(bot__in=own).update(next_poll_at=timezone.now())
        engine.ask(claim_due(only=own), kinds)
        time.sleep(0.05)
        while engine.keeper.held:  # in memory: to ask the database again and again is no part of a poll
            time.sleep(0.02)

    def end() -> None:
        assert not PollTurn.objects.filter(bot__in=own).exclude(leased_until=None).exists()
        assert BotStatus.objects.filter(bot__in=own, error_code="", open_count=5).count() == len(own) == len(bots)
        connection.close()

    cycle()  # the first reading brings everything; it is not what goal 1 speaks of
    return Loop(cycle, end)


def furnish(bots: Bots) -> Loop:
    """A database that others poll in."""
    with_django()
    migrated(bots)
    return Loop(lambda: None)


def with_django() -> None:
    """Only where it is needed: Python's looks for garbage go through all of it, in the bare loop, too."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()


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


LOOPS = {
    "aiohttp": bare_aiohttp,
    "paced aiohttp": paced_aiohttp,
    "portal": portal,
    "requests": naive_requests,
    "naive": celery_design,
    "furnish": furnish,
}

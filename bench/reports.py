"""Reports over a million trades of 1,000 bots: what the report's own queries take in the database (goal 4), against the
plain GROUP BY over the trades in the same run, on SQLite and on PostgreSQL.

The queries are those `report_for` sends, caught and run again; a query is timed with fetching its rows, the median of
several runs. The plain GROUP BY adds with the database's own SUM, on SQLite in floating point: faster than exactly.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.report import Row, finish

BOTS = int(os.environ.get("BENCH_BOTS", "1000"))
TRADES = int(os.environ.get("BENCH_TRADES", "1000000"))
RUNS = int(os.environ.get("BENCH_ROUNDS", "7"))
LAST = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAYS = 365
PAIRS = [f"COIN{number}/USDT" for number in range(40)]
PLAIN = {
    "bot": "SELECT bot_id, mode, currency, COUNT(*), SUM(profit_abs) FROM bots_trade"
    " WHERE NOT is_open AND gone_at IS NULL GROUP BY bot_id, mode, currency",
    "day": "SELECT close_day, mode, currency, COUNT(*), SUM(profit_abs) FROM bots_trade"
    " WHERE NOT is_open AND gone_at IS NULL GROUP BY close_day, mode, currency",
}
Query = tuple[str, Any]


# --- In the child: one database -------------------------------------------------------------------------------------


def child() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    alice, bots = people_and_bots()
    fill(bots, 0, TRADES // 10)
    few = measured(alice)
    fill(bots, TRADES // 10, TRADES)
    print(json.dumps({"few": few, "all": measured(alice), "plain": plain(), "whole": whole(alice)}), flush=True)


def people_and_bots() -> tuple[Any, list[Any]]:
    from accounts.models import Membership, Team, User
    from bots.models import Bot, BotRun, BotStatus

    team = Team.objects.create(name="Bench", slug="bench")
    alice = User.objects.create(username="alice")
    Membership.objects.create(user=alice, team=team, role="viewer")
    names = [f"bot-{number}" for number in range(BOTS)]
    bots = Bot.objects.bulk_create([Bot(team=team, name=name, slug=name, system="freqtrade") for name in names])
    BotStatus.objects.bulk_create([BotStatus(bot=bot, history_at=LAST, capabilities=["closed_trades"]) for bot in bots])
    runs = [BotRun(bot=bot, number=1, mode="live", currency="USDT") for bot in bots]
    return alice, BotRun.objects.bulk_create(runs)


def fill(runs: list[Any], start: int, end: int) -> None:
    from django.db import connection, transaction

    from accounts.models import Team
    from bots.domain import rollups
    from bots.models.rows import put_rows

    for first in range(start, end, 20_000):
        with transaction.atomic():
            put_rows(
                [trade(runs, number) for number in range(first, min(first + 20_000, end))],
                ["run", "trade_id", "open_ms"],
            )
    rollups.mend(Team.objects.get())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def trade(runs: list[Any], number: int) -> Any:
    from decimal import Decimal

    from bots.models import Trade

    run = runs[number % len(runs)]
    closed = LAST - timedelta(seconds=number * 7919 % (DAYS * 86400))
    opened = closed - timedelta(seconds=600 + number % 7200)
    profit = Decimal(number * 7919 % 200_003 - 95_000) / 10_000
    return Trade(
        run=run, bot_id=run.bot_id, trade_id=str(number), open_ms=int(opened.timestamp() * 1000), open_date=opened,
        mode="live" if number % 10 else "dry", currency="USDT", pair=PAIRS[number % len(PAIRS)], side="long",
        is_open=False, leverage=Decimal(1), stake_amount=Decimal(100), close_date=closed, close_day=closed.date(),
        profit_abs=profit, profit_ratio=profit / 100, enter_tag=f"tag-{number % 5}", exit_reason="roi",
        seen_at=closed, changed_at=closed,
    )  # fmt: skip


def measured(alice: Any) -> dict[str, float]:
    """Milliseconds in the database, by what is asked."""
    asks = {
        "bot": {"group_by": "bot"},
        "day": {"group_by": "day", "period": "365d"},
        "pair30": {"group_by": "pair", "period": "30d"},
        "zone30": {"group_by": "day", "period": "30d", "tz": "Asia/Tokyo"},
        "pair": {"group_by": "pair", "period": "365d"},
        "zone": {"group_by": "day", "period": "365d", "tz": "Asia/Tokyo"},
    }
    return {name: sum(milliseconds(query) for query in queries_of(alice, ask)) for name, ask in asks.items()}


def queries_of(alice: Any, ask: dict[str, str]) -> list[Query]:
    """Those a report sends about profit; who may see which bots is another question, the same for every page."""
    from django.db import connection

    from bots.domain.reports import ReportQuery, report_for

    caught: list[Query] = []

    def catch(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        caught.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(catch):
        report_for(alice, ReportQuery.parse(ask), LAST)
    return [query for query in caught if "bots_trade" in query[0] or "day" in query[0] or "lifetime" in query[0]]


def milliseconds(query: Query) -> float:
    from django.db import connection

    taken = []
    for _ in range(RUNS):
        with connection.cursor() as cursor:
            began = time.perf_counter()
            cursor.execute(*query)
            cursor.fetchall()
            taken.append((time.perf_counter() - began) * 1000)
            if taken[-1] > 2000:
                break
    return sorted(taken)[len(taken) // 2]


def plain() -> dict[str, float]:
    return {name: milliseconds((sql, None)) for name, sql in PLAIN.items()}


def whole(alice: Any) -> dict[str, float]:
    """The whole report with its Python, once warm."""
    from bots.domain.reports import ReportQuery, report_for

    def once(ask: dict[str, str]) -> float:
        began = time.perf_counter()
        report_for(alice, ReportQuery.parse(ask), LAST)
        return (time.perf_counter() - began) * 1000

    asks = {
        "bot": {"group_by": "bot"},
        "day": {"group_by": "day", "period": "365d"},
        "bot30": {"group_by": "bot", "period": "30d"},
    }
    return {name: min(once(ask) for _ in range(3)) for name, ask in asks.items()}


# --- The table ------------------------------------------------------------------------------------------------------


def rows_of(engine: str, found: dict[str, dict[str, float]]) -> Iterator[Row]:
    now, plainly = found["all"], found["plain"]
    for name, words in (("bot", "each bot's lifetime"), ("day", "the fleet, day by day over a year")):
        yield Row.at_most("4", f"{engine}: {words}", now[name], 5, "ms in the database")
        yield Row.at_most(
            "4", f"{engine}: the same against a plain GROUP BY", now[name] / plainly[name], 1 / 50, "times"
        )
        yield Row.told(f"{engine}: plain GROUP BY", plainly[name], "ms in the database")
    grown = now["bot"] / found["few"]["bot"]
    yield Row.at_most("4", f"{engine}: lifetimes with {TRADES} trades against a tenth of them", grown, 1.5, "times")
    for name, words in (("pair30", "by pair, 30 days"), ("zone30", "another time zone, 30 days")):
        yield Row.at_most("4", f"{engine}: {words}", now[name], 300, "ms in the database")
    for name, words in (("pair", "by pair, a year"), ("zone", "another time zone, a year")):
        yield Row.told(f"{engine}: {words}", now[name], "ms in the database")
    for name, words in (
        ("bot", "by bot, all time"),
        ("day", "by day, a year"),
        ("bot30", "by bot, 30 days, with paths"),
    ):
        yield Row.told(f"{engine}: whole report, {words}", found["whole"][name], "ms with Python")


def in_a_child(**environment: str) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as data:
        given = {**os.environ, "PORTAL_DATA_DIR": data, "BENCH_PART": "reports", "LOG_LEVEL": "ERROR", **environment}
        answer = subprocess.run(
            [sys.executable, "-m", "bench.reports"], env=given, capture_output=True, text=True, check=False
        )
        if answer.returncode:
            raise SystemExit(answer.stderr[-3000:])
        found: dict[str, dict[str, float]] = json.loads(answer.stdout)
        return found


def main() -> None:
    from tests.engines import installed_or_installable, postgresql

    installed_or_installable("pg_ctl")
    rows = list(rows_of("SQLite", in_a_child()))
    with postgresql() as url:
        rows += rows_of("PostgreSQL", in_a_child(DATABASE_URL=url))
    finish(rows, ("django", "psycopg"))


if __name__ == "__main__":
    child() if "BENCH_PART" in os.environ else main()

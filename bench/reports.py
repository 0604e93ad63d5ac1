"""Reports over a million trades of 1,000 bots: what the report's own queries take in the database (goal 4), against the
plain GROUP BY over the trades in the same run, on SQLite and on PostgreSQL.

The queries are those `report_for` sends, caught and run again, the quickest of several runs, a second of them at least.
On PostgreSQL a query has been answered when all its rows have arrived, on SQLite when they were fetched, which is when
it works them out; what the driver makes of PostgreSQL's rows is told beside it. What SQLite hands over to be added in
Python takes its time in the whole report only. The plain GROUP BY adds with the database's own SUM, on SQLite in
floating point: faster than exactly.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from bench._trades import LAST, analyzed, fill, people_and_runs
from bench.report import Row, finish

BOTS = int(os.environ.get("BENCH_BOTS", "1000"))
TRADES = int(os.environ.get("BENCH_TRADES", "1000000"))
RUNS = int(os.environ.get("BENCH_ROUNDS", "7"))
SHORTEST = 1.0  # s; seven runs of 2 ms may all fall into a moment in which the machine does something else
ENGINES = os.environ.get("BENCH_ENGINES", "sqlite,postgresql").split(",")
STEPS = (TRADES // 100, TRADES // 10, TRADES)
PLAIN = {
    "bot": "SELECT bot_id, mode, currency, COUNT(*), SUM(profit_abs) FROM bots_trade"
    " WHERE NOT is_open AND gone_at IS NULL GROUP BY bot_id, mode, currency",
    "day": "SELECT close_day, mode, currency, COUNT(*), SUM(profit_abs) FROM bots_trade"
    " WHERE NOT is_open AND gone_at IS NULL GROUP BY close_day, mode, currency",
}
# Milliseconds in the database are measured of these ...
ASKS = {
    "bot": {"group_by": "bot"},
    "day": {"group_by": "day", "period": "365d"},
    "pair30": {"group_by": "pair", "period": "30d"},
    "tag30": {"group_by": "enter_tag", "period": "30d"},
    "week30": {"group_by": "week", "period": "30d"},
    "zone30": {"group_by": "day", "period": "30d", "tz": "Asia/Tokyo"},
    "bot30": {"group_by": "bot", "period": "30d"},
}
TARGETED = {
    "pair30": "by pair, 30 days",
    "tag30": "by enter tag, 30 days",
    "week30": "by week, 30 days",
    "zone30": "another time zone, 30 days",
}
Query = tuple[str, Any]


# --- In the child: one database -------------------------------------------------------------------------------------


def child() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    alice, runs = people_and_runs(BOTS)
    found: dict[str, dict[str, float]] = {}
    written = 0
    for trades in STEPS:
        load = seconds(lambda start=written, end=trades: fill(runs, start, end))
        found[f"took {trades}"] = {"load": load, "rollups": seconds(counted_anew)}
        found[str(trades)] = measured(alice, ASKS if trades == TRADES else {"bot": ASKS["bot"], "day": ASKS["day"]})
        written = trades
    found |= {"plain": plain(), "whole": whole(alice), "bot": each_bot()}
    print(json.dumps(found), flush=True)


def seconds(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def counted_anew() -> None:
    """As the migration counts what an older installation has."""
    from django.db import connection

    from bots.models import BotDay, BotLifetime, TeamDay

    for level in (BotDay, BotLifetime, TeamDay):
        level.objects.all().delete()
    import_module("bots.migrations.0009_profit_rollups").fill(None, SimpleNamespace(connection=connection))
    analyzed()


def each_bot() -> dict[str, float]:
    """Milliseconds for one bot, of twenty: its rollups looked at as every day, and its days put into another zone."""
    from bots.domain import rollups
    from bots.domain.close_days import moved
    from bots.models import Bot

    bots = list(Bot.objects.order_by("pk")[:20])

    def looked_at() -> None:
        wrong = [sentence for bot in bots for sentence in rollups.of_bot(bot, mending=False)]
        if wrong:
            raise SystemExit(f"The rollups are wrong: {wrong[:3]}")

    def moved_to_tokyo() -> None:
        for bot in bots:
            moved(bot, "Asia/Tokyo")
            rollups.recount_whole(bot)

    return {"look": seconds(looked_at) * 1000 / len(bots), "move": seconds(moved_to_tokyo) * 1000 / len(bots)}


def measured(alice: Any, asks: dict[str, dict[str, str]]) -> dict[str, float]:
    """Milliseconds in the database, by what is asked. Lifetimes as of a fleet whose days are too many to be read one by
    one, also while there are few trades: the same query whatever their number."""
    from bots.domain.reports import cells

    most, found = cells.MOST_CELLS, {}
    for name, ask in asks.items():
        cells.MOST_CELLS = 0 if name == "bot" else most
        queries = queries_of(alice, ask)
        found |= {name: milliseconds(queries), f"{name} fetched": milliseconds(queries, fetched=True)}
        cells.MOST_CELLS = most
    return found


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
    return [
        query for query in caught if any(word in query[0] for word in ("bots_trade", "day", "lifetime", "SET LOCAL"))
    ]


def milliseconds(queries: list[Query], *, fetched: bool = False) -> float:
    """One after another in one transaction, as what is set for a report is set in its own."""
    from django.db import connection, transaction

    fetched = fetched or connection.vendor == "sqlite"
    taken = [float("inf")]
    first = time.perf_counter()
    while len(taken) <= RUNS or time.perf_counter() - first < SHORTEST:
        with transaction.atomic(), connection.cursor() as cursor:
            began = time.perf_counter()
            for query in queries:
                cursor.execute(*query)
                if fetched and cursor.description:
                    cursor.fetchall()
            taken.append((time.perf_counter() - began) * 1000)
        if taken[-1] > 2000:
            break
    return min(taken)


def plain() -> dict[str, float]:
    return {name: milliseconds([(sql, None)]) for name, sql in PLAIN.items()}


def whole(alice: Any) -> dict[str, float]:
    """The whole report with its Python, once warm."""
    from bots.domain.reports import ReportQuery, report_for

    def once(ask: dict[str, str]) -> float:
        began = time.perf_counter()
        report_for(alice, ReportQuery.parse(ask), LAST)
        return (time.perf_counter() - began) * 1000

    return {name: min(once(ASKS[name]) for _ in range(3)) for name in ("bot", "day", "bot30", *TARGETED)}


# --- The table ------------------------------------------------------------------------------------------------------


def rows_of(engine: str, found: dict[str, dict[str, float]]) -> Iterator[Row]:
    now, plainly = found[str(TRADES)], found["plain"]
    for name, words in (("bot", "each bot's lifetime"), ("day", "the fleet, day by day over a year")):
        yield Row.at_most("4", f"{engine}: {words}", now[name], 5, "ms in the database")
        yield Row.at_most(
            "4", f"{engine}: the same against a plain GROUP BY", now[name] / plainly[name], 1 / 50, "times"
        )
        yield Row.told(f"{engine}: the same, with the driver's rows", now[f"{name} fetched"], "ms")
        yield Row.told(f"{engine}: plain GROUP BY", plainly[name], "ms in the database")
        for trades in STEPS[:-1]:
            few = found[str(trades)][name]
            yield Row.told(f"{engine}: {words}, of {trades} trades", few, "ms in the database")
    grown = now["bot"] / found[str(STEPS[0])]["bot"]
    yield Row.at_most("4", f"{engine}: lifetimes of {TRADES} trades against {STEPS[0]}", grown, 1.5, "times")
    for name, words in TARGETED.items():
        yield Row.at_most("4", f"{engine}: {words}", now[name], 300, "ms in the database")
    yield Row.told(f"{engine}: by bot with the course of each, 30 days", now["bot30"], "ms in the database")
    for name, took in found["whole"].items():
        yield Row.told(f"{engine}: whole report, {' '.join(ASKS[name].values())}", took, "ms with Python")
    took = found[f"took {TRADES}"]
    yield Row.told(f"{engine}: writing the last {TRADES - STEPS[-2]} trades", took["load"], "s")
    yield Row.told(f"{engine}: rollups of all trades made anew", took["rollups"], "s")
    yield Row.told(f"{engine}: rollups held against the trades, per bot", found["bot"]["look"], "ms")
    yield Row.told(f"{engine}: another zone of the team, per bot", found["bot"]["move"], "ms")


def in_a_child(**environment: str) -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as data:
        given = {**os.environ, "PORTAL_DATA_DIR": data, "BENCH_PART": "reports", "LOG_LEVEL": "ERROR", **environment}
        given["PORTAL_DATABASE_SECONDS"] = "0"  # making an index of a million rows takes its time
        answer = subprocess.run(
            [sys.executable, "-m", "bench.reports"], env=given, capture_output=True, text=True, check=False
        )
        if answer.returncode:
            raise SystemExit(answer.stderr[-3000:])
        found: dict[str, dict[str, float]] = json.loads(answer.stdout)
        return found


def main() -> None:
    from tests.engines import installed_or_installable
    from tests.run import team_installation

    rows = list(rows_of("SQLite", in_a_child())) if "sqlite" in ENGINES else []
    if "postgresql" in ENGINES:
        installed_or_installable("pg_ctl", "redis-server")
        with ExitStack() as stack:
            rows += rows_of("PostgreSQL", in_a_child(**team_installation(stack)))
    finish(rows, ("django", "psycopg"))


if __name__ == "__main__":
    child() if "BENCH_PART" in os.environ else main()

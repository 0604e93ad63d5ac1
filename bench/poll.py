"""Polling: bots per CPU-second, the portal (decode, change detection, database) against loops that store nothing and
against the design such a portal usually begins with (goal 1); how long a cycle of many bots takes (goal 2). On SQLite,
then with 1, 2 and 4 processes at once on one PostgreSQL, beside as many processes of the bare loop.

One poll is 5 GETs of one bot with 5 open trades whose prices move. CPU time is that of the polling process alone.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bench._loops import (
    CLOSED,
    CYCLES,
    SHARED,
    Bots,
    bare_aiohttp,
    celery_design,
    migrated,
    naive_requests,
    paced_aiohttp,
    portal,
)
from bench.fleet import simulated
from bench.report import Row, finish

BOTS = int(os.environ.get("BENCH_BOTS", "200"))
CYCLE_BOTS = int(os.environ.get("BENCH_CYCLE_BOTS", "1000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "7"))
TEAM_ROUNDS = int(os.environ.get("BENCH_TEAM_ROUNDS", "3"))
MEASURED = os.environ.get("BENCH_PARTS", "embedded,team").split(",")
WORKERS = [int(word) for word in os.environ.get("BENCH_WORKERS", "1,2,4").split(",")]
SOME_CLOSED = 20
# Seconds say something of one machine only: on that of the goals bare aiohttp did 2,016 bots a CPU-second, a cycle of
# 1,000 in half a second.
CYCLE_OF_BARE = 1.5


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

"""Polling: bots per CPU-second, the portal (decode, change detection, database) against loops that store nothing and
against the design such a portal usually begins with (goal 1); how long a cycle of many bots takes (goal 2). On SQLite,
then with 1, 2 and 4 processes at once on one PostgreSQL, beside as many processes of the bare loop.

One poll is 5 GETs of one bot with 5 open trades whose prices move. CPU time is that of the polling process alone.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from bench._children import Spent, contending, in_turns
from bench._loops import CLOSED, SHARED, Bots
from bench.fleet import simulated
from bench.report import Row, finish

BOTS = int(os.environ.get("BENCH_BOTS", "200"))
CYCLE_BOTS = int(os.environ.get("BENCH_CYCLE_BOTS", "1000"))
CYCLES = int(os.environ.get("BENCH_CYCLES", "24"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
TEAM_ROUNDS = int(os.environ.get("BENCH_TEAM_ROUNDS", "3"))
DESIGN_ROUNDS = 3
MEASURED = os.environ.get("BENCH_PARTS", "embedded,team").split(",")
WORKERS = [int(word) for word in os.environ.get("BENCH_WORKERS", "1,2,4").split(",")]
SOME_CLOSED = 20
# Seconds say something of one machine only: on that of the goals bare aiohttp did 2,016 bots a CPU-second, a cycle of
# 1,000 in half a second.
CYCLE_OF_BARE = 1.5
Told = dict[str, str]  # variables of a child


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


class Found(NamedTuple):
    """Of one round, bots per CPU-second."""

    portal: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.portal / self.bare


def round_of(bots: Bots, processes: int, told: Told) -> Found:
    """Cycle by cycle in turns, in fresh processes."""
    with (
        contending("portal", bots, processes, **told) as portal,
        contending("aiohttp", bots, processes, **told) as bare,
    ):
        return Found(*in_turns(portal, bare, CYCLES))


def rows_of(name: str, rounds: list[Found]) -> Iterator[Row]:
    yield Row.told(f"{name}: portal", median([each.portal for each in rounds]), "bots per CPU-second")
    yield Row.told(f"{name}: bare aiohttp", median([each.bare for each in rounds]), "bots per CPU-second")
    ratios = [each.ratio for each in rounds]
    yield Row.at_least("1", f"{name}: portal against bare aiohttp", median(ratios), 1.5, "times")
    yield Row.told(f"{name}: the same, least of the rounds", min(ratios), "times")
    yield Row.told(f"{name}: the same, most of the rounds", max(ratios), "times")


def sqlite_rows() -> Iterator[Row]:
    with simulated(BOTS) as bots:
        rounds = [round_of(bots, 1, {}) for _ in range(ROUNDS)]
        yield from rows_of("SQLite", rounds)
        yield from design_rows(bots, median([each.portal for each in rounds]))
    with simulated(BOTS, history=SOME_CLOSED) as bots:
        yield from closed_before("SQLite", bots, 1, {}, ROUNDS)
    with simulated(CYCLE_BOTS) as bots:
        yield from cycle_rows("SQLite", bots, 1, {})


def design_rows(bots: Bots, portal: float) -> Iterator[Row]:
    """Loops that are slower by so much that a minute makes no difference."""
    for loop, words in (("requests", "requests, stores nothing"), ("naive", "one Celery task a bot, requests, ORM")):
        with contending(loop, bots) as contender:
            rate = median([contender.rate(1) for _ in range(DESIGN_ROUNDS)])
        yield Row.told(f"one bot after another: {words}", rate, "bots per CPU-second")
        if loop == "naive":
            yield Row.at_least("1", "portal against one requests task a bot, with ORM", portal / rate, 20, "times")


def team_rows() -> Iterator[Row]:
    """As `sqlite_rows`, on one PostgreSQL and Redis."""
    for workers in WORKERS:
        name = f"PostgreSQL + Redis, {workers} at once"
        with furnished(CYCLE_BOTS, 0) as (bots, told):
            some = bots[: BOTS * workers]
            yield from rows_of(name, [round_of(some, workers, told) for _ in range(TEAM_ROUNDS)])
            yield from cycle_rows(name, bots, workers, told)
        with furnished(BOTS * workers, SOME_CLOSED) as (bots, told):
            yield from closed_before(name, bots, workers, told, TEAM_ROUNDS)


@contextmanager
def furnished(number: int, closed: int) -> Iterator[tuple[Bots, Told]]:
    """Bots, and the variables of a team installation that knows them."""
    from tests.engines import installed_or_installable
    from tests.run import team_installation

    installed_or_installable("pg_ctl", "redis-server")
    with ExitStack() as stack:
        bots, told = stack.enter_context(simulated(number, history=closed)), team_installation(stack)
        with contending("furnish", bots, 1, **told):
            yield bots, {**told, SHARED: "1"}


def closed_before(name: str, bots: Bots, workers: int, told: Told, rounds: int) -> Iterator[Row]:
    """Of bots that closed trades before, as most did: the portal finds in their profit that none was added, and leaves
    one of the five requests out."""
    found = [round_of(bots, workers, {**told, CLOSED: str(SOME_CLOSED)}) for _ in range(rounds)]
    ratio = median([each.ratio for each in found])
    yield Row.told(f"{name}: of bots that closed {SOME_CLOSED} trades before", ratio, "times")


def cycle_rows(name: str, bots: Bots, workers: int, told: Told) -> Iterator[Row]:
    """From the moment at which all bots are due to the last row written, or answer read, of the slowest process."""
    with contending("portal", bots, workers, **told) as portal, contending("aiohttp", bots, workers, **told) as bare:
        spent = [(slowest(portal.cycle()), slowest(bare.cycle())) for _ in range(CYCLES)]
    cycle, of_bare = (median(list(seconds)) for seconds in zip(*spent, strict=True))
    words = f"{name}: a cycle of {CYCLE_BOTS} bots, all due at once"
    yield Row.at_most("2", words, cycle, 0.75, "s")
    yield Row.at_most("2", f"{words}: against bare aiohttp", cycle / of_bare, CYCLE_OF_BARE, "times")


def slowest(spent: list[Spent]) -> float:
    return max(each.wall for each in spent)


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
    main()

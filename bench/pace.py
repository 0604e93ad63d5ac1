"""Polling as it is installed: real processes at a fleet, their CPU time and the age of the figures (goals 2, 3, 7).

All in one process on SQLite; workers on PostgreSQL and Redis; a fifth of the bots hanging; browsers looking on; then
ever more bots until it bends. CPU time is that of the portal's processes alone, without database, Redis and bots.
BENCH_BOTS, BENCH_SECONDS (of a window, or a minute where what is read every minute belongs in it), BENCH_CURVE
("100,300,1000"; "" for none) and BENCH_PARTS (embedded, team, viewers, curve) make it shorter or longer.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from bench._children import contending
from bench._loops import EVERY, PACED_ROUNDS, PATHS
from bench.fleet import simulated
from bench.poll import WORKERS, median
from bench.report import Row, finish
from bench.stand import Plan, Stand, Window, embedded, team

BOTS = int(os.environ.get("BENCH_BOTS", "1000"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "15"))
CURVE = [int(word) for word in os.environ.get("BENCH_CURVE", "100,300,1000,3000,6000,10000").split(",") if word]
PARTS = os.environ.get("BENCH_PARTS", "embedded,team,viewers,curve").split(",")
# As people have it: what moves is read as often as a bot's own poll plan may say, all else as ever.
FAST = {"state": EVERY, "open_trades": EVERY}
A_ROUND = 60.0  # seconds: within them each of the other readings comes, most of them once a minute
ALL_READINGS = "0.2"  # PORTAL_POLL_PACE: every reading five times as often, also those that hardly ever move
# A share of a core says something of one machine only: on that of the goals bare aiohttp took 15 / 0.69 = 22 % for as
# many polls of five requests, the poll that the goals are written for. The portal asks less in most of its polls.
CORE_OF_BARE = 0.69
BARE_RUNS, BARE_CYCLES = 3, 12
COMES_ROUND = 60.0  # seconds after the first readings: by then the slow ones, all due at once at first, are spread
PACKAGES = ("httptools", "uvloop", "django", "msgspec", "celery", "psycopg")


def embedded_rows() -> Iterator[Row]:
    healthy = window(BOTS, 0, plan=FAST, after=COMES_ROUND)
    yield Row.at_most("2", f"{BOTS} bots every {EVERY:g} s, embedded: of one core", healthy.core * 100, 15, "%")
    yield Row.told(f"{BOTS} bots every {EVERY:g} s, embedded: polls of those due", healthy.share(EVERY) * 100, "%")
    bare = bare_request()
    yield Row.told("CPU time of a request, bare aiohttp + uvloop, stores nothing", bare * 1000, "ms")
    yield from against_bare(healthy, bare, "embedded", target=CORE_OF_BARE)
    yield from against_paced(healthy, bare_at_that_pace(), "embedded")
    yield from against_bare(window(BOTS, 0, pace=ALL_READINGS, after=COMES_ROUND), bare, "every reading as often")
    yield Row.told("age of the figures, p50", healthy.age(0.5), "s")
    yield Row.told("age of the figures, p99", healthy.age(0.99), "s")
    hanging = window(BOTS, BOTS // 5, plan=FAST, after=COMES_ROUND)
    yield Row.told("the same of the healthy ones while a fifth hangs", hanging.age(0.99), "s")
    yield Row.at_most("3", "p99 age while a fifth hangs", hanging.age(0.99) / healthy.age(0.99), 3, "times")


def against_bare(found: Window, bare: float, name: str, target: float | None = None) -> Iterator[Row]:
    """`bare`: CPU seconds of its request. What the portal asks in a poll is less than the five requests that the goals
    count for one: told too is what it would be for as many requests as it sends."""
    yield Row.told(f"{name}: requests a poll", found.requests / found.polls, "requests")
    yield Row.told(f"{name}: CPU time of a poll", found.cost * 1000, "ms")
    yield Row.told(f"{name}: against bare aiohttp, for as many requests", found.cost_of_request / bare, "times")
    words, times = f"{name}: against bare aiohttp, for as many polls of five", found.cost / (len(PATHS) * bare)
    yield Row.at_most("2", words, times, target, "times") if target else Row.told(words, times, "times")


def against_paced(found: Window, bare: float, name: str) -> Iterator[Row]:
    yield Row.told(f"{name}: CPU time of a poll of bare aiohttp at that pace", bare * 1000, "ms")
    yield Row.told(f"{name}: against that", found.cost / bare, "times")


def team_rows() -> Iterator[Row]:
    for workers in WORKERS:
        name = f"PostgreSQL + Redis, {workers} worker{'s' if workers > 1 else ''}"
        healthy, hanging = (team_window(workers, silent) for silent in (0, BOTS // 5))
        yield Row.told(f"{name}: of one core, all of them", healthy.core * 100, "%")
        yield Row.told(f"{name}: polls of those due", healthy.share(EVERY) * 100, "%")
        bare = bare_request(workers)
        yield Row.told(f"{name}: a request of as many processes of bare aiohttp", bare * 1000, "ms")
        yield from against_bare(healthy, bare, name, target=CORE_OF_BARE)
        yield from against_paced(healthy, bare_at_that_pace(workers), name)
        yield Row.told(f"{name}: age of the figures, p99", healthy.age(0.99), "s")
        yield Row.told(f"{name}: while a fifth hangs", hanging.age(0.99), "s")
        yield Row.at_most(
            "3", f"{name}: p99 age while a fifth hangs", hanging.age(0.99) / healthy.age(0.99), 3, "times"
        )


def team_window(workers: int, hanging: int) -> Window:
    with (
        simulated(BOTS - hanging) as healthy,
        silent(hanging) as others,
        team([*healthy, *others], workers, FAST) as stand,
    ):
        time.sleep(COMES_ROUND)
        return stand.window(A_ROUND)


def viewer_rows() -> Iterator[Row]:
    """Goal 7: whoever looks on, the bots are asked no more often."""
    some = min(BOTS, 100)
    with simulated(some) as bots, embedded(bots, PORTAL_POLL_PACE=ALL_READINGS) as stand:
        yield from looked_on(stand, "embedded")
    with simulated(some) as bots, team(bots, 2, web=True, PORTAL_POLL_PACE=ALL_READINGS) as stand:
        yield from looked_on(stand, "PostgreSQL + Redis, 2 workers")


def looked_on(stand: Stand, name: str) -> Iterator[Row]:
    """Whole minutes, in each of which every reading comes as often; without viewers before and after."""
    asked: dict[int, list[float]] = {0: [], 1: [], 100: []}
    stand.window(SECONDS)
    for viewers in (0, 1, 100, 0):
        with stand.viewers(viewers):
            asked[viewers].append(stand.window(A_ROUND).requests_a_minute)
    means = {viewers: sum(windows) / len(windows) for viewers, windows in asked.items()}
    for viewers, requests in means.items():
        yield Row.told(f"{name}: requests at a bot a minute, {viewers} viewers", requests, "requests")
    yield Row.at_most("7", f"{name}: for 100 viewers as for none", means[100] / means[0], 1.05, "times")


def bare_request(processes: int = 1) -> float:
    """CPU seconds of one request of the baseline of goal 1, to as many bots as the portal asks (fewer cost it less a
    request), measured in so many processes at once. The median of some runs: from one minute to the next it wanders
    by a third."""
    with simulated(BOTS) as bots:
        rates = []
        for _ in range(BARE_RUNS):
            with contending("aiohttp", bots, processes) as bare:
                rates.append(bare.rate(BARE_CYCLES))
    return 1 / (median(rates) * len(PATHS))


def bare_at_that_pace(processes: int = 1) -> float:
    """CPU seconds of a poll of the baseline that asks as many bots as often."""
    with simulated(BOTS) as bots, contending("paced aiohttp", bots, processes) as bare:
        return 1 / (bare.rate(1) * PACED_ROUNDS)


def curve_rows() -> Iterator[Row]:
    """At the ordinary pace, a whole minute of it."""
    for bots in CURVE:
        with simulated(bots) as cards, embedded(cards) as stand:
            yield Row.told(f"{bots:>6} bots every 10 s, embedded: all read for the first time after", stand.first, "s")
            # What waited meanwhile, and the relay's lines, take as long again; then the slow readings come round.
            time.sleep(stand.first + COMES_ROUND)
            found = stand.window(A_ROUND)
        yield Row.told(f"{bots:>6} bots: of one core", found.core * 100, "%")
        yield Row.told(f"{bots:>6} bots: polls of those due", found.share(10.0) * 100, "%")
        yield Row.told(f"{bots:>6} bots: CPU time of a poll", found.cost * 1000, "ms")
        yield Row.told(f"{bots:>6} bots: age of the figures, p99", found.age(0.99), "s")
        yield Row.told(f"{bots:>6} bots: memory", found.megabytes, "MiB")


def window(bots: int, hanging: int, *, plan: Plan | None = None, pace: str = "1", after: float = 0.0) -> Window:
    with (
        simulated(bots - hanging) as healthy,
        silent(hanging) as others,
        embedded([*healthy, *others], plan, PORTAL_POLL_PACE=pace) as stand,
    ):
        time.sleep(after)
        return stand.window(A_ROUND if plan else SECONDS)


@contextmanager
def silent(bots: int) -> Iterator[list[dict[str, Any]]]:
    """Bots that take connections and never answer."""
    with ExitStack() as stack:
        cards = []
        for number in range(bots):
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            listener.listen(64)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            cards.append({"name": f"silent-{number}", "url": url, "username": "portal", "password": "silent"})
        yield cards


def main() -> None:
    rows: list[Row] = []
    for name, part in (
        ("embedded", embedded_rows), ("team", team_rows), ("viewers", viewer_rows), ("curve", curve_rows),
    ):  # fmt: skip
        if name in PARTS:
            for row in part():
                print(row.line(), flush=True)
                rows.append(row)
    print()
    finish(rows, PACKAGES)


if __name__ == "__main__":
    main()

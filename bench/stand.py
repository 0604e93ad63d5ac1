"""A portal of real processes set up for a measurement, looked at through its database and /proc."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Bots = list[dict[str, Any]]
Plan = dict[str, float]  # seconds by reading
READ = "SELECT b.name, s.seen_at, s.polls, s.requests FROM bots_botstatus s JOIN bots_bot b ON b.id = s.bot_id"
FIRST_SECONDS = 300.0  # at most, for the first reading of all; what is not read by then is told
TICKS = os.sysconf("SC_CLK_TCK")
WORKER = ["-m", "celery", "-A", "portal", "worker", "--without-gossip", "--without-mingle", "--queues", "polls"]
WEB = [
    "-m",
    "uvicorn",
    "portal.asgi:application",
    "--host",
    "127.0.0.1",
    "--no-access-log",
    "--ws",
    "websockets-sansio",
]


@dataclass(frozen=True)
class Window:
    """What was seen within `seconds`. Ages in seconds, of the bots that answer, looked at twice a second."""

    bots: int
    seconds: float
    cpu: float
    polls: int
    requests: int
    ages: list[float]
    megabytes: float

    @property
    def core(self) -> float:
        """CPU seconds a second."""
        return self.cpu / self.seconds

    @property
    def cost(self) -> float:
        """CPU seconds a poll."""
        return self.cpu / max(self.polls, 1)

    @property
    def cost_of_request(self) -> float:
        """CPU seconds, with all that comes of a poll shared among its requests."""
        return self.cpu / max(self.requests, 1)

    @property
    def requests_a_minute(self) -> float:
        return self.requests / self.bots / self.seconds * 60

    def share(self, every: float) -> float:
        """Polls done of the polls that the plan wants."""
        return self.polls / (self.bots * self.seconds / every)

    def age(self, quantile: float) -> float:
        return sorted(self.ages)[min(int(len(self.ages) * quantile), len(self.ages) - 1)] if self.ages else float("inf")


class Stand:
    def __init__(self, read: Callable[[], list[Any]], pids: list[int], port: int, cookie: str) -> None:
        self.read, self.pids, self.port, self.cookie = read, pids, port, cookie
        self.first = 0.0  # seconds that the first reading of all bots took

    def settled(self) -> None:
        """Until every bot that answers was read once, and what is read for the first time is over."""
        began = time.monotonic()
        while time.monotonic() < began + FIRST_SECONDS and any(row[1] is None for row in healthy(self.read())):
            time.sleep(0.5)
        self.first = time.monotonic() - began
        time.sleep(3)

    def window(self, seconds: float) -> Window:
        before, cpu, began = self.read(), self.cpu(), time.monotonic()
        ages: list[float] = []
        while time.monotonic() - began < seconds:
            time.sleep(0.5)
            ages += ages_of(healthy(self.read()))
        lasted = time.monotonic() - began
        after = self.read()
        grown = [
            sum(row[place] for row in healthy(after)) - sum(row[place] for row in healthy(before)) for place in (2, 3)
        ]
        return Window(
            len(healthy(after)), lasted, self.cpu() - cpu, grown[0], grown[1], ages, sum(map(megabytes, self.pids))
        )

    def cpu(self) -> float:
        return sum(cpu_of(pid) for pid in self.pids)

    @contextmanager
    def viewers(self, count: int) -> Iterator[None]:
        """So many open fleet pages: each has a websocket and is fetched again when that tells of a change."""
        ended = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(look_on(self.port, self.cookie, count, ended)))
        thread.start()
        time.sleep(2)
        try:
            yield
        finally:
            ended.set()
            thread.join(20)


async def look_on(port: int, cookie: str, count: int, ended: threading.Event) -> None:
    import aiohttp

    address = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession(headers={"Cookie": cookie, "Origin": address}) as session:

        async def view() -> None:
            async with session.ws_connect(f"{address}/ws/fleet/") as said:
                while not ended.is_set():
                    async with session.get(f"{address}/") as page:
                        page.raise_for_status()
                    await said.receive(timeout=30)
                    await asyncio.sleep(5)

        views = [asyncio.ensure_future(view()) for _ in range(count)]
        while not ended.is_set():
            await asyncio.sleep(0.2)
        for each in views:
            each.cancel()
        ends = await asyncio.gather(*views, return_exceptions=True)
        for problem in ends:
            if isinstance(problem, Exception) and not isinstance(problem, asyncio.CancelledError):
                raise SystemExit(f"a viewer failed: {problem!r}")


def healthy(rows: list[Any]) -> list[Any]:
    return [row for row in rows if not row[0].startswith("silent")]


def ages_of(rows: list[Any]) -> list[float]:
    now = datetime.now(UTC)
    return [(now - moment(row[1])).total_seconds() for row in rows if row[1] is not None]


def moment(seen_at: str | datetime) -> datetime:
    return datetime.fromisoformat(seen_at).replace(tzinfo=UTC) if isinstance(seen_at, str) else seen_at


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


# --- setting up


@contextmanager
def embedded(bots: Bots, plan: Plan | None = None, **environment: str) -> Iterator[Stand]:
    """All in one process, on SQLite."""
    with tempfile.TemporaryDirectory() as data, ExitStack() as stack:
        told = {**inherited(), "PORTAL_DATA_DIR": data, "LOG_LEVEL": "ERROR", **environment}
        cookie = furnish(bots, plan, told)
        port = free_port()
        process = stack.enter_context(running(["manage.py", "portal", "--port", str(port)], told))

        def read() -> list[Any]:
            with closing(sqlite3.connect(f"{data}/portal.sqlite3", timeout=20)) as database:
                return database.execute(READ).fetchall()

        stand = Stand(read, [process.pid], port, cookie)
        stand.settled()
        yield stand


@contextmanager
def team(
    bots: Bots, workers: int, plan: Plan | None = None, *, web: bool = False, **environment: str
) -> Iterator[Stand]:
    """Workers, a beat and where it is wanted a web process, each of its own, on PostgreSQL and Redis."""
    import psycopg

    from tests.run import team_installation

    with tempfile.TemporaryDirectory() as data, ExitStack() as stack:
        engines = team_installation(stack)
        told = {**inherited(), **engines, "PORTAL_DATA_DIR": data, "LOG_LEVEL": "ERROR", **environment}
        told["ALLOWED_HOSTS"] = "127.0.0.1"
        cookie, port = furnish(bots, plan, told), free_port() if web else 0
        commands = [[*WORKER, "--hostname", f"polls-{number}@%h"] for number in range(workers)]
        working = [stack.enter_context(running(command, told)) for command in commands]
        beat = ["-m", "celery", "-A", "portal", "beat", "--pidfile", ""]
        stack.enter_context(running(beat, told))
        if web:
            subprocess.run([sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"], check=True, env=told)
            stack.enter_context(running([*WEB, "--port", str(port)], told))
        database = stack.enter_context(psycopg.connect(engines["DATABASE_URL"], autocommit=True))
        stand = Stand(lambda: database.execute(READ).fetchall(), [process.pid for process in working], port, cookie)
        stand.settled()
        yield stand


def inherited() -> dict[str, str]:
    ours = ("PORTAL_", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ALLOWED_HOSTS")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@contextmanager
def running(arguments: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def furnish(bots: Bots, plan: Plan | None, environment: dict[str, str]) -> str:
    """The tables, the bots, and one person who may look: her session's cookie. `plan`: what each bot's own poll plan
    says, as people set it."""
    command = [sys.executable, "-m", "bench.stand"]
    given = json.dumps({"bots": bots, "plan": plan or {}})
    done = subprocess.run(command, input=given, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return done.stdout.strip()


def furnish_here() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    from django.db import transaction

    from bench._loops import add_bots
    from bench.live import furnished
    from bots.domain.connection_fields import checked_plan
    from bots.models import Bot

    cookie, team_id = furnished()
    given = json.loads(sys.stdin.read())
    with transaction.atomic():
        add_bots(given["bots"], team_id)
        Bot.objects.update(poll_plan=checked_plan(given["plan"]))
    print(cookie)


def free_port() -> int:
    from tests.engines import free_port as any_port

    return any_port()


if __name__ == "__main__":
    furnish_here()

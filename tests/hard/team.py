"""A team installation of real processes on engines of its own, as deploy/ starts them, each of which can be hurt."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from portal import keys
from tests import engines
from tests.process import ROOT

READY_SECONDS = 300
CELERY = [sys.executable, "-m", "celery", "-A", "portal"]
WORKER = [*CELERY, "worker", "--without-gossip", "--without-mingle"]
SERVER = ["--no-proxy-headers", "--no-access-log", "--log-level", "warning", "--lifespan", "off"]
SERVER += ["--ws", "websockets-sansio"]
WEB = [sys.executable, "-m", "uvicorn", "portal.asgi:application", *SERVER]
GATEWAY = [sys.executable, "-m", "uvicorn", "portal.asgi:gateway", *SERVER]


class Part:
    """One process, in a group of its own so that a signal reaches its children too."""

    def __init__(self, name: str, command: list[str], folder: Path, environment: dict[str, str], owner: str) -> None:
        self.name, self.command, self.folder = name, command, folder
        self.environment, self.owner = environment, owner
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT if self.owner == "" else self.folder, env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                **(engines.as_user(self.owner) if self.owner else {}),
            )  # fmt: skip

    def send(self, sent: signal.Signals) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, sent)

    def end(self, sent: signal.Signals = signal.SIGKILL) -> None:
        if self.process is None:
            return
        self.send(sent)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self.process.wait()
        self.process = None

    def restart(self, sent: signal.Signals = signal.SIGKILL, seconds: float = 0.0) -> None:
        self.end(sent)
        time.sleep(seconds)
        self.start()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Takes connections and answers none, as a machine behind a broken network."""
        assert self.process is not None
        everybody = [self.process.pid, *children_of(self.process.pid)]
        for pid in everybody:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in everybody:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def words(self) -> str:
        return (self.folder / f"{self.name}.log").read_text(errors="replace")[-3000:]


def children_of(pid: int) -> list[int]:
    """PostgreSQL's have groups of their own."""
    found = subprocess.run(["pgrep", "-P", str(pid)], check=False, capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


class Team:
    """Two web processes, a gateway, two workers, one for commands, two relays, one beat; PostgreSQL and Redis that keep
    what they are told."""

    def __init__(self, folder: Path, engines_folder: Path, owner: str, **environment: str) -> None:
        self.folder, self.engines, self.owner = folder, engines_folder, owner
        self.ports = {name: engines.free_port() for name in ("postgres", "redis", "web-1", "web-2", "gateway")}
        self.url = self.database("portal")
        self.environment = {**inherited(), **self.told(), **environment}
        self.parts: dict[str, Part] = {}

    def told(self) -> dict[str, str]:
        private = keys.new_private_key()
        return {
            "DATABASE_URL": self.url,
            "REDIS_URL": f"redis://127.0.0.1:{self.ports['redis']}/0",
            "SECRET_KEY": keys.new_private_key() + keys.new_private_key(),
            "PORTAL_SECRETS_KEY": private,
            "PORTAL_SEAL_KEY": keys.public_key_of(private),
            "PORTAL_URL": f"http://127.0.0.1:{self.ports['web-1']}",
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "PORTAL_ALLOWED_NETWORKS": "127.0.0.0/8",
            "PORTAL_DATA_DIR": str(self.folder / "data"),
        }

    def database(self, name: str) -> str:
        return f"postgresql://portal@127.0.0.1:{self.ports['postgres']}/{name}"

    def address(self, web: str) -> str:
        return f"http://127.0.0.1:{self.ports[web]}"

    # --- engines ---

    def start_engines(self) -> None:
        engines.installed_or_installable("pg_ctl", "redis-server")
        for name in ("postgres", "redis"):
            (self.engines / name).mkdir()
            shutil.chown(self.engines / name, self.owner)
        self.create_database()
        self.parts["postgres"] = self.part("postgres", self.postgres_command(), self.owner)
        self.parts["redis"] = self.part("redis", self.redis_command(), self.owner)
        for name in ("postgres", "redis"):
            self.parts[name].start()
        self.wait_for_database()
        with psycopg.connect(self.database("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE portal")

    def part(self, name: str, command: list[str], owner: str = "") -> Part:
        folder = self.engines / name if owner else self.folder
        return Part(name, command, folder, self.environment if not owner else dict(os.environ), owner)

    def create_database(self) -> None:
        bin_folder = engines.program("pg_ctl").resolve().parent
        place = self.engines / "postgres"
        create = [
            bin_folder / "initdb",
            "-D",
            place / "data",
            "-U",
            "portal",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run(create, check=True, cwd=place, stdout=subprocess.DEVNULL, **engines.as_user(self.owner))

    def postgres_command(self) -> list[str]:
        bin_folder = engines.program("pg_ctl").resolve().parent
        place = self.engines / "postgres"
        told = {"listen_addresses": "127.0.0.1", "port": self.ports["postgres"], "unix_socket_directories": place}
        options = [word for name, value in told.items() for word in ("-c", f"{name}={value}")]
        return [str(bin_folder / "postgres"), "-D", str(place / "data"), *options]

    def redis_command(self) -> list[str]:
        told = {"port": self.ports["redis"], "bind": "127.0.0.1", "save": "", "appendonly": "yes"}
        told |= {"appendfsync": "everysec", "dir": self.engines / "redis"}
        return [str(engines.program("redis-server")), *(w for n, v in told.items() for w in (f"--{n}", str(v)))]

    def wait_for_database(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            try:
                psycopg.connect(self.database("postgres"), connect_timeout=3).close()
            except psycopg.OperationalError:
                assert time.monotonic() < deadline, self.parts["postgres"].words()
                time.sleep(0.1)
            else:
                return

    # --- the portal ---

    def manage(self, *arguments: str, **more: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env={**self.environment, **more}, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=READY_SECONDS,
        )  # fmt: skip
        assert done.returncode == 0, f"manage.py {arguments[0]}: {done.stdout[-1000:]}{done.stderr[-3000:]}"
        return done.stdout

    def start_portal(self) -> None:
        self.manage("collectstatic", "--noinput", "-v0")
        self.manage("migrate", "-v0")
        for name in ("web-1", "web-2"):
            self.parts[name] = self.part(name, [*WEB, "--port", str(self.ports[name])])
        self.parts["gateway"] = self.part("gateway", [*GATEWAY, "--port", str(self.ports["gateway"])])
        for name in ("polls-1", "polls-2", "commands-1"):
            queue = name.partition("-")[0]
            self.parts[name] = self.part(name, [*WORKER, "--queues", queue, "--hostname", f"{name}@%h"])
        for name in ("relay-1", "relay-2"):
            self.parts[name] = self.part(name, [sys.executable, "manage.py", "relay"])
        self.parts["beat"] = self.beat("beat")
        for name, part in self.parts.items():
            if name not in ("postgres", "redis"):
                part.start()

    def beat(self, name: str) -> Part:
        return self.part(name, [*CELERY, "beat", "--pidfile", ""])

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, connect_timeout=3) as connection:
            return connection.execute(query, values).fetchall()

    def end(self) -> None:
        """The engines last: the others would only complain."""
        for part in reversed(self.parts.values()):
            if part.process is not None:
                part.send(signal.SIGCONT)
                part.end()


def inherited() -> dict[str, str]:
    ours = ("DATABASE_URL", "REDIS_URL", "TEST_REDIS_URLS", "SECRET_KEY", "EMAIL_URL", "ALLOWED_HOSTS", "DEBUG")
    return {n: v for n, v in os.environ.items() if not n.startswith("PORTAL_") and n not in ours}


@contextmanager
def team_installation(folder: Path, **environment: str) -> Iterator[Team]:
    owner = engines.unprivileged()
    # The servers' user may not look into a folder of ours.
    with engines.temporary_folder(owner) as engines_folder:
        team = Team(folder, engines_folder, owner, **environment)
        try:
            team.start_engines()
            team.start_portal()
            yield team
        finally:
            team.end()

"""The all-in-one process: web server, worker and beat on an embedded database, with one command."""

import gc
import ipaddress
import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import Tags, run_checks
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from portal import embedded

SEPARATE = """REDIS_URL is set: this is a team installation, whose parts are processes of their own:
  uvicorn --no-proxy-headers --no-access-log portal.asgi:application    (web; one or more)
  celery -A portal worker            (polls and commands; one or more)
  celery -A portal beat              (the clock)
  python manage.py relay             (the bots' websockets; one or more)
  uvicorn --no-proxy-headers --no-access-log portal.asgi:gateway        (bots in their own language)
docs/install.md goes through it step by step.
Unset REDIS_URL for everything in one process."""


class Command(BaseCommand):
    help = "Everything in one process on one machine: pages, API, polling. Stops with Ctrl-C or SIGTERM."
    requires_system_checks: list[str] = []  # they run below, while the simulator starts

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: this machine only)")
        parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
        parser.add_argument("--demo", action="store_true", help="with a simulated fleet and demo people")

    def handle(self, *args: object, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError(SEPARATE)
        check_demo(options["demo"], options["host"])
        try:
            lock = embedded.claim(settings.DATA_DIR)
            listener = embedded.bound_socket(options["host"], options["port"])
        except (embedded.AlreadyRunning, embedded.PortTaken) as problem:
            raise CommandError(str(problem)) from None
        address = embedded.own_address(options["host"], listener.getsockname()[1])
        embedded.settle_address(address)
        with lock, simulated_fleet(options["demo"]) as fleet:
            self.prepare(fleet)
            words = greeting(address)
            gc.enable()  # manage.py disabled it for the start
            embedded.serve(listener, lambda: self.say(words))
            sys.stdout.flush()
        # Threads that still wait for a bot would hold the interpreter's end for seconds.
        os._exit(0)

    def prepare(self, fleet: "subprocess.Popen[str] | None") -> None:
        from bots.tasks import begin_alone

        self.check()
        if not is_current():
            call_command("migrate", interactive=False, verbosity=0)
        if connection.vendor == "sqlite":  # else the lock on the data folder proves little
            begin_alone()
        if fleet is not None:
            furnish(fleet)

    def say(self, words: list[str]) -> None:
        self.stdout.write("\n".join(words))
        self.stdout.flush()


def is_current() -> bool:
    """Whether `migrate` would find nothing to do: every step is taken, and the audit's triggers stand."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return False
    return not run_checks(tags=[Tags.database], databases=[connection.alias])


def greeting(address: str) -> list[str]:
    """What the person who started the portal needs to know."""
    from accounts import setup

    words = [f"The portal is at {address}/"]
    if marker().exists():
        words.append("Log in as manager, trader, operator or viewer (team Alpha), outsider (team Beta)")
        words.append("or admin (superuser). This is the demo: every password is demo.")
    elif setup.needed():
        words.append(f"Nobody can log in yet: set it up at {address}/setup/")
        words.append(f"The one-time code is {setup.fresh_code()}")
    return words


# --- the demo -----------------------------------------------------------------------------------------------------


def marker() -> Path:
    """Stands in a data directory that belongs to the demo, whose people all have a well-known password."""
    return Path(settings.DATA_DIR) / "demo"


def check_demo(demo: bool, host: str) -> None:
    """Raises CommandError where well-known passwords would open something real, or to strangers."""
    belongs_to_demo, used = marker().exists(), (Path(settings.DATA_DIR) / "portal.sqlite3").exists()
    if demo and used and not belongs_to_demo:
        raise CommandError(f"{settings.DATA_DIR} holds a real portal. Give the demo its own PORTAL_DATA_DIR.")
    if (demo or belongs_to_demo) and not is_loopback(host):
        raise CommandError("The demo's passwords are known to everybody: it listens at loopback addresses only.")
    if demo and "DATABASE_URL" in os.environ:
        raise CommandError("DATABASE_URL is set. The demo uses a database of its own: unset it.")


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def simulated_fleet(wanted: bool) -> "Iterator[subprocess.Popen[str] | None]":
    """The simulator as a child process; it ends with us, however we end."""
    if not wanted:
        yield None
        return
    marker().touch()
    state = str(Path(settings.DATA_DIR) / "simulator.json")
    command = [
        sys.executable,
        "-m",
        "bots.simulator",
        "--demo",
        "--state-file",
        state,
        "--parent-pid",
        str(os.getpid()),
    ]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=settings.BASE_DIR)
    try:
        yield child
    finally:
        child.terminate()
        try:
            child.wait(1)
        except subprocess.TimeoutExpired:
            child.kill()


def furnish(fleet: "subprocess.Popen[str]") -> None:
    from bots.demo import furnish_with

    line = fleet.stdout.readline() if fleet.stdout else ""
    if not line:
        raise CommandError("The simulated fleet did not start; its words stand above.")
    furnish_with(json.loads(line)["bots"])

"""Commands: from the confirmation (the call of `ask`) to the wire, while the same process polls its bots.

Quiet, and with 20 % of the bots hanging (their ports take connections and never answer) and every fifth command going
to one of those. Everything runs as people run it: SQLite, Celery's memory broker, the outbox; each command reads its
bot first. Milliseconds.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from typing import Any

from bench.fleet import simulated
from bench.report import Row, finish

BOTS = int(os.environ.get("BENCH_BOTS", "50"))
COMMANDS = int(os.environ.get("BENCH_COMMANDS", "200"))
EVERY_SECONDS = 0.1
HANGING_SHARE = 5  # one bot in so many
TARGET_MS = 1000.0
SETTLING_SECONDS = 15.0
Bots = list[dict[str, Any]]


def hanging_ports(stack: ExitStack, count: int) -> list[int]:
    """Connections are taken into the backlog, and nobody reads them."""
    ports = []
    for _ in range(count):
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(1000)
        ports.append(listener.getsockname()[1])
    return ports


def main() -> None:
    with ExitStack() as stack:
        bots = stack.enter_context(simulated(BOTS, open_trades=2))
        ports = hanging_ports(stack, BOTS // (HANGING_SHARE - 1))
        found = in_a_child({"bots": bots, "hanging": ports})
    quiet, hanging = sorted(found["quiet"]), sorted(found["hanging"])
    rows = [
        Row.told("to the wire, quiet, p50", share(quiet, 0.5), "ms"),
        Row.at_most("commands", "to the wire, quiet, p99", share(quiet, 0.99), TARGET_MS, "ms"),
        Row.told("to the wire, 20 % of the bots hanging, p50", share(hanging, 0.5), "ms"),
        Row.at_most("commands", "to the wire, 20 % of the bots hanging, p99", share(hanging, 0.99), TARGET_MS, "ms"),
        Row.told("hanging against quiet, p50", share(hanging, 0.5) / share(quiet, 0.5), "times"),
        Row.told("hanging against quiet, p99", share(hanging, 0.99) / share(quiet, 0.99), "times"),
    ]
    finish(rows, ("httptools", "uvloop", "django", "celery"))


def share(values: list[float], part: float) -> float:
    return values[min(len(values) - 1, int(len(values) * part))]


def in_a_child(given: dict[str, Any]) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as data:
        environment = {**os.environ, "PORTAL_DATA_DIR": data, "BENCH_CHILD": "1", "LOG_LEVEL": "ERROR"}
        answer = subprocess.run(
            [sys.executable, "-m", "bench.commands"],
            input=json.dumps(given), env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if answer.returncode:
            raise SystemExit(answer.stderr[-3000:])
        return dict(json.loads(answer.stdout))


# --- in the child -----------------------------------------------------------------------------------------------------


def child() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    import django

    django.setup()
    print(json.dumps(measured(json.loads(sys.stdin.read()))), flush=True)
    os._exit(0)  # threads that wait for hanging bots are of no further use


def measured(given: dict[str, Any]) -> dict[str, list[float]]:
    from bench._loops import migrated
    from bots.domain import commands
    from bots.models import Bot
    from portal.embedded import Background

    holes = [hole(number, port) for number, port in enumerate(given["hanging"])]
    migrated([*given["bots"], *holes])
    dead = Bot.objects.filter(name__startswith="hanging")
    dead.update(enabled=False)
    furnish(dead)
    left: dict[int, float] = {}
    commands.outbox().at = lambda point, number: (
        left.setdefault(number, time.perf_counter()) if point == "claimed" else 0
    )
    Background().start()
    wait_until_mirrored()
    time.sleep(SETTLING_SECONDS)
    quiet = asked(left, [])
    dead.update(enabled=True)
    time.sleep(SETTLING_SECONDS)  # the polls of the hanging ones hang
    return {"quiet": quiet, "hanging": asked(left, list(dead))}


def hole(number: int, port: int) -> dict[str, Any]:
    login = {"username": "freqtrader", "password": "nobody-reads-it"}
    return {"name": f"hanging-{number}", "url": f"http://127.0.0.1:{port}", **login}


def furnish(dead: Any) -> None:
    """A trader; and what the portal once knew of the bots that hang now."""
    from accounts.models import Membership, Team, User
    from bots.models import BotStatus

    BotStatus.objects.filter(bot__in=dead).update(capabilities=["reload_config"], mode="dry", state="running")
    trader = User.objects.create_user("trader")
    Membership.objects.create(user=trader, team=Team.objects.get(), role="trader")


def wait_until_mirrored() -> None:
    from bots.models import BotStatus

    while BotStatus.objects.filter(bot__enabled=True, history_at=None).exists():
        time.sleep(0.2)


def asked(left: dict[int, float], dead: list[Any]) -> list[float]:
    """Milliseconds from the call to the wire, of those at bots that answer."""
    from accounts.models import User
    from bots.models import Trade

    trader = User.objects.get()
    trades = list(Trade.objects.open().filter(bot__enabled=True).select_related("bot"))
    began: dict[int, float] = {}
    for number in range(COMMANDS):
        at = time.perf_counter()
        if dead and number % HANGING_SHARE == 0:
            ask(trader, dead[number % len(dead)], "reload_config", {})
        else:
            trade = trades[number % len(trades)]
            began[ask(trader, trade.bot, "reload_trade", {"trade_id": trade.trade_id})] = at
        time.sleep(max(0.0, at + EVERY_SECONDS - time.perf_counter()))
    time.sleep(5)
    return [(left[pk] - at) * 1000 for pk, at in began.items()]


def ask(trader: Any, bot: Any, action: str, params: dict[str, object]) -> int:
    from bots.domain import commands
    from bots.domain.audit import Actor

    actor = Actor(trader.username, trader.pk)
    return int(commands.ask(actor, trader, bot, action, params).command.pk)


if __name__ == "__main__":
    child() if "BENCH_CHILD" in os.environ else main()

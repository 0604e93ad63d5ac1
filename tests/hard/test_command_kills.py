"""Workers and the whole portal are killed while they send: never two effects, never a command without an end."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import Team, User
from bots.domain import audit, commands
from bots.domain.commands import Outbox, looking
from bots.models import Bot, Command, Trade
from bots.simulator import BotSpec, SimBot, running_fleet
from tests.bots.domain.commands.conftest import asked, exit_of, wait_for_quiet
from tests.bots.domain.commands.conftest import dora as dora  # noqa: PLC0414  a fixture
from tests.fleets import known, polled
from tests.process import ROOT

pytestmark = [pytest.mark.hard, pytest.mark.django_db(transaction=True)]

KILLS = int(os.environ.get("KILLS", "20"))
# Where the worker dies, what the bot does meanwhile, and whether the exit happens before anybody reconciles.
POINTS = [
    ("loaded", "", False),
    ("checked", "", False),
    ("claimed", "", False),
    ("waiting", "hang", False),  # the request is at the bot, which does nothing yet
    ("waiting", "drip", True),  # it acted, and its answer is on the way
    ("answered", "", True),
    ("recorded", "", True),
]


class Victim:
    """tests.hard.killed_outbox on the database of this test."""

    def __init__(self) -> None:
        environment = {**os.environ, "PORTAL_DATA_DIR": str(settings.DATA_DIR), "DATABASE_URL": database_url()}
        environment["PORTAL_AUDIT_ANCHOR"] = str(settings.PORTAL_AUDIT_ANCHOR)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.hard.killed_outbox"], cwd=ROOT, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self.said() == "ready"

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def carry(self, point: str, command: Command) -> str:
        """ "killed" at the point, or "ended" when it was never reached."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{point} {command.pk}\n")
        self.process.stdin.flush()
        return self.said()

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(20)


def database_url() -> str:
    facts = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{facts['NAME']}"
    return f"postgres://{facts['USER']}@{facts['HOST']}:{facts['PORT']}/{facts['NAME']}"


@pytest.fixture
def victim(transactional_db: None) -> Iterator[Victim]:
    victim = Victim()
    yield victim
    victim.end()


@pytest.fixture
def sim() -> Iterator[SimBot]:
    with running_fleet([BotSpec(name="majors", dry_run=False, max_open_trades=50)]) as fleet:
        yield fleet.bots[0]


@pytest.fixture
def bot(sim: SimBot, alpha: Team) -> Bot:
    bot = known(sim, alpha)
    polled(bot)
    return bot


@pytest.fixture
def successor(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outbox]:
    """The worker that comes after; it believes an unchanged bot at once, else this would take hours."""
    monkeypatch.setattr("bots.domain.commands.handing._carriers", [])
    monkeypatch.setattr(looking, "SETTLED_AFTER", timedelta(days=-1))
    box = Outbox().start()
    yield box
    box.stop()


def reconcile(box: Outbox, command: Command) -> Command:
    """What the ticks of the next minutes do, without their waiting."""
    commands.begin_alone()
    for _ in range(8):
        command.refresh_from_db()
        if command.state in Command.FINAL:
            return command
        Command.objects.filter(pk=command.pk).update(announced_at=None)
        Command.objects.filter(pk=command.pk).exclude(next_look_at=None).update(next_look_at=timezone.now())
        swept = commands.sweep()
        box.submit(swept.to_send)
        box.look(swept.to_look_at)
        wait_for_quiet(box)
    return command


@pytest.mark.parametrize(("point", "fault", "happened"), POINTS)
def test_killed_at_each_point_it_happens_at_most_once_and_comes_to_an_end(
    dora: User, bot: Bot, sim: SimBot, victim: Victim, successor: Outbox, point: str, fault: str, happened: bool
) -> None:
    ends: Counter[tuple[str, str, int]] = Counter()
    for _ in range(KILLS):
        opened = sim.open_trade("XRP/USDT")
        polled(bot)
        trade = Trade.objects.get(bot=bot, trade_id=str(opened.trade_id), open_ms=opened.open_ms)
        command = asked(dora, bot, "force_exit", exit_of(trade, order_type="market"))
        sim.effects.clear()
        sim.requests.clear()
        set_fault(sim, fault)
        assert victim.carry(point, command) == "killed"
        set_fault(sim, "")
        assert (len(sim.effects) == 1) is happened
        reconcile(successor, command)
        again = sim.requests.count("/forceexit", "POST")
        ends[command.state, command.code, again] += 1
        assert len(sim.effects) <= 1
        assert again <= 1, "sent a second time"
        assert (command.state == Command.DONE) is (len(sim.effects) == 1)
        if sim.book.trades[opened.trade_id].is_open:
            sim.close_trade(opened.trade_id)
    print(f"\n{point} {fault}: {dict(ends)}")
    assert {state for state, _, _ in ends} <= set(Command.FINAL)
    assert audit.verify().bad == 0


def set_fault(sim: SimBot, fault: str) -> None:
    sim.faults.clear()
    if fault == "hang":
        sim.faults.on("/forceexit").hang = 30.0
    elif fault == "drip":
        sim.faults.on("/forceexit").drip = 2.0

"""Dora trades for team Alpha, Otto operates; a live bot of simulated trades, and an outbox that sends for real."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import Role
from accounts.models import Team, User
from bots.domain import commands
from bots.domain.audit import Actor
from bots.domain.commands import Outbox, looking
from bots.models import AuditEntry, Bot, Command, Trade
from bots.simulator import BotSpec, SimBot, running_fleet
from tests.builders import member, person
from tests.fleets import known, polled

SPEC = BotSpec(name="majors", open_trades=3, dry_run=False)
WHY = "the market turns"


@pytest.fixture
def dora(alpha: Team) -> User:
    dora = person("dora")
    member(dora, alpha, Role.TRADER)
    return dora


@pytest.fixture
def otto(alpha: Team) -> User:
    otto = person("otto")
    member(otto, alpha, Role.OPERATOR)
    return otto


@pytest.fixture
def sim() -> Iterator[SimBot]:
    with running_fleet([SPEC]) as fleet:
        yield fleet.bots[0]


@pytest.fixture
def bot(sim: SimBot, alpha: Team) -> Bot:
    bot = known(sim, alpha)
    polled(bot)
    return bot


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The ids of intents that were handed over: nothing carries them further by itself."""
    ids: list[int] = []
    monkeypatch.setattr("bots.domain.commands.handing._carriers", [ids.extend])
    return ids


@pytest.fixture
def outbox(transactional_db: None) -> Iterator[Outbox]:
    box = Outbox().start()
    yield box
    box.stop()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second for an answer, and an unchanged bot is believed at once."""
    monkeypatch.setattr("bots.systems.instructions.ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(looking, "SETTLED_AFTER", timedelta(0))


def actor(user: User, role: str = "") -> Actor:
    return Actor(user.username, user.pk, role, "10.0.0.7", "Firefox", "f1ngerpr1nt")


Ask = Callable[..., Command]


def asked(user: User, bot: Bot, action: str, params: dict[str, object] | None = None, **more: object) -> Command:
    """The command that asking brought, with a reason where none is given."""
    reason = more.pop("reason", WHY)
    fresh = Bot.objects.visible_to(user).get(pk=bot.pk)
    return commands.ask(actor(user), user, fresh, action, params or {}, reason, **more).command


def exit_of(trade: Trade, **more: object) -> dict[str, object]:
    return {"trade_id": trade.trade_id, **more}


def first_trade(bot: Bot) -> Trade:
    return Trade.objects.open().filter(bot=bot).order_by("open_ms").first()


def ended(command: Command, *states: str, seconds: float = 60) -> Command:
    """The command as soon as it is in one of the states (or any but asked and sent)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        command.refresh_from_db()
        if command.state in (states or {*Command.FINAL, Command.UNKNOWN}):
            return command
        time.sleep(0.02)
    raise AssertionError(f"command {command.pk} is still {command.state}: {command.outcome}")


def refused(kind: type[commands.ActRefused], *arguments: object, **more: object) -> commands.ActRefused:
    """What asking raised; and nothing was written."""
    before = (Command.objects.count(), AuditEntry.objects.count())
    with pytest.raises(kind) as caught:
        asked(*arguments, **more)  # type: ignore[arg-type]
    assert (Command.objects.count(), AuditEntry.objects.count()) == before
    return caught.value


def wait_for_quiet(outbox: Outbox) -> None:
    """Until it has begun what it was handed, and ended it."""
    begun = threading.Event()
    outbox.loop.call_soon_threadsafe(begun.set)
    assert begun.wait(10)
    while outbox.under_way:
        time.sleep(0.01)


def lost(outbox: Outbox, command: Command) -> Command:
    outbox.submit([command.pk])
    unknown = ended(command, Command.UNKNOWN)
    wait_for_quiet(outbox)
    return unknown


def looked(outbox: Outbox, command: Command, times: int = 1) -> Command:
    """After so many looks, as the tick starts them."""
    for _ in range(times):
        Command.objects.filter(pk=command.pk).exclude(next_look_at=None).update(next_look_at=timezone.now())
        outbox.look(commands.sweep().to_look_at)
        wait_for_quiet(outbox)
    command.refresh_from_db()
    return command


def acts_then_dies(sim: SimBot, path: str) -> None:
    sim.faults.on(path).cut = True


def never_acts(sim: SimBot, path: str) -> None:
    sim.faults.on(path).reset = True

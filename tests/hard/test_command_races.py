"""Commands in the worst moments: fifty people at once, answers that are lost, two bots with the same trade id.

Dora trades for team Alpha. The bots count what took effect on each trade.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from accounts.models import Team, User
from bots.domain import commands
from bots.domain.commands import Outbox, looking
from bots.models import AuditEntry, Bot, Command, Trade
from bots.simulator import BotSpec, Fleet, SimBot, running_fleet
from tests.bots.api.conftest import Caller
from tests.bots.domain.commands.conftest import asked, exit_of, first_trade
from tests.bots.domain.commands.conftest import dora as dora  # noqa: PLC0414  a fixture
from tests.fleets import known, polled

pytestmark = [pytest.mark.hard, pytest.mark.django_db(transaction=True)]

AT_ONCE = 50
WORKERS = 5


@pytest.fixture
def outboxes() -> Iterator[list[Outbox]]:
    """As many worker processes have one each."""
    boxes = [Outbox().start() for _ in range(WORKERS)]
    yield boxes
    for box in boxes:
        box.stop()


def reconciled(boxes: Sequence[Outbox], numbers: Sequence[int], seconds: float = 300) -> dict[int, Command]:
    """The tick and the workers go on until each command has its end."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        swept = commands.sweep()
        for box in boxes:  # a message may come to every worker
            box.submit(swept.to_send)
            box.look(swept.to_look_at)
        found = Command.objects.in_bulk(numbers)
        if all(each.state in Command.FINAL and each.effect != "pending" for each in found.values()):
            return found
        time.sleep(0.3)
    raise AssertionError({each.pk: (each.state, each.effect, each.outcome) for each in found.values()})


def all_at_once(act: Callable[[int], object]) -> list[object]:
    """`act` in fifty threads that begin together."""
    together = Barrier(AT_ONCE)

    def begin(number: int) -> object:
        together.wait(120)
        try:
            return act(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(begin, range(AT_ONCE)))


def asked_over_the_api(user: User, bot: Bot, params: dict[str, object], keys: Sequence[str]) -> list[tuple[int, dict]]:
    """(status, body) of fifty equal requests; `keys`: the Idempotency-Key of each, "" for none."""
    body = {"action": "force_exit", "params": params, "reason": "the market turns"}

    def ask(number: int) -> tuple[int, dict]:
        headers = {"Idempotency-Key": keys[number]} if keys[number] else None
        until = time.monotonic() + 300
        while True:
            answer = Caller(user)(f"bots/{bot.slug}/commands/", "POST", body, headers=headers)
            # Where fifty writers wait for one file on a busy machine, some are told to try again.
            if answer.status_code != 503 or time.monotonic() > until:
                return answer.status_code, answer.json()

    return all_at_once(ask)  # type: ignore[return-value]


# --- fifty at once ----------------------------------------------------------------------------------------------------


@pytest.fixture
def sim() -> Iterator[SimBot]:
    with running_fleet([BotSpec(name="majors", open_trades=3, dry_run=False)]) as fleet:
        yield fleet.bots[0]


KEYS = {
    "no key": ([""] * AT_ONCE, {202: 1, 409: AT_ONCE - 1}),
    "the same key": (["one-click"] * AT_ONCE, {202: AT_ONCE}),
    "a key each": ([f"click-{number}" for number in range(AT_ONCE)], {202: 1, 409: AT_ONCE - 1}),
}


@pytest.mark.parametrize("keyed", KEYS)
def test_fifty_equal_exits_at_the_same_moment_have_one_effect(
    keyed: str, sim: SimBot, dora: User, alpha: Team, outboxes: list[Outbox]
) -> None:
    bot = known(sim, alpha)
    polled(bot)
    trade = first_trade(bot)
    keys, expected = KEYS[keyed]
    answers = asked_over_the_api(dora, bot, exit_of(trade), keys)
    assert Counter(status for status, _ in answers) == expected
    command = Command.objects.get()
    assert {body["first"] for status, body in answers if status == 409} <= {command.pk}
    assert {body["id"] for status, body in answers if status == 202} == {command.pk}
    for box in outboxes * 10:
        box.submit([command.pk])
    assert reconciled(outboxes, [command.pk])[command.pk].effect == "filled"
    assert_one_effect(sim, sim.book.trades[int(trade.trade_id)])
    assert AuditEntry.objects.filter(action="command_sent").count() == 1


def assert_one_effect(sim: SimBot, trade: object) -> None:
    assert (sim.requests.count("/forceexit", "POST"), len(sim.effects_on(trade))) == (1, 1)  # type: ignore[arg-type]
    assert len([order for order in trade.orders if order.side == "sell"]) == 1  # type: ignore[attr-defined]


def test_fifty_different_people_and_workers_exit_every_trade_once(
    sim: SimBot, dora: User, alice: User, alpha: Team, outboxes: list[Outbox]
) -> None:
    """Some exit all, some one of the trades: what is sold is sold once, whoever was first."""
    bot = known(sim, alpha)
    polled(bot)
    trades = list(Trade.objects.open().filter(bot=bot))
    mine = [sim.book.trades[int(trade.trade_id)] for trade in trades]

    def ask(number: int) -> int:
        one = {"action": "force_exit", "params": exit_of(trades[number % 3]), "reason": "flat"}
        body = one if number % 4 else {"action": "force_exit_all", "reason": "flat"}
        return Caller(dora if number % 2 else alice)(f"bots/{bot.slug}/commands/", "POST", body).status_code

    assert set(all_at_once(ask)) == {202, 409}
    numbers = list(Command.objects.values_list("pk", flat=True))
    for box in outboxes:
        box.submit(numbers)
    reconciled(outboxes, numbers)
    assert [len([order for order in trade.orders if order.side == "sell"]) for trade in mine] == [1, 1, 1]
    assert sim.book.open == []


# --- lost answers -----------------------------------------------------------------------------------------------------

LOST = {
    "reset": {"reset": True},
    "cut": {"cut": True},
    "500": {"status": 500},
    "proxy 502": {"status": 502, "proxy_page": True},
    "504": {"status": 504},
    "garbage": {"garbage": True},
    "redirect": {"redirect": "http://127.0.0.1:9/"},
    "silence": {"hang": float("inf")},
    "late": {"hang": 18.0},  # it acts when nobody waits any more
}


@pytest.fixture
def losing() -> Iterator[Fleet]:
    names = [f"{name} {what}" for name in LOST for what in ("acts", "idle")]
    with running_fleet([BotSpec(name=name, open_trades=1, dry_run=False) for name in names]) as fleet:
        for bot in fleet.bots:
            fault = bot.faults.on("/forceexit")
            name, _, what = bot.name.rpartition(" ")
            for switch, value in {**LOST[name], "acts": what == "acts"}.items():
                setattr(fault, switch, value)
        yield fleet


def test_a_lost_answer_is_resolved_by_reading_and_nothing_is_sent_twice(
    losing: Fleet, dora: User, alpha: Team, outboxes: list[Outbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "SETTLED_AFTER", timedelta(seconds=8))
    asked_of = {sim.name: exit_asked(sim, dora, alpha) for sim in losing.bots}
    numbers = [command.pk for command in asked_of.values()]
    outboxes[0].submit(numbers)
    ends = reconciled(outboxes, numbers, seconds=90)
    for sim in losing.bots:
        command, did = ends[asked_of[sim.name].pk], len(sim.effects)
        assert did == (0 if sim.name.endswith("idle") and not sim.name.startswith(("cut", "late")) else 1), sim.name
        assert command.state == (Command.DONE if did else Command.REFUSED), (sim.name, command.outcome)
        assert command.code == ("" if did else "no_effect"), sim.name
        assert command.effect == ("filled" if did else "none"), sim.name
        assert sim.requests.count("/forceexit", "POST") == 1, sim.name
        assert steps_of(command)[:3] == ["command_asked", "command_sent", "command_unknown"], sim.name


def exit_asked(sim: SimBot, user: User, team: Team) -> Command:
    bot = known(sim, team)
    polled(bot)
    return asked(user, bot, "force_exit", exit_of(first_trade(bot)))


def steps_of(command: Command) -> list[str]:
    rows = AuditEntry.objects.filter(details__command=command.pk).order_by("pk")
    return [row.action for row in rows]

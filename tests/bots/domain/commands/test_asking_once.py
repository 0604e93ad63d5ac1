"""Asking once: keys, second clicks, what stands in the way of the next exit, and how one insists."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from accounts.models import Team, User
from bots.domain import commands, safety
from bots.models import AuditEntry, Bot, Command, Trade
from tests.bots.domain.commands.conftest import WHY, actor, asked, exit_of, first_trade, refused
from tests.builders import a_bot, a_trade

pytestmark = pytest.mark.django_db


def test_the_same_key_brings_the_same_command(dora: User, bot: Bot, handed: list[int]) -> None:
    trade = first_trade(bot)
    first = commands.ask(actor(dora), dora, bot, "force_exit", exit_of(trade), WHY, key="k1")
    again = commands.ask(actor(dora), dora, bot, "force_exit", exit_of(trade), WHY, key="k1")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.command == first.command
    assert Command.objects.count() == AuditEntry.objects.count() == 1


def test_the_same_key_brings_its_command_when_the_trade_is_long_gone(dora: User, bot: Bot) -> None:
    trade = first_trade(bot)
    first = asked(dora, bot, "force_exit", exit_of(trade), key="k1")
    Command.objects.update(state=Command.DONE)
    Trade.objects.update(gone_at=timezone.now())
    assert asked(dora, bot, "force_exit", exit_of(trade), key="k1") == first


def test_a_short_lock_asked_again_with_its_key_when_it_is_over_is_answered_as_before(dora: User, bot: Bot) -> None:
    soon = timezone.now() + timedelta(minutes=5)
    lock = {"pair": "BTC/USDT", "until": soon.isoformat()}
    first = asked(dora, bot, "lock_pair", lock, key="k1")
    with time_machine.travel(soon + timedelta(minutes=1)):
        assert asked(dora, bot, "lock_pair", lock, key="k1") == first
        problem = refused(commands.WrongParams, dora, bot, "lock_pair", lock, key="k2")
    assert problem.fields == {"until": "Lies in the past"}


@pytest.mark.parametrize("changed", ["params", "reason", "action", "bot"])
def test_the_same_key_for_another_wish_is_refused(dora: User, bot: Bot, alpha: Team, changed: str) -> None:
    trade = first_trade(bot)
    first = asked(dora, bot, "force_exit", exit_of(trade), key="k1")
    other = a_bot(alpha, "other", status={"capabilities": ["force_exit"]})
    a_trade(other, trade_id=trade.trade_id)
    wishes = {
        "params": (bot, "force_exit", exit_of(trade, amount="0.001"), WHY),
        "reason": (bot, "force_exit", exit_of(trade), "another"),
        "action": (bot, "reload_trade", exit_of(trade), WHY),
        "bot": (other, "force_exit", exit_of(trade), WHY),
    }
    where, action, params, reason = wishes[changed]
    problem = refused(commands.KeyUsedOtherwise, dora, where, action, params, reason=reason, key="k1")
    assert (problem.code, problem.status, problem.first) == ("key_used", 409, first)


def test_another_person_may_use_the_same_key(dora: User, alice: User, bot: Bot) -> None:
    one, two = Trade.objects.filter(bot=bot).order_by("open_ms")[:2]
    asked(dora, bot, "force_exit", exit_of(one), key="k1")
    assert asked(alice, bot, "force_exit", exit_of(two), key="k1").requested_by == alice


def test_a_second_exit_of_the_same_trade_names_the_first(dora: User, alice: User, bot: Bot) -> None:
    trade = first_trade(bot)
    first = asked(dora, bot, "force_exit", exit_of(trade), key="k1")
    problem = refused(commands.Duplicate, alice, bot, "force_exit", exit_of(trade, amount="0.001"), key="k2")
    assert (problem.code, problem.status, problem.first) == ("duplicate", 409, first)
    assert f"by dora (command {first.pk}) and is intent" in str(problem)


def test_insisting_means_naming_the_newest(dora: User, bot: Bot) -> None:
    trade = first_trade(bot)
    first = asked(dora, bot, "force_exit", exit_of(trade))
    second = asked(dora, bot, "force_exit", exit_of(trade), insists_on=first.pk)
    assert second.insists_on == first
    problem = refused(commands.Duplicate, dora, bot, "force_exit", exit_of(trade), insists_on=first.pk)
    assert problem.first == second
    refused(commands.Duplicate, dora, bot, "force_exit", exit_of(trade), insists_on=second.pk + 1)


@pytest.mark.parametrize(
    ("state", "age", "twice"),
    [
        (Command.DONE, 29, True),
        (Command.DONE, 31, False),
        (Command.UNKNOWN, 3600, True),
        (Command.SENT, 3600, True),
        (Command.WAITING, 300, True),
        (Command.REFUSED, 1, False),
        (Command.CANCELLED, 1, False),
        (Command.EXPIRED, 1, False),
        (Command.CLOSED, 3600, False),
    ],
)
def test_how_long_an_exit_stands_in_the_way_of_the_next(dora, bot, state, age, twice):
    trade = first_trade(bot)
    asked(dora, bot, "force_exit", exit_of(trade))
    Command.objects.update(state=state, requested_at=timezone.now() - timedelta(seconds=age))
    if twice:
        refused(commands.Duplicate, dora, bot, "force_exit", exit_of(trade))
    else:
        assert asked(dora, bot, "force_exit", exit_of(trade)).state == Command.INTENT


def test_an_exit_of_all_stands_in_the_way_of_each_but_not_the_other_way_round(dora: User, bot: Bot) -> None:
    one, two = Trade.objects.filter(bot=bot).order_by("open_ms")[:2]
    asked(dora, bot, "force_exit", exit_of(one))
    whole = asked(dora, bot, "force_exit_all")
    assert refused(commands.Duplicate, dora, bot, "force_exit_all").first == whole
    assert refused(commands.Duplicate, dora, bot, "force_exit", exit_of(two)).first == whole


def test_an_entry_into_the_same_pair_is_asked_once(dora: User, bot: Bot) -> None:
    asked(dora, bot, "force_enter", {"pair": "XRP/USDT"})
    refused(commands.Duplicate, dora, bot, "force_enter", {"pair": "XRP/USDT"})
    assert asked(dora, bot, "force_enter", {"pair": "SOL/USDT"}).state == Command.INTENT


def at_the_same_moment(*asks: Callable[[], object]) -> list[object]:
    """What each brought or raised, by a thread and a connection of its own."""
    assert safety.may_send()  # its row is written once, and nobody waits for it below
    together = threading.Barrier(len(asks))

    def one(ask: Callable[[], object]) -> object:
        connection.ensure_connection()
        together.wait()
        try:
            return ask()
        except commands.ActRefused as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(asks)) as threads:
        return list(threads.map(one, asks))


@pytest.mark.django_db(transaction=True)
def test_of_ten_at_the_same_moment_one_is_written(dora: User, bot: Bot) -> None:
    trade = first_trade(bot)
    ends = at_the_same_moment(*[lambda: asked(dora, bot, "force_exit", exit_of(trade))] * 10)
    only = Command.objects.get()
    assert [end for end in ends if end == only] == [only]
    assert [end.first for end in ends if isinstance(end, commands.Duplicate)] == [only] * 9


@pytest.mark.django_db(transaction=True)
def test_of_ten_with_one_key_all_bring_the_same(dora: User, bot: Bot) -> None:
    ends = at_the_same_moment(*[lambda: asked(dora, bot, "stop", key="k1")] * 10)
    assert ends == [Command.objects.get()] * 10


@pytest.mark.django_db(transaction=True)
def test_one_key_at_two_bots_at_the_same_moment_is_one_command(dora: User, alpha: Team) -> None:
    bots = [a_bot(alpha, name, status={"capabilities": ["stop"]}) for name in ("one", "two")]
    ends = at_the_same_moment(*[partial(asked, dora, bot, "stop", key="k1") for bot in bots])
    only = Command.objects.get()
    assert only in ends
    assert [end.first for end in ends if isinstance(end, commands.KeyUsedOtherwise)] == [only]

"""An exit forced past the portal enters the audit, once; an exit that was asked for here does not."""

import pytest

from accounts.models import User
from bots.domain import commands
from bots.domain.commands import Outbox
from bots.models import AuditEntry, Bot, Command, Event
from bots.simulator import SimBot
from tests.bots.domain.commands.conftest import asked, ended, exit_of, first_trade
from tests.bots.domain.commands.surroundings import unwritable_audit
from tests.fleets import polled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("handed")]


def audited() -> list[str]:
    commands.sweep()
    commands.sweep()
    return [entry.details["trade_id"] for entry in AuditEntry.objects.filter(action="forced_outside")]


def test_an_exit_forced_at_the_bot_itself_is_audited_once(bot: Bot, sim: SimBot) -> None:
    trade = first_trade(bot)
    sim.close_trade(int(trade.trade_id), reason="force_exit")
    polled(bot)
    polled(bot)
    assert audited() == [trade.trade_id]
    entry = AuditEntry.objects.get(action="forced_outside")
    trade.refresh_from_db()
    assert (entry.bot, entry.team, entry.role) == (bot.slug, "alpha", "process")
    assert (entry.details["pair"], entry.details["trade"]) == (trade.pair, trade.pk)
    assert entry.details["profit_abs"] == format(trade.profit_abs, "f")
    assert entry.details["reason"] == "force_exit"


def test_an_exit_of_the_strategy_is_not(bot: Bot, sim: SimBot) -> None:
    sim.close_trade(int(first_trade(bot).trade_id), reason="roi")
    polled(bot)
    assert audited() == []


def test_an_exit_that_was_asked_for_here_is_not(dora: User, bot: Bot, sim: SimBot, outbox: Outbox) -> None:
    command = asked(dora, bot, "force_exit_all", {"order_type": "market"})
    outbox.submit([command.pk])
    ended(command)
    polled(bot)
    assert audited() == []
    assert not Event.objects.filter(kind="forced_outside").exists()


def test_an_exit_that_the_bot_had_refused_here_explains_nothing(dora: User, bot: Bot, sim: SimBot) -> None:
    trade = first_trade(bot)
    command = asked(dora, bot, "force_exit", exit_of(trade))
    Command.objects.update(state=Command.REFUSED, sent_at=command.requested_at)
    sim.close_trade(int(trade.trade_id), reason="force_exit")
    polled(bot)
    assert audited() == [trade.trade_id]


def test_without_the_audit_it_waits(bot: Bot, sim: SimBot) -> None:
    trade = first_trade(bot)
    sim.close_trade(int(trade.trade_id), reason="force_exit")
    polled(bot)
    with unwritable_audit():
        assert commands.sweep().outside == 0
    assert audited() == [trade.trade_id]

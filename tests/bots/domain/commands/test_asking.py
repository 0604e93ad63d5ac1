"""Asking: who may, with which words, for which trade, how often; what is written down, and what is refused."""

from datetime import timedelta

import pytest

from accounts.models import User
from bots.models import AuditEntry, Bot, BotStatus, Command
from tests.bots.domain.commands.conftest import WHY, asked, exit_of, first_trade

pytestmark = pytest.mark.django_db


def test_what_dora_asks_is_written_down_with_what_she_saw(dora: User, bot: Bot, handed: list[int]) -> None:
    trade = first_trade(bot)
    command = asked(dora, bot, "force_exit", exit_of(trade))
    assert command.state == Command.INTENT
    assert command.expires_at - command.requested_at == timedelta(seconds=60)
    assert (command.requested_by_name, command.role, command.address) == ("dora", "trader", "10.0.0.7")
    assert command.trade == trade
    before = command.before
    assert (before["pair"], before["side"], before["open_ms"]) == (trade.pair, "long", trade.open_ms)
    assert before["amount"] == format(trade.amount, "f")
    moving = BotStatus.objects.get(bot=bot).moving[trade.trade_id]
    assert before["profit_abs"] == moving["profit_abs"]
    assert before["current_rate"] == moving["current_rate"]
    entry = AuditEntry.objects.get(action="command_asked")
    assert (entry.actor, entry.bot, entry.team) == ("dora", bot.slug, "alpha")
    assert entry.details["command"] == command.pk
    assert entry.details["reason"] == WHY
    assert entry.details["before"]["amount"] == before["amount"]

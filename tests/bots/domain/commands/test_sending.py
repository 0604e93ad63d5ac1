"""Sending: what leaves the outbox reaches the bot once, and what comes back is written down."""

import pytest

from accounts.models import User
from bots.domain.commands import Outbox
from bots.models import AuditEntry, Bot
from tests.bots.domain.commands.conftest import asked, ended

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_command_is_sent_and_ends_with_the_bots_answer(dora: User, bot: Bot, outbox: Outbox, handed) -> None:
    command = asked(dora, bot, "stop")
    outbox.submit([command.pk])
    ended(command)
    print(command.state, command.code, command.outcome)
    for e in AuditEntry.objects.all():
        print(e.action, e.details)

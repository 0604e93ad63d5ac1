"""Fifty equal exits of one trade at the same moment, at a genuine bot of the newest release: it sells once."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.models import Team, User
from bots.domain.commands import Outbox
from bots.models import AuditEntry, Bot, BotStatus, Command, PollTurn
from tests.fleets import polled
from tests.hard.test_command_races import AT_ONCE, asked_over_the_api, reconciled
from tests.real.calm import CalmBot

pytestmark = [pytest.mark.real, pytest.mark.django_db(transaction=True)]

PAIRS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


@pytest.fixture
def genuine(tmp_path: Path) -> Iterator[CalmBot]:
    bot = CalmBot("2026.9", tmp_path)
    try:
        bot.start()
        for pair in PAIRS:
            bot.post("forceenter", {"pair": pair})
        yield bot
    finally:
        bot.kill()


@pytest.fixture
def outboxes() -> Iterator[list[Outbox]]:
    boxes = [Outbox().start() for _ in range(5)]
    yield boxes
    for box in boxes:
        box.stop()


def known(genuine: CalmBot, team: Team) -> Bot:
    connection = {"url": genuine.url, "username": genuine.username}
    bot = Bot(team=team, name=genuine.name, slug="genuine", system="freqtrade", connection=connection)
    bot.set_secret("password", genuine.password)
    bot.save()
    BotStatus.objects.create(bot=bot)
    PollTurn.objects.create(bot=bot)
    polled(bot)
    return bot


@pytest.mark.parametrize("key", ["", "one-click"])
def test_a_genuine_bot_sells_once(genuine: CalmBot, alice: User, alpha: Team, outboxes: list[Outbox], key: str) -> None:
    bot = known(genuine, alpha)
    answers = asked_over_the_api(alice, bot, {"trade_id": "2"}, [key] * AT_ONCE)
    assert Counter(status for status, _ in answers) == ({202: AT_ONCE} if key else {202: 1, 409: AT_ONCE - 1})
    command = Command.objects.get()
    for box in outboxes * 10:
        box.submit([command.pk])
    end = reconciled(outboxes, [command.pk])[command.pk]
    trade = genuine.get("trade/2")
    assert isinstance(trade, dict)
    sold = [order for order in trade["orders"] if order["ft_order_side"] == "sell"]
    assert (end.state, end.effect, trade["is_open"], trade["exit_reason"]) == ("done", "filled", False, "force_exit")
    assert (len(sold), sold[0]["status"]) == (1, "closed")
    assert sorted(each["trade_id"] for each in genuine.get("status")) == [1, 3]  # type: ignore[union-attr]
    assert AuditEntry.objects.filter(action="command_sent").count() == 1

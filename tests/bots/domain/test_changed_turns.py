"""What becomes of a turn while its bot is asked: the poll takes it over as it is written."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Team
from bots.domain.polling import schedule
from bots.domain.polling.asking import PollResult
from bots.domain.polling.orders import orders_for
from bots.domain.polling.writing import write
from bots.models import Bot, BotStatus, PollTurn
from bots.systems.contract import BotState, Kind
from tests.builders import a_bot

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LATER = NOW + timedelta(seconds=2)
DUE = {"state": NOW.timestamp() - 1, "logs": NOW.timestamp() + 60}
RUNNING = BotState("running", "live", "2027.1", "USDT", 3, "Trend", "binance", "spot", "5m", "one", 5)


@pytest.fixture
def bot(alpha: Team) -> Bot:
    bot = a_bot(alpha)
    PollTurn.objects.update(due=DUE)
    return bot


def answered(bot: Bot) -> PollResult:
    """The bot said its state; nothing is written yet."""
    (order,) = orders_for([schedule.claim_one(bot, NOW)], NOW)
    return PollResult(order, asked=[Kind.STATE], state=RUNNING)


def turn_after(result: PollResult) -> PollTurn:
    write([result], LATER)
    assert BotStatus.objects.get().version == "2027.1"
    return PollTurn.objects.get()


def test_a_bot_whose_turn_nobody_touched_is_due_again_by_its_plan(bot: Bot) -> None:
    turn = turn_after(answered(bot))
    assert turn.leased_until is None
    assert turn.due["logs"] == DUE["logs"]
    assert turn.due["state"] == pytest.approx(LATER.timestamp() + bot.plan()[Kind.STATE], rel=0, abs=3)
    assert turn.next_poll_at.timestamp() == pytest.approx(turn.due["state"], rel=0, abs=0.001)


def test_a_lease_that_was_renewed_ends_with_the_poll(bot: Bot) -> None:
    result = answered(bot)
    schedule.renew([result.order.claim])
    turn = turn_after(result)
    assert (turn.leased_until, turn.fence, turn.due["logs"]) == (None, 1, DUE["logs"])


def test_a_person_who_asks_for_a_fresh_poll_gets_one_though_another_was_under_way(bot: Bot) -> None:
    result = answered(bot)
    schedule.wake([bot.pk])
    woken_for = PollTurn.objects.get().next_poll_at
    turn = turn_after(result)
    assert (turn.due, turn.next_poll_at, turn.leased_until) == ({}, woken_for, None)


def test_a_kind_that_grew_old_while_the_bot_was_asked_is_due_at_once(bot: Bot) -> None:
    result = answered(bot)
    result.asked.append(Kind.LOGS)
    schedule.hasten({bot.pk: frozenset({Kind.LOGS})}, NOW, patiently=False)
    turn = turn_after(result)
    assert set(turn.due) == {"state"}
    assert LATER <= turn.next_poll_at < LATER + timedelta(seconds=1)


def test_what_a_bot_that_was_retired_said_is_not_written(bot: Bot) -> None:
    result = answered(bot)
    Bot.objects.update(retired_at=NOW)
    assert write([result], LATER) == []
    assert BotStatus.objects.get().version == "2026.9"

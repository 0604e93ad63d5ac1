"""The due-table: every due bot is taken once, by whoever comes first, and comes back when its owner is lost."""

import threading
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Team
from bots.domain.polling import schedule
from bots.models import Bot, PollTurn
from bots.systems.contract import Kind
from bots.systems.errors import Busy, TimedOut, WrongPassword
from tests.builders import a_bot, team

PLAN = {Kind.STATE: 10.0, Kind.PROFIT: 60.0}


@pytest.fixture
def bot(alpha: Team) -> Bot:
    return a_bot(alpha)


def test_a_due_bot_is_claimed_once(bot: Bot) -> None:
    first, second = schedule.claim_due(), schedule.claim_due()
    assert [(claim.bot_id, claim.fence) for claim in first] == [(bot.pk, 1)]
    assert second == []


def test_a_bot_whose_worker_died_is_claimed_again_with_a_higher_fence(bot: Bot) -> None:
    now = timezone.now()
    schedule.claim_due(now)
    assert schedule.claim_due(now + timedelta(seconds=9)) == []
    assert schedule.claim_due(now + timedelta(seconds=11)) == [schedule.Claim(bot.pk, 2)]


def test_a_slow_poll_is_held_as_long_as_its_worker_renews_the_lease(bot: Bot) -> None:
    now = timezone.now()
    claims = schedule.claim_due(now)
    with time_machine.travel(now + timedelta(seconds=8), tick=False):
        schedule.renew(claims)
    assert schedule.claim_due(now + timedelta(seconds=17)) == []
    assert schedule.claim_due(now + timedelta(seconds=19)) == [schedule.Claim(bot.pk, 2)]


def test_who_lost_a_bot_cannot_renew_or_release_it(bot: Bot) -> None:
    lost = schedule.claim_due()
    schedule.claim_one(bot)
    before = PollTurn.objects.get()
    schedule.renew(lost)
    schedule.release(lost)
    turn = PollTurn.objects.get()
    assert (turn.fence, turn.leased_until) == (before.fence, before.leased_until)


def test_ten_thousand_leases_are_renewed_in_two_transactions(bot: Bot) -> None:
    """While a writer is behind, others come to write on SQLite about once a second, and a lease lasts ten."""
    now = timezone.now()
    mine = schedule.claim_due(now)
    others = [schedule.Claim(bot.pk + number, 1) for number in range(1, 10_000)]
    with CaptureQueriesContext(connection) as asked, time_machine.travel(now + timedelta(seconds=8), tick=False):
        schedule.renew([*others, *mine])
    assert sum(query["sql"].startswith(("BEGIN", "SAVEPOINT")) for query in asked) == 2
    assert PollTurn.objects.get().leased_until == now + timedelta(seconds=18)


def test_a_poll_that_was_written_is_not_leased_again(bot: Bot) -> None:
    claims = schedule.claim_due()
    PollTurn.objects.update(leased_until=None)
    schedule.renew(claims)
    assert PollTurn.objects.get().leased_until is None


def test_what_is_given_back_is_due_at_once(alpha: Team) -> None:
    bots = [a_bot(alpha, f"bot {number}") for number in range(3)]
    claims = schedule.claim_due()
    schedule.release(claims[1:])
    assert schedule.claim_due() == [schedule.Claim(bot.pk, 3) for bot in bots[1:]]


def test_a_clock_set_back_by_hours_does_not_lock_a_bot_for_hours(bot: Bot) -> None:
    now = timezone.now()
    schedule.claim_due(now + timedelta(hours=6))
    assert schedule.claim_due(now) == [schedule.Claim(bot.pk, 2)]
    ahead = (now + timedelta(hours=6)).timestamp()
    assert schedule.due_kinds({"state": ahead, "profit": ahead}, PLAN, now) == {Kind.STATE, Kind.PROFIT}


def test_a_bot_not_yet_due_paused_held_or_retired_is_left_alone(alpha: Team) -> None:
    now = timezone.now()
    later = a_bot(alpha, "later")
    PollTurn.objects.filter(bot=later).update(next_poll_at=now + timedelta(seconds=5))
    a_bot(alpha, "paused", enabled=False)
    a_bot(alpha, "retired", retired_at=now)
    held = a_bot(alpha, "held")
    PollTurn.objects.filter(bot=held).update(held="wrong_password")
    assert schedule.claim_due(now) == []
    assert [claim.bot_id for claim in schedule.claim_due(now + timedelta(seconds=6))] == [later.pk]


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_share_the_bots() -> None:
    alpha = team("Alpha")
    bots = {a_bot(alpha, f"bot-{number}").pk for number in range(40)}
    taken: list[list[int]] = []

    def tick() -> None:
        try:
            taken.append([claim.bot_id for claim in schedule.claim_due()])
        finally:
            connection.close()

    threads = [threading.Thread(target=tick) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    everything = [bot for part in taken for bot in part]
    assert sorted(everything) == sorted(set(everything))
    assert set(everything) <= bots
    rest = {claim.bot_id for claim in schedule.claim_due()}
    assert set(everything) | rest == bots


def test_the_only_process_frees_what_its_predecessor_held(bot: Bot) -> None:
    claim = schedule.claim_due()[0]
    schedule.release_all()
    assert schedule.claim_due() == [schedule.Claim(bot.pk, claim.fence + 2)]


def test_waking_a_held_bot_asks_it_again_and_voids_the_poll_under_way(bot: Bot) -> None:
    claim = schedule.claim_due()[0]
    PollTurn.objects.filter(bot=bot).update(held="wrong_password")
    schedule.wake([bot.pk], again=True)
    turn = PollTurn.objects.get(bot=bot)
    assert (turn.held, turn.due, turn.leased_until) == ("", {}, None)
    assert turn.fence > claim.fence


def test_a_kind_is_due_when_its_time_has_come_or_was_never_set() -> None:
    now = timezone.now()
    due = {"state": now.timestamp() - 1, "profit": now.timestamp() + 30}
    assert schedule.due_kinds(due, PLAN, now) == {Kind.STATE}
    assert schedule.due_kinds({}, PLAN, now) == {Kind.STATE, Kind.PROFIT}


def test_only_what_was_asked_is_put_off() -> None:
    now = timezone.now()
    soon = now.timestamp() + 30
    due = schedule.next_due({"state": 1.0, "profit": soon, "no_such_kind": 5.0}, [Kind.STATE], PLAN, now)
    assert due["profit"] == soon
    assert 9 <= due["state"] - now.timestamp() <= 11
    assert "no_such_kind" not in due


def test_three_tries_soon_and_then_the_wait_doubles_up_to_five_minutes() -> None:
    waits = [schedule.back_off(failures, 10.0, TimedOut("late")) for failures in range(1, 11)]
    for wait, expected in zip(waits, [10, 10, 10, 20, 40, 80, 160, 300, 300, 300], strict=True):
        assert expected * 0.9 <= wait <= expected * 1.1


def test_a_bot_that_names_its_time_is_given_it() -> None:
    assert schedule.back_off(1, 10.0, Busy("slow down", retry_after=120.0)) == 120.0
    assert schedule.back_off(1, 10.0, Busy("slow down", retry_after=999_999.0)) == 3600.0


def test_what_needs_a_person_is_tried_rarely() -> None:
    assert schedule.back_off(1, 10.0, WrongPassword("no")) >= 27


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite locks no rows")
@pytest.mark.django_db(transaction=True)
def test_a_turn_that_is_being_written_is_not_waited_for_to_renew_the_others() -> None:
    alpha = team("alpha")
    written, waiting = a_bot(alpha, "written"), a_bot(alpha, "waiting")
    claims = schedule.claim_due()
    before = dict(PollTurn.objects.values_list("bot", "leased_until"))
    with transaction.atomic():
        list(schedule.locked([written.pk]))
        renewing = threading.Thread(target=lambda: (schedule.renew(claims), connection.close()))
        renewing.start()
        renewing.join(5)
        assert not renewing.is_alive()
    after = dict(PollTurn.objects.values_list("bot", "leased_until"))
    assert after[written.pk] == before[written.pk]
    assert after[waiting.pk] > before[waiting.pk]

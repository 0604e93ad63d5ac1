"""What runs in the background does what its name says."""

import pytest

from accounts import membership
from accounts.models import Team, User
from bots import tasks
from bots.domain.polling import engine, schedule
from bots.models import BotLifetime, PollTurn, Trade
from bots.models.installation import Installation
from tests.builders import a_bot, a_trade
from tests.fleets import utc


def test_a_team_that_moves_to_another_zone_has_its_days_there(
    alice: User, alpha: Team, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks
) -> None:
    a_trade(a_bot(alpha), "5", close_date=utc(2026, 3, 1, 22, 30))
    monkeypatch.setattr(tasks.days_anew, "delay", tasks.days_anew)
    with django_capture_on_commit_callbacks(execute=True):
        membership.change_team(alpha, membership.By(alice), time_zone="Asia/Tokyo")
    assert str(Trade.objects.get().close_day) == "2026-03-02"


def test_the_tick_hands_over_due_bots_in_shards(alpha: Team, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PORTAL_SHARD_SIZE = 2
    bots = [a_bot(alpha, f"bot-{number}").pk for number in range(5)]
    shards: list[list[list[int]]] = []
    monkeypatch.setattr(tasks.poll_shard, "apply_async", lambda given, **options: shards.append(given[0]))
    tasks.tick()
    assert [len(shard) for shard in shards] == [2, 2, 1]
    assert sorted(bot for shard in shards for bot, fence in shard) == bots
    tasks.tick()
    assert len(shards) == 3
    assert set(PollTurn.objects.values_list("fence", flat=True)) == {1}


def test_a_worker_with_all_hands_full_claims_no_more(alpha: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is claimed and not begun would have to be renewed, and with thousands of bots nothing else got done."""
    late, *_ = [a_bot(alpha, f"bot-{number}").pk for number in range(5)]
    PollTurn.objects.filter(pk=late).update(next_poll_at=utc(2026, 1, 1))
    claimed: list[int] = []
    monkeypatch.setattr(
        tasks.poll_shard, "apply_async", lambda given, **options: claimed.extend(b for b, _ in given[0])
    )
    monkeypatch.setattr(engine, "_engine", engine.Engine())
    monkeypatch.setattr(engine, "IN_HAND", 4)
    for busy_with in (101, 102, 103):
        engine.engine().keeper.took(schedule.Claim(busy_with, 1))
    tasks.tick()
    assert claimed == [late]
    engine.engine().keeper.took(schedule.Claim(late, 1))
    tasks.tick()
    assert claimed == [late]


def test_what_a_full_worker_is_handed_is_due_at_once_for_another(alpha: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose tick it was says nothing of who takes the shard."""
    bots = [a_bot(alpha, f"bot-{number}").pk for number in range(2)]
    claims = schedule.claim_due()
    monkeypatch.setattr(engine, "_engine", engine.Engine())
    monkeypatch.setattr(engine, "IN_HAND", 2)
    engine.engine().keeper.took(schedule.Claim(101, 1))
    tasks.poll_shard([[claim.bot_id, claim.fence] for claim in claims])
    assert schedule.claim_due() == [schedule.Claim(bot, 3) for bot in bots]


def test_a_worker_that_is_behind_asks_no_bot_early(alpha: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bots that are told of all the time would keep all others out."""
    bot = a_bot(alpha).pk
    monkeypatch.setattr(engine, "_engine", engine.Engine())
    monkeypatch.setattr(engine, "IN_HAND", 4)
    for busy_with in (101, 102, 103):
        engine.engine().keeper.took(schedule.Claim(busy_with, 1))
    tasks.poll_soon([bot])
    assert schedule.claim_due() == [schedule.Claim(bot, 1)]


def test_what_a_relay_hears_of_a_whole_fleet_waits_for_the_tick(alpha: Team, monkeypatch) -> None:
    monkeypatch.setattr(tasks, "EARLY_AT_ONCE", 2)
    bots = [a_bot(alpha, f"bot-{number}").pk for number in range(3)]
    shards: list[list[list[int]]] = []
    monkeypatch.setattr(tasks.poll_shard, "apply_async", lambda given, **options: shards.append(given[0]))
    tasks.poll_soon(bots)
    assert shards == []
    tasks.poll_soon(bots[:2])
    assert [[bot for bot, _ in shard] for shard in shards] == [bots[:2]]


def test_once_a_day_a_wrong_total_is_found_told_and_mended(alpha: Team, time_machine, caplog) -> None:
    time_machine.move_to("2026-11-21T04:10:00Z")
    Installation.known("")
    a_trade(a_bot(alpha), "5", close_date=utc(2026, 3, 1))
    BotLifetime.objects.update(profit=6)
    tasks.tidy()
    assert BotLifetime.objects.get().profit == 5
    assert "a profit rollup was wrong" in caplog.text
    BotLifetime.objects.update(profit=6)
    time_machine.move_to("2026-11-21T05:10:00Z")
    tasks.tidy()
    assert BotLifetime.objects.get().profit == 6
    time_machine.move_to("2026-11-22T04:10:00Z")
    tasks.tidy()
    assert BotLifetime.objects.get().profit == 5


def test_a_portal_that_is_off_at_night_looks_at_its_totals_by_day(alpha: Team, time_machine) -> None:
    time_machine.move_to("2026-11-21T10:00:00Z")
    Installation.known("")
    tasks.tidy()
    a_trade(a_bot(alpha), "5", close_date=utc(2026, 3, 1))
    BotLifetime.objects.update(profit=6)
    time_machine.move_to("2026-11-22T09:00:00Z")
    tasks.tidy()
    assert BotLifetime.objects.get().profit == 6
    time_machine.move_to("2026-11-23T09:00:00Z")
    tasks.tidy()
    assert BotLifetime.objects.get().profit == 5


def test_what_the_broker_does_not_take_is_due_again_at_once(alpha, monkeypatch, settings) -> None:
    settings.PORTAL_SHARD_SIZE = 1
    for number in range(3):
        a_bot(alpha, f"bot {number}")
    taken = []

    def full(arguments, **options):
        if taken:
            raise tasks.BrokerFailure("no broker")
        taken.extend(arguments[0])

    monkeypatch.setattr(tasks.poll_shard, "apply_async", full)
    tasks.tick()
    leased = PollTurn.objects.exclude(leased_until=None).values_list("bot", flat=True)
    assert list(leased) == [bot for bot, _ in taken]
    assert len(schedule.claim_due()) == 2

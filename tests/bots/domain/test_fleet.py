"""The fleet's one picture: totals that may be trusted, their age, and only the bots a person may see."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Team, User
from bots.domain.fleet import FleetQuery, Total, fleet_for
from tests.builders import a_bot, a_trade


def shown(total: Total) -> tuple:
    return (total.mode, total.currency, total.today, total.all, total.unrealized, total.bots, total.stale)


def test_three_btc_is_not_the_sum_of_dollars_and_coins(alice: User, alpha: Team) -> None:
    """-5 USDT, +1 USDT and +7 BTC, one of them dry: three lines, never one sum."""
    a_trade(a_bot(alpha, "one"), "-5")
    a_trade(a_bot(alpha, "two", status={"mode": "dry"}), "1")
    a_trade(a_bot(alpha, "three", status={"stake_currency": "BTC"}), "7")
    assert [shown(total) for total in fleet_for(alice).totals] == [
        ("live", "BTC", Decimal(7), Decimal(7), Decimal(0), 1, False),
        ("live", "USDT", Decimal(-5), Decimal(-5), Decimal(0), 1, False),
        ("dry", "USDT", Decimal(1), Decimal(1), Decimal(0), 1, False),
    ]


def test_a_silent_bot_stays_in_the_total_and_marks_it(alice: User, alpha: Team) -> None:
    a_bot(alpha, "fresh", status={"unrealized": Decimal("2")})
    hour_ago = timezone.now() - timedelta(hours=1)
    a_bot(alpha, "silent", status={"unrealized": Decimal("3"), "seen_at": hour_ago})
    fleet = fleet_for(alice)
    (total,) = fleet.totals
    assert (total.unrealized, total.stale_bots) == (Decimal(5), ["silent"])
    assert (fleet.fresh, fleet.bots) == (1, 2)
    assert 3600 <= fleet.oldest_age_seconds < 3660


def test_an_unknown_unrealized_profit_is_counted_as_missing_not_as_zero(alice: User, alpha: Team) -> None:
    a_bot(alpha, "known", status={"unrealized": Decimal("2")})
    a_bot(alpha, "unknown", status={"unrealized": None})
    (total,) = fleet_for(alice).totals
    assert (total.unrealized, total.missing) == (Decimal(2), 1)


def test_a_total_of_nothing_but_unknown_figures_is_unknown(alice: User, alpha: Team) -> None:
    a_bot(alpha, "unknown", status={"unrealized": None})
    assert fleet_for(alice).totals[0].unrealized is None


def test_a_bot_never_seen_has_no_figure_at_all(alice: User, alpha: Team) -> None:
    a_bot(alpha, status={"mode": "", "stake_currency": "", "seen_at": None, "state": "unknown", "open_count": None})
    (row,) = fleet_for(alice).rows
    assert (row.today, row.all, row.state, row.age_seconds, row.stale) == (None, None, "unknown", None, True)
    assert fleet_for(alice).totals == []


def test_only_bots_of_ones_own_teams(alice: User, bob: User, charlie: User, alpha: Team, beta: Team) -> None:
    a_trade(a_bot(alpha, "ours"), "10")
    a_trade(a_bot(beta, "theirs"), "99")
    for person, name, profit in ((alice, "ours", 10), (bob, "ours", 10), (charlie, "theirs", 99)):
        fleet = fleet_for(person)
        assert ([row.bot.name for row in fleet.rows], fleet.totals[0].all) == ([name], Decimal(profit))


def test_a_deactivated_person_sees_nothing(bob: User, alpha: Team) -> None:
    a_bot(alpha)
    bob.is_active = False
    bob.save()
    assert fleet_for(bob).rows == []


def test_what_was_earned_dry_stays_dry_when_a_bot_goes_live(alice: User, alpha: Team) -> None:
    bot = a_bot(alpha)
    a_trade(bot, "500", mode="dry")
    a_trade(bot, "3")
    fleet = fleet_for(alice)
    assert fleet.rows[0].all == Decimal(3)
    assert [(total.mode, total.all) for total in fleet.totals] == [("live", Decimal(3)), ("dry", Decimal(500))]
    assert [total.mode for total in fleet_for(alice, FleetQuery(mode="live")).totals] == ["live"]


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"mode": "dry"}, ["beta-scalp"]),
        ({"tag": "trend"}, ["alpha-trend"]),
        ({"currency": "BTC"}, ["beta-scalp"]),
        ({"state": "stopped"}, ["gamma"]),
        ({"q": "SCALP"}, ["beta-scalp"]),
        ({"q": "grid"}, ["gamma"]),
        ({"sort": "-name"}, ["gamma", "beta-scalp", "alpha-trend"]),
        ({"sort": "-all"}, ["alpha-trend", "gamma", "beta-scalp"]),
        ({"sort": "drop table", "mode": "nonsense"}, ["alpha-trend", "beta-scalp", "gamma"]),
    ],
)
def test_the_query_string_chooses_and_sorts(alice: User, alpha: Team, given: dict, names: list[str]) -> None:
    a_trade(a_bot(alpha, "alpha-trend", tags=["trend"]), "10")
    a_trade(a_bot(alpha, "beta-scalp", status={"mode": "dry", "stake_currency": "BTC"}), "-2")
    a_bot(alpha, "gamma", status={"state": "stopped", "strategy": "GridDca"})
    assert [row.bot.name for row in fleet_for(alice, FleetQuery.parse(given)).rows] == names


def test_bots_without_the_figure_stand_last_either_way(alice: User, alpha: Team) -> None:
    a_bot(alpha, "none", status={"balance": None})
    a_bot(alpha, "small", status={"balance": Decimal("9")})
    a_bot(alpha, "large", status={"balance": Decimal("100")})
    for sort, names in (("balance", ["small", "large", "none"]), ("-balance", ["large", "small", "none"])):
        assert [row.bot.name for row in fleet_for(alice, FleetQuery(sort=sort)).rows] == names


def test_open_trades_and_slots_per_mode(alice: User, alpha: Team) -> None:
    a_bot(alpha, "one", status={"open_count": 2, "slots": 5})
    a_bot(alpha, "two", status={"open_count": 1, "slots": None})
    a_bot(alpha, "three", status={"open_count": 3, "slots": 4, "mode": "dry"})
    assert fleet_for(alice).open_trades == {"live": (3, 5), "dry": (3, 4)}


def test_the_days_of_the_fleet_add_up_to_its_thirty_days(alice: User, alpha: Team) -> None:
    now = timezone.now()
    bot = a_bot(alpha)
    for days in (0, 3, 29, 31):
        a_trade(bot, "1.5", close_date=now - timedelta(days=days))
    fleet = fleet_for(alice)
    assert len(fleet.days) == 30
    total = sum(profit for day in fleet.days for profit in day.profit.values())
    assert total == fleet.totals[0].d30 == Decimal("4.5")


def test_the_number_of_queries_does_not_grow_with_the_fleet(
    alice: User, alpha: Team, django_assert_max_num_queries
) -> None:
    for number in range(12):
        a_trade(a_bot(alpha, f"bot-{number}"), "1")
    with django_assert_max_num_queries(3):
        assert len(fleet_for(alice).rows) == 12

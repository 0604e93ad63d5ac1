"""A team's days begin elsewhere: every closed trade stands on the day its moment has there."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts.models import Team
from bots import tasks
from bots.domain.close_days import moved, stretches
from bots.models import BotDay, TeamDay, Trade
from tests.builders import a_bot, a_trade, moved_to
from tests.fleets import utc

# The second before and the second of every midnight near which clocks are changed, and of two quiet days.
NEAR = [(2026, 3, 8), (2026, 3, 29), (2026, 10, 25), (2026, 11, 1), (2026, 1, 15), (2026, 7, 15), (2025, 12, 31)]


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Pacific/Kiritimati", "UTC"])
def test_the_day_is_the_zones_also_around_the_change_of_clocks(alpha: Team, zone: str) -> None:
    bot, there = a_bot(alpha), ZoneInfo(zone)
    for year, month, day in NEAR:
        midnight = datetime(year, month, day, tzinfo=there).astimezone(UTC)
        for moment in (midnight - timedelta(seconds=1), midnight, midnight + timedelta(hours=24)):
            a_trade(bot, "1", close_date=moment)
    a_trade(bot, "1", close_date=utc(2026, 5, 5).replace(microsecond=999_000))
    moved_to(zone, alpha)
    for trade in Trade.objects.all():
        assert trade.close_day == trade.close_date.astimezone(there).date()
    assert {row.day: row.trades for row in TeamDay.objects.all()} == {
        row.day: row.trades for row in BotDay.objects.all()
    }
    assert sum(row.trades for row in TeamDay.objects.all()) == 3 * len(NEAR) + 1
    assert moved(bot, zone) == 0


def test_a_bot_without_a_dated_trade_is_left_alone(alpha: Team) -> None:
    bot = a_bot(alpha)
    a_trade(bot)
    assert moved(bot, "Asia/Tokyo") == 0


def test_stretches_leave_no_gap() -> None:
    found = stretches("Europe/Berlin", 2026)
    assert [(each.since, each.seconds) for each in found] == [
        (utc(2026, 1, 1), 3600),
        (utc(2026, 3, 29, 1), 7200),
        (utc(2026, 10, 25, 1), 3600),
    ]
    assert [each.until for each in found[:-1]] == [each.since for each in found[1:]]
    assert found[-1].until == stretches("Europe/Berlin", 2027)[0].since == utc(2027, 1, 1)


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("Asia/Tokyo", ["2026-03-02", "9999-12-31", "9999-12-31"]),
        ("America/New_York", ["2026-03-01", "9999-12-30", "9999-12-31"]),
    ],
)
def test_a_bot_that_tells_of_the_year_9999_holds_up_nobody(
    alpha: Team, zone: str, days: list[str], django_assert_max_num_queries
) -> None:
    """Between today and then the clocks are changed 16,000 times, and no trade closed."""
    bot = a_bot(alpha)
    last = utc(9999, 12, 31)
    for close in (utc(2026, 3, 1, 22, 30), last - timedelta(hours=5), last + timedelta(hours=23.9)):
        a_trade(bot, "1", close_date=close)
    with django_assert_max_num_queries(7):
        moved(bot, zone)
    assert [str(day) for day in Trade.objects.order_by("close_date").values_list("close_day", flat=True)] == days


def test_the_zone_is_the_teams_when_the_bots_turn_is_held(alpha: Team) -> None:
    """Changed twice in a row: what began with the first zone ends with the second."""
    a_trade(a_bot(alpha), "1", close_date=utc(2026, 3, 1, 22, 30))

    def changed_meanwhile(execute: Any, sql: str, *rest: Any) -> Any:
        found = execute(sql, *rest)
        if "bots_pollturn" in sql:
            Team.objects.filter(pk=alpha.pk).update(time_zone="Asia/Tokyo")
        return found

    Team.objects.filter(pk=alpha.pk).update(time_zone="America/New_York")
    with connection.execute_wrapper(changed_meanwhile):
        tasks.days_anew(alpha.pk)
    assert str(Trade.objects.get().close_day) == "2026-03-02"

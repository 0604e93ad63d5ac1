"""A team's days begin elsewhere: every closed trade stands on the day its moment has there."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.models import Team
from bots.domain.close_days import close_days_anew, moved, stretches
from bots.models import BotDay, TeamDay, Trade
from tests.builders import a_bot, a_trade
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
    close_days_anew(alpha.pk, zone)
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
    found = stretches("Europe/Berlin", 2026, 2026)
    assert [(each.since, each.seconds) for each in found] == [
        (utc(2025, 12, 31), 3600),
        (utc(2026, 3, 29, 1), 7200),
        (utc(2026, 10, 25, 1), 3600),
    ]
    assert [each.until for each in found[:-1]] == [each.since for each in found[1:]]
    assert found[-1].until == utc(2027, 1, 2)

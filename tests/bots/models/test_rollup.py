"""What a rollup counts of single trades: who won, who lost, how long they were open."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import Team
from bots.models import Trade
from bots.models.rollup import summed
from tests.builders import a_bot, a_trade
from tests.fleets import utc

NOON = utc(2026, 11, 21, 12)


def together() -> dict[str, object]:
    (row,) = summed(Trade.objects.closed(), "mode", "currency")
    return row


def test_won_and_lost_by_the_smallest_and_the_largest_figures(alpha: Team) -> None:
    bot, huge = a_bot(alpha), "99999999999999999999.999999999999999999"
    for profit in ("1e-18", "0.5", "9", "10", huge, "-1e-18", "-0.5", "-10", f"-{huge}", "0", "-0", "0.0"):
        a_trade(bot, profit, close_date=NOON)
    found = together()
    assert (found["trades"], found["figures"], found["wins"], found["losses"]) == (12, 12, 5, 4)
    assert (found["profit"], found["lost"]) == (Decimal(9), -Decimal("10.5") - Decimal("1e-18") - Decimal(huge))


def test_a_trade_without_a_figure_neither_won_nor_lost_and_its_stake_does_not_count(alpha: Team) -> None:
    a_trade(a_bot(alpha), is_open=False, close_date=NOON, stake_amount=Decimal(5))
    found = together()
    assert (found["trades"], found["figures"], found["wins"], found["losses"], found["staked"]) == (1, 0, 0, 0, 0)
    assert (found["profit"], found["lost"], found["stake"]) == (None, None, None)


@pytest.mark.parametrize(
    ("opened", "closed", "seconds"),
    [
        (NOON, NOON + timedelta(seconds=90), 90),
        (NOON, NOON + timedelta(seconds=3), 3),  # of which SQLite's day is a float just below
        (NOON, NOON + timedelta(milliseconds=999), 0),
        (NOON + timedelta(milliseconds=999), NOON + timedelta(seconds=1), 1),
        (NOON + timedelta(milliseconds=500), NOON + timedelta(milliseconds=400), 0),  # within one second: not before it
        (NOON + timedelta(milliseconds=500), NOON, 0),
        (NOON, NOON - timedelta(milliseconds=1), None),
        (NOON, NOON - timedelta(days=1), None),
        (NOON, None, None),
        (utc(1970, 1, 1), utc(9999, 12, 31, 23), 253_402_297_200),
        (utc(2026, 2, 28, 23, 59), utc(2026, 2, 28, 23, 59) + timedelta(seconds=61, milliseconds=999), 61),
    ],
)
def test_how_long_a_trade_was_open_in_whole_seconds(
    alpha: Team, opened: datetime, closed: datetime | None, seconds: int | None
) -> None:
    """One that closed before it opened was open nobody knows how long."""
    a_trade(a_bot(alpha), "1", open_date=opened, close_date=closed)
    found = together()
    assert (found["held"], found["held_seconds"]) == (0 if seconds is None else 1, seconds)

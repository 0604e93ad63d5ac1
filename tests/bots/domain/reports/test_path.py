"""Figures over days, by hand."""

from datetime import date, timedelta
from decimal import Decimal

from bots.domain.reports.path import Path, path_of

FIRST = date(2026, 11, 1)


def path(*profits: str, days: int = 0) -> Path:
    made = {FIRST + timedelta(days=number): Decimal(profit) for number, profit in enumerate(profits)}
    return path_of(made, FIRST, FIRST + timedelta(days=(days or len(profits)) - 1))


def test_the_drawdown_is_the_deepest_fall_from_a_peak_in_money() -> None:
    assert path("10", "-3", "-4", "20", "-6").drawdown_abs == 7
    assert path("-5", "2").drawdown_abs == 5  # the beginning is a peak of zero
    assert path("1", "0", "2").drawdown_abs == 0


def test_sharpe_is_mean_over_deviation_times_the_root_of_365() -> None:
    """Days 1, 3: mean 2, sample deviation root of 2; 2 / 1.414214 * 19.104973 = 27.018512."""
    assert path("1", "3").sharpe == Decimal("27.018512")


def test_days_without_a_close_made_nothing_and_count() -> None:
    """Days 3, 0, 0, 0, 0, 0: mean 0.5, variance (6.25 + 5 * 0.25) / 5 = 1.5."""
    assert path("3", days=6).sharpe == path("3", "0", "0", "0", "0", "0").sharpe == Decimal("7.799573")


def test_sortino_looks_at_losing_days_only() -> None:
    """Days 4, -2: mean 1, downside deviation root of 4 / 2."""
    assert path("4", "-2").sortino == Decimal("13.509256")


def test_what_is_not_defined_is_not_a_number() -> None:
    assert path("5") == Path(Decimal(0), None, None)
    assert path("5", "5").sharpe is None
    assert path("5", "6").sortino is None


def test_profit_in_another_unit_has_the_same_ratios() -> None:
    one, thousand = path("1", "-2", "4"), path("1000", "-2000", "4000")
    assert (one.sharpe, one.sortino) == (thousand.sharpe, thousand.sortino)

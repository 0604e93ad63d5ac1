"""Money is exact on every database, or refused."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.db.models import Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Team
from bots.models import Trade, money
from bots.models.money import ExactSum, exact, plain
from tests.builders import a_bot, a_trade

amounts = st.decimals(min_value=Decimal("-9e19"), max_value=Decimal("9e19"), places=18, allow_nan=False)


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "-Infinity", "1e20", "-1e400", "one"])
def test_what_is_no_figure_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        exact(bad)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("1.50", "1.5"),
        ("100", "100"),
        ("1E+3", "1000"),
        ("-0", "0"),
        ("0E-18", "0"),
        ("1e-19", "0"),
        ("15e-19", "2E-18"),
    ],
)
def test_one_form_for_one_value(given: str, text: str) -> None:
    assert str(exact(given)) == text


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(amounts, min_size=1, max_size=8))
def test_what_is_stored_comes_back_and_adds_up(alpha: Team, values: list[Decimal]) -> None:
    Trade.objects.all().delete()
    bot = a_bot(alpha)
    for value in values:
        a_trade(bot, str(value))
    kept = list(Trade.objects.order_by("id").values_list("profit_abs", flat=True))
    assert kept == [plain(value) for value in values]
    assert [str(value) for value in kept] == [str(plain(value)) for value in values]
    total = Trade.objects.aggregate(total=ExactSum("profit_abs"))["total"]
    assert total == sum(values)


def test_threads_add_in_full_digits_too() -> None:
    large, small = Decimal("90000000000000000000"), Decimal("0.000000000000000001")
    with ThreadPoolExecutor(1) as threads:
        assert str(threads.submit(sum, [large, small]).result()) == "90000000000000000000.000000000000000001"


def test_the_sum_of_nothing_is_not_zero(alpha: Team) -> None:
    assert Trade.objects.aggregate(total=ExactSum("profit_abs"))["total"] is None


FIGURES = (
    st.none()
    | amounts
    | st.sampled_from([exact(text) for text in ("0", "1e-18", "-1e-18", "-0.1", "99999999999999999999")])
)


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pairs=st.dictionaries(st.sampled_from("ABC"), st.lists(FIGURES, min_size=1, max_size=6)))
def test_each_pair_of_alices_trades_is_added_by_itself(alpha: Team, pairs: dict[str, list[Decimal | None]]) -> None:
    """Trades without a figure are in no sum, and where no trade has one the sum is missing, not zero."""
    Trade.objects.all().delete()
    bot = a_bot(alpha)
    for pair, figures in pairs.items():
        for figure in figures:
            a_trade(bot, pair=pair, profit_abs=figure)
    known = {pair: [figure for figure in figures if figure is not None] for pair, figures in pairs.items()}
    found = dict(Trade.objects.values_list("pair").annotate(total=ExactSum("profit_abs")))
    assert found == {pair: sum(figures) if figures else None for pair, figures in known.items()}


def test_only_what_is_asked_for_is_added(alpha: Team) -> None:
    bot = a_bot(alpha)
    for pair, profit in (("A", "0.1"), ("A", "-0.2"), ("B", "5")):
        a_trade(bot, profit, pair=pair)
    lost = ExactSum("profit_abs", filter=Q(profit_abs__lt=0))
    assert dict(Trade.objects.values_list("pair").annotate(lost=lost)) == {"A": Decimal("-0.2"), "B": None}


@pytest.mark.parametrize("piece", [1, 2, 7, 40, 1000])
def test_a_sum_taken_in_pieces_loses_no_figure(alpha: Team, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(money, "PIECE", piece)
    bot = a_bot(alpha)
    figures = ["0", "-1", "99999999999999999999.999999999999999999", "0.000000000000000001", "7", "-0.5"]
    for figure in figures:
        a_trade(bot, figure)
    total = Trade.objects.aggregate(total=ExactSum("profit_abs"))["total"]
    assert total == sum(map(Decimal, figures))


def test_figures_are_ordered_and_compared_by_value(alpha: Team) -> None:
    bot = a_bot(alpha)
    for profit in ("9", "10", "-1", "-20", "0.5"):
        a_trade(bot, profit)
    ordered = Trade.objects.order_by("profit_abs").values_list("profit_abs", flat=True)
    assert [str(profit) for profit in ordered] == ["-20", "-1", "0.5", "9", "10"]
    assert Trade.objects.filter(profit_abs__gt=9).count() == 1
    assert Trade.objects.filter(profit_abs=Decimal("9.000")).count() == 1

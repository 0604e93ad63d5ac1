"""Sums over trades: whoever adds, the database or the portal, the figures are the same to the last digit."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import Team
from bots.domain.reports.adding import sums_by
from bots.domain.sums import Sums
from bots.models import Trade
from bots.models.rollup import summed
from tests.builders import a_bot, a_trade
from tests.fleets import utc

NOON = utc(2026, 11, 21, 12)
TAGS = (None, "", "ema_pull", "EMA_PULL", "\"a\", [b] \\ 'c' {d}", "line\nand\ttab", "é \u2028 \U0001f680", "\x01", "0")
WIDEST = "99999999999999999999.123456789012345678"


@pytest.fixture
def odd(alpha: Team) -> None:
    """Two bots, of whose trades each lacks something or is of an unlike purse."""
    first, second = a_bot(alpha, "first"), a_bot(alpha, "second", status={"stake_currency": "BTC"})
    for number, tag in enumerate(TAGS):
        for bot in (first, second):
            a_trade(
                bot, f"{number - 4}.000000000000000001", enter_tag=tag, close_date=NOON - timedelta(days=number % 3)
            )
    for profit in (WIDEST, WIDEST, "-" + WIDEST, "0", "-0.000000000000000009"):
        a_trade(first, profit, stake_amount=Decimal("0.1"), close_date=NOON)
    a_trade(first, None, is_open=False, close_date=NOON)
    a_trade(first, "3", stake_amount=None, close_date=NOON)
    a_trade(first, "4", close_date=None)
    a_trade(first, "5", open_date=NOON + timedelta(hours=1), close_date=NOON)
    a_trade(first, "6", mode="dry", close_date=NOON)
    a_trade(first, "1000", gone_at=NOON, close_date=NOON)
    a_trade(second)


@pytest.mark.usefixtures("odd")
def test_the_sums_of_one_group_by_hand() -> None:
    found = sums_by(Trade.objects.closed(), "enter_tag", "mode", "currency")  # type: ignore[attr-defined]
    assert found["ema_pull", "live", "USDT"] == Sums(
        trades=10,
        figures=9,
        wins=5,
        losses=3,
        profit=Decimal("100000000000000000009.123456789012345668"),
        lost=Decimal("-100000000000000000001.123456789012345688"),
        stake=Decimal("3000.5"),
        staked=8,
        held=8,
        held_seconds=8 * 7200,
    )
    assert found["ema_pull", "dry", "USDT"].profit == 6
    assert found["0", "live", "BTC"].profit == Decimal("4.000000000000000001")
    assert {tag for tag, *_ in found} == set(TAGS)


@pytest.mark.usefixtures("odd")
@pytest.mark.parametrize(
    "by",
    [
        ("enter_tag", "mode", "currency", "close_day"),
        ("pair", "mode", "currency"),
        ("mode", "currency", "bot"),
        ("mode",),
    ],
)
def test_they_are_those_the_database_adds_up(by: tuple[str, ...]) -> None:
    closed = Trade.objects.closed()  # type: ignore[attr-defined]
    in_the_database = {tuple(row[name] for name in by): Sums.of(row) for row in summed(closed, *by)}
    found = {tuple(dated(by, key)): sums for key, sums in sums_by(closed, *by).items()}
    assert found == in_the_database


def dated(by: tuple[str, ...], key: tuple[object, ...]) -> Iterator[object]:
    for name, value in zip(by, key, strict=True):
        yield date.fromisoformat(value) if name == "close_day" and isinstance(value, str) else value


@pytest.mark.usefixtures("odd")
def test_of_too_many_groups_is_told_that_there_are_more() -> None:
    closed = Trade.objects.closed()  # type: ignore[attr-defined]
    assert len(sums_by(closed, "enter_tag", most=len(TAGS))) == len(TAGS)
    assert len(sums_by(closed, "enter_tag", most=2)) > 2


def test_of_no_trades_there_is_no_sum(alpha: Team) -> None:
    a_trade(a_bot(alpha))
    assert sums_by(Trade.objects.closed(), "pair") == {}  # type: ignore[attr-defined]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL adds by itself")
@pytest.mark.django_db
@pytest.mark.parametrize("chosen", [{"close_day__gte": NOON.date()}, {"close_date__gte": NOON}, {}])
def test_sqlite_sorts_nothing(chosen: dict[str, object], django_assert_max_num_queries) -> None:
    """What a bot's trades share is found where they lie together in an index."""
    with django_assert_max_num_queries(9) as sent:
        sums_by(Trade.objects.closed().filter(bot__in=[1, 2], **chosen), "pair")  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN QUERY PLAN " + sent.captured_queries[-1]["sql"])
        steps = [step for *_, step in cursor.fetchall()]
    assert [step.split(" (")[0].split("_bot_id_")[0] for step in steps] == ["SEARCH bots_trade USING INDEX bots_trade"]

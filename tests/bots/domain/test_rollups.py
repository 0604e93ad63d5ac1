"""The rollups are the sums over the trades: exactly, after whatever happened to the trades."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from threading import Thread
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Team
from bots.domain import rollups
from bots.domain.sums import Sums
from bots.models import Bot, BotDay, BotLifetime, TeamDay, Trade
from bots.models.rollup import UNDATED
from tests import builders
from tests.builders import a_bot, a_trade
from tests.fleets import utc

NOON = utc(2026, 11, 21, 12)


def plain_sum(trades: list[Trade]) -> Sums:
    """By hand, trade by trade."""
    sums = Sums(trades=len(trades))
    for trade in trades:
        profit, stake, end = trade.profit_abs, trade.stake_amount, trade.close_date
        if profit is not None:
            sums.figures, sums.profit = sums.figures + 1, sums.profit + profit
            sums.wins, sums.losses = sums.wins + (profit > 0), sums.losses + (profit < 0)
            sums.lost += min(profit, Decimal(0))
            if stake is not None:
                sums.staked, sums.stake = sums.staked + 1, sums.stake + stake
        seconds = None if end is None else int(end.timestamp()) - trade.open_ms // 1000
        if seconds is not None and seconds >= 0:
            sums.held, sums.held_seconds = sums.held + 1, sums.held_seconds + seconds
    return sums


def plainly(*levels: str) -> dict[tuple[Any, ...], Sums]:
    """Every closed trade in totals, grouped by hand; `levels`: team, bot, day."""
    groups: dict[tuple[Any, ...], list[Trade]] = defaultdict(list)
    for trade in Trade.objects.select_related("bot"):
        if not trade.is_open and trade.gone_at is None:
            facts = {"team": trade.bot.team_id, "bot": trade.bot_id, "day": trade.close_day or UNDATED}
            groups[(*(facts[level] for level in levels), trade.mode, trade.currency)].append(trade)
    return {key: plain_sum(trades) for key, trades in groups.items()}


def held_by(level: Any) -> dict[tuple[Any, ...], Sums]:
    return {rollups.key_of(row): rollups.sums_of(row) for row in level.objects.all()}


def require_exact() -> None:
    assert held_by(BotDay) == plainly("bot", "day")
    assert held_by(BotLifetime) == plainly("bot")
    assert held_by(TeamDay) == plainly("team", "day")


# --- By hand --------------------------------------------------------------------------------------------------------


def test_the_three_levels_of_two_bots(alpha: Team) -> None:
    first, second = a_bot(alpha, "first"), a_bot(alpha, "second")
    a_trade(first, "10.5", close_date=NOON, stake_amount=Decimal(100))
    a_trade(first, "-0.5", close_date=NOON, stake_amount=Decimal(50))
    a_trade(first, "0", close_date=NOON - timedelta(days=1))
    a_trade(second, "1", close_date=NOON)
    a_trade(second, "7", close_date=NOON, mode="dry")
    a_trade(second, "3", close_date=NOON, currency="BTC")
    day = BotDay.objects.get(bot=first, day=date(2026, 11, 21))
    assert (day.trades, day.wins, day.losses) == (2, 1, 1)
    assert (day.profit, day.lost, day.stake) == (Decimal(10), Decimal("-0.5"), Decimal(150))
    assert (day.held, day.held_seconds) == (2, 4 * 3600)
    assert BotLifetime.objects.get(bot=first).profit == Decimal(10)
    together = {(row.mode, row.currency): row.profit for row in TeamDay.objects.filter(day=date(2026, 11, 21))}
    assert together == {("live", "USDT"): Decimal(11), ("dry", "USDT"): Decimal(7), ("live", "BTC"): Decimal(3)}
    require_exact()


def test_a_closed_trade_without_a_moment_counts_in_the_sum_of_all_and_on_no_day(alpha: Team) -> None:
    bot = a_bot(alpha)
    a_trade(bot, "5", close_day=None, profit_abs=None, is_open=False)
    assert BotDay.objects.get().day == UNDATED
    assert (BotLifetime.objects.get().trades, BotLifetime.objects.get().figures) == (1, 0)


def test_figures_at_the_limit_of_two_bots_still_add_up(alpha: Team) -> None:
    """What one bot may say (below 1e20) can never keep another's trades from being counted."""
    huge = "99999999999999999999.999999999999999999"
    for name in ("first", "second", "third"):
        a_trade(a_bot(alpha, name), huge, close_date=NOON)
    assert TeamDay.objects.get().profit == 3 * Decimal(huge)
    require_exact()


def test_a_day_that_lost_its_last_trade_is_no_row(alpha: Team) -> None:
    trade = a_trade(a_bot(alpha), "5", close_date=NOON)
    Trade.objects.filter(pk=trade.pk).update(gone_at=NOON)
    builders.count(trade.bot, trade)
    assert [level.objects.count() for level in (BotDay, BotLifetime, TeamDay)] == [0, 0, 0]


def test_a_day_counted_again_mends_itself_and_what_is_above_it(alpha: Team) -> None:
    bot = a_bot(alpha)
    trade = a_trade(bot, "5", close_date=NOON)
    BotDay.objects.all().delete()
    BotLifetime.objects.update(profit=0, trades=0, figures=0, wins=0, stake=0, staked=0, held=0, held_seconds=0)
    TeamDay.objects.all().delete()
    builders.count(bot, trade)
    require_exact()


def test_more_days_than_one_query_names(alpha: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollups, "MOST_DAYS", 3)
    bot = a_bot(alpha)
    trades = [a_trade(bot, "1", close_date=NOON - timedelta(days=day)) for day in range(6)]
    Trade.objects.update(profit_abs=Decimal("0.1"))
    builders.count(bot, *trades)
    require_exact()


# --- Found and mended -----------------------------------------------------------------------------------------------


def test_what_is_wrong_is_told_and_mended(alpha: Team, beta: Team, capsys) -> None:
    a_trade(a_bot(alpha), "5", close_date=NOON)
    a_trade(a_bot(beta, "other"), "5", close_date=NOON)
    assert rollups.differences(alpha) == []
    BotLifetime.objects.filter(bot__team=alpha).update(profit=Decimal(6))
    TeamDay.objects.filter(team=alpha).delete()
    told = rollups.differences(alpha)
    assert [sentence.split()[0] for sentence in told] == ["BotLifetime", "TeamDay"]
    assert rollups.differences(beta) == []
    call_command("recount", "alpha")
    require_exact()
    assert "alpha: 2 rollups were wrong" in capsys.readouterr().out


def test_a_wrong_day_of_a_bot_and_of_the_team_above_it_are_both_mended(alpha: Team) -> None:
    wrong, right = a_bot(alpha, "wrong"), a_bot(alpha, "right")
    for bot in (wrong, right):
        a_trade(bot, "5", close_date=NOON)
    for rows in (BotDay.objects.filter(bot=wrong), BotLifetime.objects.filter(bot=wrong)):
        rows.update(profit=Decimal(6))
    TeamDay.objects.update(profit=Decimal(11))
    assert [sentence.split()[0] for sentence in rollups.really_wrong(alpha)] == ["BotDay", "BotLifetime"]
    assert [sentence.split()[0] for sentence in rollups.mend(alpha)] == ["BotDay", "BotLifetime", "TeamDay"]
    assert TeamDay.objects.get().profit == 10
    assert rollups.mend(alpha) == []
    require_exact()


def test_looking_at_what_is_right_holds_nobody_up(alpha: Team, django_assert_max_num_queries) -> None:
    """Neither a transaction nor a lock: reading queries only, three of each bot and two of the team."""
    a_trade(a_bot(alpha), "5", close_date=NOON)
    with django_assert_max_num_queries(6) as asked:
        assert rollups.mend(alpha) == []
    # DECLARE: PostgreSQL reads long tables through a cursor
    assert {query["sql"].split()[0] for query in asked.captured_queries} <= {"SELECT", "DECLARE"}
    assert not any("FOR UPDATE" in query["sql"] for query in asked.captured_queries)


# --- After any history ----------------------------------------------------------------------------------------------

ZONES = ["UTC", "Asia/Tokyo", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati"]
MONEY = st.decimals(min_value=-(10**19), max_value=10**19, places=18) | st.sampled_from(
    [Decimal(0), Decimal("1e-18"), Decimal("-1e-18"), Decimal("0.1"), Decimal("-0.3")]
)
# New York changes its clocks on the third of these days.
FIRST_MS = int(utc(2026, 3, 6).timestamp() * 1000)
MOMENTS = st.integers(FIRST_MS, FIRST_MS + 4 * 86_400_000).map(lambda ms: datetime.fromtimestamp(ms / 1000, UTC))
FACTS = st.fixed_dictionaries(
    {
        "is_open": st.booleans(),
        "close_date": st.none() | MOMENTS,
        "gone": st.booleans(),
        "profit_abs": st.none() | MONEY,
        "stake_amount": st.none() | MONEY.map(abs),
        "currency": st.sampled_from(["USDT", "BTC"]),
        "mode": st.sampled_from(["live", "dry"]),
    }
)
ACTS = st.lists(
    st.tuples(st.just("write"), st.integers(0, 2), st.integers(0, 4), FACTS)
    | st.tuples(st.just("delete"), st.integers(0, 2), st.integers(0, 4), st.none())
    | st.tuples(st.just("zone"), st.sampled_from(ZONES), st.none(), st.none()),
    max_size=30,
)


def write(bot: Bot, number: int, facts: dict[str, Any], zone: str) -> None:
    """As the mirror does it: the trade as it is now, and the days it was and is on are counted again."""
    before = Trade.objects.filter(bot=bot, trade_id=str(number)).first()
    close_date = None if facts["is_open"] else facts["close_date"]
    columns = {**facts, "close_date": close_date, "gone_at": NOON if facts["gone"] else None}
    columns["close_day"] = close_date.astimezone(ZoneInfo(zone)).date() if close_date else None
    del columns["gone"]
    if before is None:
        after = Trade(bot=bot, run=builders.a_run(bot), trade_id=str(number), **columns, **SAME)
        after.save()
    else:
        after = Trade.objects.get(pk=before.pk)
        for name, value in columns.items():
            setattr(after, name, value)
        after.save()
    builders.count(bot, *(trade for trade in (before, after) if trade))


OPENED = utc(2026, 3, 7)
SAME: dict[str, Any] = {
    "open_ms": int(OPENED.timestamp() * 1000) + 999, "open_date": OPENED, "pair": "BTC/USDT", "side": "long",
    "leverage": Decimal(1), "seen_at": OPENED, "changed_at": OPENED,
}  # fmt: skip


@pytest.mark.parametrize("histories", [20, pytest.param(300, marks=pytest.mark.hard)])
@pytest.mark.django_db
def test_after_any_history_the_rollups_are_the_sums(histories: int) -> None:
    each = settings(max_examples=histories, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    each(given(acts=ACTS)(summed_after))()


def summed_after(acts: list[Any]) -> None:
    with transaction.atomic():
        teams = [builders.team("One"), builders.team("Two")]
        bots = [a_bot(teams[0], "a"), a_bot(teams[0], "b"), a_bot(teams[1], "c")]
        zone = "UTC"
        for act, which, number, facts in acts:
            if act == "write":
                write(bots[which], number, facts, zone)
            elif act == "delete":
                trades = list(Trade.objects.filter(bot=bots[which], trade_id=str(number)))
                Trade.objects.filter(pk__in=[trade.pk for trade in trades]).delete()
                builders.count(bots[which], *trades)
            else:
                zone = which
                for team in teams:
                    builders.moved_to(zone, team)
            require_exact()
        assert [rollups.differences(team) for team in teams] == [[], []]
        transaction.set_rollback(True)


def test_the_migration_fills_them_as_they_are_kept(alpha: Team) -> None:
    """What an older installation has is summed by the migration's own SQL."""
    bot, other = a_bot(alpha), a_bot(alpha, "other")
    for hours, profit in ((0, "0.1"), (1, "-0.000000000000000001"), (30, "0"), (31, "99999999999999999999")):
        a_trade(bot, profit, close_date=NOON - timedelta(hours=hours))
        a_trade(other, profit, close_date=NOON - timedelta(hours=hours), currency="BTC")
    a_trade(bot, "1", close_day=None, profit_abs=None, is_open=False, stake_amount=None)
    a_trade(bot)
    a_trade(bot, "4", close_date=NOON, gone_at=NOON)
    for level in (BotDay, BotLifetime, TeamDay):
        level.objects.all().delete()
    import_module("bots.migrations.0009_profit_rollups").fill(None, SimpleNamespace(connection=connection))
    require_exact()


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_write_for_one_team_at_once_lose_nothing() -> None:
    """Each writes trades of its own bots on the same days, touched in opposite orders."""
    team = builders.team("Busy")
    bots = [a_bot(team, f"bot-{number}") for number in range(4)]
    for bot in bots:
        builders.a_run(bot)

    def work(mine: list[Bot], order: int) -> None:
        try:
            for number in range(8):
                with transaction.atomic():
                    for bot in mine[::order]:
                        a_trade(bot, "0.1", close_date=NOON - timedelta(days=number % 3))
        finally:
            connection.close()

    threads = [Thread(target=work, args=arguments) for arguments in ((bots[:2], 1), (bots[2:], -1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(row.trades for row in TeamDay.objects.all()) == 32
    require_exact()

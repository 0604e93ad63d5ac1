"""Reports by hand: every grouping, period and zone, whichever table answers."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.models import Team, User
from bots.domain.fleet import FleetQuery, fleet_for
from bots.domain.reports import GROUPINGS, ReportQuery, report, report_for
from bots.domain.reports import cells as tables
from bots.domain.reports.csv_text import csv_pieces
from tests import builders
from tests.builders import a_bot, a_trade
from tests.fleets import utc

NOW = utc(2026, 11, 21, 12)


def asked(user: User, **given: str):
    return report_for(user, ReportQuery.parse({name.rstrip("_"): value for name, value in given.items()}), NOW)


def profits(user: User, **given: str) -> dict[tuple, str]:
    """(group, mode, currency) -> profit."""
    return {(row.group, row.mode, row.currency): format(row.profit_abs, "f") for row in asked(user, **given).rows}


@pytest.fixture
def fleet(alpha: Team) -> None:
    """Two bots: USDT live, and BTC live with a dry past."""
    first = a_bot(alpha, "first", tags=["trend"])
    second = a_bot(alpha, "second", status={"stake_currency": "BTC"})
    stake = {"stake_amount": Decimal(100)}
    a_trade(first, "10", close_date=NOW, pair="ETH/USDT", exit_reason="roi", **stake)
    a_trade(first, "-4", close_date=NOW - timedelta(days=1), pair="BTC/USDT", exit_reason="stop_loss", **stake)
    a_trade(first, "0", close_date=NOW - timedelta(days=1), pair="BTC/USDT", exit_reason="roi", **stake)
    a_trade(first, "2.5", close_date=NOW - timedelta(days=40), pair="ETH/USDT", exit_reason="roi", **stake)
    a_trade(second, "0.00000001", close_date=NOW)
    a_trade(second, "7", close_date=NOW, mode="dry", enter_tag=None)
    a_trade(second, "100", close_date=NOW, gone_at=NOW)
    a_trade(second)


def test_by_day_unlike_currencies_and_modes_stay_apart(fleet: None, alice: User) -> None:
    assert profits(alice, period="7d") == {
        ("2026-11-20", "live", "USDT"): "-4",
        ("2026-11-21", "live", "USDT"): "10",
        ("2026-11-21", "live", "BTC"): "0.00000001",
        ("2026-11-21", "dry", "BTC"): "7",
    }


def test_by_week_and_month(fleet: None, alice: User) -> None:
    live = {"currency": "USDT", "mode": "live"}
    assert profits(alice, group_by="week", **live) == {
        ("2026-W42", "live", "USDT"): "2.5",
        ("2026-W47", "live", "USDT"): "6",
    }
    assert profits(alice, group_by="month", **live) == {
        ("2026-10", "live", "USDT"): "2.5",
        ("2026-11", "live", "USDT"): "6",
    }


def test_by_bot_and_what_the_trades_have_in_common(fleet: None, alice: User) -> None:
    assert profits(alice, group_by="bot", mode="live") == {
        ("first", "live", "USDT"): "8.5",
        ("second", "live", "BTC"): "0.00000001",
    }
    assert profits(alice, group_by="pair", bot="first") == {
        ("ETH/USDT", "live", "USDT"): "12.5",
        ("BTC/USDT", "live", "USDT"): "-4",
    }
    assert profits(alice, group_by="exit_reason", bot_tag="trend", period="30d") == {
        ("roi", "live", "USDT"): "10",
        ("stop_loss", "live", "USDT"): "-4",
    }
    assert profits(alice, group_by="enter_tag", mode="dry") == {(None, "dry", "BTC"): "7"}
    assert profits(alice, group_by="currency", mode="live", period="all")["USDT", "live", "USDT"] == "8.5"


def test_every_figure_of_one_row_by_hand(fleet: None, alice: User) -> None:
    (row,) = asked(alice, group_by="bot", bot="first", from_="2026-11-15", to="2026-11-21").rows
    found = {name: row.figure(name) for name in ("trades", "wins", "losses", "draws", "win_rate", "profit_ratio")}
    assert found == {
        "trades": 3, "wins": 1, "losses": 1, "draws": 1, "win_rate": Decimal("0.5"), "profit_ratio": Decimal("0.02"),
    }  # fmt: skip
    assert (row.figure("profit_factor"), row.figure("expectancy")) == (Decimal("2.5"), Decimal(2))
    assert (row.figure("average_held_seconds"), row.figure("drawdown_abs")) == (7200, Decimal(4))


def test_totals_are_the_sums_of_the_rows_whatever_the_grouping(fleet: None, alice: User) -> None:
    for period in ("7d", "30d", "all"):
        found = {}
        for group_by in GROUPINGS:
            report = asked(alice, group_by=group_by, period=period)
            totals = {total.purse: (total.sums, total.path) for total in report.totals}
            for purse, (sums, _) in totals.items():
                assert sum((row.sums.profit for row in report.rows if row.purse == purse), Decimal(0)) == sums.profit
                assert sum(row.sums.trades for row in report.rows if row.purse == purse) == sums.trades
            found[group_by] = totals
        assert all(totals == found["day"] for totals in found.values())


def test_the_same_when_the_database_adds_up(fleet: None, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many bots and days the rows are not read one by one."""
    asks = [{"group_by": by, "period": period} for by in ("day", "week", "bot", "currency") for period in ("7d", "all")]
    one_by_one = [profits(alice, mode="live", **ask) for ask in asks]
    tagged = profits(alice, group_by="day", bot_tag="trend", period="7d")
    by_pair = profits(alice, group_by="pair", mode="live", period="7d")
    monkeypatch.setattr(tables, "MOST_CELLS", 0)
    assert [profits(alice, mode="live", **ask) for ask in asks] == one_by_one
    assert profits(alice, group_by="day", bot_tag="trend", period="7d") == tagged
    assert profits(alice, group_by="pair", mode="live", period="7d") == by_pair
    assert not asked(alice, group_by="pair").dated
    by_bot = asked(alice, group_by="bot")
    assert not by_bot.dated
    assert {row.figure("drawdown_abs") for row in by_bot.rows} == {None}


def test_a_day_with_many_groups_counts_as_many_cells(alice: User, alpha: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    bot = a_bot(alpha)
    for tag in ("a", "b", "c"):
        a_trade(bot, "1", enter_tag=tag)
    monkeypatch.setattr(tables, "MOST_CELLS", 2)
    query = ReportQuery(group_by="enter_tag", since=timezone.now().date())
    report = report_for(alice, query)
    assert (report.dated, report.totals[0].profit_abs, len(report.rows)) == (False, 3, 3)
    monkeypatch.setattr(tables, "MOST_CELLS", 3)
    assert report_for(alice, query).dated


def test_a_bot_that_was_added_a_moment_ago_is_in_the_next_report(
    fleet: None, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MOST_CELLS", 0)
    query = ReportQuery(group_by="bot")
    both = report.scope_for(alice, query)
    one = tables.Scope([bot for bot in both.bots if bot.slug == "first"], whole=True)
    found = [{(cell.group, cell.purse) for cell in tables.cells_for(query, scope)} for scope in (both, one)]
    assert (len(found[0]), len(found[1])) == (3, 1)


def test_sums_over_trades_are_asked_for_at_once(fleet: None, alice: User, django_assert_max_num_queries) -> None:
    """A cursor on the server would be planned for its first rows only, and slower by far over many trades."""
    with django_assert_max_num_queries(20) as sent:
        for ask in ({"group_by": "pair"}, {"group_by": "day", "tz": "Asia/Tokyo"}):
            asked(alice, **ask)
    assert not [query for query in sent.captured_queries if "DECLARE" in query["sql"]]


def test_the_fleet_page_and_the_report_say_the_same(fleet: None, alice: User) -> None:
    totals = {(total.mode, total.currency): total for total in fleet_for(alice, FleetQuery(), NOW).totals}
    for period, figure in (("7d", "d7"), ("30d", "d30"), ("all", "all")):
        for row in asked(alice, group_by="currency", period=period).totals:
            assert getattr(totals[row.purse], figure) == row.profit_abs


def test_days_begin_in_the_teams_zone_or_the_one_asked_for(alice: User, alpha: Team) -> None:
    bot = a_bot(alpha)
    for moment in (utc(2026, 11, 18, 16), utc(2026, 11, 18, 18, 20), utc(2026, 11, 19, 2)):
        a_trade(bot, "1", close_date=moment)
    assert profits(alice) == {("2026-11-18", "live", "USDT"): "2", ("2026-11-19", "live", "USDT"): "1"}
    tokyo = {("2026-11-19", "live", "USDT"): "3"}
    assert profits(alice, tz="Asia/Tokyo") == tokyo
    kathmandu = {("2026-11-18", "live", "USDT"): "1", ("2026-11-19", "live", "USDT"): "2"}
    assert profits(alice, tz="Asia/Kathmandu") == kathmandu  # 5:45 ahead: 18:20 is 00:05 there
    assert profits(alice, tz="Asia/Tokyo", from_="2026-11-19", to="2026-11-19") == tokyo
    assert profits(alice, tz="America/New_York", to="2026-11-17") == {}
    assert profits(alice, tz="Asia/Tokyo", group_by="bot") == {(bot.slug, "live", "USDT"): "3"}


def test_a_close_of_tomorrow_is_todays(alice: User, alpha: Team) -> None:
    a_trade(a_bot(alpha), "5", close_date=NOW + timedelta(days=1))
    assert profits(alice, to="2026-11-21") == {("2026-11-21", "live", "USDT"): "5"}


def test_a_close_nobody_dated_is_in_the_sum_of_all_and_in_no_period(alice: User, alpha: Team) -> None:
    a_trade(a_bot(alpha), "5", close_day=None)
    assert profits(alice, group_by="day") == {(None, "live", "USDT"): "5"}
    assert profits(alice, to="2026-11-20") == profits(alice, period="30d") == {}


def test_the_running_sum_ends_at_the_total(fleet: None, alice: User) -> None:
    report = asked(alice, group_by="day", currency="USDT")
    assert [str(row.cumulative) for row in report.rows] == ["2.5", "-1.5", "8.5"]
    assert report.totals[0].profit_abs == report.rows[-1].cumulative


def test_sorted_by_any_figure_purse_by_purse(fleet: None, alice: User) -> None:
    rows = asked(alice, group_by="pair", bot="first", ordering="profit_abs").rows
    assert [row.group for row in rows] == ["BTC/USDT", "ETH/USDT"]
    rows = asked(alice, group_by="pair", bot="first", ordering="-profit_factor").rows
    assert [row.group for row in rows] == ["BTC/USDT", "ETH/USDT"]  # nothing was lost: not known, so last


def test_groups_that_differ_in_case_only_keep_one_order(alice: User, alpha: Team) -> None:
    for tag in ("roi", "ROI", "Roi"):
        a_trade(a_bot(alpha, f"bot-{tag}"), "1", enter_tag=tag)
    assert [row.group for row in asked(alice, group_by="enter_tag").rows] == ["ROI", "Roi", "roi"]


def test_charlie_sees_nothing_of_alphas(fleet: None, charlie: User) -> None:
    assert profits(charlie) == profits(charlie, group_by="bot") == profits(charlie, bot="first") == {}
    assert profits(charlie, group_by="pair") == profits(charlie, tz="Asia/Tokyo") == {}


def test_two_teams_of_one_person_add_up_where_the_purse_is_one(alice: User, alpha: Team, beta: Team) -> None:
    builders.member(alice, beta)
    a_trade(a_bot(alpha), "5", close_date=NOW)
    a_trade(a_bot(beta, "other"), "6", close_date=NOW)
    assert profits(alice) == {("2026-11-21", "live", "USDT"): "11"}
    assert profits(alice, team="beta") == {("2026-11-21", "live", "USDT"): "6"}


def test_bots_whose_history_is_not_read_are_named(alice: User, alpha: Team) -> None:
    a_bot(alpha, "new", status={"history_at": None})
    a_trade(a_bot(alpha, "old"), "5", close_date=NOW)
    assert asked(alice).not_whole == ["new"]


def test_figures_of_hostile_size_break_no_report(alice: User, alpha: Team) -> None:
    bot = a_bot(alpha)
    a_trade(bot, "99999999999999999999", close_date=NOW, stake_amount=Decimal("1e-18"))
    a_trade(bot, "-1e-18", close_date=utc(1975, 1, 1), stake_amount=Decimal("1e-18"))
    for group_by in GROUPINGS:
        report = asked(alice, group_by=group_by)
        assert "".join(csv_pieces(report))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"group_by": "hour"}, "group_by: one of"),
        ({"from": "yesterday"}, "from: an ISO date"),
        ({"to": "0001-01-01"}, "to: from 2000"),
        ({"from": "2026-11-21", "to": "2026-11-20"}, "to: before from"),
        ({"tz": "Mars/Olympus"}, "tz: a time zone"),
        ({"mode": "paper"}, "mode: one of"),
        ({"ordering": "password"}, "ordering: one of"),
        ({"bot": "a\x00b"}, "bot: a sign"),
    ],
)
def test_what_is_not_understood_is_named(given: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ReportQuery.parse(given)


def test_the_csv_has_exact_figures_and_no_formula(alice: User, alpha: Team) -> None:
    bot = a_bot(alpha, '=HYPERLINK("http://evil")')
    a_trade(bot, "-12345678901234567890.000000000000000001", close_date=NOW, pair="@SUM(A1)", stake_amount=None)
    lines = "".join(csv_pieces(asked(alice, group_by="pair"))).splitlines()
    assert lines[0].startswith("group,name,currency,mode,trades,wins,losses,draws,without_figure,win_rate,profit_abs,")
    assert lines[1].startswith("'@SUM(A1),'@SUM(A1),USDT,live,1,0,1,0,0,0,-12345678901234567890.000000000000000001,,")
    by_bot = "".join(csv_pieces(asked(alice, group_by="bot")))
    assert '"\'=HYPERLINK(""http://evil"")"' in by_bot


def test_the_period_of_the_report_is_told(fleet: None, alice: User) -> None:
    report = asked(alice, period="7d")
    assert (report.first, report.last) == (date(2026, 11, 15), date(2026, 11, 21))
    assert asked(alice).first == date(2026, 10, 12)

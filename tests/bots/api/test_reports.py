"""`reports/profit/` as programs call it."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.bots.domain.reports.workbooks import read
from tests.builders import a_bot, a_trade


@pytest.fixture
def fleet(alpha):
    bot = a_bot(alpha, "first")
    a_trade(bot, "0.1")
    a_trade(bot, "0.2", close_date=timezone.now() - timedelta(days=3))
    a_trade(bot, "5", mode="dry")


def test_rows_totals_and_how_whole_they_are(fleet, as_bob):
    body = as_bob.read("reports/profit/", group_by="bot", mode="live")
    assert (body["count"], body["next"], body["previous"]) == (1, None, None)
    (row,) = body["results"]
    assert (row["group"], row["currency"], row["mode"]) == ("first", "USDT", "live")
    assert (row["trades"], row["profit_abs"], row["win_rate"]) == (2, "0.3", "1")
    assert row["profit_factor"] is None
    assert [total["profit_abs"] for total in body["totals"]] == ["0.3"]
    assert (body["group_by"], body["tz"], body["bots"], body["fresh"], body["not_whole"]) == ("bot", "UTC", 1, 1, [])


def test_csv_holds_every_row_and_the_same_figures(fleet, as_bob):
    answer = as_bob("reports/profit/", group_by="day", mode="live", format="csv", page_size="1")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="profit-by-day-')
    lines = answer.getvalue().decode().splitlines()
    rows = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    listed = as_bob.read("reports/profit/", group_by="day", mode="live")["results"]
    assert rows == [{name: "" if value is None else str(value) for name, value in row.items()} for row in listed]


def test_a_workbook_is_a_download_of_the_same_figures(fleet, as_bob):
    answer = as_bob("reports/profit/", group_by="bot", mode="live", format="xlsx")
    assert answer["Content-Type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert re.fullmatch(r'attachment; filename="profit-by-bot-.*\.xlsx"', answer["Content-Disposition"])
    assert answer["Cache-Control"] == "private, no-store"
    (row,) = read(answer.getvalue())["LIVE USDT"][1:]
    assert row[:4] == ["first", "first", "USDT", "live"]
    assert row[10] == 0.3


def test_files_hold_nothing_of_another_team(fleet, as_charlie):
    assert list(read(as_charlie("reports/profit/", format="xlsx").getvalue())) == ["Report"]
    assert len(as_charlie("reports/profit/", format="csv").getvalue().splitlines()) == 1


def test_a_mistake_is_named_also_when_a_file_was_asked_for(as_bob):
    for form in ("json", "csv", "xlsx"):
        answer = as_bob("reports/profit/", group_by="hour", format=form)
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/json")
        assert "group_by" in answer.json()["fields"]


def test_strangers_and_other_teams_learn_nothing(fleet, as_charlie, as_stranger):
    assert as_charlie.read("reports/profit/", group_by="bot")["results"] == []
    assert as_stranger("reports/profit/").status_code == 401


def test_the_number_of_queries_does_not_grow_with_bots_or_days(alpha, as_alice, django_assert_max_num_queries):
    for number in range(6):
        bot = a_bot(alpha, f"bot-{number}")
        for days in range(4):
            a_trade(bot, "1", close_date=timezone.now() - timedelta(days=days))
    for group_by in ("day", "bot", "pair"):
        with django_assert_max_num_queries(6):  # on PostgreSQL a transaction of its own is three of them
            as_alice.read("reports/profit/", group_by=group_by)

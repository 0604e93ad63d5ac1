"""The report as a spreadsheet opens it: exact, each currency and mode for itself, and nothing that calculates."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Team, User
from bots.domain.reports import ReportQuery, report_for
from bots.domain.reports import workbook as book
from bots.domain.reports.report import COLUMNS
from bots.domain.reports.workbook import keeps, workbook
from tests.bots.domain.reports.workbooks import read
from tests.builders import a_bot, a_trade
from tests.fleets import utc

NOW = utc(2026, 11, 21, 12)


def opened(user: User, **given: str) -> dict[str, list[list[Any]]]:
    return read(b"".join(workbook(report_for(user, ReportQuery.parse(given), NOW))))


def column(rows: list[list[Any]], name: str) -> list[Any]:
    assert rows[0] == list(COLUMNS)
    place = COLUMNS.index(name)
    return [row[place] if len(row) > place else None for row in rows[1:]]


@pytest.fixture
def fleet(alpha: Team) -> None:
    first = a_bot(alpha, "first")
    a_trade(first, "10.12345678", close_date=NOW, stake_amount=Decimal(100))
    a_trade(first, "-4", close_date=utc(2026, 11, 20, 9), stake_amount=Decimal(100))
    a_trade(first, "7", close_date=NOW, mode="dry")
    a_trade(a_bot(alpha, "second"), "0.00000001", close_date=NOW, currency="BTC")


def test_each_currency_and_mode_has_its_own_sheet(fleet: None, alice: User) -> None:
    sheets = opened(alice, group_by="bot")
    assert list(sheets) == ["Report", "LIVE BTC", "LIVE USDT", "DRY USDT"]
    assert column(sheets["LIVE USDT"], "group") == ["first"]
    assert column(sheets["LIVE USDT"], "profit_abs") == [6.12345678]
    assert column(sheets["LIVE USDT"], "win_rate") == [0.5]
    assert column(sheets["LIVE USDT"], "trades") == [2]
    assert column(sheets["LIVE BTC"], "profit_abs") == [0.00000001]
    assert column(sheets["DRY USDT"], "profit_abs") == [7]
    assert column(sheets["DRY USDT"], "profit_factor") == [None]


def test_the_first_sheet_says_what_was_asked_and_holds_the_totals(fleet: None, alice: User) -> None:
    about = opened(alice, group_by="pair", mode="live", period="7d")["Report"]
    told = {row[0]: row[1] for row in about if len(row) == 2}
    assert told["Profit"] == "by pair, closed trades"
    assert told["Period"] == "2026-11-15 to 2026-11-21, days begin in UTC"
    assert told["Only mode"] == "live"
    totals = about[about.index(list(COLUMNS)) :]
    assert column(totals, "currency") == ["BTC", "USDT"]
    assert column(totals, "profit_abs") == [0.00000001, 6.12345678]


def test_days_are_days_to_a_spreadsheet(fleet: None, alice: User) -> None:
    """Counted from 1899-12-30: the 21st of November 2026 is 46347."""
    rows = opened(alice, group_by="day", mode="live", currency="USDT")["LIVE USDT"]
    assert column(rows, "group") == [46346, 46347]
    assert column(rows, "cumulative") == [-4, 6.12345678]
    assert column(opened(alice, group_by="week", mode="dry")["DRY USDT"], "group") == ["2026-W47"]


def test_where_one_amount_has_more_digits_than_a_spreadsheet_keeps_the_whole_column_is_text(
    fleet: None, alice: User, alpha: Team
) -> None:
    exact = "-12345678901234567890.000000000000000001"
    a_trade(a_bot(alpha, "third"), exact, close_date=NOW, stake_amount=None)
    sheets = opened(alice, group_by="bot")
    assert column(sheets["LIVE USDT"], "profit_abs") == ["6.12345678", exact]
    assert column(sheets["LIVE USDT"], "trades") == [2, 1]
    assert column(sheets["LIVE BTC"], "profit_abs") == [0.00000001]


@pytest.mark.parametrize(
    ("figure", "kept"),
    [
        ("0", True), ("-0.3", True), ("1e-18", True), ("123456789012.345", True), ("99999999999999900000", True),
        ("1234567890123.456", False), ("0.1000000000000001", False), ("99999999999999999999", False),
    ],
)  # fmt: skip
def test_fifteen_digits_are_kept(figure: str, kept: bool) -> None:
    assert keeps(Decimal(figure)) is kept


HOSTILE = ['=HYPERLINK("http://evil.example","x")', "+1+1", "-1", "@SUM(A1)", "http://evil.example/", "\x01<b>&\uffff"]


def test_what_a_bot_says_stays_text(alice: User, alpha: Team) -> None:
    bot = a_bot(alpha, HOSTILE[0])
    for number, tag in enumerate(HOSTILE):
        a_trade(bot, str(10 - number), close_date=NOW, enter_tag=tag, currency="[A]:*?/\\'" + "x" * 11)
    sheets = opened(alice, group_by="enter_tag")
    (name,) = set(sheets) - {"Report"}
    assert name == "LIVE _A_______xxxxxxxxxxx"
    found = column(sheets[name], "group")
    assert found[:5] == HOSTILE[:5]
    assert found[5] == "_x0001_<b>&\ufffd"  # how a workbook spells a sign that XML may not hold
    (named,) = set(column(opened(alice, group_by="bot")[name], "name"))
    assert named == HOSTILE[0]


def test_more_rows_and_currencies_than_a_sheet_and_a_book_hold(
    alice: User, alpha: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(book, "MOST_ROWS", 2)
    monkeypatch.setattr(book, "MOST_SHEETS", 2)
    bot = a_bot(alpha)
    for tag in ("a", "b", "c"):
        a_trade(bot, "1", close_date=NOW, enter_tag=tag, currency="AAA")
    for currency in ("BBB", "CCC"):
        a_trade(bot, "1", close_date=NOW, currency=currency)
    sheets = opened(alice, group_by="enter_tag")
    assert list(sheets) == ["Report", "LIVE AAA", "LIVE AAA 2", "Others"]
    assert [column(sheets[name], "group") for name in ("LIVE AAA", "LIVE AAA 2")] == [["a", "b"], ["c"]]
    assert column(sheets["Others"], "currency") == ["BBB", "CCC"]

"""The Reports page as people read it: the same figures as API and CSV, and everything in its address."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from tests.bots.domain.reports.workbooks import read
from tests.bots.pages.reading import cells, page, row, text
from tests.builders import a_bot, a_trade


@pytest.fixture
def fleet(alpha):
    first, second = a_bot(alpha, "first", tags=["trend"]), a_bot(alpha, "second", status={"stake_currency": "BTC"})
    now = timezone.now()
    a_trade(first, "10.123456789", close_date=now, stake_amount=Decimal(100))
    a_trade(first, "-4", close_date=now - timedelta(days=1), stake_amount=Decimal(100))
    a_trade(first, "2", close_date=now - timedelta(days=60))
    a_trade(second, "0.00000001", close_date=now)
    a_trade(second, "7", close_date=now, mode="dry")


def values(markup: str, key: str) -> list[str]:
    return re.findall(r'<data value="([^"]*)"', row(markup, key))


def test_the_last_thirty_days_by_bot_each_currency_and_mode_for_itself(fleet, bob, browser_of):
    markup = page(browser_of(bob).get("/reports/"))
    first = cells(row(markup, "live-USDT-first"))
    assert first[:5] == ["first", "+6.12", "2", "50.0 %", "3.1 %"]
    assert cells(row(markup, "sum-live-USDT"))[:3] == ["USDT together", "+6.12", "2"]
    assert cells(row(markup, "dry-BTC-second"))[1] == "+7.00000000"
    assert "live-BTC-second" in markup


def test_page_api_and_csv_agree_to_the_last_digit(fleet, bob, browser_of):
    browser = browser_of(bob)
    markup = page(browser.get("/reports/?group_by=day&mode=live&currency=USDT"))
    csv_link = re.search(r'href="([^"]*format=csv[^"]*)"', markup)[1].replace("&amp;", "&")
    lines = browser.get(csv_link).getvalue().decode().splitlines()
    assert len(lines) == 3
    names = lines[0].split(",")
    shown = ["profit_abs", "cumulative", "trades", "win_rate", "profit_ratio", "profit_factor", "expectancy"]
    for line in lines[1:]:
        told = dict(zip(names, line.split(","), strict=True))
        wanted = [told[name] for name in [*shown, "average_held_seconds"] if told[name]]
        assert values(markup, f"live-USDT-{told['group']}") == wanted
    api = browser.get(csv_link.replace("format=csv", "format=json")).json()
    assert api["totals"][0]["profit_abs"] == values(markup, "sum-live-USDT")[0] == "6.123456789"


def test_the_page_offers_the_same_report_as_a_workbook(fleet, bob, browser_of):
    browser = browser_of(bob)
    markup = page(browser.get("/reports/?mode=live&period=7d"))
    link = re.search(r'href="([^"]*format=xlsx[^"]*)"', markup)[1].replace("&amp;", "&")
    sheets = read(browser.get(link).getvalue())
    assert list(sheets) == ["Report", "LIVE BTC", "LIVE USDT"]
    assert [row[10] for row in sheets["LIVE USDT"][1:]] == [6.123456789]


def test_bars_running_sums_and_calendar(fleet, bob, browser_of):
    markup = page(browser_of(bob).get("/reports/?currency=USDT"))
    assert markup.count("<rect") == 30
    assert "running sum" in text(markup)
    assert f'<small>{timezone.now().day}</small><b><data value="10.123456789"' in markup
    assert "Days up / down / flat" in markup


def test_the_permanent_link_holds_the_days_themselves(fleet, bob, browser_of):
    browser = browser_of(bob)
    markup = page(browser.get("/reports/?group_by=pair&bot=first&period=7d"))
    link = re.search(r'href="(\?[^"]*)" title="This report', markup)[1].replace("&amp;", "&")
    today = timezone.now().date()
    assert f"from={today - timedelta(days=6)}&to={today}" in link
    again = page(browser.get(f"/reports/{link}"))
    assert values(again, "live-USDT-BTC/USDT") == values(markup, "live-USDT-BTC/USDT") != []


def test_a_mistake_in_the_address_is_told(fleet, bob, browser_of):
    answer = browser_of(bob).get("/reports/?group_by=hour")
    assert answer.status_code == 400
    assert "group_by: one of day" in text(answer.content.decode())


def test_nothing_closed_says_the_next_step(alpha, bob, browser_of):
    a_bot(alpha)
    assert "No trade closed in this period" in page(browser_of(bob).get("/reports/"))


def test_charlie_finds_nothing_of_alphas(fleet, charlie, browser_of):
    markup = page(browser_of(charlie).get("/reports/?bot=first"))
    assert "first" not in text(markup).split("Freshness")[0].replace("first close", "")
    assert "No trade closed" in markup


def test_what_a_bot_says_is_written_as_text(alpha, bob, browser_of):
    a_trade(a_bot(alpha), "1", enter_tag="<script>alert(1)</script>")
    markup = page(browser_of(bob).get("/reports/?group_by=enter_tag"))
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in markup and "<script>alert" not in markup


@pytest.mark.parametrize("group_by", ["day", "week", "month", "bot", "currency", "pair", "strategy", "exit_reason"])
@pytest.mark.parametrize("period", ["7d", "365d", "all"])
def test_every_grouping_and_period_is_a_page(fleet, bob, browser_of, group_by, period):
    assert "together" in page(browser_of(bob).get(f"/reports/?group_by={group_by}&period={period}&sort=trades"))

"""How a figure is written."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from bots.templatetags import figures
from tests.bots.pages.reading import text


def written(markup):
    return text(markup.replace('</span><span class="num__f">', ""))


@pytest.mark.parametrize(
    ("value", "currency", "shown"),
    [
        ("12.345", "USDT", "+12.34"),
        ("12.355", "USDT", "+12.36"),
        ("-0.6", "EUR", "−0.60"),
        ("0.001762", "BTC", "+0.00176200"),
        ("0", "USDT", "0.00"),
        ("-0.004", "USDT", "0.00"),
        ("1234567.89", "USDT", "+1234567.89"),
        ("99999999999999999999", "BTC", "+99999999999999999999.00000000"),
    ],
)
def test_a_profit_has_a_sign_its_currencys_decimals_and_no_grouping(value, currency, shown):
    assert written(figures.profit(Decimal(value), currency)) == shown


@pytest.mark.parametrize(("value", "look"), [("1", "up"), ("-1", "down"), ("0", "zero"), ("0.0001", "zero")])
def test_colour_and_triangle_follow_what_is_written(value, look):
    assert f'class="num {look}"' in figures.profit(Decimal(value), "USDT")


@pytest.mark.parametrize("tag", [figures.profit, figures.money, figures.hero])
def test_a_missing_figure_is_a_dash_that_says_why(tag):
    shown = tag(None, "USDT", "two of three bots have not given it")

    assert 'title="two of three bots have not given it">–<' in shown
    assert "0" not in shown


def test_a_pill_says_both_halves_and_what_is_missing_of_them():
    assert written(figures.pill(Decimal("0.012"), Decimal("12.34"), "USDT")) == "+1.20 % (+12.34 USDT)"
    assert written(figures.pill(None, Decimal("-3"), "USDT")) == "– % (−3.00 USDT)"
    assert written(figures.pill(Decimal("-0.006"), None, "USDT")) == "−0.60 % (– USDT)"
    assert 'class="pill down' in figures.pill(Decimal("0.01"), Decimal("-3"), "USDT")


def test_rates_and_amounts_keep_the_places_the_bot_gave():
    assert written(figures.exact("0.00182400")) == "0.00182400"
    assert written(figures.exact(Decimal("109404.5"))) == "109404.5"
    assert written(figures.exact(Decimal("1E+3"))) == "1000"


def test_a_fall_is_negative_whichever_way_the_bot_counts():
    assert figures.fall(Decimal("0.068")) == figures.fall(Decimal("-0.068")) == "−6.8 %"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h 0 min"), (38520, "10 h 42 min"),
        (86400, "1 d 0 h"), (183600, "2 d 3 h"), (-5, "0 s"),
    ],
)  # fmt: skip
def test_an_age_is_in_words(seconds, words):
    assert figures.span(seconds) == words


def test_an_age_carries_the_seconds_for_the_clock_of_the_browser():
    assert figures.age(5.21) == '<span class="age" data-age="5.2">5 s</span>'
    assert 'class="age age--late"' in figures.age(40, True)
    assert 'class="age age--stale"' in figures.age(400, False, True)
    assert written(figures.age(None)) == "never seen"


def test_a_moment_is_in_utc_whatever_zone_it_came_in():
    from zoneinfo import ZoneInfo

    berlin = datetime(2026, 7, 1, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert text(figures.moment(berlin)) == "2026-07-01 00:30:00"


def test_milliseconds_out_of_range_are_nothing():
    assert figures.from_ms(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert figures.from_ms(10**19) is None
    assert figures.from_ms(None) is None


def test_a_trade_lasts_until_its_close_or_until_now():
    class Trade:
        open_date = timezone.now() - timedelta(hours=5)
        close_date = None

    assert figures.lasted(Trade()) == "5 h 0 min"
    Trade.close_date = Trade.open_date + timedelta(minutes=12)
    assert figures.lasted(Trade()) == "12 min"

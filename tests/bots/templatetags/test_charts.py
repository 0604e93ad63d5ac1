"""Charts: round scales, every bar named, nothing drawn from nothing."""

import re
from datetime import date
from decimal import Decimal

import pytest

from bots.templatetags import charts


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        ("19751.3", "21742.63", ["19500", "20000", "20500", "21000", "21500", "22000"]),
        ("0.0093", "0.0225", ["0.005", "0.010", "0.015", "0.020", "0.025"]),
        ("-12", "31", ["-20", "0", "20", "40"]),
        ("5", "5", ["5", "5.5"]),
        ("0", "0", ["0", "1"]),
    ],
)
def test_a_scale_has_round_figures_that_hold_both_ends(low, high, marks):
    assert charts.ticks(Decimal(low), Decimal(high)) == [Decimal(mark) for mark in marks]


def test_every_bar_names_its_day_and_a_loss_hangs_below_the_line():
    drawn = charts.bars([(date(2026, 11, 20), Decimal(30)), (date(2026, 11, 21), Decimal(-10))], "USDT", 82)

    assert re.findall(r"<title>(.*?)</title>", drawn) == ["2026-11-20: +30.00 USDT", "2026-11-21: −10.00 USDT"]
    assert re.findall(r'class="(b-[^"]+)" x="([^"]+)" y="([^"]+)" width="7.2" height="([^"]+)"', drawn) == [
        ("b-up", "1.4", "1.0", "60.0"),
        ("b-down b-now", "11.4", "61.0", "20.0"),
    ]
    assert 'y1="61.0"' in drawn


def test_days_without_profit_are_drawn_as_nothing():
    assert 'height="0.0"' in charts.bars([(date(2026, 11, 20), Decimal(0))], "USDT")


def test_a_curve_ends_where_the_last_figure_is():
    days = [(date(2026, 11, day), Decimal(value)) for day, value in ((1, 0), (2, 50), (3, 100))]
    drawn = charts.line_chart(days, "USDT", "Profit", 214)

    assert '<path class="line" d="M0.0,208.0 500.0,108.0 1000.0,8.0"/>' in drawn
    assert ">2026-11-01</text>" in drawn
    assert ">2026-11-03</text>" in drawn


@pytest.mark.parametrize(
    "drawing", [charts.spark([Decimal(1)]), charts.line_chart([], "USDT", "x"), charts.bars([], "USDT")]
)
def test_too_little_to_draw_is_nothing(drawing):
    assert drawing == ""


def test_a_spark_says_in_words_where_it_went():
    assert 'aria-label="30 days, up"' in charts.spark([Decimal(1), Decimal(2)])
    assert 'aria-label="30 days, down"' in charts.spark([Decimal(2), Decimal(1)])
    assert 'aria-label="30 days, flat"' in charts.spark([Decimal(2), Decimal(2)])

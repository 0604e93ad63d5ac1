"""Figures of a report: shown as everywhere; in `<data>` and its title exactly as API and CSV give them."""

from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bots.domain.fleet import decimals_of
from bots.domain.reports import Row
from bots.templatetags.figures import direction, none, percent, profit, rounded, signed, span, unsigned

register = template.Library()
MOST_PLACES = 5
IN_MONEY = ("profit_abs", "expectancy", "drawdown_abs", "cumulative")
WHY = {
    "profit_factor": "nothing was lost",
    "win_rate": "no trade was won or lost",
    "sharpe": "not defined: too few days, or all made the same",
    "sortino": "not defined: no day lost",
    "drawdown_abs": "choose fewer bots or a shorter period: their days are too many to be read one by one",
    "average_held_seconds": "the bot does not tell when they closed",
}


@register.simple_tag
def figure(row: Row, name: str) -> SafeString:
    """One of a row's figures with its exact value."""
    value = row.figure(name)
    if value is None:
        return none(WHY.get(name, ""))
    exactly = plain(value)
    unit = f" {row.currency}" if name in IN_MONEY else ""
    return format_html('<data value="{0}" title="{0}{1}">{2}</data>', exactly, unit, shown(row, name))


def plain(value: Decimal | int) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def shown(row: Row, name: str) -> SafeString | str:
    value = row.figure(name)
    if name in ("profit_abs", "expectancy", "cumulative"):
        return profit(value, row.currency)
    if name == "drawdown_abs":
        return unsigned(-rounded(value, decimals_of(row.currency)))
    if name in ("win_rate", "profit_ratio"):
        return percent(value)
    if name == "average_held_seconds":
        return span(value)
    return unsigned(rounded(value, 2)) if isinstance(value, Decimal) else str(value)


@register.simple_tag
def day_figure(value: Decimal, currency: str) -> SafeString:
    """A day of the calendar, in the width of its cell; the exact figure stands in its title."""
    shown = signed(rounded(value, min(decimals_of(currency), MOST_PLACES)))
    return format_html('<data value="{0}" title="{0} {1}">{2}</data>', plain(value), currency, shown)


@register.filter
def tone(value: Decimal | None) -> str:
    return "" if value is None else direction(value)

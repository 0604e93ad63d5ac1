"""Charts as inline SVG, drawn here so that a page is complete without JavaScript and under a strict CSP.

Only shapes are computed in floating point; every figure a person reads is written by `figures`.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from bots.domain.fleet import decimals_of
from bots.templatetags.figures import rounded, signed, unsigned

register = template.Library()
Points = list[tuple[float, float]]


def scale(values: Sequence[float], top: float, bottom: float) -> list[float]:
    """Values to heights: the highest at `top`, the lowest at `bottom`, a flat row in the middle."""
    low, high = min(values), max(values)
    if high == low:
        return [(top + bottom) / 2] * len(values)
    return [bottom - (value - low) / (high - low) * (bottom - top) for value in values]


def along(count: int, left: float, right: float) -> list[float]:
    return [left + (right - left) * index / max(count - 1, 1) for index in range(count)]


def path(points: Points) -> str:
    return "M" + " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


@register.simple_tag
def spark(curve: Sequence[Decimal], label: str = "30 days") -> SafeString:
    """The last days in the size of a word; the line is where it began."""
    if len(curve) < 2:
        return mark_safe("")
    heights = scale([float(value) for value in curve], 3, 21)
    points = list(zip(along(len(curve), 1, 85), heights, strict=True))
    kind = "up" if curve[-1] > curve[0] else "down" if curve[-1] < curve[0] else "flat"
    return format_html(
        '<svg class="spark {0}" viewBox="0 0 88 24" role="img" aria-label="{1}, {0}">'
        '<line x1="0" x2="88" y1="{2}" y2="{2}"/><path d="{3}"/><circle cx="{4}" cy="{5}" r="2"/></svg>',
        kind, label, f"{heights[0]:.1f}", path(points), f"{points[-1][0]:.1f}", f"{heights[-1]:.1f}",
    )  # fmt: skip


@register.simple_tag
def bars(
    days: Sequence[tuple[date, Decimal]], currency: str, height: int = 88, step: str = "day", running: bool = True
) -> SafeString:
    """Profit per day (or other step), oldest first; `running`: the last is not over. Each bar names day and figure."""
    if not days:
        return mark_safe("")
    values = [float(value) for _, value in days]
    high, low = max(*values, 0.0), min(*values, 0.0)
    room = (height - 2) / ((high - low) or 1.0)
    zero, unfinished = 1 + high * room, len(days) - 1 if running else None
    rects = format_html_join(
        "",
        '<rect class="{}{}" x="{}" y="{}" width="7.2" height="{}"><title>{}</title></rect>',
        (
            (
                side_of(value),
                " b-now" if index == unfinished else "",
                x,
                *upright(value, zero, room),
                title,
            )
            for index, (value, x, title) in enumerate(
                zip(values, placed(len(days)), titles(days, currency), strict=True)
            )
        ),
    )
    return format_html(
        '<svg class="bars" viewBox="0 0 {0} {1}" preserveAspectRatio="none" role="img"'
        ' aria-label="Profit per {5}, {2}">{3}<line class="base" x1="0" x2="{0}" y1="{4}" y2="{4}"/></svg>',
        len(days) * 10, height, currency, rects, f"{zero:.1f}", step,
    )  # fmt: skip


def side_of(value: float) -> str:
    return "b-down" if value < 0 else "b-up"


def upright(value: float, zero: float, room: float) -> tuple[str, str]:
    """Top and height of a bar; the smallest profit is still a line."""
    tall = max(abs(value) * room, 1.0 if value else 0.0)
    return f"{zero - tall if value > 0 else zero:.1f}", f"{tall:.1f}"


def placed(count: int) -> list[str]:
    return [f"{index * 10 + 1.4:.1f}" for index in range(count)]


def titles(days: Sequence[tuple[date, Decimal]], currency: str) -> list[str]:
    return [f"{day.isoformat()}: {signed(rounded(profit, decimals_of(currency)))} {currency}" for day, profit in days]


@register.simple_tag
def meter(count: int, slots: int) -> SafeString:
    """How much of the slots is in use."""
    share = min(100, round(100 * count / slots)) if slots else 0
    return format_html(
        '<svg class="meter" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="100" height="4"/><rect width="{}" height="4"/></svg>',
        share,
    )


@register.simple_tag
def line_chart(
    points: Sequence[tuple[date | datetime, Decimal]], currency: str, label: str, height: int = 220, signs: bool = False
) -> SafeString:
    """A figure over time with its scale at the right and dates below."""
    if len(points) < 2:
        return mark_safe("")
    moments = [stamp(at) for at, _ in points]
    xs = [(moment - moments[0]) / ((moments[-1] - moments[0]) or 1.0) * 1000 for moment in moments]
    marks = ticks(min(value for _, value in points), max(value for _, value in points))
    low, rise = float(marks[0]), float(marks[-1] - marks[0])
    ys = [height - 6 - (float(value) - low) / rise * (height - 14) for _, value in points]
    drawn = path(list(zip(xs, ys, strict=True)))
    lines = [height - 6 - (height - 14) * step / (len(marks) - 1) for step in range(len(marks))]
    return format_html(
        '<div class="chart">'
        '<svg class="chart__plot" height="{0}" viewBox="0 0 1000 {0}" preserveAspectRatio="none" role="img"'
        ' aria-label="{1}, {7}">{2}<path class="area" d="{3} L1000,{4} L0,{4}Z"/>'
        '<path class="line" d="{3}"/></svg>{5}{6}</div>',
        height, label, grid(lines), drawn, height - 6, side(marks, lines, height, signs), below(points), currency,
    )  # fmt: skip


def stamp(at: date | datetime) -> float:
    return at.timestamp() if isinstance(at, datetime) else float(at.toordinal()) * 86400


def ticks(low: Decimal, high: Decimal) -> list[Decimal]:
    """Round figures that hold both ends, four to seven of them."""
    step = round_step((high - low) / 4 if high > low else abs(high) / 10 or Decimal(1))
    first = (low / step).to_integral_value(ROUND_FLOOR)
    last = max((high / step).to_integral_value(ROUND_CEILING), first + 1)
    return [step * (first + count) for count in range(int(last - first) + 1)]


def round_step(least: Decimal) -> Decimal:
    """The next of ... 0.5, 1, 2, 5, 10, 20 ..."""
    power = Decimal(1).scaleb(least.adjusted())
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)


def grid(lines: Sequence[float]) -> SafeString:
    return format_html_join(
        "", '<line class="grid" x1="0" x2="1000" y1="{0}" y2="{0}"/>', ((f"{y:.1f}",) for y in lines)
    )


def side(marks: Sequence[Decimal], lines: Sequence[float], height: int, signs: bool) -> SafeString:
    """The scale, with as many places as its steps need."""
    places = max(0, -int((marks[1] - marks[0]).normalize().as_tuple().exponent))
    write = signed if signs else unsigned
    texts = [(f"{y + 4:.1f}", write(rounded(mark, places))) for mark, y in zip(marks, lines, strict=True)]
    width = 16 + 7 * max(len(text) for _, text in texts)
    labels = format_html_join("", '<text x="8" y="{}">{}</text>', texts)
    return format_html('<svg width="{}" height="{}" aria-hidden="true">{}</svg>', width, height, labels)


def here(at: date | datetime) -> date | datetime:
    """A moment in the person's zone; a day stays the day it is."""
    return timezone.localtime(at) if isinstance(at, datetime) else at


def below(points: Sequence[tuple[date | datetime, Decimal]]) -> SafeString:
    first, last = here(points[0][0]), here(points[-1][0])
    form = "%Y-%m-%d %H:%M" if isinstance(first, datetime) and stamp(last) - stamp(first) < 3 * 86400 else "%Y-%m-%d"
    places = ((0, "start"), (1, "middle"), (2, "end"))
    texts = ((f"{half * 50}%", anchor, (first + (last - first) * half / 2).strftime(form)) for half, anchor in places)
    labels = format_html_join("", '<text x="{}" y="15" text-anchor="{}">{}</text>', texts)
    return format_html('<svg class="chart__plot chart__x" height="20" aria-hidden="true">{}</svg>', labels)

"""How a time line draws an event: its mark, its moment, its days."""

from collections.abc import Iterable
from datetime import UTC, date, timedelta
from decimal import Decimal
from itertools import groupby

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bots.domain.events.kinds import KINDS, PROFIT
from bots.models import Event

register = template.Library()


@register.filter
def tone(event: Event) -> str:
    """The class of its mark. A profit's sign decides where one is told."""
    kind = KINDS.get(event.kind)
    if kind is None or kind.tone != PROFIT:
        return kind.tone if kind else ""
    profit = event.data.get("profit_abs")
    if profit is None or Decimal(profit) == 0:
        return ""
    return "t-up" if Decimal(profit) > 0 else "t-down"


@register.filter
def label(event: Event) -> str:
    return KINDS[event.kind].label if event.kind in KINDS else event.kind


@register.filter
def short_moment(event: Event) -> SafeString:
    """Today the time, else month, day and time; in the person's zone, all of it in the title."""
    there = timezone.localtime(event.at)
    today = there.date() == timezone.localtime().date()
    shown = there.strftime("%H:%M:%S" if today else "%m-%d %H:%M")
    whole = there.strftime("%Y-%m-%d %H:%M:%S %Z")
    return format_html('<time datetime="{}" title="{}">{}</time>', event.at.astimezone(UTC).isoformat(), whole, shown)


@register.filter
def time_of_day(event: Event) -> SafeString:
    there = timezone.localtime(event.at)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        event.at.astimezone(UTC).isoformat(), there.strftime("%Y-%m-%d %H:%M:%S %Z"), there.strftime("%H:%M:%S"),
    )  # fmt: skip


@register.filter
def by_day(events: Iterable[Event]) -> list[tuple[date, list[Event]]]:
    """In the zone of the page; what is sorted stays sorted."""
    return [(day, list(those)) for day, those in groupby(events, key=lambda event: timezone.localtime(event.at).date())]


@register.filter
def day_word(day: date) -> str:
    """ "Today", "Yesterday" or nothing: the date stands beside it."""
    today = timezone.localtime().date()
    return {today: "Today", today - timedelta(days=1): "Yesterday"}.get(day, "")

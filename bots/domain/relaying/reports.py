"""What a relay's lines are like, for whoever reads their leases."""

from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from bots.domain.relaying.line import Line
from bots.models import RelayLease
from bots.models.rows import update_rows


class Report(NamedTuple):
    """What a line is like, in the columns of its lease."""

    bot_id: int
    connected_since: datetime | None
    heard_at: datetime | None
    messages: int
    connects: int
    error_code: str
    last_error: str

    def is_news_after(self, before: "Report | None") -> bool:
        """An answer to our question whether the bot is there, every 15 s, is none: its row is not written for it."""
        return self != before and (before is None or self._replace(messages=before.messages) != before)


def note(name: str, news: list[Report]) -> None:
    """Of the leases that are still ours, which nobody takes meanwhile."""
    if not news:
        return
    with transaction.atomic():
        mine = RelayLease.objects.filter(holder=name, pk__in=[report.bot_id for report in news]).order_by("pk")
        ours = set(mine.select_for_update().values_list("pk", flat=True))
        changed = [RelayLease(**report._asdict()) for report in news if report.bot_id in ours]
        update_rows(changed, Report._fields[1:])


def report_of(line: Line) -> Report:
    return Report(
        line.bot_id,
        line.connected_since,
        line.heard_at,
        line.messages,
        line.connects,
        line.error.code if line.error else "",
        str(line.error)[:500] if line.error else "",
    )

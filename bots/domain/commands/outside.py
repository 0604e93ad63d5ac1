"""Exits that somebody forced past the portal: the polls tell them as events, here they enter the audit, each once."""

from datetime import datetime, timedelta

from django.db import transaction

from bots.domain.audit import Act, append
from bots.domain.audit.entry import Detail
from bots.domain.commands.steps import PORTAL
from bots.models import Event
from bots.models.prepared import Given, Prepared

KIND = "forced_outside"
# Older ones that are not audited yet never will be; the mark on the event keeps the younger ones from coming twice.
LOOKED_BACK = timedelta(days=30)
MOST_AT_ONCE = 100


NOT_AUDITED = Prepared(
    lambda: (
        Event.objects.filter(kind=KIND, bot__isnull=False, heard_at__gt=Given("since"))
        .exclude(data__has_key="audited")
        .order_by("pk")
        .values_list("pk")[:MOST_AT_ONCE]
    )
)


def not_audited(now: datetime) -> list[Event]:
    found = [pk for (pk,) in NOT_AUDITED.rows(since=now - LOOKED_BACK)]
    if not found:
        return []
    return list(Event.objects.filter(pk__in=found).select_related("bot__team", "trade").order_by("pk"))


def audit(event: Event) -> bool:
    """Whether it was ours to write down. Raises AuditUnavailable: then a later tick does."""
    with transaction.atomic():
        # Locked, so that of two ticks the second sees the first one's mark.
        mine = (
            Event.objects.select_for_update(of=("self",)).filter(pk=event.pk).exclude(data__has_key="audited").first()
        )
        if mine is None or event.bot is None:
            return False
        mine.data = {**mine.data, "audited": True}
        mine.save(update_fields=["data"])
        bot = event.bot
        act = Act.on_bot(
            KIND, PORTAL, bot, event=event.pk, at=event.at.isoformat(), pair=event.pair, **details_of(event)
        )
        append(act)
    return True


def details_of(event: Event) -> dict[str, Detail]:
    """Of the trade, what the event says of its end. Money as text."""
    names = ("profit_abs", "profit_ratio", "currency", "side", "amount", "rate", "reason")
    told: dict[str, Detail] = {name: str(event.data[name]) for name in names if event.data.get(name) is not None}
    trade_id = event.subject.partition("@")[0]
    return {**told, "trade_id": trade_id, "trade": event.trade_id}

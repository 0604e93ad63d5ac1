"""How alerts end: by themselves, with their rule, or closed by a person; whoever was told of one is told of its end."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from bots.domain.alerts.delivering import queue
from bots.domain.alerts.telling_pages import tell_pages
from bots.models import Alert, AlertRule, Delivery


def clear(alerts: Sequence[Alert], why: str, now: datetime, by: str = "") -> int:
    """Inside the caller's transaction, which holds these rows (select_for_update). Returns how many ended now."""
    ending = [alert for alert in alerts if alert.cleared_at is None]
    for alert in ending:
        alert.cleared_at, alert.cleared_why, alert.cleared_by_name = now, why[:200], by
    ids = [alert.pk for alert in ending]
    Alert.objects.filter(pk__in=ids).update(cleared_at=now, cleared_why=why[:200], cleared_by_name=by)
    queue([alert for alert in ending if alert.announced_at is not None], Delivery.CLEARED)
    tell_pages(ending)
    return len(ending)


def clear_all_of(rule: AlertRule, why: str) -> int:
    mine = Alert.objects.filter(rule=rule).open().order_by("pk")
    return clear(list(mine.select_for_update(of=("self",)).select_related("bot", "team")), why, timezone.now())

"""How alerts end: by themselves, with their rule, or closed by a person; whoever was told of one is told of its end."""

from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from bots.domain.alerts.delivering import queue
from bots.domain.alerts.telling_pages import tell_pages
from bots.models import Alert, AlertRule, Delivery


def clear(alerts: Sequence[Alert], why: str, now: datetime, by: str = "") -> list[Alert]:
    """Inside the caller's transaction, which holds these rows (select_for_update). Returns those that ended now: the
    caller tells the pages, once and last (tell_pages)."""
    ending = [alert for alert in alerts if alert.cleared_at is None]
    for alert in ending:
        alert.cleared_at, alert.cleared_why, alert.cleared_by_name = now, why[:200], by
    ids = [alert.pk for alert in ending]
    Alert.objects.filter(pk__in=ids).update(cleared_at=now, cleared_why=why[:200], cleared_by_name=by)
    queue([alert for alert in ending if alert.announced_at is not None], Delivery.CLEARED)
    return ending


def clear_all_of(rule: AlertRule, why: str) -> None:
    mine = Alert.objects.filter(rule=rule).open().order_by("pk").select_related("bot", "team")
    tell_pages(clear(list(mine.select_for_update(of=("self",))), why, timezone.now()))

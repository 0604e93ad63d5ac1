"""Who is to be told of what: one row for each destination, in the transaction in which the alert opens or clears."""

from collections.abc import Sequence

from bots.domain.events.kinds import SEVERITIES
from bots.models import Alert, Delivery, Destination


def queue(alerts: Sequence[Alert], what: str) -> int:
    """How many deliveries arose. `what`: Delivery.OPENED, CLEARED, REMINDER (of the round alert.reminders). An end and
    a reminder go where the opening went; the same state of an alert goes nowhere twice."""
    if not alerts:
        return 0
    destinations = list(Destination.objects.in_use().filter(team__in={alert.team_id for alert in alerts}))
    told = set()
    if destinations and what != Delivery.OPENED:
        opened = Delivery.objects.filter(alert__in=[alert.pk for alert in alerts], what=Delivery.OPENED)
        told = set(opened.values_list("destination", "alert"))
    rows = [
        row_of(destination, alert, what)
        for alert in alerts
        for destination in destinations
        if wants(destination, alert) and (what == Delivery.OPENED or (destination.pk, alert.pk) in told)
    ]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def wants(destination: Destination, alert: Alert) -> bool:
    """Alerts of the portal itself have no mode: they concern live bots, too."""
    grave = SEVERITIES.index(alert.severity) >= SEVERITIES.index(destination.least)
    dry = destination.mode == Destination.LIVE_ONLY and alert.mode == "dry"
    return destination.team_id == alert.team_id and grave and not dry


def row_of(destination: Destination, alert: Alert, what: str) -> Delivery:
    turn = alert.reminders if what == Delivery.REMINDER else 0
    return Delivery(destination=destination, alert=alert, what=what, round=turn)

"""Who is to be told of an alert: rows written in the transaction in which it opens, clears or is told again."""

from collections.abc import Iterable, Sequence

from bots.domain.events.kinds import SEVERITIES
from bots.models import Alert, Delivery, Destination

RANK = {severity: rank for rank, severity in enumerate(SEVERITIES)}


def queue(alerts: Sequence[Alert], what: str) -> int:
    """Hand these alerts to their teams' destinations; how many tellings arose at most.

    `what`: Delivery.OPENED, CLEARED, or REMINDER (of the round alert.reminders). An end and a reminder go where the
    opening went. The same state of an alert goes to a destination once, however often this is called. Two or three
    queries, however many alerts. Call it inside the transaction of the change; workers look every few seconds.
    """
    if not alerts:
        return 0
    rows = list(of_openings(alerts) if what == Delivery.OPENED else of_later_states(alerts, what))
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)


def of_openings(alerts: Sequence[Alert]) -> Iterable[Delivery]:
    by_team: dict[int, list[Destination]] = {}
    for destination in Destination.objects.in_use().filter(team__in={alert.team_id for alert in alerts}):
        by_team.setdefault(destination.team_id, []).append(destination)
    for alert in alerts:
        for destination in by_team.get(alert.team_id, []):
            if wants(destination, alert):
                yield Delivery(destination=destination, alert=alert, what=Delivery.OPENED)


def of_later_states(alerts: Sequence[Alert], what: str) -> Iterable[Delivery]:
    by_id = {alert.pk: alert for alert in alerts}
    told = Delivery.objects.filter(alert__in=by_id, what=Delivery.OPENED, destination__enabled=True)
    told = told.filter(destination__removed_at=None).exclude(state=Delivery.DROPPED)
    for destination, alert in told.values_list("destination", "alert"):
        turn = by_id[alert].reminders if what == Delivery.REMINDER else 0
        yield Delivery(destination_id=destination, alert_id=alert, what=what, round=turn)


def wants(destination: Destination, alert: Alert) -> bool:
    """Grave enough, and not known to be dry where only LIVE is wanted: what is no bot's concerns live bots, too,
    and so does that a bot trades dry which was live."""
    if RANK.get(alert.severity, len(RANK)) < RANK.get(destination.least, 0):
        return False
    return destination.mode != Destination.LIVE_ONLY or alert.mode != "dry" or alert.kind == "mode_changed"

"""Who is to be told of an alert: rows written in the transaction in which it opens, clears or is told again."""

from collections.abc import Iterable, Sequence

from django.db.models import Q
from django.utils import timezone

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


def catch_up(destination: Destination) -> int:
    """Tell a destination that is new, changed or switched on again what is still wrong and nobody has taken on, as far
    as it was not told there; how many tellings there are now. What is muted waits for the end of that.

    Inside the transaction of the change. What may have arrived twice is not told again."""
    if not destination.enabled or destination.removed_at is not None:
        return 0
    now = timezone.now()
    standing = Alert.objects.unacknowledged().filter(team=destination.team_id, announced_at__isnull=False)
    wanted = [alert for alert in standing.order_by("pk") if wants(destination, alert)]
    own = Delivery.objects.filter(destination=destination, alert__in=wanted, what=Delivery.OPENED)
    ended = (Delivery.DROPPED, Delivery.GIVEN_UP)
    untold = Q(state__in=ended, unsure=0) | Q(state=Delivery.DIGESTED, part_of__state__in=ended, part_of__unsure=0)
    own.filter(untold).update(state=Delivery.PENDING, part_of=None, ended_at=None, code="", words="")
    fresh = [Delivery(destination=destination, alert=alert, what=Delivery.OPENED) for alert in wanted]
    Delivery.objects.bulk_create(fresh, ignore_conflicts=True)
    waiting = Delivery.objects.filter(destination=destination, state=Delivery.PENDING)
    return waiting.update(next_try_at=now)


def wants(destination: Destination, alert: Alert) -> bool:
    """Grave enough, and not known to be dry where only LIVE is wanted: what is no bot's concerns live bots, too,
    and so does that a bot trades dry which was live."""
    if RANK.get(alert.severity, len(RANK)) < RANK.get(destination.least, 0):
        return False
    return destination.mode != Destination.LIVE_ONLY or alert.mode != "dry" or alert.kind == "mode_changed"

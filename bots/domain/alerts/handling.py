"""What a person does with an alert: takes it on, or closes what only tells of events."""

from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from accounts.access import HANDLE_ALERTS
from accounts.models import User
from bots.domain.alerts.clearing import clear
from bots.domain.alerts.kinds import KINDS
from bots.domain.alerts.refusing import ClearsByItself, NoLongerOpen, WrongValues
from bots.domain.alerts.telling_pages import tell_pages
from bots.domain.audit import Act, Actor, append
from bots.domain.audit.entry import Detail, storable
from bots.domain.refusing import require_role
from bots.models import Alert

LONGEST_REMARK = 500


def acknowledge(actor: Actor, user: User, alert: Alert, remark: str = "") -> Alert:
    """Somebody looks after it: it stays until it clears, and reminds nobody. The first one stands; later ones may only
    add their remark. `alert` was fetched with visible_to(user).

    Raises RoleTooLow, WrongValues, NoLongerOpen, AuditUnavailable."""
    require_role(user, alert.team, HANDLE_ALERTS)
    clean = checked_remark(remark)
    with transaction.atomic():
        fresh = locked(alert)
        if fresh.acknowledged_at is None:
            fresh.acknowledged_at, fresh.acknowledged_by_name = timezone.now(), user.username
        elif not clean or clean == fresh.remark:
            return fresh
        fresh.remark = clean
        fresh.save(update_fields=["acknowledged_at", "acknowledged_by_name", "remark"])
        tell_pages([fresh])
        append(act("alert_acknowledged", actor, fresh, {"remark": clean}))
    return fresh


def close(actor: Actor, user: User, alert: Alert, remark: str = "") -> Alert:
    """Only what tells of events; what is still so clears by itself.

    Raises RoleTooLow, WrongValues, NoLongerOpen, ClearsByItself, AuditUnavailable."""
    require_role(user, alert.team, HANDLE_ALERTS)
    clean = checked_remark(remark)
    if not may_close(alert):
        raise ClearsByItself("It clears by itself when it is over: acknowledge or mute it until then")
    with transaction.atomic():
        fresh = locked(alert)
        if clean:
            fresh.remark = clean
            fresh.save(update_fields=["remark"])
        tell_pages(clear([fresh], f"Closed by {user.username}", timezone.now(), by=user.username))
        append(act("alert_closed", actor, fresh, {"remark": clean}))
    return fresh


def may_close(alert: Alert) -> bool:
    return alert.kind in KINDS and not KINDS[alert.kind].lasting


def locked(alert: Alert) -> Alert:
    """The row as it is now. Raises NoLongerOpen."""
    fresh = Alert.objects.select_for_update(of=("self",)).select_related("bot", "team", "rule").get(pk=alert.pk)
    if fresh.cleared_at is not None:
        raise NoLongerOpen(f"It is over since {fresh.cleared_at:%Y-%m-%d %H:%M} UTC")
    return fresh


def checked_remark(remark: str) -> str:
    """Raises WrongValues."""
    if len(remark.strip()) > LONGEST_REMARK:
        raise WrongValues({"remark": f"At most {LONGEST_REMARK} characters"})
    return storable(remark.strip(), LONGEST_REMARK)


def act(action: str, actor: Actor, alert: Alert, details: Mapping[str, Detail]) -> Act:
    told: dict[str, Detail] = {"alert": alert.pk, "alert_kind": alert.kind, "text": alert.text, **details}
    if alert.bot is not None:
        return Act.on_bot(action, actor, alert.bot, **told)
    return Act(action, actor, alert.team.name, alert.team.slug, alert.team_id, details=told)

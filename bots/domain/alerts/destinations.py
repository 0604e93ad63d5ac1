"""Destinations as acts: add, change, remove, try. The one way in for pages, API and admin.

Whether the person may do it is the caller's question, answered by fetching (`Team.objects.where(user, MANAGE)`,
`Destination.objects.managed_by(user)`). Every act is one transaction with its audit row as the last statement; it
raises ValidationError by field, or AuditUnavailable, and then nothing has happened. An address is sealed and never
shown again.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Team, User
from bots.domain.alerts.delivering.queueing import catch_up
from bots.domain.alerts.delivering.services import NoSuchService, checked_service, service_of
from bots.domain.audit import Act, Actor, append
from bots.domain.audit.entry import Detail
from bots.domain.events.kinds import SEVERITIES
from bots.models import Delivery, Destination
from bots.models.doors import checked_webhook_url
from bots.systems.errors import WrongSettings

KINDS = {Destination.MAIL: "Mail", Destination.WEBHOOK: "Webhook", Destination.APPRISE: "Chat service (Apprise)"}
MODES = (Destination.BOTH, Destination.LIVE_ONLY)
LEAST_SECRET = 16
MOST_SECRET, LONGEST_ADDRESS = 200, 1000
MOST_PER_TEAM = 50
MOST_PER_HOUR = 200
TESTS_PER_HOUR = 10
TELLING = {"enabled", "least", "mode", "address", "secret"}  # a change of these: what is still wrong may be told now
OPEN_FIELDS = ("name", "least", "mode", "enabled", "most_per_hour", "shown")


# --- reading --------------------------------------------------------------------------------------------------------
def destinations_of(user: User, team: Team | None = None) -> QuerySet[Destination]:
    """Those the person's teams have, by team and name, each with `last_id`: the delivery tried there last."""
    mine = Destination.objects.visible_to(user).kept().select_related("team").order_by("team__name", "name", "id")
    tried = Q(state__in=(Delivery.SENT, Delivery.GIVEN_UP)) | Q(state=Delivery.PENDING, attempts__gt=0)
    own = Delivery.objects.filter(tried, destination=OuterRef("pk"))
    own = own.order_by(Coalesce("ended_at", "claimed_at").desc(nulls_last=True), "-id")
    mine = mine.annotate(last_id=Subquery(own.values("pk")[:1]))
    return mine.filter(team=team) if team is not None else mine


def last_deliveries(destinations: list[Destination]) -> dict[int, Delivery]:
    """By destination: what came of the last telling that was tried. `destinations`: of destinations_of."""
    ids = [destination.last_id for destination in destinations]  # type: ignore[attr-defined]
    return {delivery.destination_id: delivery for delivery in Delivery.objects.filter(pk__in=ids)}


def deliveries_of(destination: Destination) -> QuerySet[Delivery]:
    """Newest first, with their alerts and bots. The destination was fetched through one of its doors."""
    return destination.deliveries.select_related("alert__bot", "part_of").order_by("-id")


# --- acts -----------------------------------------------------------------------------------------------------------
def add_destination(
    actor: Actor,
    team: Team,
    *,
    kind: str,
    name: str,
    address: str,
    secret: str = "",
    least: str = "warning",
    mode: str = Destination.BOTH,
    enabled: bool = True,
    most_per_hour: int = 20,
) -> Destination:
    """`address`: a mail address, a webhook's URL, or an Apprise URL. `secret` signs what a webhook is sent."""
    fresh = Destination(team=team, kind=checked_kind(kind), created_by_name=actor.name)
    given = {"name": name, "least": least, "mode": mode, "enabled": enabled, "most_per_hour": most_per_hour}
    with transaction.atomic():
        Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        if Destination.objects.kept().filter(team=team).count() >= MOST_PER_TEAM:
            raise ValidationError(f"A team has at most {MOST_PER_TEAM} destinations")
        made(fresh, {**given, "address": address, "secret": secret})
        require_free_name(fresh)
        fresh.save(force_insert=True)
        catch_up(fresh)
        append(act("destination_added", actor, fresh, kind=fresh.kind, **open_facts(fresh)))
    return fresh


def change_destination(actor: Actor, destination: Destination, **given: Any) -> Destination:
    """What is not given, or None, stays; an address or secret left empty stays too. The kind never changes.

    `given`: name, address, secret, least, mode, enabled, most_per_hour."""
    with transaction.atomic():
        fresh = locked(destination)
        before = open_facts(fresh)
        sealed = made(fresh, {name: value for name, value in given.items() if value is not None})
        require_free_name(fresh)
        after = open_facts(fresh)
        changed = {name for name in after if after[name] != before[name]} | sealed
        if changed:
            fresh.save(update_fields=[*OPEN_FIELDS, "sealed"])
            if changed & TELLING:
                catch_up(fresh)
            old = {name: before[name] for name in changed if name in before}
            new = {name: after[name] for name in changed if name in after}
            append(act("destination_changed", actor, fresh, changed=sorted(changed), before=old, after=new))
    return fresh


def remove_destination(actor: Actor, destination: Destination) -> Destination:
    """Its secrets are erased and nothing more is told there; what was told stays to be read."""
    with transaction.atomic():
        fresh = locked(destination)
        fresh.sealed, fresh.enabled, fresh.removed_at = {}, False, timezone.now()
        fresh.save(update_fields=["sealed", "enabled", "removed_at"])
        append(act("destination_removed", actor, fresh, kind=fresh.kind))
    return fresh


def try_destination(actor: Actor, destination: Destination) -> Delivery:
    """Ask for a test, which a worker sends once; its outcome is in the delivery. Also where it is switched off."""
    with transaction.atomic():
        fresh = locked(destination)
        lately = fresh.deliveries.filter(what=Delivery.TEST, created_at__gt=timezone.now() - timedelta(hours=1))
        if lately.count() >= TESTS_PER_HOUR:
            raise ValidationError(f"It was tried {TESTS_PER_HOUR} times within the hour; try again later")
        test = Delivery.objects.create(destination=fresh, what=Delivery.TEST, asked_by_name=actor.name)
        append(act("destination_tested", actor, fresh, kind=fresh.kind))
    return test


# --- fields ---------------------------------------------------------------------------------------------------------
def made(destination: Destination, given: Mapping[str, Any]) -> set[str]:
    """Set what is given; the names of the sealed fields that changed. Raises ValidationError with every problem."""
    problems: dict[str, list[str]] = {}
    sealed = {name for name in ("address", "secret") if str(given.get(name) or "").strip()}
    for name, value in given.items():
        try:
            if name not in ("address", "secret"):
                setattr(destination, name, CHECKS[name](value))
            elif name in sealed:
                SEALS[name](destination, str(value).strip())
        except ValidationError as problem:
            problems[name] = problem.messages
    for name in ("address", "secret"):
        missing = name not in destination.sealed and (name == "address" or destination.kind == Destination.WEBHOOK)
        if missing and name not in problems:
            problems[name] = [MISSING[name]]
    if problems:
        raise ValidationError(problems)
    return sealed


MISSING = {"address": "Enter where alerts shall go", "secret": "Enter a secret that signs what is sent there"}


def seal_address(destination: Destination, text: str) -> None:
    if len(text) > LONGEST_ADDRESS:
        raise ValidationError(f"At most {LONGEST_ADDRESS} signs")
    address, destination.shown = checked_address(destination.kind, text)
    destination.set_secret("address", address)


def checked_address(kind: str, text: str) -> tuple[str, str]:
    """The address, and what people know it by, which holds no secret. No problem quotes what was typed."""
    if kind == Destination.MAIL:
        validate_email(text)
        return text, f"{text[0]}…@{text.rpartition('@')[2]}"
    try:
        if kind == Destination.APPRISE:
            address = checked_service(text)
            return address, service_of(address).name
        address = checked_webhook_url(text)
    except (NoSuchService, WrongSettings) as problem:
        raise ValidationError(str(problem)) from None
    return address, f"{urlsplit(address).scheme}://{urlsplit(address).netloc}/…"


def seal_secret(destination: Destination, text: str) -> None:
    if destination.kind != Destination.WEBHOOK:
        raise ValidationError("Only a webhook has a secret of its own")
    if not LEAST_SECRET <= len(text) <= MOST_SECRET or not text.isprintable():
        raise ValidationError(f"{LEAST_SECRET} to {MOST_SECRET} printable signs")
    destination.set_secret("secret", text)


SEALS = {"address": seal_address, "secret": seal_secret}


def checked_kind(value: object) -> str:
    if value not in KINDS:
        raise ValidationError({"kind": [f"One of {', '.join(KINDS)}"]})
    return str(value)


def checked_name(value: object) -> str:
    name = str(value or "").strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise ValidationError("A name of 1 to 100 printable signs")
    return name


def one_of(choices: tuple[str, ...]) -> Any:
    def checked(value: object) -> str:
        if value not in choices:
            raise ValidationError(f"One of {', '.join(repr(choice) for choice in choices)}")
        return str(value)

    return checked


def checked_rate(value: object) -> int:
    if isinstance(value, bool) or not str(value).isdecimal() or not 1 <= int(str(value)) <= MOST_PER_HOUR:
        raise ValidationError(f"1 to {MOST_PER_HOUR} messages an hour")
    return int(str(value))


CHECKS: dict[str, Any] = {
    "name": checked_name,
    "least": one_of(SEVERITIES),
    "mode": one_of(MODES),
    "enabled": bool,
    "most_per_hour": checked_rate,
}


def require_free_name(destination: Destination) -> None:
    others = Destination.objects.kept().filter(team=destination.team_id, name=destination.name)
    if others.exclude(pk=destination.pk).exists():
        raise ValidationError({"name": ["The team has a destination of this name"]})


def locked(destination: Destination) -> Destination:
    """Raises ValidationError when it was removed meanwhile."""
    Team.objects.select_for_update(no_key=True).get(pk=destination.team_id)
    fresh = (
        Destination.objects.select_for_update(of=("self",), no_key=True).select_related("team").get(pk=destination.pk)
    )
    if fresh.removed_at is not None:
        raise ValidationError("It was removed; nothing about it changes any more")
    return fresh


def open_facts(destination: Destination) -> dict[str, Detail]:
    return {name: getattr(destination, name) for name in OPEN_FIELDS}


def act(action: str, actor: Actor, destination: Destination, /, **details: Detail) -> Act:
    team = destination.team
    return Act(action, actor, destination.name, team.slug, team.pk, details=details)

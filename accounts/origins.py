"""Which web origins may call the API from a browser: the allow-list, its acts, and the question."""

import ipaddress
import logging
import re
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import DatabaseError, InterfaceError, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from accounts import announcements
from accounts.announcements import Detail, announce
from accounts.caller import By
from accounts.models import AllowedOrigin

log = logging.getLogger(__name__)

DatabaseFailure = (DatabaseError, InterfaceError)
USE_NOTED_EVERY = timedelta(minutes=1)
EDITED = ("origin", "enabled", "note")
DEFAULT_PORTS = {"http": 80, "https": 443}
HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


# --- The form of an origin ----------------------------------------------------------------------------------------
def normalized(text: str) -> str:
    """The origin as browsers write it. Raises ValidationError with the cause in words."""
    origin = text.strip().lower()
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise ValidationError(f"Not an origin: {error}.") from error
    check_scheme(parts.scheme, host)
    if "@" in parts.netloc:
        raise ValidationError("An origin carries no user name.")
    if origin != f"{parts.scheme}://{parts.netloc}":
        raise ValidationError("An origin ends after host and port: no path, no slash, no question mark.")
    check_host(host)
    name = f"[{ipaddress.ip_address(host)}]" if ":" in host else host
    return f"{parts.scheme}://{name}" + ("" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}")


def check_scheme(scheme: str, host: str) -> None:
    if scheme not in DEFAULT_PORTS:
        raise ValidationError(
            "An origin begins with https:// (or http:// for this machine), for example https://app.example.org."
        )
    if scheme == "http" and not is_loopback(host):
        raise ValidationError(
            "http:// only for this machine (localhost, 127.0.0.1): anybody on the way could pretend to be another host."
        )


def check_host(host: str) -> None:
    if "*" in host:
        raise ValidationError("No wildcards: name every origin.")
    if not host.isascii():
        raise ValidationError("Write the host as browsers send it (punycode, xn--...).")
    if not is_address(host) and not HOST_NAME.fullmatch(host):
        raise ValidationError(f"{host!r} is not a host name.")


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)


# --- Acts -----------------------------------------------------------------------------------------------------------
@transaction.atomic
def save(origin: AllowedOrigin, by: By) -> None:
    """Adds or changes. Raises ValidationError."""
    origin.origin = normalized(origin.origin)
    if origin.pk is None:
        add(origin, by)
    else:
        change(origin, by)


def add(origin: AllowedOrigin, by: By) -> None:
    origin.created_by = by.user.username if by.user else ""
    origin.save(force_insert=True)
    announce(announcements.origin_added, by, origin.origin, None, **told_of(origin))


def change(origin: AllowedOrigin, by: By) -> None:
    before = AllowedOrigin.objects.select_for_update().get(pk=origin.pk)
    changed = [name for name in EDITED if getattr(origin, name) != getattr(before, name)]
    if not changed:
        return
    if "origin" in changed:
        begin_anew(origin, by)
        changed += ["created_by", "created_at", "last_used_at"]
    origin.save(update_fields=changed)
    past: dict[str, Detail] = {"origin_before": before.origin, "enabled_before": before.enabled}
    announce(announcements.origin_changed, by, origin.origin, None, **told_of(origin), **past)


def begin_anew(origin: AllowedOrigin, by: By) -> None:
    """Another text is another origin: who wrote it let it in, and nobody has come from there yet."""
    origin.created_by = by.user.username if by.user else ""
    origin.created_at, origin.last_used_at = timezone.now(), None


def told_of(origin: AllowedOrigin) -> dict[str, Detail]:
    return {"enabled": origin.enabled, "note": origin.note}


@transaction.atomic
def remove(origin: AllowedOrigin, by: By) -> None:
    origin.delete()
    announce(announcements.origin_removed, by, origin.origin)


# --- The question ---------------------------------------------------------------------------------------------------
def found(origin: str) -> AllowedOrigin | None:
    """The row by which pages of this origin may call the API: exactly as browsers send it, no more and no less.

    Asked of the database each time, one row by its key: what an admin decides holds at once, in every process. A
    database that is down welcomes nobody."""
    if not is_normal(origin):
        return None
    try:
        return AllowedOrigin.objects.filter(origin=origin, enabled=True).first()
    except DatabaseFailure as failure:
        log.warning("the allowed web origins cannot be read, so %s is not welcome: %s", origin, failure)
        return None


def is_normal(origin: str) -> bool:
    """Anything else needs no question; and a row that came into the table by another way than `save` opens nothing."""
    try:
        return normalized(origin) == origin
    except ValidationError:
        return False


def decide(request: HttpRequest, **kwargs: object) -> bool:
    """Receives corsheaders' check_request_enabled: called for every request, also for pages."""
    row = found(request.headers["Origin"]) if is_question(request) else None
    if row is not None:
        note_use(row)
    return row is not None


def is_question(request: HttpRequest) -> bool:
    """Only the API is open to other origins."""
    return bool(request.headers.get("Origin")) and request.path_info.startswith("/api/")


# When this process failed to write the use of an origin: it does not try again with every request.
failed_at: dict[str, datetime] = {}


def note_use(row: AllowedOrigin) -> None:
    now = timezone.now()
    for last in (row.last_used_at, failed_at.get(row.origin)):
        if last is not None and now < last + USE_NOTED_EVERY:
            return
    due = Q(last_used_at=None) | Q(last_used_at__lte=now - USE_NOTED_EVERY)
    try:
        AllowedOrigin.objects.filter(due, pk=row.pk, origin=row.origin).update(last_used_at=now)
    except DatabaseFailure as failure:
        failed_at[row.origin] = now
        log.warning("the use of a web origin could not be noted: %s", failure)

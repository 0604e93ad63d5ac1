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
    is_new = origin.pk is None
    if is_new and by.user:
        origin.created_by = by.user.username
    before = None if is_new else AllowedOrigin.objects.get(pk=origin.pk)
    origin.save()
    details: dict[str, Detail] = {"enabled": origin.enabled, "note": origin.note}
    if before is not None:
        details |= {"origin_before": before.origin, "enabled_before": before.enabled}
    signal = announcements.origin_added if is_new else announcements.origin_changed
    announce(signal, by, origin.origin, None, **details)


@transaction.atomic
def remove(origin: AllowedOrigin, by: By) -> None:
    origin.delete()
    announce(announcements.origin_removed, by, origin.origin)


# --- The question ---------------------------------------------------------------------------------------------------
def is_welcome(origin: str) -> bool:
    """Whether pages of this origin may call the API: exactly as browsers send it, no more and no less.

    Asked of the database each time, one row by its key: what an admin decides holds at once, in every process. A
    database that is down welcomes nobody."""
    if not is_normal(origin):
        return False
    try:
        return AllowedOrigin.objects.filter(origin=origin, enabled=True).exists()
    except DatabaseFailure as failure:
        log.warning("the allowed web origins cannot be read, so %s is not welcome: %s", origin, failure)
        return False


def is_normal(origin: str) -> bool:
    """Anything else needs no question; and a row that came into the table by another way than `save` opens nothing."""
    try:
        return normalized(origin) == origin
    except ValidationError:
        return False


def decide(request: HttpRequest, **kwargs: object) -> bool:
    """Receives corsheaders' check_request_enabled: called for every request, also for pages."""
    if not is_question(request) or not is_welcome(request.headers["Origin"]):
        return False
    note_use(request.headers["Origin"])
    return True


def is_question(request: HttpRequest) -> bool:
    """Only the API is open to other origins."""
    return bool(request.headers.get("Origin")) and request.path_info.startswith("/api/")


# When this process last wrote the use of an origin.
noted_at: dict[str, datetime] = {}


def note_use(origin: str) -> None:
    now = timezone.now()
    due = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    if now < noted_at.get(origin, now - 2 * USE_NOTED_EVERY) + USE_NOTED_EVERY:
        return
    noted_at[origin] = now
    try:
        AllowedOrigin.objects.filter(due, origin=origin).update(last_used_at=now)
    except DatabaseFailure as failure:
        log.warning("the use of a web origin could not be noted: %s", failure)

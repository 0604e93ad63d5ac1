"""Safe mode: a restored or copied installation reads, and sends nothing until somebody says that it may.

Two portals on one database's past would each send the commands and alerts of both. So every sender asks here first:
what commands a bot (`require_may_send`, before INTENT and again at the claim) and what delivers alerts (`may_send`).
Safe mode begins when the database is not where it was, when the portal's address is another, when the audit contradicts
its anchor, or when somebody says so. It never ends by itself.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from bots.domain.audit import Act, Actor, AnchorContradicted, anchor_head, append
from bots.domain.audit.anchor import set_aside_if_contradicted
from bots.models.installation import Installation, place_of_database

CODE = "safe_mode"
WATCH = Actor(name="portal", role="process", client="watch over the installation")
RESTORED = "The database is not where it was: it was restored or copied."


@dataclass(frozen=True)
class Silence:
    """Why nothing is sent. `since`: when that was first noted; None: just now."""

    why: str
    since: datetime | None


class SafeMode(Exception):
    """Nothing is sent. A person must act: manage.py leave_safe_mode. Entrances answer 503 with `code`."""

    code = CODE


# --- the question ---------------------------------------------------------------------------------------------------
def silence() -> Silence | None:
    """None: commands and alerts may be sent. Asked of the database each time, so that it holds in every process."""
    known = Installation.known(own_address())
    if known.safe_since is not None:
        return Silence(known.safe_why, known.safe_since)
    why = moved(known)
    return Silence(why, None) if why else None


def may_send() -> bool:
    return silence() is None


def require_may_send() -> None:
    """Raises SafeMode."""
    found = silence()
    if found is not None:
        raise SafeMode(f"Safe mode: the portal reads and sends nothing. {found.why}")


def noted() -> Silence | None:
    """What pages show: one query, at most some seconds behind `silence`."""
    row = Installation.objects.filter(pk=1).exclude(safe_since=None).values_list("safe_why", "safe_since").first()
    return Silence(*row) if row else None


def moved(known: Installation) -> str:
    """A sentence, or "" when all is where it was."""
    if known.place != place_of_database():
        return RESTORED
    if known.address != own_address():
        return f"The portal's address was {known.address or 'none'} and is {own_address() or 'none'} here."
    return ""


def own_address() -> str:
    """Embedded it is where the process listens, and may be another at each start."""
    return "" if settings.EMBEDDED else str(settings.PORTAL_URL).rstrip("/")


# --- acts -----------------------------------------------------------------------------------------------------------
def anchor_or_fall_silent() -> None:
    """At the start of every process that sends, and with every anchoring.

    Raises AnchorContradicted, after safe mode has begun; AnchorUnreadable, AuditUnavailable, OSError."""
    why = moved(Installation.known(own_address()))
    if why:
        enter(why, WATCH)
    try:
        anchor_head()
    except AnchorContradicted as contradiction:
        enter(f"The audit is not the one that was anchored: {contradiction}.", WATCH)
        raise


def enter(why: str, actor: Actor) -> bool:
    """Whether it began now. Raises AuditUnavailable."""
    Installation.known(own_address())
    with transaction.atomic():
        row = Installation.objects.filter(pk=1, safe_since=None)
        if not row.update(safe_since=timezone.now(), safe_why=why[:500]):
            return False
        append(Act("safe_mode_entered", actor, "the installation", details={"why": why}))
    return True


def leave(reason: str, actor: Actor) -> Path | None:
    """This database, here, at this address, may act. An anchor of another past is set aside: its new name is returned.

    Raises AuditUnavailable, AnchorUnreadable, OSError."""
    ended = silence()
    details = {"reason": reason, "why": ended.why if ended else ""}
    # First, and whatever happens then: the anchoring of another process would at once fall silent again over it.
    aside = set_aside_if_contradicted()
    with transaction.atomic():
        here = {"place": place_of_database(), "address": own_address()}
        Installation.objects.filter(pk=1).update(safe_since=None, safe_why="", **here)
        append(Act("safe_mode_left", actor, "the installation", details=details))
    anchor_head()
    return aside

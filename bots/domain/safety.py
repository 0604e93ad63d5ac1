"""Safe mode: a restored or copied installation reads, and sends nothing until somebody says that it may.

Two portals on one database's past would each send the commands and alerts of both. So every sender asks here first:
what commands a bot (`require_may_send`, before INTENT and again at the claim) and what delivers alerts (`may_send`).
Safe mode begins when the database is not where it was, when the portal's address is another, when the audit contradicts
its anchor, or when somebody says so. It never ends by itself.

A process that sends asks besides whether it held the audit against its anchor since it began (`has_looked`).
"""

import logging
import socket
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone

from bots.domain.audit import (
    Act,
    Actor,
    AnchorContradicted,
    AnchorUnreadable,
    AuditUnavailable,
    anchor_head,
    append,
    append_together,
    given_up,
)
from bots.domain.audit.anchor import set_aside_if_contradicted
from bots.domain.audit.entry import Detail
from bots.models.installation import Installation, place_of_database

log = logging.getLogger(__name__)

CODE = "safe_mode"
WATCH = Actor(name="portal", role="process", client="watch over the installation")
RESTORED = "The database is not where it was: it was restored or copied."
NOT_LOOKED = "this worker could not hold the audit against its anchor (its log says why)"
LOOK_AGAIN_SECONDS = 1.0
LONGEST_WAIT_FOR_LOOK = 2.0  # seconds, while another thread makes it


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


# --- the look at the anchor, once in every process that sends ---------------------------------------------------------
class FirstLook:
    """Until it was made, a database that went back in time might send what was sent before."""

    def __init__(self) -> None:
        self.made = False
        self.lock = threading.Lock()
        self.tried_at = float("-inf")
        self.hindrance = ""

    def is_made(self) -> bool:
        """Makes it if need be: one thread at a time, at most once a second."""
        if not self.made and self.lock.acquire(timeout=LONGEST_WAIT_FOR_LOOK):
            try:
                if not self.made and time.monotonic() - self.tried_at > LOOK_AGAIN_SECONDS:
                    self.make()
            finally:
                self.lock.release()
        return self.made

    def make(self) -> None:
        try:
            anchor_or_fall_silent()
        except AnchorContradicted as contradiction:
            log.error("the audit's anchor: %s", contradiction)
        except (AnchorUnreadable, AuditUnavailable, DatabaseError, OSError) as problem:
            self.hinder(str(problem))
        self.tried_at = time.monotonic()

    def hinder(self, why: str) -> None:
        if why != self.hindrance:
            log.error("the audit's anchor: %s; until it was looked at, this process sends nothing", why)
        self.hindrance = why


first_look = FirstLook()


def has_looked() -> bool:
    """Whether this process may send as far as the anchor goes; safe mode is another question."""
    return first_look.is_made()


# --- acts -----------------------------------------------------------------------------------------------------------
def anchor_or_fall_silent() -> None:
    """At the start of every process that sends, and with every anchoring.

    Raises AnchorContradicted, after safe mode has begun; AnchorUnreadable, AuditUnavailable, DatabaseError, OSError."""
    why = moved(Installation.known(own_address()))
    if why:
        enter(why, WATCH)
    try:
        anchor_head()
    except AnchorContradicted as contradiction:
        fall_silent_over(contradiction)
        first_look.made = True
        raise
    first_look.made = True


def fall_silent_over(contradiction: AnchorContradicted) -> None:
    """Safe mode begins, or has one more reason, and the audit is told which entry this machine's anchor knew: who ends
    safe mode gives it up, on whichever machine."""
    anchor, why = contradiction.anchor, f"The audit is not the one that was anchored: {contradiction}."
    Installation.known(own_address())
    with transaction.atomic():
        Installation.objects.select_for_update().get(pk=1)
        # Safe mode may have ended this moment, over this very entry: the next anchoring sets the anchor aside.
        if given_up.is_given_up(anchor):
            return
        acts = [act for act in (begun(why, WATCH), told(contradiction, why)) if act is not None]
        if acts:
            append_together(acts)


def told(contradiction: AnchorContradicted, why: str) -> Act | None:
    """None: that was told already."""
    if given_up.is_told(contradiction.anchor):
        return None
    row = Installation.objects.get(pk=1)
    if why not in row.safe_why:
        Installation.objects.filter(pk=1).update(safe_why=f"{row.safe_why} {why}"[:500])
    details = {**given_up.details_of(contradiction.anchor), "machine": socket.gethostname(), "why": why}
    return Act(given_up.TOLD, WATCH, "the installation", details=details)


def enter(why: str, actor: Actor) -> bool:
    """Whether it began now. Raises AuditUnavailable."""
    Installation.known(own_address())
    with transaction.atomic():
        act = begun(why, actor)
        if act is not None:
            append(act)
    return act is not None


def begun(why: str, actor: Actor) -> Act | None:
    """None: there was safe mode already."""
    row = Installation.objects.filter(pk=1, safe_since=None)
    if not row.update(safe_since=timezone.now(), safe_why=why[:500]):
        return None
    return Act("safe_mode_entered", actor, "the installation", details={"why": why})


@dataclass(frozen=True)
class Left:
    """`aside`: the new name of this machine's anchor, if it was of another past. `given_up`: what the anchors of all
    machines told that they know of another past."""

    aside: Path | None
    given_up: list[str]


def leave(reason: str, actor: Actor) -> Left:
    """This database, here, at this address, may act. The anchors of another past that told so are given up: this
    machine's is set aside now, the others by their own processes.

    Raises AuditUnavailable, AnchorUnreadable, OSError."""
    ended = silence()
    details: dict[str, Detail] = {"reason": reason, "why": ended.why if ended else ""}
    # First, and whatever happens then: the anchoring of another process would at once fall silent again over it.
    aside = set_aside_if_contradicted()
    with transaction.atomic():
        here = {"place": place_of_database(), "address": own_address()}
        Installation.objects.filter(pk=1).update(safe_since=None, safe_why="", **here)
        found = given_up.told()
        if found:
            details["given_up"] = given_up.entries_of(found)
        append(Act(given_up.GIVEN_UP, actor, "the installation", details=details))
    anchor_head()
    return Left(aside, [f"entry {one['entry']}, anchored at {one['anchored_at']} on {one['machine']}" for one in found])

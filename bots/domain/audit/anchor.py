"""The anchor: where the chain ended and when, in a file outside the database. Only against it a cut tail shows.

JSON lines {"count", "id", "digest", "at"}, oldest first. Written under a lock by any number of processes, flushed to
the disk, cut to the last 1,000 lines when it has grown to 400 kB.
"""

import fcntl
import json
import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from bots.domain.audit.given_up import is_given_up
from bots.models import AuditEntry

log = logging.getLogger(__name__)

KEPT_LINES = 1000
MOST_BYTES = 400_000
LONGEST_LINE = 1000


@dataclass(frozen=True)
class Anchor:
    """`count` rows, the last of them `id` with `digest`, at the moment `at` (ISO 8601, UTC)."""

    count: int
    id: int
    digest: str
    at: str


class AnchorContradicted(Exception):
    """The table lacks what the anchor saw, or has something else in its place. A person must act: verify_audit."""

    def __init__(self, sentence: str, anchor: Anchor) -> None:
        super().__init__(sentence)
        self.anchor = anchor


class AnchorUnreadable(Exception):
    """A line of the anchor file is not one of ours."""


def anchor_head() -> Anchor | None:
    """Write down where the chain ends, if it ended elsewhere before. None: nothing was ever audited. An anchor of a
    past that a person gave up is set aside first.

    Raises AnchorContradicted (and leaves the file as it is: it is the evidence), AnchorUnreadable, OSError.
    """
    path: Path = settings.PORTAL_AUDIT_ANCHOR
    with only_writer(path):
        last = of_this_past(last_anchor(path), path)
        # Read after the lock: an older head written behind a newer one would look like a cut tail.
        head = AuditEntry.objects.order_by("-id").values("id", "digest").first()
        if head is None or (last is not None and last.id == head["id"]):
            return last
        anchor = Anchor(grown_count(last), head["id"], head["digest"], timezone.now().isoformat())
        add_line(path, anchor)
    return anchor


def of_this_past(last: Anchor | None, path: Path) -> Anchor | None:
    """None: there was none, or it is set aside now. Raises AnchorContradicted."""
    try:
        if last is not None:
            require_same_past(last)
    except AnchorContradicted as contradiction:
        if not is_given_up(contradiction.anchor):
            raise
        log.warning("%s; that past was given up: its anchor is kept as %s", contradiction, set_aside(path).name)
        return None
    return last


def require_same_past(last: Anchor) -> None:
    there = AuditEntry.objects.filter(id=last.id).values_list("digest", flat=True).first()
    if there != last.digest:
        wrong = "is gone" if there is None else "is another"
        raise AnchorContradicted(f"audit entry {last.id}, anchored at {last.at}, {wrong}: run verify_audit", last)


def set_aside_if_contradicted() -> Path | None:
    """After a restore on purpose: the anchor of the other past is kept under another name, which is returned.

    None: the anchor and the table agree. Raises AnchorUnreadable, OSError."""
    path: Path = settings.PORTAL_AUDIT_ANCHOR
    with only_writer(path):
        last = last_anchor(path)
        try:
            if last is not None:
                require_same_past(last)
        except AnchorContradicted:
            return set_aside(path)
    return None


def set_aside(path: Path) -> Path:
    """Under its lock. Beside what was set aside before, even in the same second."""
    name = f"{path.name}.before-{timezone.now():%Y%m%dT%H%M%S}"
    taken = (path.with_name(name + (f"-{number}" if number else "")) for number in range(1000))
    return path.rename(next(place for place in taken if not place.exists()))


def grown_count(last: Anchor | None) -> int:
    if last is None:
        return AuditEntry.objects.count()
    return last.count + AuditEntry.objects.filter(id__gt=last.id).count()


def anchors(path: Path) -> list[Anchor]:
    """Oldest first. A last line torn by a crash is no line. Raises AnchorUnreadable, OSError; no file: no anchors."""
    if not path.exists():
        return []
    lines = path.read_text(errors="replace").split("\n")
    return [_parsed(line, path) for line in lines[:-1] if line]


def last_anchor(path: Path) -> Anchor | None:
    """None: there is none yet. Reads only the end of the file. Raises AnchorUnreadable, OSError."""
    lines = [line for line in end_of(path).split(b"\n")[:-1] if line]
    return _parsed(lines[-1].decode(errors="replace"), path) if lines else None


def _parsed(line: str, path: Path) -> Anchor:
    try:
        told = json.loads(line)
        return Anchor(int(told["count"]), int(told["id"]), str(told["digest"]), str(told["at"]))
    except (ValueError, KeyError, TypeError):
        raise AnchorUnreadable(f"a line of {path.name} is not an anchor: {line[:60]!r}") from None


def end_of(path: Path) -> bytes:
    if not path.exists():
        return b""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LONGEST_LINE * 2))
        return file.read()


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """A lock file of its own, because the anchor file is replaced when it is cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = opened(path.with_name(path.name + ".lock"), os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def opened(path: Path, how: int) -> int:
    """Made when it is not there. What root makes belongs to the owner of its folder, as whom the workers run: a command
    typed by an administrator must not lock them out. Nor may that owner come by other files through root's hand: a link
    is not followed (OSError), and what has a second name keeps its owner."""
    handle = os.open(path, how | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if os.geteuid() == 0:
        mine, folder = os.fstat(handle), path.parent.stat()
        if stat.S_ISREG(mine.st_mode) and mine.st_nlink == 1:
            os.fchown(handle, folder.st_uid, folder.st_gid)
    return handle


def add_line(path: Path, anchor: Anchor) -> None:
    handle = opened(path, os.O_RDWR | os.O_APPEND)
    try:
        mend_torn_end(handle)
        os.write(handle, (json.dumps(asdict(anchor)) + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    cut(path)


def mend_torn_end(handle: int) -> None:
    """Cut off a line that a crash left without its end."""
    size = os.fstat(handle).st_size
    torn = os.pread(handle, LONGEST_LINE * 2, max(0, size - LONGEST_LINE * 2)).rpartition(b"\n")[2]
    if torn:
        os.ftruncate(handle, size - len(torn))


def cut(path: Path) -> None:
    if path.stat().st_size > MOST_BYTES:
        replace(path, b"".join(path.read_bytes().splitlines(keepends=True)[-KEPT_LINES:]))


def replace(path: Path, content: bytes) -> None:
    """Whole or not at all, also when the machine stops in between."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)  # left by a crash
    handle = opened(fresh, os.O_WRONLY | os.O_EXCL)
    try:
        os.write(handle, content)
        os.fsync(handle)
    finally:
        os.close(handle)
    fresh.replace(path)

"""Old rows leave the table for a file: the one way in which a row of the audit ever goes.

A part of the chain is written into a file and read back; then, in one transaction, a checkpoint is appended to the
chain and exactly those rows are deleted, the triggers standing aside for that statement alone. Interrupted at any
point, the rows are in the table, or in the file with a checkpoint; never gone.
"""

from collections.abc import Iterator
from datetime import datetime
from hmac import compare_digest
from pathlib import Path

from django.db import DatabaseError, connection, transaction

from bots.domain.audit.anchor import anchor_head
from bots.domain.audit.appending import AuditUnavailable, append, lock_chain
from bots.domain.audit.archive_file import read_archive, sha256_of, write_archive
from bots.domain.audit.chain import COLUMNS, digest_of
from bots.domain.audit.checkpoints import ARCHIVED, Checkpoint
from bots.domain.audit.entry import Act, Actor
from bots.domain.audit.verification import verify
from bots.models import AuditEntry, append_only

PART = 50_000  # rows: writers wait while one part goes
PAGE = 2000


class ArchiveRefused(Exception):
    """Nothing was archived (or nothing more); a person must act."""


def archive(actor: Actor, before: datetime, folder: Path) -> Iterator[Checkpoint]:
    """Archive what was written before the moment; tells each part when it is done.

    Only a chain without a finding is archived, and never its anchored head. Raises ArchiveRefused, OSError.
    """
    require_sound()
    last = last_before(before)
    while (first := first_id()) is not None and first <= last:
        yield archive_part(actor, first, min(last, first + PART - 1), folder)


def require_sound() -> None:
    report = verify()
    if not report.fine:
        raise ArchiveRefused(f"{report.bad} findings: an audit that was changed is not archived. Run verify_audit")


def first_id() -> int | None:
    return AuditEntry.objects.order_by("id").values_list("id", flat=True).first()


def last_before(before: datetime) -> int:
    """Up to where all is older, and below the anchored head, which the anchor must find in the table. 0: nothing."""
    anchored = anchor_head()
    if anchored is None:
        return 0
    young = AuditEntry.objects.filter(at__gte=before).order_by("id").values_list("id", flat=True).first()
    return min(young if young is not None else anchored.id, anchored.id) - 1


def archive_part(actor: Actor, first: int, last: int, folder: Path) -> Checkpoint:
    path = write_archive(folder, {"first_id": first, "last_id": last, "rows": last - first + 1}, rows(first, last))
    checkpoint = checked(path, first, last)
    try:
        with transaction.atomic():
            lock_chain()
            delete(first, last)
            # The chain's next row: it says what is no longer here and where it is.
            append(Act(ARCHIVED, actor, f"entries {first} to {last}", details=checkpoint.details()))
    except (DatabaseError, AuditUnavailable) as failure:
        raise ArchiveRefused(f"Entries {first} to {last} stay in the table, try again: {failure}") from failure
    return checkpoint


def rows(first: int, last: int) -> Iterator[dict[str, object]]:
    for start in range(first, last + 1, PAGE):
        page = AuditEntry.objects.filter(id__range=(start, min(start + PAGE - 1, last)))
        yield from page.order_by("id").values(*COLUMNS)


def checked(path: Path, first: int, last: int) -> Checkpoint:
    """Reads the file back: no row is deleted that it does not hold. Raises ArchiveRefused, ArchiveUnreadable."""
    begin = previous = None
    expected = first
    for row in read_archive(path):
        begin = row["previous"] if begin is None else begin
        linked = previous is None or row["previous"] == previous
        if row["id"] != expected or not linked or not compare_digest(digest_of(row), row["digest"]):
            raise ArchiveRefused(f"{path.name} does not hold entry {expected} as it was written")
        previous, expected = row["digest"], expected + 1
    if expected != last + 1:
        raise ArchiveRefused(f"{path.name} ends before entry {last}")
    return Checkpoint(first, last, str(begin), str(previous), path.name, sha256_of(path))


def delete(first: int, last: int) -> None:
    """Exactly these rows, or none."""
    with append_only.standing_aside(connection):
        gone, _ = AuditEntry.objects.filter(id__range=(first, last)).delete()
    if gone != last - first + 1:
        raise ArchiveRefused(f"Entries {first} to {last} are no longer all there")

"""Checkpoints: rows of the chain that say which rows before them went into which archive."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path
from typing import Any

from bots.domain.audit.archive_file import ArchiveUnreadable, read_archive
from bots.domain.audit.chain import BEGINNING, COLUMNS, UnknownKey, digest_of
from bots.domain.audit.entry import Detail
from bots.models import AuditEntry

ARCHIVED = "audit_archived"


@dataclass(frozen=True)
class Checkpoint:
    """Entries `first_id` to `last_id` are in `file`. `previous`: digest of the entry before them, `digest`: of the last
    of them. `at`: when they were archived (ISO 8601)."""

    first_id: int
    last_id: int
    previous: str
    digest: str
    file: str
    sha256: str
    at: str = ""

    def details(self) -> dict[str, Detail]:
        names = ("first_id", "last_id", "previous", "digest", "file", "sha256")
        return {name: getattr(self, name) for name in names}


def checkpoints(folder: Path | None = None) -> list[Checkpoint]:
    """Oldest first, from entry 1 on; only those whose own signature holds.

    A checkpoint is a row like others and goes into a later archive itself: it is looked for in the files of `folder`.
    Parts whose checkpoints are out of reach are told as one, with no file.
    """
    found = signed_among(AuditEntry.objects.filter(action=ARCHIVED).order_by("id").values(*COLUMNS))
    while folder is not None and found and found[0].first_id > 1:
        earlier = signed_among(in_file(folder / Path(found[0].file).name))
        if not earlier or earlier[0].first_id >= found[0].first_id:
            break
        found = [part for part in earlier if part.last_id < found[0].first_id] + found
    if found and found[0].first_id > 1:
        found.insert(0, Checkpoint(1, found[0].first_id - 1, BEGINNING, found[0].previous, "", ""))
    return found


def in_file(path: Path) -> Iterator[Mapping[str, Any]]:
    """The checkpoints that went into an archive; of a file that cannot be read, those before its bad line."""
    try:
        yield from (row for row in read_archive(path) if row["action"] == ARCHIVED)
    except (ArchiveUnreadable, OSError):
        return  # the verification reads the file itself, and says so


def signed_among(rows: Iterable[Mapping[str, Any]]) -> list[Checkpoint]:
    told = {part.last_id: part for part in map(parsed, filter(is_signed, rows))}
    return [told[last_id] for last_id in sorted(told)]


def is_signed(row: Mapping[str, Any]) -> bool:
    try:
        return compare_digest(digest_of(row), row["digest"])
    except UnknownKey:
        return False


def parsed(row: Mapping[str, Any]) -> Checkpoint:
    return Checkpoint(**row["details"], at=row["at"].isoformat(timespec="seconds"))

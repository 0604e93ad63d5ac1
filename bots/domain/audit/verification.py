"""Reading the whole chain and naming every row that is not as it was written."""

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hmac import compare_digest
from itertools import chain
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from bots.domain.audit.anchor import Anchor, AnchorUnreadable, anchors
from bots.domain.audit.archive_file import ArchiveUnreadable, read_archive, sha256_of
from bots.domain.audit.chain import BEGINNING, COLUMNS, UnknownKey, digest_of
from bots.domain.audit.checkpoints import Checkpoint, checkpoints
from bots.models import AuditEntry

PAGE = 2000
KEPT_FINDINGS = 1000
# Searching the whole table for a lost predecessor is slow; after this many it is no longer told where it stands.
MOST_SEARCHES = 50

Row = Mapping[str, Any]


class Wrong(StrEnum):
    EDITED = "edited"
    INSERTED = "inserted"
    MISSING = "missing"
    REORDERED = "reordered"
    RENUMBERED = "renumbered"
    UNKNOWN_KEY = "unknown key"
    TRUNCATED = "truncated"
    ANCHOR_DIFFERS = "anchor differs"
    ANCHOR_MISSING = "anchor missing"
    ANCHOR_UNREADABLE = "anchor unreadable"
    ARCHIVE_DIFFERS = "archive differs"
    ARCHIVE_UNREADABLE = "archive unreadable"


@dataclass(frozen=True)
class Finding:
    """`id` is the row's (0 for the anchor file), `about` says what it claims to be."""

    wrong: Wrong
    id: int
    sentence: str
    about: str = ""


@dataclass
class Report:
    """`bad` counts every finding, `findings` keeps the first 1,000. `anchored_id`: 0 when there is no anchor.

    `entries`: rows read, those of archives among them. `archived`: every part of the chain that is no longer in the
    table; `unread`: those of them whose file was not read, so that only the checkpoint vouches for them.
    """

    entries: int = 0
    head_id: int = 0
    head_digest: str = ""
    anchored_id: int = 0
    anchored_at: str = ""
    bad: int = 0
    findings: list[Finding] = field(default_factory=list)
    archived: list[Checkpoint] = field(default_factory=list)
    unread: list[Checkpoint] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        return self.bad == 0

    @property
    def not_anchored(self) -> int:
        """Rows written after the last anchor: nothing is wrong, but cut off they would not be missed yet."""
        return max(0, self.head_id - self.anchored_id)


def verify(tell: Callable[[Finding], None] = lambda _: None, archives: Path | None = None) -> Report:
    """Reads every row once, in pages (constant memory), and tells each finding as it is made.

    `archives`: the folder with the files of archived rows; they are read as the beginning of the chain.
    """
    report = Report(archived=checkpoints(archives))
    for finding in findings(report, archives):
        report.bad += 1
        if len(report.findings) < KEPT_FINDINGS:
            report.findings.append(finding)
        tell(finding)
    return report


def findings(report: Report, archives: Path | None = None) -> Iterator[Finding]:
    anchored: dict[int, Anchor] | None = None
    try:
        anchored = {anchor.id: anchor for anchor in anchors(settings.PORTAL_AUDIT_ANCHOR)}
    except (AnchorUnreadable, OSError) as error:
        yield Finding(Wrong.ANCHOR_UNREADABLE, 0, f"The anchor cannot be read: {error}")
    files = yield from readable_files(report, archives)
    walk = Walk(report)
    for run in runs(report.archived, files):
        if isinstance(run, Checkpoint):
            yield from walk.skip(run)
            continue
        for row, following in with_following(run):
            yield from walk.judge(row, following)
            yield from judge_anchor(row, anchored or {})
            report.entries += 1
            report.head_id, report.head_digest = row["id"], row["digest"]
    if anchored is not None:
        yield from judge_end(report, list(anchored.values()), settings.PORTAL_AUDIT_ANCHOR)


def readable_files(report: Report, folder: Path | None) -> Generator[Finding, None, dict[str, Path]]:
    """The files that can be walked, by their names. One that is not what was archived is named, and still walked."""
    files: dict[str, Path] = {}
    for part in report.archived:
        try:
            if folder is not None and part.file == Path(part.file).name:
                files |= yield from judged_file(part, folder / part.file)
        except (ArchiveUnreadable, OSError) as error:
            yield Finding(Wrong.ARCHIVE_UNREADABLE, part.first_id, f"{told(ids_of(part))} in no readable file: {error}")
    report.unread = [part for part in report.archived if part.file not in files]
    return files


def judged_file(part: Checkpoint, path: Path) -> Generator[Finding, None, dict[str, Path]]:
    """Raises ArchiveUnreadable, OSError."""
    if not compare_digest(sha256_of(path), part.sha256):
        yield Finding(
            Wrong.ARCHIVE_DIFFERS, part.first_id, f"{part.file} is not the file that was written at {part.at}"
        )
        for _ in read_archive(path):
            pass
    return {part.file: path}


def runs(archived: list[Checkpoint], files: Mapping[str, Path]) -> Iterator[Checkpoint | Iterator[Row]]:
    """The chain from its beginning: rows that follow each other, and checkpoints where a part is not at hand."""
    together: list[Iterator[Row]] = []
    for part in archived:
        if part.file in files:
            together.append(read_archive(files[part.file]))
            continue
        if together:
            yield chain(*together)
        together = []
        yield part
    yield chain(*together, rows())


def rows() -> Iterator[Row]:
    """By key, page after page: a server-side cursor would hold its snapshot for as long as the reading takes."""
    last = None
    while True:
        page = AuditEntry.objects.order_by("id").values(*COLUMNS)
        found = list((page if last is None else page.filter(id__gt=last))[:PAGE])
        yield from found
        if len(found) < PAGE:
            return
        last = found[-1]["id"]


def with_following(source: Iterator[Row]) -> Iterator[tuple[Row, Row | None]]:
    row = next(source, None)
    while row is not None:
        following = next(source, None)
        yield row, following
        row = following


class Walk:
    """Goes along the chain and knows the last row that belongs to it."""

    def __init__(self, report: Report) -> None:
        self.report = report
        # Of the row before. None: that one was edited, its true digest is lost.
        self.digest: str | None = BEGINNING
        self.id = 0
        self.searches = 0

    def skip(self, part: Checkpoint) -> Iterator[Finding]:
        """Over rows that are in an archive: the checkpoint, which is signed, says how they began and ended."""
        if part.first_id != self.id + 1 or self.digest not in (None, part.previous):
            yield Finding(Wrong.MISSING, part.first_id, f"The archive of {part.at} does not follow entry {self.id}")
        self.id, self.digest = part.last_id, part.digest

    def skip_archived_meanwhile(self, row: Row) -> None:
        """Rows that left the table while it was read: a checkpoint written since then says so, and vouches for them."""
        for part in checkpoints():
            new = part.file and part not in self.report.archived
            if new and part.first_id <= self.id + 1 <= part.last_id < row["id"]:
                self.report.archived.append(part)
                self.report.unread.append(part)
                self.id, self.digest = part.last_id, part.digest

    def judge(self, row: Row, following: Row | None) -> Iterator[Finding]:
        if row["id"] > self.id + 1:
            self.skip_archived_meanwhile(row)
        signed = signature(row)
        linked = self.digest is None or row["previous"] == self.digest
        skipped = range(self.id + 1, row["id"])
        self.id = row["id"]
        if signed is Wrong.UNKNOWN_KEY:
            yield finding(Wrong.UNKNOWN_KEY, row, f"was signed with key {row['key_id']}, which is not here")
        elif (not signed or (not linked and self.is_copy(row))) and self.is_put_between(following):
            yield finding(Wrong.INSERTED, row, "was not written by the portal: the chain closes without it")
            return
        elif not signed:
            yield finding(Wrong.EDITED, row, "is not what the portal wrote")
            # Its stored digest may be the true one (only the content was changed) or not: the next row decides.
            if following is not None and following["previous"] != row["digest"]:
                self.digest = None
                return
        elif not linked:
            yield self.broken(row, skipped)
        elif skipped:
            yield finding(Wrong.RENUMBERED, row, f"has another number: {told(skipped)} not there, the chain is whole")
        self.digest = row["digest"]

    def is_put_between(self, following: Row | None) -> bool:
        return following is not None and self.digest is not None and following["previous"] == self.digest

    def is_copy(self, row: Row) -> bool:
        return self.search(AuditEntry.objects.filter(digest=row["digest"]).exclude(id=row["id"])) is not None

    def broken(self, row: Row, skipped: range) -> Finding:
        if skipped:
            return finding(Wrong.MISSING, row, f"comes after a gap: {told(skipped)} missing")
        if row["previous"] == BEGINNING:
            return finding(Wrong.REORDERED, row, "was the first of all and stands elsewhere")
        place = self.search(AuditEntry.objects.filter(digest=row["previous"]))
        if place is None:
            return finding(Wrong.MISSING, row, "follows an entry that is no longer there")
        return finding(Wrong.REORDERED, row, f"was written after the one that now is entry {place}")

    def search(self, candidates: QuerySet[AuditEntry]) -> int | None:
        self.searches += 1
        if self.searches > MOST_SEARCHES:
            return None
        return candidates.values_list("id", flat=True).first()


def signature(row: Row) -> bool | Wrong:
    try:
        return compare_digest(digest_of(row), row["digest"])
    except UnknownKey:
        return Wrong.UNKNOWN_KEY


def judge_anchor(row: Row, anchored: Mapping[int, Anchor]) -> Iterator[Finding]:
    anchor = anchored.get(row["id"])
    if anchor is not None and anchor.digest != row["digest"]:
        yield finding(Wrong.ANCHOR_DIFFERS, row, f"is not the entry that was anchored at {anchor.at}")


def judge_end(report: Report, anchored: list[Anchor], path: Path) -> Iterator[Finding]:
    if not anchored:
        # A file without a line is as good as none: whoever cuts the tail can also empty it.
        if report.entries:
            yield Finding(Wrong.ANCHOR_MISSING, 0, f"There is no anchor at {path}: a cut tail would not show")
        return
    last = max(anchored, key=lambda anchor: anchor.id)
    report.anchored_id, report.anchored_at = last.id, last.at
    lost = range(report.head_id + 1, last.id + 1)
    if lost:
        yield Finding(Wrong.TRUNCATED, lost[0], f"The end was cut off: {told(lost)} missing, anchored at {last.at}")


def finding(wrong: Wrong, row: Row, sentence: str) -> Finding:
    about = f"{row['at']:%Y-%m-%d %H:%M:%S} {row['action']} by {row['actor'] or 'nobody'}"
    return Finding(wrong, row["id"], f"Entry {row['id']} {sentence}", about)


def ids_of(part: Checkpoint) -> range:
    return range(part.first_id, part.last_id + 1)


def told(numbers: range) -> str:
    return f"entry {numbers[0]} is" if len(numbers) == 1 else f"entries {numbers[0]} to {numbers[-1]} are"

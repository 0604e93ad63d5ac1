"""The audit: who did what to what, from where; append-only, chained, anchored.

append(Act(...)) is the last statement of every act's transaction; verify() reads it all; anchor_head() is the tick's;
entries_for() gives a person what he may read; archive() moves old rows into files.
"""

from bots.domain.audit.anchor import AnchorContradicted, AnchorUnreadable, anchor_head
from bots.domain.audit.appending import AuditUnavailable, append, append_together
from bots.domain.audit.archive_file import ArchiveUnreadable
from bots.domain.audit.archiving import ArchiveRefused, archive
from bots.domain.audit.checkpoints import Checkpoint
from bots.domain.audit.entry import Act, Actor, SecretInAudit
from bots.domain.audit.exporting import csv_text, json_lines
from bots.domain.audit.reading import AuditQuery, entries_for, may_verify
from bots.domain.audit.verification import Finding, Report, Wrong, verify

__all__ = [
    "Act",
    "Actor",
    "AnchorContradicted",
    "AnchorUnreadable",
    "ArchiveRefused",
    "ArchiveUnreadable",
    "AuditQuery",
    "AuditUnavailable",
    "Checkpoint",
    "Finding",
    "Report",
    "SecretInAudit",
    "Wrong",
    "anchor_head",
    "append",
    "append_together",
    "archive",
    "csv_text",
    "entries_for",
    "json_lines",
    "may_verify",
    "verify",
]

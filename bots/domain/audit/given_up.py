"""Pasts that were given up: after a restore every machine's anchor knows entries that the table lacks.

Each tells so in the audit while safe mode lasts (`told`), and whoever ends it gives up exactly the entries that were
told, in a signed row (`given_up`). Then each machine's own process sets its anchor aside. Nothing else is given up by
it: an anchor that told nothing, one that has grown since, and one whose database went back behind that row contradict
as before.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from bots.domain.audit.chain import COLUMNS
from bots.domain.audit.checkpoints import is_signed
from bots.domain.audit.entry import Detail
from bots.models import AuditEntry

TOLD = "anchor_contradicted"
GIVEN_UP = "safe_mode_left"
MOST = 80  # machines; a row of the audit has room for so many


class Anchored(Protocol):
    @property
    def id(self) -> int: ...

    @property
    def digest(self) -> str: ...

    @property
    def at(self) -> str: ...


def details_of(anchor: Anchored) -> dict[str, Detail]:
    return {"entry": anchor.id, "digest": anchor.digest, "anchored_at": anchor.at}


def told() -> list[Mapping[str, Any]]:
    """What anchors told since safe mode was last left; oldest first, each entry once."""
    last = AuditEntry.objects.filter(action=GIVEN_UP).order_by("-id").values_list("id", flat=True).first() or 0
    rows = signed(AuditEntry.objects.filter(action=TOLD, id__gt=last).order_by("id").values(*COLUMNS))
    found = {row["details"]["digest"]: row["details"] for row in rows}
    return list(found.values())[:MOST]


def entries_of(found: Sequence[Mapping[str, Any]]) -> list[Detail]:
    """As the row says it that gives them up."""
    return [{name: one[name] for name in ("entry", "digest")} for one in found]


def is_told(anchor: Anchored) -> bool:
    return is_among(anchor, told())


def is_given_up(anchor: Anchored) -> bool:
    """Whether a person gave up this very entry, in the past that the table has now."""
    rows = AuditEntry.objects.filter(action=GIVEN_UP).order_by("-id").values(*COLUMNS)
    return any(is_among(anchor, row["details"].get("given_up", ())) for row in signed(rows))


def is_among(anchor: Anchored, entries: Sequence[Mapping[str, Any]]) -> bool:
    return any((one["entry"], one["digest"]) == (anchor.id, anchor.digest) for one in entries)


def signed(rows: Any) -> Iterator[Mapping[str, Any]]:
    """Who owns the database can write a row like ours, and cannot sign it."""
    return (row for row in rows if is_signed(row))

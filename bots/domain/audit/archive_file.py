"""An archive of the audit: a file of JSON lines. First {"archive": {first_id, last_id, rows}}, then a row a line with
its digest, oldest first, exactly as the table held it: the chain can be checked in the file as in the table.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bots.domain.audit.chain import COLUMNS

CHUNK = 1 << 20

Row = Mapping[str, Any]


class ArchiveUnreadable(Exception):
    """The file is not an archive of ours, or a line of it is none."""


def write_archive(folder: Path, head: Mapping[str, int], rows: Iterable[Row]) -> Path:
    """Whole or not at all, on the disk when this returns, for its owner alone. Raises OSError."""
    path = folder / f"audit-{head['first_id']:09d}-{head['last_id']:09d}.jsonl"
    fresh = path.with_name(f".{path.name}.new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(line_of({"archive": head}))
        file.writelines(line_of({name: spelled(row[name]) for name in COLUMNS}) for row in rows)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_folder(folder)
    return path


def sync_folder(folder: Path) -> None:
    """The new name, too, has to be on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_archive(path: Path) -> Iterator[Row]:
    """Its rows, one at a time. Raises ArchiveUnreadable, OSError."""
    with path.open(encoding="utf-8", errors="replace") as file:
        parsed(file.readline(), path, {"archive"})
        for line in file:
            row = parsed(line, path, set(COLUMNS))
            yield row | {"at": moment_of(row["at"], path)}


def sha256_of(path: Path) -> str:
    """Raises OSError."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def line_of(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n"


def spelled(value: object) -> object:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value


def parsed(line: str, path: Path, names: set[str]) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict) or set(row) != names:
        raise ArchiveUnreadable(f"a line of {path.name} is not of an archive: {line[:60]!r}")
    return row


def moment_of(text: object, path: Path) -> datetime:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ArchiveUnreadable(f"a line of {path.name} has no moment: {str(text)[:60]!r}") from None

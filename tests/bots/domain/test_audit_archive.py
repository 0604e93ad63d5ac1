"""Old rows of the audit go into a file, and only that way; the chain stays whole across the checkpoint."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError

from bots.domain.audit import (
    Actor,
    ArchiveRefused,
    Checkpoint,
    anchor_head,
    archive,
    archiving,
    verification,
    verify,
)
from bots.models import AuditEntry, append_only
from tests.bots.domain.audit_acts import alice_acts, as_owner
from tests.bots.management.test_commands import failed, said

pytestmark = pytest.mark.django_db(transaction=True)
OLD = datetime(2026, 1, 10, 12, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 1, tzinfo=UTC)
OWNER = Actor.process("archive_audit")


@pytest.fixture
def six_old_four_new() -> list[AuditEntry]:
    with time_machine.travel(OLD, tick=False):
        old = alice_acts(6, reason="größer")
    with time_machine.travel(FEBRUARY + timedelta(days=1), tick=False):
        new = alice_acts(4)
    anchor_head()
    return old + new


def archived(folder: Path, before: datetime = FEBRUARY) -> list[Checkpoint]:
    return list(archive(OWNER, before, folder))


def found(archives: Path | None = None) -> list[tuple[str, int]]:
    return [(finding.wrong.value, finding.id) for finding in verify(archives=archives).findings]


def ids() -> list[int]:
    return list(AuditEntry.objects.order_by("id").values_list("id", flat=True))


def test_what_is_old_is_in_the_file_and_a_checkpoint_in_the_chain(
    six_old_four_new: list[AuditEntry], tmp_path: Path
) -> None:
    [part] = archived(tmp_path)
    assert ids() == [7, 8, 9, 10, 11]
    entry = AuditEntry.objects.get(pk=11)
    assert (entry.action, entry.actor, entry.client) == ("audit_archived", "portal", "manage.py archive_audit")
    assert entry.details == part.details()
    assert (part.first_id, part.last_id, part.file) == (1, 6, "audit-000000001-000000006.jsonl")
    head, *rows = [json.loads(line) for line in (tmp_path / part.file).read_text().splitlines()]
    assert head == {"archive": {"first_id": 1, "last_id": 6, "rows": 6}}
    assert [(row["id"], row["subject"], row["digest"]) for row in rows] == [
        (entry.id, entry.subject, entry.digest) for entry in six_old_four_new[:6]
    ]
    assert rows[0]["details"] == {"reason": "größer"}
    assert (tmp_path / part.file).stat().st_mode & 0o777 == 0o600


def test_the_rest_verifies_alone_and_together_with_the_file(six_old_four_new: list[AuditEntry], tmp_path: Path) -> None:
    [part] = archived(tmp_path)
    anchor_head()
    alone, together = verify(), verify(archives=tmp_path)
    assert (alone.fine, alone.entries, alone.unread) == (True, 5, alone.archived)
    assert (together.fine, together.entries, together.unread) == (True, 11, [])
    assert [(one.first_id, one.last_id, one.file) for one in alone.archived] == [(1, 6, part.file)]


def test_what_leaves_the_table_while_it_is_read_is_not_called_missing(
    six_old_four_new: list[AuditEntry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = verification.rows

    def rows_of_a_table_that_is_archived_meanwhile() -> Iterator[verification.Row]:
        for number, row in enumerate(pages(), 1):
            yield row
            if number == 3:
                monkeypatch.setattr(verification, "rows", pages)
                archived(tmp_path)

    monkeypatch.setattr(verification, "PAGE", 2)
    monkeypatch.setattr(verification, "rows", rows_of_a_table_that_is_archived_meanwhile)
    report = verify()
    assert [(one.wrong.value, one.id) for one in report.findings] == []
    assert [(one.first_id, one.last_id) for one in report.unread] == [(1, 6)]
    assert report.head_id == 11


def test_a_row_cut_out_beside_an_archive_made_meanwhile_is_still_missing(
    six_old_four_new: list[AuditEntry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = verification.rows

    def rows_of_a_table_that_is_cut_meanwhile() -> Iterator[verification.Row]:
        for number, row in enumerate(pages(), 1):
            yield row
            if number == 3:
                monkeypatch.setattr(verification, "rows", pages)
                archived(tmp_path)
                as_owner("DELETE FROM bots_auditentry WHERE id = 7")

    monkeypatch.setattr(verification, "PAGE", 2)
    monkeypatch.setattr(verification, "rows", rows_of_a_table_that_is_cut_meanwhile)
    assert [(one.wrong.value, one.id) for one in verify().findings] == [("missing", 8)]


def test_acts_go_on_behind_the_checkpoint(six_old_four_new: list[AuditEntry], tmp_path: Path) -> None:
    archived(tmp_path)
    [entry] = alice_acts(1)
    anchor_head()
    assert (entry.id, found(), found(tmp_path)) == (12, [], [])


def test_the_triggers_stand_again(six_old_four_new: list[AuditEntry], tmp_path: Path) -> None:
    archived(tmp_path)
    assert append_only.missing_triggers(connection) == []
    for statement in (
        "DELETE FROM bots_auditentry WHERE id = 7",
        "UPDATE bots_auditentry SET actor = 'm' WHERE id = 7",
    ):
        with pytest.raises((DatabaseError, IntegrityError), match="append-only"), connection.cursor() as cursor:
            cursor.execute(statement)


def test_nothing_stands_aside_outside_a_transaction() -> None:
    with pytest.raises(TransactionManagementError), append_only.standing_aside(connection):
        pass
    assert append_only.missing_triggers(connection) == []


def test_an_archiving_that_fails_leaves_every_row_and_every_trigger(
    six_old_four_new: list[AuditEntry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(act: object) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(archiving, "append", full)
    with pytest.raises(ArchiveRefused, match="stay in the table"):
        archived(tmp_path)
    assert (ids(), append_only.missing_triggers(connection)) == (list(range(1, 11)), [])
    monkeypatch.undo()
    assert [(part.first_id, part.last_id) for part in archived(tmp_path)] == [(1, 6)]


def test_a_file_that_does_not_hold_the_rows_costs_no_row(
    six_old_four_new: list[AuditEntry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    genuine = archiving.write_archive

    def torn(*arguments: object) -> Path:
        path = genuine(*arguments)
        path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
        return path

    monkeypatch.setattr(archiving, "write_archive", torn)
    with pytest.raises(ArchiveRefused, match="ends before entry 6"):
        archived(tmp_path)
    assert ids() == list(range(1, 11))


def test_a_row_that_is_gone_before_the_delete_stops_it(six_old_four_new: list[AuditEntry], tmp_path: Path) -> None:
    [part] = [archiving.checked(write_part(tmp_path), 1, 6)]
    as_owner("DELETE FROM bots_auditentry WHERE id = 3")
    with pytest.raises(ArchiveRefused, match="no longer all there"), transaction.atomic():
        archiving.delete(part.first_id, part.last_id)
    assert ids() == [1, 2, *range(4, 11)]


def write_part(folder: Path) -> Path:
    return archiving.write_archive(folder, {"first_id": 1, "last_id": 6, "rows": 6}, archiving.rows(1, 6))


def test_a_changed_audit_is_not_archived(six_old_four_new: list[AuditEntry], tmp_path: Path) -> None:
    as_owner("UPDATE bots_auditentry SET actor = 'mallory' WHERE id = 4")
    with pytest.raises(ArchiveRefused, match="1 findings"):
        archived(tmp_path)
    assert (ids(), list(tmp_path.iterdir())) == (list(range(1, 11)), [])


def test_the_anchored_head_stays(six_old_four_new: list[AuditEntry], tmp_path: Path) -> None:
    far = datetime(2030, 1, 1, tzinfo=UTC)
    assert [(part.first_id, part.last_id) for part in archived(tmp_path, far)] == [(1, 9)]
    assert ids() == [10, 11]
    anchor_head()
    assert found() == found(tmp_path) == []


def test_a_second_archive_takes_the_first_checkpoint_along(six_old_four_new: list[AuditEntry], tmp_path: Path) -> None:
    archived(tmp_path)
    alice_acts(3)
    [part] = archived(tmp_path, datetime(2030, 1, 1, tzinfo=UTC))
    assert (part.first_id, part.last_id, ids()) == (7, 13, [14, 15])
    anchor_head()
    alone, together = verify(), verify(archives=tmp_path)
    assert (alone.fine, alone.entries) == (together.fine, 2) == (True, 2)
    assert [(one.first_id, one.last_id) for one in alone.archived] == [(1, 6), (7, 13)]
    assert (together.entries, together.unread) == (15, [])
    (tmp_path / "audit-000000001-000000006.jsonl").unlink()
    assert found(tmp_path) == [("archive unreadable", 1)]


def test_a_long_past_goes_in_parts(
    six_old_four_new: list[AuditEntry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "PART", 2)
    monkeypatch.setattr(archiving, "PAGE", 1)
    assert [(part.first_id, part.last_id) for part in archived(tmp_path)] == [(1, 2), (3, 4), (5, 6)]
    anchor_head()
    assert found() == found(tmp_path) == []
    (tmp_path / "audit-000000003-000000004.jsonl").unlink()
    assert found(tmp_path) == [("archive unreadable", 3)]


def test_nothing_old_archives_nothing(six_old_four_new: list[AuditEntry], tmp_path: Path) -> None:
    assert archived(tmp_path, OLD) == []
    assert ids() == list(range(1, 11))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ('"subject":"bot 3"', [("archive differs", 1), ("edited", 3)]),
        ('"id":3,', [("archive differs", 1), ("archive unreadable", 1)]),
    ],
)
def test_an_edited_file_is_named(
    six_old_four_new: list[AuditEntry], tmp_path: Path, change: str, named: list[tuple[str, int]]
) -> None:
    [part] = archived(tmp_path)
    anchor_head()
    path = tmp_path / part.file
    path.write_text(path.read_text().replace(change, change.replace("bot 3", "bot 4").replace("id", "no")))
    assert found(tmp_path) == named
    assert found() == []


def test_rows_cut_off_behind_the_archive_are_missed(six_old_four_new: list[AuditEntry], tmp_path: Path) -> None:
    archived(tmp_path)
    anchor_head()
    as_owner("DELETE FROM bots_auditentry WHERE id = 7")
    assert found() == found(tmp_path) == [("missing", 8)]


def test_without_its_checkpoint_the_archive_is_a_gap(six_old_four_new: list[AuditEntry], tmp_path: Path) -> None:
    archived(tmp_path)
    anchor_head()
    as_owner("UPDATE bots_auditentry SET details = '{}' WHERE id = 11")
    assert found() == [("missing", 7), ("edited", 11)]


def test_the_owners_commands_say_what_they_did(six_old_four_new: list[AuditEntry], tmp_path: Path) -> None:
    words = said("archive_audit", "--before", "2026-02-01", "--into", str(tmp_path))
    assert "entries 1 to 6 are in" in words
    assert "6 entries archived" in words
    assert "Nothing that old" in said("archive_audit", "--before", "2026-02-01", "--into", str(tmp_path))
    anchor_head()
    assert "audit-000000001-000000006.jsonl (not read: give its folder" in said("verify_audit")
    words = said("verify_audit", "--archives", str(tmp_path))
    assert "11 entries, head: entry 11" in words
    assert "Every entry is as it was written" in words
    (tmp_path / "audit-000000001-000000006.jsonl").unlink()
    assert "entries 1 to 6 are in no readable file" in failed("verify_audit", "--archives", str(tmp_path))


def test_the_owner_must_say_since_when_and_where(tmp_path: Path) -> None:
    for wrong in (("--into", str(tmp_path)), ("--older-than-days", "0", "--into", str(tmp_path))):
        with pytest.raises(CommandError):
            call_command("archive_audit", *wrong)
    with pytest.raises(CommandError, match="is not a folder"):
        call_command("archive_audit", "--older-than-days", "9", "--into", str(tmp_path / "nowhere"))

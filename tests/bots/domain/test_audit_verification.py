"""Whatever the database's owner does to the audit, verification finds it and names the row."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from django.db import connection

from bots.domain.audit import Wrong, anchor_head, verification, verify
from bots.models import AuditEntry
from tests.bots.domain.audit_acts import alice_acts, as_owner

pytestmark = pytest.mark.django_db
COLUMNS = ", ".join(field.column for field in AuditEntry._meta.fields if field.name != "id")
# So that rows can change places one after the other.
ELSEWHERE = 1000


@pytest.fixture
def eight_entries(settings: object) -> list[AuditEntry]:
    """Anchored once, at their end, as the tick of a team installation does."""
    settings.EMBEDDED = False
    entries = alice_acts(8)
    anchor_head()
    return entries


def found() -> list[tuple[str, int]]:
    return [(finding.wrong.value, finding.id) for finding in verify().findings]


def test_an_untouched_chain_is_fine(eight_entries: list[AuditEntry]) -> None:
    report = verify()
    assert (report.fine, report.entries, report.head_id, report.anchored_id) == (True, 8, 8, 8)
    assert report.head_digest == eight_entries[-1].digest


def test_an_empty_audit_is_fine() -> None:
    assert (verify().fine, verify().entries) == (True, 0)


@pytest.mark.parametrize(
    "change",
    [
        "actor = 'mallory'",
        'details = \'{"reason": "none"}\'',
        "at = '2020-01-01 00:00:00+00:00'",
        "actor_id = NULL",
        "role = 'viewer'",
        "address = '198.51.100.9'",
        "bot_id = 4",
    ],
)
def test_an_edited_row_is_named(eight_entries: list[AuditEntry], change: str) -> None:
    as_owner(f"UPDATE bots_auditentry SET {change} WHERE id = 4")
    assert found() == [("edited", 4)]


@pytest.mark.parametrize("id", [1, 8])
def test_an_edit_at_either_end_is_named(eight_entries: list[AuditEntry], id: int) -> None:
    as_owner(f"UPDATE bots_auditentry SET actor = 'mallory' WHERE id = {id}")
    assert found() == [("edited", id)]


def test_a_row_edited_together_with_its_digest_is_named_and_its_follower_not_blamed(
    eight_entries: list[AuditEntry],
) -> None:
    as_owner(f"UPDATE bots_auditentry SET actor = 'mallory', digest = '{'0' * 64}' WHERE id = 4")
    assert found() == [("edited", 4)]


def test_several_edits_are_all_named(eight_entries: list[AuditEntry]) -> None:
    as_owner("UPDATE bots_auditentry SET actor = 'mallory' WHERE id IN (2, 3, 7)")
    assert found() == [("edited", 2), ("edited", 3), ("edited", 7)]


def test_a_deleted_row_is_missed_at_the_row_after_it(eight_entries: list[AuditEntry]) -> None:
    as_owner("DELETE FROM bots_auditentry WHERE id IN (4, 5)")
    report = verify()
    assert [(finding.wrong, finding.id) for finding in report.findings] == [(Wrong.MISSING, 6)]
    assert "entries 4 to 5 are missing" in report.findings[0].sentence


def test_a_deleted_row_is_missed_even_when_the_later_ones_move_up(eight_entries: list[AuditEntry]) -> None:
    as_owner("DELETE FROM bots_auditentry WHERE id = 4")
    for id in range(5, 9):
        as_owner(f"UPDATE bots_auditentry SET id = {id - 1} WHERE id = {id}")
    assert ("missing", 4) in found()


def test_a_cut_head_is_missed(eight_entries: list[AuditEntry]) -> None:
    as_owner("DELETE FROM bots_auditentry WHERE id <= 3")
    assert found() == [("missing", 4)]


def test_a_cut_tail_is_missed_by_the_anchor(eight_entries: list[AuditEntry]) -> None:
    as_owner("DELETE FROM bots_auditentry WHERE id >= 7")
    report = verify()
    assert [(finding.wrong, finding.id) for finding in report.findings] == [(Wrong.TRUNCATED, 7)]
    assert "entries 7 to 8 are missing" in report.findings[0].sentence


def test_an_emptied_table_is_missed_by_the_anchor(eight_entries: list[AuditEntry]) -> None:
    as_owner("TRUNCATE bots_auditentry" if connection.vendor == "postgresql" else "DELETE FROM bots_auditentry")
    assert found() == [("truncated", 1)]


def test_a_tail_cut_and_grown_anew_is_not_the_one_that_was_anchored(eight_entries: list[AuditEntry]) -> None:
    as_owner("DELETE FROM bots_auditentry WHERE id >= 7")
    alice_acts(4)
    assert found() == [("anchor differs", 8)]


def test_a_row_put_in_between_is_named_and_nobody_else(eight_entries: list[AuditEntry]) -> None:
    for id in range(8, 4, -1):
        as_owner(f"UPDATE bots_auditentry SET id = {id + 1} WHERE id = {id}")
    as_owner(
        f"INSERT INTO bots_auditentry (id, {COLUMNS}) SELECT 5, {COLUMNS} FROM bots_auditentry WHERE id = 2",
        "UPDATE bots_auditentry SET actor = 'mallory' WHERE id = 5",
    )
    assert found() == [("inserted", 5), ("anchor differs", 8)]


def test_a_true_row_written_a_second_time_is_named(eight_entries: list[AuditEntry]) -> None:
    for id in range(8, 4, -1):
        as_owner(f"UPDATE bots_auditentry SET id = {id + 1} WHERE id = {id}")
    as_owner(f"INSERT INTO bots_auditentry (id, {COLUMNS}) SELECT 5, {COLUMNS} FROM bots_auditentry WHERE id = 2")
    assert found() == [("inserted", 5), ("anchor differs", 8)]


def test_a_replaced_row_is_named(eight_entries: list[AuditEntry]) -> None:
    as_owner(
        "DELETE FROM bots_auditentry WHERE id = 5",
        f"INSERT INTO bots_auditentry (id, {COLUMNS}) SELECT 5, {COLUMNS} FROM bots_auditentry WHERE id = 2",
    )
    assert found() == [("reordered", 5), ("missing", 6)]


def test_rows_that_changed_places_are_named(eight_entries: list[AuditEntry]) -> None:
    as_owner(
        f"UPDATE bots_auditentry SET id = {ELSEWHERE} WHERE id = 4",
        "UPDATE bots_auditentry SET id = 4 WHERE id = 6",
        f"UPDATE bots_auditentry SET id = 6 WHERE id = {ELSEWHERE}",
    )
    reordered = [id for wrong, id in found() if wrong == "reordered"]
    assert {4, 6} <= set(reordered) <= {4, 5, 6, 7}


def test_the_last_row_forged_by_its_owner_is_named(eight_entries: list[AuditEntry]) -> None:
    as_owner(
        f"INSERT INTO bots_auditentry (id, {COLUMNS}) SELECT 9, {COLUMNS} FROM bots_auditentry WHERE id = 8",
        f"UPDATE bots_auditentry SET actor = 'mallory', previous = '{eight_entries[-1].digest}' WHERE id = 9",
    )
    assert found() == [("edited", 9)]


def test_a_row_moved_far_behind_is_named(eight_entries: list[AuditEntry]) -> None:
    as_owner("UPDATE bots_auditentry SET id = 12 WHERE id = 8")
    assert found() == [("renumbered", 12)]


def test_rows_of_a_key_that_is_gone_are_told_from_edited_ones(
    eight_entries: list[AuditEntry], settings: object
) -> None:
    [name, key] = next(iter(settings.PORTAL_AUDIT_KEYS.items()))
    settings.PORTAL_AUDIT_KEYS = {"feedf00d": b"another key of thirty-two bytes!"}
    alice_acts(1)
    assert found() == [("unknown key", id) for id in range(1, 9)]
    settings.PORTAL_AUDIT_KEYS = {"feedf00d": b"another key of thirty-two bytes!", name: key}
    assert found() == []


@pytest.mark.parametrize("left", ["", "\n", '{"count": 2, "id"'])
def test_an_anchor_file_without_a_line_is_a_missing_anchor(own_anchor: Path, left: str) -> None:
    own_anchor.write_text(left)
    assert found() == []
    alice_acts(2)
    own_anchor.write_text(left)
    assert found() == [("anchor missing", 0)]


def test_an_unreadable_anchor_is_not_also_called_missing(own_anchor: Path) -> None:
    alice_acts(2)
    own_anchor.write_text("not one of ours\n")
    assert found() == [("anchor unreadable", 0)]


def test_a_missing_anchor_is_told_from_an_old_one(own_anchor: object) -> None:
    alice_acts(2)
    own_anchor.unlink(missing_ok=True)
    assert found() == [("anchor missing", 0)]
    anchor_head()
    before = own_anchor.read_text()
    alice_acts(3)
    own_anchor.write_text(before)
    report = verify()
    assert (report.fine, report.not_anchored, report.anchored_id) == (True, 3, 2)


def test_an_anchor_that_cannot_be_read_is_said(own_anchor: object, eight_entries: list[AuditEntry]) -> None:
    own_anchor.write_text("not an anchor\n")
    assert found() == [("anchor unreadable", 0)]


def test_each_finding_is_told_while_reading(eight_entries: list[AuditEntry]) -> None:
    as_owner("UPDATE bots_auditentry SET actor = 'mallory' WHERE id IN (2, 5)")
    told: list[int] = []
    verify(lambda finding: told.append(finding.id))
    assert told == [2, 5]


def test_a_long_chain_is_read_in_pages(
    monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Callable[[int], AbstractContextManager[object]]
) -> None:
    monkeypatch.setattr(verification, "PAGE", 10)
    alice_acts(95)
    anchor_head()
    with django_assert_num_queries(11):
        report = verify()
    assert (report.entries, report.fine) == (95, True)


def test_of_countless_findings_the_first_thousand_are_kept_and_all_are_counted(
    monkeypatch: pytest.MonkeyPatch, eight_entries: list[AuditEntry]
) -> None:
    monkeypatch.setattr(verification, "KEPT_FINDINGS", 3)
    as_owner("UPDATE bots_auditentry SET actor = 'mallory'")
    report = verify()
    assert ([finding.id for finding in report.findings], report.bad) == ([1, 2, 3], 8)

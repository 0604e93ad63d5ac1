"""Safe mode: a restored or copied portal reads, and sends nothing until somebody says so."""

import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.db import connection

from bots import tasks
from bots.domain import safety
from bots.domain.audit import Actor, AnchorContradicted, AuditUnavailable, anchor_head
from bots.models import AuditEntry, Installation
from bots.models.installation import marker, place_of_database, sqlite_place
from tests.bots.domain.audit_acts import alice_acts, as_owner
from tests.bots.domain.commands.surroundings import unwritable_audit

OWNER = Actor.process("leave_safe_mode")
on_sqlite = pytest.mark.skipif(connection.vendor != "sqlite", reason="the place of a file")
on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="the place of a table")


def lives_elsewhere() -> None:
    Installation.objects.update(place="another machine")


def audited() -> list[tuple[str, dict[str, object]]]:
    return list(AuditEntry.objects.order_by("id").values_list("action", "details"))


def test_a_new_installation_may_send(db: None) -> None:
    assert safety.may_send()
    safety.require_may_send()
    assert safety.noted() is None
    assert Installation.objects.get().place == place_of_database()


def test_a_restored_one_sends_nothing_from_the_first_question_on(db: None) -> None:
    safety.may_send()
    lives_elsewhere()
    assert not safety.may_send()
    with pytest.raises(safety.SafeMode, match="restored or copied") as refused:
        safety.require_may_send()
    assert refused.value.code == "safe_mode"


def test_it_is_noted_once_and_audited(db: None) -> None:
    safety.may_send()
    lives_elsewhere()
    safety.anchor_or_fall_silent()
    safety.anchor_or_fall_silent()
    assert audited() == [("safe_mode_entered", {"why": safety.RESTORED})]
    noted = safety.noted()
    assert noted is not None
    assert noted.why == safety.RESTORED


def test_it_does_not_end_by_itself(db: None) -> None:
    safety.may_send()
    lives_elsewhere()
    safety.anchor_or_fall_silent()
    Installation.objects.update(place=place_of_database())
    assert not safety.may_send()


def test_who_leaves_it_says_why_and_then_it_may_send(db: None) -> None:
    safety.may_send()
    lives_elsewhere()
    safety.anchor_or_fall_silent()
    safety.leave("the old server is off", OWNER)
    assert safety.may_send()
    assert audited()[-1] == ("safe_mode_left", {"reason": "the old server is off", "why": safety.RESTORED})
    safety.anchor_or_fall_silent()
    assert safety.may_send()


def test_another_address_is_a_copy_of_a_team_installation(db: None, settings: object) -> None:
    settings.EMBEDDED = False
    settings.PORTAL_URL = "https://portal.example.org"
    assert safety.may_send()
    settings.PORTAL_URL = "https://staging.example.org/"
    assert safety.silence().why == (
        "The portal's address was https://portal.example.org and is https://staging.example.org here."
    )


def test_the_port_of_an_embedded_portal_may_change(db: None, settings: object) -> None:
    settings.EMBEDDED = True
    settings.PORTAL_URL = "http://127.0.0.1:8000"
    assert safety.may_send()
    settings.PORTAL_URL = "http://127.0.0.1:9000"
    assert safety.may_send()


@pytest.mark.django_db(transaction=True)
def test_a_database_older_than_its_anchor_falls_silent(own_anchor: Path) -> None:
    alice_acts(3)
    anchor_head()
    as_owner("DELETE FROM bots_auditentry WHERE id > 1")
    with pytest.raises(AnchorContradicted):
        tasks.anchor_audit()
    assert not safety.may_send()
    assert [action for action, _ in audited()[1:]] == ["safe_mode_entered", "anchor_contradicted"]
    assert safety.silence().why.startswith("The audit is not the one that was anchored: audit entry 3, anchored at ")


@pytest.mark.django_db(transaction=True)
def test_leaving_keeps_the_anchor_of_the_former_past_and_begins_another(own_anchor: Path) -> None:
    alice_acts(3)
    anchor_head()
    before = own_anchor.read_text()
    as_owner("DELETE FROM bots_auditentry WHERE id > 1")
    tasks.look_whether_restored()
    aside = safety.leave("restored on purpose", OWNER).aside
    assert aside is not None
    assert aside.read_text().startswith(before)
    tasks.anchor_audit()
    assert safety.may_send()
    assert '"id": 4' in own_anchor.read_text()


@pytest.mark.django_db(transaction=True)
def test_safe_mode_does_not_end_before_its_anchor_is_aside(own_anchor: Path) -> None:
    """Else another process's anchoring would begin it again in between."""
    alice_acts(3)
    anchor_head()
    as_owner("DELETE FROM bots_auditentry WHERE id > 1")
    tasks.look_whether_restored()
    with unwritable_audit(), pytest.raises(AuditUnavailable):
        safety.leave("restored on purpose", OWNER)
    assert not safety.may_send()
    assert not own_anchor.exists()
    tasks.anchor_audit()


def test_safe_mode_begins_on_request(db: None) -> None:
    assert safety.enter("a copy for trying the upgrade", OWNER)
    assert not safety.enter("again", OWNER)
    assert safety.silence().why == "a copy for trying the upgrade"


@on_sqlite
def test_a_restart_does_not_move_a_file(db: None) -> None:
    assert place_of_database() == place_of_database()
    assert marker().stat().st_mode & 0o777 == 0o600


def test_a_folder_copied_with_all_its_times_is_another_place(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    home = sqlite_place(tmp_path / "one" / "installation")
    shutil.copytree(tmp_path / "one", tmp_path / "two", copy_function=shutil.copy2)
    assert sqlite_place(tmp_path / "two" / "installation") != home
    (tmp_path / "one").rename(tmp_path / "three")
    assert sqlite_place(tmp_path / "three" / "installation") == home


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_dump_restored_into_the_same_database_is_another_place(tmp_path: Path) -> None:
    assert safety.may_send()
    there = connection.settings_dict
    where = ["-h", there["HOST"], "-p", str(there["PORT"]), "-U", there["USER"], "-d", there["NAME"]]
    dump = tmp_path / "dump"
    subprocess.run(["pg_dump", *where, "-Fc", "-t", "bots_installation", "-f", dump], check=True)
    subprocess.run(["pg_restore", *where, "--clean", dump], check=True)
    assert safety.silence().why == safety.RESTORED
    safety.leave("restored on purpose", OWNER)
    assert safety.may_send()


@pytest.mark.skipif(configured.EMBEDDED, reason="asks PostgreSQL")
def test_the_question_costs_two_queries(db: None, django_assert_num_queries) -> None:
    safety.may_send()
    with django_assert_num_queries(2):
        safety.may_send()

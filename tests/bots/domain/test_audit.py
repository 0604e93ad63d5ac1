"""The audit's one writer: what it writes, what it refuses, and that nothing happens without it."""

import json
import logging
import threading
from datetime import UTC, datetime

import pytest
from django.conf import settings
from django.db import IntegrityError, connection, connections, transaction
from django.db.transaction import TransactionManagementError

from accounts import announcements
from accounts.announcements import announce
from accounts.caller import By, Caller
from accounts.models import Team, User
from bots.domain.audit import (
    Act,
    Actor,
    AuditUnavailable,
    SecretInAudit,
    anchor_head,
    append,
    append_together,
    verify,
)
from bots.domain.audit.chain import SIGNED, canonical
from bots.domain.audit.entry import looks_secret
from bots.domain.connection_fields import checked_tags
from bots.models import AuditEntry, append_only
from tests.bots.domain.audit_acts import ALICE, alice_acts, as_owner, audit_full

on_sqlite = pytest.mark.skipif(settings.DATABASES["default"]["ENGINE"].endswith("postgresql"), reason="SQLite's words")
on_postgresql = pytest.mark.skipif(settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"), reason="PostgreSQL's")
WRITERS, ACTS_EACH = 8, 15


@pytest.mark.django_db
def test_an_act_is_written_with_who_what_and_from_where() -> None:
    [entry] = alice_acts(reason="night")
    entry.refresh_from_db()
    assert (entry.id, entry.action, entry.subject) == (1, "bot_paused", "bot 1")
    assert (entry.actor, entry.actor_id, entry.role) == ("alice", 1, "manager")
    assert (entry.team, entry.team_id, entry.bot, entry.bot_id) == ("alpha", 7, "grid", 3)
    assert (entry.address, entry.client, entry.session) == ("192.0.2.7", "Firefox", "5f3a")
    assert entry.details == {"reason": "night"}
    assert abs((datetime.now(UTC) - entry.at).total_seconds()) < 60


@pytest.mark.django_db
def test_each_row_carries_the_digest_of_the_row_before_it() -> None:
    first, second, third = alice_acts(3)
    assert [first.previous, second.previous, third.previous] == ["", first.digest, second.digest]


@pytest.mark.django_db
def test_acts_of_one_transaction_are_chained_to_each_other_and_to_what_was_before() -> None:
    (first,) = alice_acts()
    with transaction.atomic():
        rows = append_together([Act("bot_added", ALICE, f"bot {number}") for number in range(3)])
    assert [row.id for row in rows] == [2, 3, 4]
    assert [row.previous for row in rows] == [first.digest, rows[0].digest, rows[1].digest]
    anchor_head()
    assert verify().findings == []


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_written() -> None:
    with pytest.raises(TransactionManagementError, match="inside the transaction"):
        append(Act("bot_paused", ALICE))
    assert AuditEntry.objects.count() == 0


@pytest.mark.django_db
def test_an_act_that_is_undone_leaves_no_row_and_no_gap() -> None:
    alice_acts(1)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        append(Act("bot_retired", ALICE))
        raise ZeroDivisionError
    alice_acts(1)
    assert list(AuditEntry.objects.values_list("id", "action")) == [(1, "bot_paused"), (2, "bot_paused")]
    anchor_head()
    assert verify().fine


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_audited_does_not_happen() -> None:
    team = Team.objects.create(name="Alpha", slug="alpha")
    with audit_full(), pytest.raises(AuditUnavailable), transaction.atomic():
        Team.objects.filter(pk=team.pk).update(name="Renamed")
        append(Act("team_changed", ALICE))
    team.refresh_from_db()
    assert team.name == "Alpha"


@pytest.mark.django_db(transaction=True)
def test_somebody_who_swallows_the_refusal_still_cannot_commit_the_act() -> None:
    team = Team.objects.create(name="Alpha", slug="alpha")
    with audit_full(), transaction.atomic():
        Team.objects.filter(pk=team.pk).update(name="Renamed")
        with pytest.raises(AuditUnavailable):
            append(Act("team_changed", ALICE))
    team.refresh_from_db()
    assert team.name == "Alpha"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", ["password", "ws_token", "API_KEY", "apiKey", "developer_key", "new-password", "token", "Authorization"]
)
def test_a_detail_named_like_a_secret_is_refused_at_any_depth(name: str) -> None:
    for details in ({name: "hunter2"}, {"fields": {name: "hunter2"}}, {"rows": [{name: "hunter2"}]}):
        with pytest.raises(SecretInAudit), transaction.atomic():
            append(Act("bot_changed", ALICE, details=details))
    assert AuditEntry.objects.count() == 0


@pytest.mark.parametrize("name", ["token_id", "password_changed", "url", "username", "monkey", "key_id", "row_count"])
def test_a_name_that_only_speaks_of_a_secret_is_none(name: str) -> None:
    assert not looks_secret(name)


@pytest.mark.django_db
def test_a_password_inside_an_address_is_cut_out() -> None:
    [entry] = alice_acts(url="https://alice:hunter2@bot.example.org/x")
    assert entry.details == {"url": "https://bot.example.org/x"}


@pytest.mark.django_db
def test_texts_are_bounded_and_storable_everywhere() -> None:
    with transaction.atomic():
        entry = append(Act("a" * 100, Actor("b" * 1000), "c\x00d\ud800", details={"long": "x" * 9000}))
    entry.refresh_from_db()
    assert (len(entry.action), len(entry.actor)) == (60, 150)
    assert entry.subject == "c\ufffdd\ufffd"
    assert len(entry.details["long"]) == 500
    anchor_head()
    assert verify().fine


@pytest.mark.django_db
def test_details_over_16_kb_and_floats_are_the_writers_mistake() -> None:
    with pytest.raises(ValueError, match="at most 16384"):
        append(Act("bot_changed", ALICE, details={"rows": ["x" * 400] * 41}))
    with pytest.raises(TypeError, match="float"):
        append(Act("bot_changed", ALICE, details={"profit": 0.1}))


@pytest.mark.django_db
@pytest.mark.parametrize("sign", ["漢", "🚀"])
def test_the_longest_permitted_tags_fit_before_and_after_in_any_script(sign: str) -> None:
    before, after = ([f"{start}{number:02}".ljust(40, sign) for number in range(20)] for start in "ab")
    assert checked_tags(before) == before
    [entry] = alice_acts(tags={"before": before, "after": after})
    entry.refresh_from_db()
    assert entry.details == {"tags": {"before": before, "after": after}}
    anchor_head()
    assert verify().fine


def test_the_digest_spells_other_scripts_in_ascii() -> None:
    row = dict.fromkeys(SIGNED) | {"details": {"tags": ["漢"]}}
    assert rb'"details":{"tags":["\u6f22"]}' in canonical(row)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bots_auditentry SET actor = 'mallory'",
        "UPDATE bots_auditentry SET actor = 'mallory' WHERE id = 2",
        "DELETE FROM bots_auditentry",
        "DELETE FROM bots_auditentry WHERE id = 2",
        pytest.param("TRUNCATE bots_auditentry", marks=on_postgresql),
        pytest.param("TRUNCATE bots_auditentry CASCADE", marks=on_postgresql),
        pytest.param("SET session_replication_role = replica; DELETE FROM bots_auditentry", marks=on_postgresql),
        "INSERT INTO bots_auditentry SELECT * FROM bots_auditentry WHERE id = 2"
        " ON CONFLICT (id) DO UPDATE SET actor = 'mallory'",
        pytest.param("REPLACE INTO bots_auditentry SELECT * FROM bots_auditentry WHERE id = 2", marks=on_sqlite),
        pytest.param("INSERT OR REPLACE INTO bots_auditentry SELECT * FROM bots_auditentry", marks=on_sqlite),
        pytest.param("UPDATE OR REPLACE bots_auditentry SET id = 3 WHERE id = 2", marks=on_sqlite),
        pytest.param("UPDATE OR IGNORE bots_auditentry SET actor = 'mallory'", marks=on_sqlite),
        pytest.param("INSERT INTO bots_auditentry SELECT -1, {columns} FROM bots_auditentry", marks=on_sqlite),
        pytest.param("INSERT INTO bots_auditentry SELECT 0, {columns} FROM bots_auditentry", marks=on_sqlite),
    ],
)
def test_the_table_itself_refuses_to_be_rewritten(statement: str) -> None:
    alice_acts(3)
    before = list(AuditEntry.objects.values())
    columns = ", ".join(field.column for field in AuditEntry._meta.fields if field.name != "id")
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement.format(columns=columns))
    assert list(AuditEntry.objects.values()) == before


@pytest.mark.django_db(transaction=True)
@on_sqlite
def test_replace_is_refused_also_when_recursive_triggers_are_on() -> None:
    alice_acts(3)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA recursive_triggers = ON")
        with pytest.raises(IntegrityError, match="append-only"):
            cursor.execute("REPLACE INTO bots_auditentry SELECT * FROM bots_auditentry WHERE id = 3")


@pytest.mark.django_db(transaction=True)
def test_a_missing_trigger_is_named_by_the_check_and_made_anew_by_migrate() -> None:
    from django.core.management import call_command

    append_only.drop_triggers(connection)
    [warning] = append_only.audit_is_append_only(databases=["default"])
    assert (warning.id, "not append-only" in warning.msg) == ("bots.W001", True)
    call_command("migrate", "bots", verbosity=0, skip_checks=False)
    assert append_only.audit_is_append_only(databases=["default"]) == []


@pytest.mark.django_db
def test_a_trigger_that_lets_everything_pass_counts_as_missing() -> None:
    append_only.drop_triggers(connection)
    neutered = {
        "postgresql": f'CREATE TRIGGER "{append_only.TRIGGER}" BEFORE UPDATE ON bots_auditentry'
        f' FOR EACH STATEMENT EXECUTE FUNCTION "{append_only.FUNCTION}"()',
        "sqlite": "CREATE TRIGGER bots_auditentry_update BEFORE UPDATE ON bots_auditentry WHEN 0 BEGIN SELECT 1; END",
    }
    with connection.cursor() as cursor:
        cursor.execute(neutered[connection.vendor])
    assert append_only.missing_triggers(connection) != []
    append_only.create_triggers(connection)
    assert append_only.missing_triggers(connection) == []


@pytest.mark.django_db(transaction=True)
def test_eight_people_acting_at_once_make_one_chain() -> None:
    failures: list[BaseException] = []

    def act_many_times() -> None:
        try:
            alice_acts(ACTS_EACH)
        except BaseException as error:  # noqa: BLE001  told by the test
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act_many_times) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    ids = list(AuditEntry.objects.order_by("id").values_list("id", flat=True))
    assert ids == list(range(1, WRITERS * ACTS_EACH + 1))
    anchor_head()
    report = verify()
    assert (report.entries, report.anchored_id, report.findings) == (120, 120, [])


@pytest.mark.django_db
def test_what_happens_to_people_is_written_down_as_announced() -> None:
    alpha = Team.objects.create(name="Alpha", slug="alpha")
    alice = User.objects.create(username="alice")
    by = By(alice, Caller("192.0.2.7", "Firefox", session="ab12"))
    with transaction.atomic():
        announce(announcements.member_changed, by, "bob", alpha, role="trader", before="viewer")
    entry = AuditEntry.objects.get(action="member_changed")
    assert (entry.actor, entry.actor_id, entry.subject) == ("alice", alice.pk, "bob")
    assert (entry.team, entry.team_id, entry.address, entry.session) == ("alpha", alpha.pk, "192.0.2.7", "ab12")
    assert entry.details == {"role": "trader", "before": "viewer"}


@pytest.mark.django_db
def test_every_announcement_about_people_has_a_listener() -> None:
    assert [name for name, signal in announcements.ALL.items() if not signal.has_listeners()] == []


@pytest.mark.django_db(transaction=True)
def test_a_change_to_people_that_cannot_be_audited_is_undone() -> None:
    alpha = Team.objects.create(name="Alpha", slug="alpha")
    with audit_full(), pytest.raises(AuditUnavailable), transaction.atomic():
        Team.objects.filter(pk=alpha.pk).update(name="Renamed")
        announce(announcements.team_changed, By(), "Alpha", alpha)
    alpha.refresh_from_db()
    assert alpha.name == "Alpha"


@pytest.mark.django_db(transaction=True)
def test_every_commit_of_an_embedded_portal_moves_the_anchor(own_anchor: object, settings: object) -> None:
    settings.EMBEDDED = True
    [first, second] = alice_acts(2)
    lines = [json.loads(line) for line in own_anchor.read_text().splitlines()]
    heads = [(line["count"], line["id"], line["digest"]) for line in lines]
    assert heads == [(1, 1, first.digest), (2, 2, second.digest)]
    assert own_anchor.stat().st_mode & 0o777 == 0o600


@pytest.mark.django_db(transaction=True)
def test_an_anchor_that_contradicts_the_table_is_said_aloud_and_left_as_evidence(
    own_anchor: object, settings: object, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMBEDDED = True
    alice_acts(3)
    evidence = own_anchor.read_text()
    as_owner("DELETE FROM bots_auditentry WHERE id >= 2")
    with caplog.at_level(logging.ERROR):
        alice_acts(1)
    assert own_anchor.read_text() == evidence
    assert "audit entry 3" in caplog.text


def test_only_the_audit_writes_audit_rows() -> None:
    """No other file makes a row of this table."""
    writers = [
        str(path.relative_to(settings.BASE_DIR))
        for room in ("bots", "accounts", "portal")
        for path in sorted((settings.BASE_DIR / room).rglob("*.py"))
        if "AuditEntry.objects.create" in (text := path.read_text()) or "AuditEntry.objects.bulk_create" in text
    ]
    assert writers == ["bots/domain/audit/appending.py"]

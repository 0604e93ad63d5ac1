"""Acts to write and hands that tamper, for the tests of the audit."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection, transaction

from bots.domain.audit import Act, Actor, append
from bots.models import AuditEntry, append_only

ALICE = Actor("alice", 1, "manager", "192.0.2.7", "Firefox", "5f3a")


def alice_acts(times: int = 1, **details: object) -> list[AuditEntry]:
    """Each in its own transaction, so that each is a commit."""
    return [one_act(number, details) for number in range(1, times + 1)]


def one_act(number: int, details: dict[str, object]) -> AuditEntry:
    with transaction.atomic():
        return append(Act("bot_paused", ALICE, f"bot {number}", "alpha", 7, "grid", 3, details))


def as_owner(*statements: str, values: Sequence[object] = ()) -> None:
    """What the database's owner can do: take the triggers away first and put them back."""
    append_only.drop_triggers(connection)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, values or None)
    append_only.create_triggers(connection)


@contextmanager
def audit_full() -> Iterator[None]:
    """Nothing can be written into the audit's table."""
    refuse = {
        "postgresql": "ALTER TABLE bots_auditentry ADD CONSTRAINT full_disk CHECK (false) NOT VALID",
        "sqlite": "CREATE TRIGGER full_disk BEFORE INSERT ON bots_auditentry"
        " BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END",
    }
    allow = {"postgresql": "ALTER TABLE bots_auditentry DROP CONSTRAINT full_disk", "sqlite": "DROP TRIGGER full_disk"}
    with connection.cursor() as cursor:
        cursor.execute(refuse[connection.vendor])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(allow[connection.vendor])

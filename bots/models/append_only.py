"""Triggers that make the audit's table append-only, whoever writes: UPDATE, DELETE and TRUNCATE are refused.

SQLite knows REPLACE, which deletes the row in its way without asking a DELETE trigger; so there an INSERT must also
carry an id above the last. Made by post_migrate, because Django's table rebuilds on SQLite drop them.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.transaction import TransactionManagementError

TABLE = "bots_auditentry"
FUNCTION = f"{TABLE}_refuse"
TRIGGER = f"{TABLE}_append_only"


def _sqlite(name: str, moment: str, condition: str, refused: str) -> str:
    return (
        f'CREATE TRIGGER "{TABLE}_{name}" {moment} ON "{TABLE}" {condition} '
        f"BEGIN SELECT RAISE(ABORT, '{TABLE} is append-only: {refused} refused'); END"
    )


# A BEFORE INSERT trigger sees -1 where SQLite will choose the id; the AFTER trigger catches a real -1.
SQLITE = {
    f"{TABLE}_update": _sqlite("update", "BEFORE UPDATE", "", "UPDATE"),
    f"{TABLE}_delete": _sqlite("delete", "BEFORE DELETE", "", "DELETE"),
    f"{TABLE}_insert": _sqlite(
        "insert",
        "BEFORE INSERT",
        f'WHEN NEW.id <> -1 AND NEW.id <= (SELECT coalesce(max(id), 0) FROM "{TABLE}")',  # noqa: S608
        "INSERT below the last id",
    ),
    f"{TABLE}_inserted": _sqlite(
        "inserted",
        "AFTER INSERT",
        f'WHEN NEW.id < 1 OR NEW.id <> (SELECT max(id) FROM "{TABLE}")',  # noqa: S608
        "INSERT below the last id",
    ),
}
POSTGRESQL_BODY = f"""
BEGIN
    RAISE EXCEPTION '{TABLE} is append-only: % refused', TG_OP USING ERRCODE = 'integrity_constraint_violation';
END
"""
POSTGRESQL = [
    f'CREATE OR REPLACE FUNCTION "{FUNCTION}"() RETURNS trigger LANGUAGE plpgsql AS $${POSTGRESQL_BODY}$$',
    f'DROP TRIGGER IF EXISTS "{TRIGGER}" ON "{TABLE}"',
    f'CREATE TRIGGER "{TRIGGER}" BEFORE UPDATE OR DELETE OR TRUNCATE ON "{TABLE}" '
    f'FOR EACH STATEMENT EXECUTE FUNCTION "{FUNCTION}"()',
    # Also for a session that calls itself a replica (session_replication_role).
    f'ALTER TABLE "{TABLE}" ENABLE ALWAYS TRIGGER "{TRIGGER}"',
]


def create_triggers(connection: BaseDatabaseWrapper) -> None:
    drop_triggers(connection)
    with connection.cursor() as cursor:
        for statement in POSTGRESQL if connection.vendor == "postgresql" else SQLITE.values():
            cursor.execute(statement)


def drop_triggers(connection: BaseDatabaseWrapper) -> None:
    """For making them anew, and for the tests' reset between two tests; nothing else calls it."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f'DROP TRIGGER IF EXISTS "{TRIGGER}" ON "{TABLE}"')
        for name in SQLITE if connection.vendor == "sqlite" else ():
            cursor.execute(f'DROP TRIGGER IF EXISTS "{name}"')


@contextmanager
def standing_aside(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """For the archive's one DELETE (bots.domain.audit.archiving) and nobody else.

    The table is locked against every other writer, and it is part of the caller's transaction: without its commit the
    triggers never stood aside.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("The audit's triggers stand aside only inside a transaction")
    name = f"{TABLE}_delete"
    postgresql = connection.vendor == "postgresql"
    begin = f'ALTER TABLE "{TABLE}" DISABLE TRIGGER "{TRIGGER}"' if postgresql else f'DROP TRIGGER "{name}"'
    end = f'ALTER TABLE "{TABLE}" ENABLE ALWAYS TRIGGER "{TRIGGER}"' if postgresql else SQLITE[name]
    with connection.cursor() as cursor:
        cursor.execute(begin)
        yield
        # After an error nothing is put back by us: the transaction is lost, and with it that they stood aside.
        cursor.execute(end)


def missing_triggers(connection: BaseDatabaseWrapper) -> list[str]:
    """Names of the triggers that are not there, are switched off or say something else than ours."""
    return _missing_postgresql(connection) if connection.vendor == "postgresql" else _missing_sqlite(connection)


def _missing_sqlite(connection: BaseDatabaseWrapper) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s", [TABLE])
        there = dict(cursor.fetchall())
    return [name for name, statement in SQLITE.items() if there.get(name) != statement]


def _missing_postgresql(connection: BaseDatabaseWrapper) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
            " WHERE t.tgrelid = to_regclass(%s) AND t.tgname = %s AND t.tgenabled = 'A' AND p.prosrc = %s"
            # 58 = before, statement, on delete, update and truncate
            " AND t.tgtype = 58",
            [TABLE, TRIGGER, POSTGRESQL_BODY],
        )
        return [] if cursor.fetchone() else [TRIGGER]


def has_table(connection: BaseDatabaseWrapper) -> bool:
    return TABLE in connection.introspection.table_names()


def after_migrate(sender: AppConfig, using: str, **kwargs: object) -> None:
    """Receiver of post_migrate."""
    if has_table(connections[using]):
        create_triggers(connections[using])


@register(Tags.database)
def audit_is_append_only(databases: Iterable[str] | None = None, **kwargs: object) -> list[CheckMessage]:
    """A warning: an error would stop the very `migrate` that makes the triggers anew. `doctor` fails with it."""
    found = [connections[alias] for alias in databases or () if has_table(connections[alias])]
    return [
        Warning(
            f"The audit's table is not append-only: {', '.join(missing)} missing or altered",
            hint="Run `manage.py migrate`, which makes the triggers anew, then `manage.py verify_audit`.",
            id="bots.W001",
        )
        for connection in found
        if (missing := missing_triggers(connection))
    ]

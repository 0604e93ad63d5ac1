"""The one place where the audit may be emptied: between two tests, around Django's flush. A pytest plugin.

What migrations leave in every database stays there, so that nothing need be made anew after each flush.

Each test also has an anchor file of its own, for the same reason: what the last test wrote is gone from the table.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management.commands import flush as flush_command
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.operations import BaseDatabaseOperations

from bots.models import append_only


@pytest.fixture(scope="session", autouse=True)
def audit_reset() -> Iterator[None]:
    flush = BaseDatabaseOperations.execute_sql_flush

    def flush_without_triggers(operations: BaseDatabaseOperations, statements: list[str]) -> None:
        append_only.drop_triggers(operations.connection)
        try:
            if operations.connection.vendor == "postgresql":
                empty(operations.connection)
            else:
                flush(operations, [statement for statement in statements if not is_of_always_there(statement)])
        finally:
            append_only.create_triggers(operations.connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", flush_without_triggers)
        patch.setattr(flush_command, "emit_post_migrate_signal", lambda *args, **options: None)
        yield


# What Django writes into the tables after every migration and flush: the same each time.
ALWAYS_THERE = {"auth_permission", "django_content_type"}


def is_of_always_there(statement: str) -> bool:
    return any(f'"{table}"' in statement for table in ALWAYS_THERE)


def empty(connection: BaseDatabaseWrapper) -> None:
    """The few rows a test left, in any order: TRUNCATE makes the files of all tables anew, which takes a second."""
    tables = {*connection.introspection.django_table_names(only_existing=True, include_views=False)} - ALWAYS_THERE
    looks = [f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM \"{table}\")" for table in tables]
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(" UNION ALL ".join(looks))
        for (table,) in cursor.fetchall():
            cursor.execute(f'DELETE FROM "{table}"')


@pytest.fixture(autouse=True)
def own_anchor(settings: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings.PORTAL_AUDIT_ANCHOR = tmp_path_factory.mktemp("anchor") / "audit-anchor.jsonl"
    return settings.PORTAL_AUDIT_ANCHOR

"""The one place where the audit may be emptied: between two tests, around Django's flush. A pytest plugin.

Each test also has an anchor file of its own, for the same reason: what the last test wrote is gone from the table.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db.backends.base.operations import BaseDatabaseOperations

from bots.models import append_only


@pytest.fixture(scope="session", autouse=True)
def audit_reset() -> Iterator[None]:
    flush = BaseDatabaseOperations.execute_sql_flush

    def flush_without_triggers(operations: BaseDatabaseOperations, statements: list[str]) -> None:
        append_only.drop_triggers(operations.connection)
        try:
            flush(operations, statements)
        finally:
            append_only.create_triggers(operations.connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseDatabaseOperations, "execute_sql_flush", flush_without_triggers)
        yield


@pytest.fixture(autouse=True)
def own_anchor(settings: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings.PORTAL_AUDIT_ANCHOR = tmp_path_factory.mktemp("anchor") / "audit-anchor.jsonl"
    return settings.PORTAL_AUDIT_ANCHOR

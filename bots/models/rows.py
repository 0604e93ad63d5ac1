"""Many rows of one table at once, when the ORM's way of building the statement would cost more than the statement."""

from collections.abc import Sequence
from typing import Any

from django.db import connection, models


def update_rows(rows: Sequence[models.Model], columns: Sequence[str]) -> None:
    """Write these columns of rows that exist: one prepared UPDATE, run for each row."""
    if not rows:
        return
    meta = rows[0]._meta
    fields: list[Any] = [meta.get_field(name) for name in columns]
    key: Any = meta.pk
    quote = connection.ops.quote_name
    assigned = ", ".join(f"{quote(field.column)} = {placeholder_of(field)}" for field in fields)
    statement = f"UPDATE {quote(meta.db_table)} SET {assigned} WHERE {quote(key.column)} = %s"  # noqa: S608  names of ours
    values = [[prepared(field, row) for field in [*fields, key]] for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


def placeholder_of(field: object) -> str:
    # psycopg sends text for JSON: the column's type is named so that PostgreSQL accepts it.
    is_json = isinstance(field, models.JSONField)
    return "%s::jsonb" if is_json and connection.vendor == "postgresql" else "%s"


def prepared(field: Any, row: models.Model) -> Any:
    return field.get_db_prep_save(getattr(row, field.attname), connection)

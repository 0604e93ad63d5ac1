"""Many rows of one table at once, when the ORM's way of building the statement would cost more than the statement."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from typing import Any

import msgspec
from django.db import DEFAULT_DB_ALIAS, connections, models

from bots.models.money import MoneyField, SumField, exact

Convert = Callable[[Any], Any]
# What every driver takes as it is.
AS_IT_IS = (models.CharField, models.TextField, models.IntegerField, models.BooleanField, models.ForeignKey)
encode = msgspec.json.Encoder().encode


def update_rows(rows: Sequence[models.Model], columns: Sequence[str]) -> None:
    """Write these columns of rows that exist: one prepared UPDATE, run for each row."""
    if not rows:
        return
    meta = rows[0]._meta
    fields: list[Any] = [meta.get_field(name) for name in columns]
    key: Any = meta.pk
    assigned = ", ".join(f"{quoted(field.column)} = {placeholder_of(field)}" for field in fields)
    statement = f"UPDATE {quoted(meta.db_table)} SET {assigned} WHERE {quoted(key.column)} = %s"  # noqa: S608  names of ours
    run(statement, rows, [*fields, key])


def put_rows(rows: Sequence[models.Model], unique: Sequence[str], update: Sequence[str] = ()) -> None:
    """Insert rows; where one with the same unique fields stands already, write `update` into it (or leave it)."""
    if not rows:
        return
    meta = rows[0]._meta
    fields: list[Any] = [field for field in meta.concrete_fields if not field.primary_key]
    columns = ", ".join(quoted(field.column) for field in fields)
    values = ", ".join(placeholder_of(field) for field in fields)
    place = ", ".join(quoted(column_of(meta, name)) for name in unique)
    news = ", ".join(f"{quoted(column_of(meta, name))} = excluded.{quoted(column_of(meta, name))}" for name in update)
    then = f"UPDATE SET {news}" if update else "NOTHING"
    table = quoted(meta.db_table)
    run(f"INSERT INTO {table} ({columns}) VALUES ({values}) ON CONFLICT ({place}) DO {then}", rows, fields)  # noqa: S608


def add_to_rows(rows: Sequence[models.Model], keys: Sequence[str], columns: Sequence[str]) -> None:
    """Add these columns to the row with the same keys, or make it. Of whole numbers and SumFields; no lost update,
    whoever adds at the same time. In the order given: whoever adds to many must keep one order."""
    if not rows:
        return
    meta = rows[0]._meta
    fields: list[Any] = [meta.get_field(name) for name in [*keys, *columns]]
    table, names = quoted(meta.db_table), ", ".join(quoted(field.column) for field in fields)
    place = ", ".join(quoted(field.column) for field in fields[: len(keys)])
    more = ", ".join(addition(table, field) for field in fields[len(keys) :])
    marks = ", ".join(["%s"] * len(fields))
    run(f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({place}) DO UPDATE SET {more}", rows, fields)  # noqa: S608


def addition(table: str, field: Any) -> str:
    name = quoted(field.column)
    if isinstance(field, SumField) and connections[DEFAULT_DB_ALIAS].vendor == "sqlite":
        return f"{name} = exact_add({table}.{name}, excluded.{name})"
    return f"{name} = {table}.{name} + excluded.{name}"


def run(statement: str, rows: Sequence[models.Model], fields: Sequence[Any]) -> None:
    converts = [converter_of(field) for field in fields]
    values_of = attrgetter(*(field.attname for field in fields))
    values = [[convert(value) for convert, value in zip(converts, values_of(row), strict=True)] for row in rows]
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.executemany(statement, values)


def quoted(name: str) -> str:
    return connections[DEFAULT_DB_ALIAS].ops.quote_name(name)


def column_of(meta: Any, name: str) -> str:
    column: str = meta.get_field(name).column
    return column


def placeholder_of(field: object) -> str:
    # psycopg sends text for JSON: the column's type is named so that PostgreSQL accepts it.
    on_postgresql = connections[DEFAULT_DB_ALIAS].vendor == "postgresql"
    return "%s::jsonb" if isinstance(field, models.JSONField) and on_postgresql else "%s"


def converter_of(field: Any) -> Convert:
    """What `get_db_prep_save` would do to a value of this field, found once for all rows."""
    connection = connections[DEFAULT_DB_ALIAS]
    on_sqlite = connection.vendor == "sqlite"
    if isinstance(field, MoneyField) and not isinstance(field, SumField):
        return money_text if on_sqlite else field.get_prep_value
    if isinstance(field, models.JSONField):
        return json_text
    if isinstance(field, models.DateTimeField):
        return moment_text if on_sqlite else as_it_is
    if isinstance(field, AS_IT_IS):
        return as_it_is
    return lambda value: field.get_db_prep_save(value, connection)


def as_it_is(value: Any) -> Any:
    return value


def money_text(value: Decimal | None) -> str | None:
    return None if value is None else format(exact(value), "f")


def json_text(value: object) -> str:
    return encode(value).decode()


def moment_text(value: datetime | None) -> str | None:
    """Django keeps moments on SQLite as UTC without saying so."""
    return None if value is None else str(value.astimezone(UTC).replace(tzinfo=None))

"""Many rows of one table at once, when the ORM's way of building the statement would cost more than the statement."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections, models

from bots.models import together
from bots.models.money import SumField
from bots.models.together import Together
from bots.models.values import Convert, as_it_is, column_of, converted, converter_of, placeholder_of, quoted, vendor


class Statement(NamedTuple):
    """Run for each of many rows; kept, because building it costs as much as running it for ten."""

    text: str
    names: tuple[str, ...]  # attributes of a row, in the order of the marks
    converts: tuple[tuple[int, Convert], ...]  # (place, to the driver's value), where it does not take it as it is

    @classmethod
    def of(cls, text: str, fields: Sequence[Any]) -> "Statement":
        converts = ((place, converter_of(field)) for place, field in enumerate(fields))
        names = tuple(field.attname for field in fields)
        return cls(text, names, tuple((place, convert) for place, convert in converts if convert is not as_it_is))

    def run(self, rows: Iterable[Sequence[Any]]) -> None:
        columns = converted(rows, self.converts)
        if not columns:
            return
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.executemany(self.text, list(zip(*columns, strict=True)))

    def run_for(self, rows: Sequence[models.Model]) -> None:
        self.run(map(attrgetter(*self.names), rows))


def update_rows(rows: Sequence[models.Model], columns: Sequence[str]) -> None:
    """Write these columns of rows that exist, none of which comes twice. In no order: where others may write the same
    rows, they are locked before."""
    if rows:
        update_of(type(rows[0]), tuple(columns), vendor()).run_for(rows)


@lru_cache(maxsize=256)
def update_of(model: Any, columns: tuple[str, ...], vendor: str) -> Statement | Together:
    meta = model._meta
    fields = [meta.get_field(name) for name in columns]
    if vendor == "postgresql":
        return together.update(meta, fields)
    assigned = ", ".join(f"{quoted(field.column)} = {placeholder_of(field)}" for field in fields)
    text = f"UPDATE {quoted(meta.db_table)} SET {assigned} WHERE {quoted(meta.pk.column)} = %s"  # noqa: S608  names of ours
    return Statement.of(text, [*fields, meta.pk])


def put_rows(rows: Sequence[models.Model], unique: Sequence[str], update: Sequence[str] = ()) -> None:
    """Insert rows; where one with the same unique fields stands already, write `update` into it (or leave it)."""
    if rows:
        names = tuple(field.name for field in rows[0]._meta.concrete_fields if not field.primary_key)
        insert_of(type(rows[0]), names, tuple(unique), tuple(update), vendor(), many=False).run_for(rows)


def put_values(
    model: type[models.Model],
    names: Sequence[str],
    values: Iterable[Sequence[Any]],
    unique: Sequence[str],
    update: Sequence[str] = (),
) -> None:
    """As `put_rows`, of values in the order of these fields: an object of the model for each costs more than its row.
    What is not named must have a default in the database. No two rows have the same unique fields."""
    insert_of(model, tuple(names), tuple(unique), tuple(update), vendor(), many=True).run(values)


@lru_cache(maxsize=256)
def insert_of(
    model: Any, names: tuple[str, ...], unique: tuple[str, ...], update: tuple[str, ...], vendor: str, *, many: bool
) -> Statement | Together:
    """`many`: all at once, where that is quicker; else one after another, in the order given."""
    meta = model._meta
    fields = [meta.get_field(name) for name in names]
    columns = ", ".join(quoted(field.column) for field in fields)
    place = ", ".join(quoted(column_of(meta, name)) for name in unique)
    news = ", ".join(f"{quoted(column_of(meta, name))} = excluded.{quoted(column_of(meta, name))}" for name in update)
    then = f"UPDATE SET {news}" if update else "NOTHING"
    into, on_conflict = f"INSERT INTO {quoted(meta.db_table)} ({columns})", f"ON CONFLICT ({place}) DO {then}"
    if many and vendor == "postgresql":
        return together.insert(into, fields, on_conflict)
    marks = ", ".join(placeholder_of(field) for field in fields)
    return Statement.of(f"{into} VALUES ({marks}) {on_conflict}", fields)


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
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({place}) DO UPDATE SET {more}"  # noqa: S608
    Statement.of(statement, fields).run_for(rows)


def addition(table: str, field: Any) -> str:
    name = quoted(field.column)
    if isinstance(field, SumField) and vendor() == "sqlite":
        return f"{name} = exact_add({table}.{name}, excluded.{name})"
    return f"{name} = {table}.{name} + excluded.{name}"


def tuples_of(query: "models.QuerySet[Any, Any]") -> list[tuple[Any, ...]]:
    """The rows of a query of named columns as the driver gives them: money as a text or Decimal (perhaps with zeros at
    its end), days as a text or date. For tens of thousands of rows, which the ORM converts slower than the database
    finds them."""
    try:
        statement, parameters = query.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())

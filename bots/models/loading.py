"""Rows as objects of their models, when the ORM's way of building each costs more than the query.

A poll loads three rows of some ninety columns for every bot, every few seconds. What is built here equals what the ORM
builds, except that no `pre_init` or `post_init` is sent and that related objects are not linked with each other.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.base import ModelState

from bots.models.money import MoneyField, SumField, plain
from bots.models.rows import tuples_of
from bots.models.values import AS_IT_IS, EXACT_TEXT, vendor

Convert = Callable[[Any], Any]
read_json = msgspec.json.Decoder().decode


class Shape(NamedTuple):
    """How one model's part of a row becomes an object."""

    model: type[models.Model]
    names: tuple[str, ...]
    converts: tuple[tuple[int, Convert], ...]  # (place, from the driver's value), where that differs from the field's

    def built(self, row: Sequence[Any]) -> Any:
        values = list(row)
        for place, convert in self.converts:
            if values[place] is not None:
                values[place] = convert(values[place])
        made = self.model.__new__(self.model)
        state = made._state = ModelState()
        state.adding, state.db = False, DEFAULT_DB_ALIAS
        made.__dict__.update(zip(self.names, values, strict=True))
        return made


def loaded(query: "models.QuerySet[Any, Any]") -> list[Any]:
    """The objects of the query."""
    model: Any = query.model
    return all_built(model, tuples_of(query.values_list(*columns_of(model))))


def all_built(model: Any, rows: Iterable[Sequence[Any]]) -> list[Any]:
    shape = shape_of(model, vendor())
    return [shape.built(row) for row in rows]


def built(model: Any, row: Sequence[Any]) -> Any:
    """The object of a row with the model's columns, as `tuples_of` gives it."""
    return shape_of(model, vendor()).built(row)


def columns_of(model: type[models.Model], path: str = "") -> list[str]:
    """To ask for, by a query that reaches the model by this path ("turn__")."""
    return [f"{path}{field.attname}" for field in model._meta.concrete_fields]


@lru_cache(maxsize=64)
def shape_of(model: Any, vendor: str) -> Shape:
    fields: list[Any] = list(model._meta.concrete_fields)
    converts = tuple(
        (place, convert) for place, field in enumerate(fields) if (convert := reader_of(field, vendor)) is not None
    )
    return Shape(model, tuple(columns_of(model)), converts)


def reader_of(field: Any, vendor: str) -> Convert | None:
    """What the ORM would do to the driver's value of this field, never None; no function where it does nothing."""
    if isinstance(field, MoneyField) and not isinstance(field, SumField):
        return money if vendor == "sqlite" else plain
    if isinstance(field, models.JSONField):
        return from_json
    if isinstance(field, models.DateTimeField):
        return moment if vendor == "sqlite" else None
    if isinstance(field, AS_IT_IS) and not isinstance(field, models.BooleanField):
        return None
    return ordinary(field)


def ordinary(field: Any) -> Convert | None:
    connection = connections[DEFAULT_DB_ALIAS]
    column = field.get_col(field.model._meta.db_table)
    steps = [*connection.ops.get_db_converters(column), *field.get_db_converters(connection)]
    if not steps:
        return None

    def convert(value: Any) -> Any:
        for step in steps:
            value = step(value, column, connection)
        return value

    return convert


def money(text: str) -> Decimal:
    """SQLite's text; nearly always spelled as `exact` spells it."""
    number = Decimal(text)
    return number if EXACT_TEXT(text) else plain(number)


def from_json(text: str) -> Any:
    try:
        return read_json(text)
    except msgspec.DecodeError:  # what json lets through: half of a surrogate pair
        return json.loads(text)


def moment_read(value: datetime) -> datetime:
    """Of a moment as the driver gives it."""
    return moment(value) if vendor() == "sqlite" else value


def moment(naive: datetime) -> datetime:
    """Django keeps moments on SQLite as UTC without saying so."""
    return naive.replace(tzinfo=UTC)

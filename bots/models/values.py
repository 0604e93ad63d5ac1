"""Names and values as the database's driver takes them, when the ORM's way of converting each would cost more than the
statement they go into."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from django.db import DEFAULT_DB_ALIAS, connections, models

from bots.models.money import MoneyField, SumField, exact

Convert = Callable[[Any], Any]
# What every driver takes as it is.
AS_IT_IS = (models.CharField, models.TextField, models.IntegerField, models.BooleanField, models.ForeignKey)
encode = msgspec.json.Encoder().encode


def vendor() -> str:
    return connections[DEFAULT_DB_ALIAS].vendor


def quoted(name: str) -> str:
    return connections[DEFAULT_DB_ALIAS].ops.quote_name(name)


def column_of(meta: Any, name: str) -> str:
    column: str = meta.get_field(name).column
    return column


def placeholder_of(field: object) -> str:
    # psycopg sends text for JSON: the column's type is named so that PostgreSQL accepts it.
    on_postgresql = vendor() == "postgresql"
    return "%s::jsonb" if isinstance(field, models.JSONField) and on_postgresql else "%s"


def converter_of(field: Any) -> Convert:
    """What `get_db_prep_save` would do to a value of this field, found once for all rows."""
    on_sqlite = vendor() == "sqlite"
    if isinstance(field, MoneyField) and not isinstance(field, SumField):
        return money_text if on_sqlite else field.get_prep_value
    if isinstance(field, models.JSONField):
        return json_text
    if isinstance(field, models.DateTimeField):
        return moment_text if on_sqlite else as_it_is
    if isinstance(field, AS_IT_IS):
        return as_it_is
    return lambda value: field.get_db_prep_save(value, connections[DEFAULT_DB_ALIAS])


def converted(rows: Iterable[Sequence[Any]], converts: Iterable[tuple[int, Convert]]) -> list[Iterable[Any]]:
    """The columns of these rows, those at the named places converted; none of no rows."""
    columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for place, convert in converts if columns else ():
        columns[place] = map(convert, columns[place])
    return columns


def as_it_is(value: Any) -> Any:
    return value


# How `exact` spells nearly every figure; what is spelled otherwise goes through it.
EXACT_TEXT = re.compile(r"0|-?(?:[1-9][0-9]{0,19}|0(?=\.))(?:\.[0-9]{0,17}[1-9])?").fullmatch


def money_text(value: Decimal | None) -> str | None:
    if value is None:
        return None
    text = str(value)
    return text if EXACT_TEXT(text) else format(exact(value), "f")


def json_text(value: object) -> str:
    return encode(value).decode()


@lru_cache(maxsize=256)  # many rows of one poll have one moment
def moment_text(value: datetime | None) -> str | None:
    """Django keeps moments on SQLite as UTC without saying so."""
    return None if value is None else str(value.astimezone(UTC).replace(tzinfo=None))

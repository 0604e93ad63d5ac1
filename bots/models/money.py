"""One field for money, rates and amounts: exact on every database.

SQLite has no decimal type (Django's DecimalField keeps 15 digits there, SUM is floating), so the exact text is stored,
ordered by a collation of ours and summed by a function of ours. PostgreSQL has numeric(38,18).
"""

import decimal
import sqlite3
from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from functools import reduce
from itertools import chain
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

PLACES = Decimal(1).scaleb(-18)
LIMIT = Decimal(10) ** 20
SUM_LIMIT = Decimal(10) ** 40
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
# What was divided may have more digits than any figure.
WIDE = Context(prec=120, rounding=ROUND_HALF_EVEN)
COLLATION = "exact_decimal"
# Python adds in 28 digits unless told otherwise; 1e20 with 18 places has 38. For threads to come, and this one.
decimal.DefaultContext.prec = EXACT.prec
decimal.getcontext().prec = EXACT.prec


def exact(value: object, limit: Decimal = LIMIT) -> Decimal:
    """A finite Decimal under the limit (1e20) with at most 18 places and no trailing zeros. Raises ValueError."""
    try:
        number = value if isinstance(value, Decimal) else Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"not a number: {value!r}") from None
    if not number.is_finite() or abs(number) >= limit:
        raise ValueError(f"not a finite number under {limit:.0e}: {value!r}")
    if number.as_tuple().exponent < PLACES.as_tuple().exponent:  # type: ignore[operator]
        number = number.quantize(PLACES, context=EXACT)
    return plain(number)


def plain(number: Decimal) -> Decimal:
    """The same value without trailing zeros and without an exponent; zero has no sign."""
    if not number:
        return Decimal(0)
    short = number.normalize(WIDE)
    return short.quantize(Decimal(1), context=WIDE) if short.as_tuple().exponent > 0 else short  # type: ignore[operator]


class MoneyField(models.Field):
    """A Decimal in the currency that stands beside it in the row."""

    description = "Exact decimal number (money, rate or amount)"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return f'text COLLATE "{COLLATION}"' if connection.vendor == "sqlite" else "numeric(38, 18)"

    def get_internal_type(self) -> str:
        return "MoneyField"

    def to_python(self, value: object) -> Decimal | None:
        if value is None:
            return None
        try:
            return exact(value)
        except ValueError as problem:
            raise ValidationError(str(problem)) from None

    def from_db_value(self, value: object, expression: object, connection: object) -> Decimal | None:
        return None if value is None else plain(value if isinstance(value, Decimal) else Decimal(str(value)))

    def get_prep_value(self, value: object) -> Decimal | None:
        return None if value is None else exact(value)

    def get_db_prep_value(self, value: object, connection: BaseDatabaseWrapper, prepared: bool = False) -> object:
        number = value if prepared else self.get_prep_value(value)
        if number is None or connection.vendor != "sqlite":
            return number
        return format(number, "f")


class SumField(MoneyField):
    """A sum over many rows. Wider than its parts, so that no bot's figures keep those of others from being added."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return super().db_type(connection) if connection.vendor == "sqlite" else "numeric"

    def to_python(self, value: object) -> Decimal | None:
        return None if value is None else exact(value, SUM_LIMIT)

    def get_prep_value(self, value: object) -> Decimal | None:
        return None if value is None else exact(value, SUM_LIMIT)


class ExactSum(models.Aggregate):
    """SUM without loss on SQLite too; NULL when there is nothing to add.

    SQLite joins the texts of a group and calls Python once a group; an aggregate in Python is called each row and took
    twice as long. A group's texts may have 1 GB together: 25 million of the widest figures."""

    function = "SUM"
    output_field = SumField()

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        joined, params = self.as_sql(compiler, connection, function="group_concat", **extra)
        return f"exact_total({joined})", params


PIECE = 100_000  # characters: of a million figures the texts one by one would take 60 MB


def _total(joined: str | None) -> str | None:
    """The sum of figures with a comma between each and the next; None: of nothing."""
    if joined is None:
        return None
    figures = chain.from_iterable(map(Decimal, piece.split(",")) for piece in _pieces(joined))
    return format(plain(reduce(EXACT.add, figures)), "f")


def _pieces(joined: str) -> Iterator[str]:
    """Cut at commas."""
    begin = 0
    while begin < len(joined):
        end = joined.find(",", begin + PIECE)
        end = len(joined) if end < 0 else end
        yield joined[begin:end]
        begin = end + 1


def _add(left: str, right: str) -> str:
    return format(plain(EXACT.add(Decimal(left), Decimal(right))), "f")


def _order(left: str, right: str) -> int:
    a, b = Decimal(left), Decimal(right)
    return (a > b) - (a < b)


def teach_sqlite(connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    """Receiver of connection_created."""
    if connection.vendor == "sqlite":
        raw: sqlite3.Connection = connection.connection
        raw.create_function("exact_total", 1, _total, deterministic=True)
        raw.create_function("exact_add", 2, _add, deterministic=True)
        raw.create_collation(COLLATION, _order)

"""Queries that are asked many times a second: written in the ORM's words, but built by it only once.

What changes from one time to the next stands in the query as a `Given`, by its name:

    FENCES = Prepared(lambda: PollTurn.objects.filter(pk__in=GivenKeys("bots")).values_list("pk", "fence"))
    FENCES.rows(bots=[1, 2, 3])

Building such a query costs the ORM more than finding its rows costs the database.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.sql import UpdateQuery

from bots.models.values import as_it_is, encode, moment_text, vendor

Compiled = tuple[str, tuple[Any, ...]]


class Given(models.Expression):
    """One value, known only when the query is asked: a number, a text or a moment."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [self]


class GivenKeys(Given):
    """The numbers after `pk__in`, however many: the statement stays the same."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        numbers = "value FROM json_each(%s)" if connection.vendor == "sqlite" else "unnest(%s::bigint[])"
        return f"(SELECT {numbers})", [self]


class Prepared:
    """A query of named columns."""

    def __init__(self, build: Callable[[], "models.QuerySet[Any, Any]"]) -> None:
        self.build = build
        self.compiled: dict[str, Compiled] = {}  # by the kind of database

    def rows(self, **given: Any) -> list[tuple[Any, ...]]:
        """As the driver gives them (rows.tuples_of)."""
        statement, parameters = self.ready(given)
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(statement, parameters)
            return list(cursor.fetchall())

    def ready(self, given: Mapping[str, Any]) -> Compiled:
        here = vendor()
        if here not in self.compiled:
            self.compiled[here] = self.compile()
        statement, places = self.compiled[here]
        take = for_sqlite if here == "sqlite" else as_it_is
        return statement, tuple(take(given[one.name]) if isinstance(one, Given) else one for one in places)

    def compile(self) -> Compiled:
        return self.build().query.sql_with_params()


class PreparedUpdate(Prepared):
    """The rows of a query, all of them brought to the same values; these, too, may be given."""

    def __init__(self, build: Callable[[], "models.QuerySet[Any, Any]"], **values: Any) -> None:
        super().__init__(build)
        self.values = values

    def run(self, **given: Any) -> None:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            cursor.execute(*self.ready(given))

    def compile(self) -> Compiled:
        query: Any = self.build().query.chain(UpdateQuery)
        query.add_update_values(self.values)
        statement, parameters = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        return statement, tuple(parameters)


def for_sqlite(value: Any) -> Any:
    if isinstance(value, list):
        return encode(value).decode()
    return moment_text(value) if isinstance(value, datetime) else value

"""Many rows in one statement of PostgreSQL: they travel as one JSON text.

To spell out each row's values in a statement of its own is half of what a batch of polls costs the writer. SQLite takes
values as they are, and gains nothing from it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections, models

from bots.models.money import MoneyField
from bots.models.values import Convert, converted, encode, money_text, quoted

MOST_BYTES = 4 * 1024 * 1024  # of one statement: the driver and the database hold copies of it


class Together(NamedTuple):
    """A statement that takes all rows at once. Kept, as building it costs as much as running it."""

    text: str
    columns: tuple[str, ...]
    names: tuple[str, ...]  # attributes of a row, in the order of the columns
    converts: tuple[tuple[int, Convert], ...]  # (place, to what its JSON says), where it does not say it as it is

    @classmethod
    def of(cls, text: Callable[[str], str], fields: Sequence[Any]) -> "Together":
        """`text` is given what stands for the rows, a table named "news"."""
        database = connections[DEFAULT_DB_ALIAS]
        typed = ", ".join(f"{quoted(field.column)} {field.db_type(database)}" for field in fields)
        return cls(
            text(f"json_to_recordset(%s::json) AS news ({typed})"),
            tuple(field.column for field in fields),
            tuple(field.attname for field in fields),
            tuple((place, money_text) for place, field in enumerate(fields) if isinstance(field, MoneyField)),
        )

    def run(self, rows: Iterable[Sequence[Any]]) -> None:
        """Values as Python's own types and Decimal; moments in UTC. Raises ValueError (also where a text is none in
        UTF-8), TypeError, OverflowError; DatabaseError for what a column does not take."""
        columns = converted(rows, self.converts)
        if not columns:
            return
        said = (encode(dict(zip(self.columns, row, strict=True))) for row in zip(*columns, strict=True))
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            for portion in portions(said, MOST_BYTES):
                cursor.execute(self.text, [(b"[" + b",".join(portion) + b"]").decode()])

    def run_for(self, rows: Sequence[models.Model]) -> None:
        self.run(map(attrgetter(*self.names), rows))


def update(meta: Any, fields: Sequence[Any]) -> Together:
    table, key = quoted(meta.db_table), quoted(meta.pk.column)
    assigned = ", ".join(f"{quoted(field.column)} = {value_of(field)}" for field in fields)

    def text(news: str) -> str:
        return f"UPDATE {table} SET {assigned} FROM {news} WHERE {table}.{key} = news.{key}"  # noqa: S608  names of ours

    return Together.of(text, [*fields, meta.pk])


def insert(into: str, fields: Sequence[Any], on_conflict: str) -> Together:
    values = ", ".join(map(value_of, fields))
    return Together.of(lambda news: f"{into} SELECT {values} FROM {news} {on_conflict}", fields)  # noqa: S608


def value_of(field: Any) -> str:
    """JSON's null is a value of a JSONField; to a row made of JSON it is none."""
    name = f"news.{quoted(field.column)}"
    return f"coalesce({name}, 'null'::jsonb)" if isinstance(field, models.JSONField) else name


def portions(texts: Iterable[bytes], most: int) -> Iterator[list[bytes]]:
    """Of so many bytes together, or of one text that has more."""
    portion, size = list[bytes](), 0
    for text in texts:
        if portion and size + len(text) > most:
            yield portion
            portion, size = [], 0
        portion.append(text)
        size += len(text)
    if portion:
        yield portion

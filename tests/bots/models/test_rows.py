"""Many rows written at once are the rows that the ORM writes, and what it would not write is refused."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest
from django.db import DatabaseError, connection, models, transaction
from django.forms.models import model_to_dict
from django.test.utils import CaptureQueriesContext

from bots.models import BotReading, BotStatus, PollTurn, Snapshot, together
from bots.models.money import MoneyField
from bots.models.rows import put_values, update_rows
from tests import builders

AT = datetime(2026, 3, 29, 1, 59, 59, 123456, tzinfo=UTC)
AWKWARD = (
    "", " ", "o'neill", '"', "\\", "\\n", "%s", "%", "{}", "$1", "null", "a\tb\nc", "ü€🚀", "\u2028", "'; --", "[1,2]",
    "\\u0041", "E'\\x'",
)  # fmt: skip
FIGURES = ("0", "-0.000000000000000001", "99999999999999999999.999999999999999999", "1.10", "1E+3", "-5", None)
NESTED = {"a": [1, -2.5, True, None, {"b": '"\\'}], "ü": "'", "n": 2**53 + 1, "": {}}
SOME = {
    models.CharField: "live",
    models.BigIntegerField: 2**40 + 1,
    models.PositiveIntegerField: 7,
    models.PositiveSmallIntegerField: 8,
    models.DateTimeField: AT,
    models.JSONField: NESTED,
    MoneyField: Decimal("-1.000000000000000001"),
}
POINT = ["bot", "at", "grain", "state", "mode", "currency", "open_count", "unrealized", "realized", "balance"]


def written(model, *names):
    return list(model.objects.order_by("pk").values_list(*names))


@pytest.fixture
def bots(alpha):
    return [builders.a_bot(alpha, f"Bot {number}") for number in range(len(AWKWARD))]


@pytest.mark.django_db
def test_texts_of_any_kind_come_back_as_they_were_given(bots):
    statuses = [BotStatus(bot_id=bot.pk, last_error=text) for bot, text in zip(bots, AWKWARD, strict=True)]
    update_rows(statuses, ["last_error"])
    assert [text for (text,) in written(BotStatus, "last_error")] == list(AWKWARD)


@pytest.mark.django_db
@pytest.mark.parametrize("figure", FIGURES)
def test_figures_come_back_to_the_last_place(bots, figure):
    given = None if figure is None else Decimal(figure)
    update_rows([BotStatus(bot_id=bots[0].pk, balance=given, unrealized=given)], ["balance", "unrealized"])
    kept = BotStatus.objects.get(pk=bots[0].pk)
    assert (kept.balance, kept.unrealized) == (given, given)
    other = BotStatus.objects.get(pk=bots[1].pk)
    other.balance = given
    other.save()
    assert str(BotStatus.objects.get(pk=bots[1].pk).balance) == str(kept.balance)


@pytest.mark.django_db
@pytest.mark.parametrize("value", [{}, [], NESTED, "text", '"quoted"', 0, None, False])
def test_json_of_any_kind_comes_back_and_null_is_a_value(bots, value):
    update_rows([BotStatus(bot_id=bots[0].pk, moving=value)], ["moving"])
    assert BotStatus.objects.get(pk=bots[0].pk).moving == value
    assert BotStatus.objects.filter(pk=bots[0].pk, moving__isnull=True).count() == 0


@pytest.mark.django_db
def test_moments_come_back_to_the_microsecond_in_whatever_zone_they_are_told(bots):
    east = AT.astimezone(timezone(timedelta(hours=5, minutes=45)))
    turns = [PollTurn(bot_id=bots[0].pk, leased_until=AT, fence=2**62), PollTurn(bot_id=bots[1].pk, leased_until=east)]
    update_rows(turns, ["leased_until", "fence"])
    assert written(PollTurn, "leased_until", "fence")[:2] == [(AT, 2**62), (AT, 0)]


@pytest.mark.django_db
def test_only_the_named_columns_of_the_named_rows_are_written(bots):
    BotStatus.objects.update(state="running", polls=7)
    first, second = BotStatus.objects.order_by("pk")[:2]
    first.state, first.polls = "stopped", 9
    second.state, second.polls = "paused", 8
    update_rows([second, first], ["polls"])
    assert written(BotStatus, "state", "polls")[:3] == [("running", 9), ("running", 8), ("running", 7)]
    update_rows([], ["polls"])


@pytest.mark.django_db
def test_new_rows_are_made_and_those_that_stand_are_left_or_written_anew(bots):
    def put(bot, state, balance):
        row = (bot.pk, AT, Snapshot.MINUTE, state, "dry", "USDT", None, None, Decimal("-0.1"), balance)
        put_values(Snapshot, POINT, [row], unique=["bot", "at"])

    put(bots[0], "running", Decimal("1.5"))
    put(bots[0], "stopped", None)
    names = ["bot", "kind", "data", "read_at", "error"]
    for data in ({"rows": [1]}, NESTED, None):
        rows = [(bot.pk, "logs", msgspec.Raw(msgspec.json.encode(data)), AT, "") for bot in bots[:2]]
        put_values(BotReading, names, rows, unique=["bot", "kind"], update=names[2:])
    put_values(BotReading, names, [], unique=["bot", "kind"])
    assert written(Snapshot, "bot", "state", "open_count", "realized", "balance", "grain") == [
        (bots[0].pk, "running", None, Decimal("-0.1"), Decimal("1.5"), "minute")
    ]
    assert written(BotReading, "bot", "data", "read_at") == [(bots[0].pk, None, AT), (bots[1].pk, None, AT)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values",
    [{"balance": Decimal("1e20")}, {"balance": Decimal("NaN")}, {"last_error": "\ud800"}, {"polls": 2**63}],
)
def test_what_no_column_takes_is_refused_on_every_database(bots, values):
    with pytest.raises((DatabaseError, ValueError, OverflowError)), transaction.atomic():
        update_rows([BotStatus(bot_id=bots[0].pk, **values)], list(values))
    assert BotStatus.objects.get(pk=bots[0].pk).balance == bots[0].status.balance


@pytest.mark.django_db
@pytest.mark.parametrize(
    "values", [{"state": "x" * 21}, {"last_error": "a\x00b"}, {"moving": {"a": "\x00"}}, {"open_count": 2**31}]
)
def test_what_does_not_fit_is_refused_and_never_cut_off(bots, values):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite keeps whatever it is given")
    with pytest.raises(DatabaseError), transaction.atomic():
        update_rows([BotStatus(bot_id=bots[0].pk, **values)], list(values))


@pytest.mark.django_db
@pytest.mark.parametrize(("most", "statements"), [(10_000, 1), (1, len(AWKWARD))])
def test_on_postgresql_all_rows_go_into_one_statement_up_to_so_many_bytes(bots, monkeypatch, most, statements):
    monkeypatch.setattr(together, "MOST_BYTES", most)
    statuses = [BotStatus(bot_id=bot.pk, last_error="x" * place) for place, bot in enumerate(bots)]
    with CaptureQueriesContext(connection) as asked:
        update_rows(statuses, ["last_error"])
    assert [len(text) for (text,) in written(BotStatus, "last_error")] == list(range(len(bots)))
    if connection.vendor == "postgresql":
        assert len(asked) == statements


@pytest.mark.django_db
@pytest.mark.parametrize("model", [BotStatus, PollTurn])
def test_a_row_written_so_is_the_row_the_orm_saves(bots, model):
    rows = list(model.objects.order_by("pk")[:2])
    for row in rows:
        for field in model._meta.concrete_fields:
            if not field.primary_key:
                setattr(row, field.attname, SOME[type(field)])
    rows[0].save()
    update_rows([rows[1]], [field.name for field in model._meta.concrete_fields if not field.primary_key])
    saved, updated = (model_to_dict(row) for row in model.objects.order_by("pk")[:2])
    assert {**saved, "bot": 0} == {**updated, "bot": 0}


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [([], []), ([3], [[3]]), ([3, 7], [[3, 7]]), ([3, 8], [[3], [8]]), ([50, 1, 9, 1], [[50], [1, 9], [1]])],
)
def test_texts_are_put_together_up_to_so_many_bytes(sizes, expected):
    found = together.portions((b"x" * size for size in sizes), most=10)
    assert [[len(text) for text in portion] for portion in found] == expected

"""Rows built without the ORM's way are the rows that the ORM builds."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.forms.models import model_to_dict

from bots.models import Bot, BotRun, BotStatus, PollTurn, Trade
from bots.models.loading import built, columns_of, from_json, loaded
from bots.models.rows import tuples_of
from tests import builders

MODELS = (Bot, BotStatus, PollTurn, BotRun, Trade)
AT = datetime(2026, 3, 29, 1, 59, 59, 123456, tzinfo=UTC)


@pytest.fixture
def bot(alpha):
    figures = {"balance": Decimal("100.5"), "unrealized": Decimal("-0.00000001"), "closed_profit": Decimal(0)}
    moving = {"1": {"open_ms": 1_795_285_156_188, "current_rate": "62141.40", "missing": [], "ratio": 0.25}}
    moments = {"seen_at": AT, "answered_at": AT - timedelta(microseconds=AT.microsecond)}
    bot = builders.a_bot(alpha, tags=["btc", "ä"], status={**figures, **moments, "moving": moving})
    builders.a_trade(bot)
    PollTurn.objects.update(due={"state": 1795285156.188}, fence=2**40, leased_until=AT)
    return bot


def told(row):
    """Every column with its type: 1 is not True, 1.0 not Decimal(1)."""
    values = [getattr(row, field.attname) for field in row._meta.concrete_fields]
    return [(value, type(value), getattr(value, "tzinfo", None), str(value)) for value in values]


@pytest.mark.django_db
@pytest.mark.parametrize("model", MODELS)
def test_a_loaded_row_is_the_row_the_orm_builds(bot, model):
    assert [told(row) for row in loaded(model.objects.order_by("pk"))] == [
        told(row) for row in model.objects.order_by("pk")
    ]


@pytest.mark.django_db
def test_what_is_loaded_is_saved_as_any_row_of_its_table(bot):
    (status,) = loaded(BotStatus.objects.all())
    status.balance = Decimal("99.5")
    status.save(update_fields=["balance"])
    assert BotStatus.objects.count() == 1
    assert BotStatus.objects.get().balance == Decimal("99.5")
    assert status == bot.status
    assert model_to_dict(status) == model_to_dict(BotStatus.objects.get())


@pytest.mark.django_db
def test_rows_reached_from_another_table_are_built_the_same(bot):
    (row,) = tuples_of(Bot.objects.values_list("pk", *columns_of(PollTurn, "turn__")))
    assert told(built(PollTurn, row[1:])) == told(PollTurn.objects.get())


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        "null",
        "1",
        "1.0",
        "-0.0",
        "1e400",
        "12345678901234567890123",
        "0.1234567890123456789",
        '"a\\ud800b"',
    ],
)
def test_json_is_read_as_the_orm_reads_it(text):
    assert repr(from_json(text)) == repr(json.loads(text))

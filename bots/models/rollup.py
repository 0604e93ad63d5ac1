"""Profit rollups: sums over closed trades, kept in the transaction that writes the trades (bots.domain.rollups).

Three levels, so that a report costs the same whatever the number of trades: what one bot made on one day, what it made
in all, and what a team's bots made together on one day. The day is the team's (Trade.close_day). Unlike currencies and
live and dry never share a row.
"""

from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, F, Q, Sum

from accounts.models import Team
from bots.models.bot import Bot
from bots.models.money import ExactSum, SumField

# The day of closed trades whose moment of closing the bot does not tell: in the sum of all, on no day of a calendar.
UNDATED = date.min


class Rollup(models.Model):
    """Sums over closed trades that the bot still has, all of one mode and currency. Money in `currency`."""

    mode = models.CharField(max_length=4)
    currency = models.CharField(max_length=20)
    trades = models.IntegerField(default=0)
    figures = models.IntegerField(default=0)  # trades whose profit the bot gives; the others are in no sum
    wins = models.IntegerField(default=0)
    losses = models.IntegerField(default=0)
    profit = SumField(default=Decimal(0))  # realized, net of fees
    lost = SumField(default=Decimal(0))  # the losing trades' part of it: zero or less
    stake = SumField(default=Decimal(0))  # staked in trades that give both profit and stake
    staked = models.IntegerField(default=0)  # ... which are so many
    held = models.IntegerField(default=0)  # trades of which is known how long they were open
    held_seconds = models.BigIntegerField(default=0)  # ... together

    COLUMNS: ClassVar = (
        "trades", "figures", "wins", "losses", "profit", "lost", "stake", "staked", "held", "held_seconds"
    )  # fmt: skip
    KEYS: ClassVar[tuple[str, ...]]

    class Meta:
        abstract = True


class BotDay(Rollup):
    bot = models.ForeignKey(Bot, models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()

    KEYS = ("bot", "day", "mode", "currency")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bot", "day", "mode", "currency"], name="one_rollup_per_bot_day")
        ]


class BotLifetime(Rollup):
    bot = models.ForeignKey(Bot, models.PROTECT, related_name="+", db_index=False)

    KEYS = ("bot", "mode", "currency")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bot", "mode", "currency"], name="one_rollup_per_bot")]


class TeamDay(Rollup):
    team = models.ForeignKey(Team, models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()

    KEYS = ("team", "day", "mode", "currency")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "day", "mode", "currency"], name="one_rollup_per_team_day")
        ]


class HeldSeconds(models.Func):
    """Whole seconds from a trade's opening to its closing. Dear to work out: ask for it once a row, and only where both
    moments are known."""

    output_field = models.BigIntegerField()

    def __init__(self) -> None:
        super().__init__(F("close_date"), F("open_ms"))

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        template = "(CAST(strftime('%%%%s', %(expressions)s / 1000)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=") AS INTEGER) - ")

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        template = "(floor(date_part('epoch', %(expressions)s / 1000)"
        return self.as_sql(compiler, connection, template=template, arg_joiner="))::bigint - ")


class WholeSecond(models.Func):
    """A moment without its fraction, for comparing."""

    output_field = models.DateTimeField()

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="substr(%(expressions)s, 1, 19)")

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="date_trunc('second', %(expressions)s)")


class Figure(models.Func):
    """Something with the sign of a figure that is cheap to compare: on SQLite comparing exact texts would call Python
    for each row, on PostgreSQL making a float of a numeric goes through its text."""

    output_field = models.FloatField()

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="CAST(%(expressions)s AS REAL)")

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="%(expressions)s")


GIVEN = Q(profit_abs__isnull=False)
KNOWN = Q(ended__gte=F("begun_at"))


def summed(trades: "models.QuerySet[Any]", *by: str) -> "models.QuerySet[Any, dict[str, Any]]":
    """The columns of a rollup over closed trades, as dicts, for each combination of `by`; sums of nothing are None."""
    return (
        trades.order_by()
        .annotate(sign=Figure("profit_abs"), ended=WholeSecond("close_date"), begun_at=WholeSecond("open_date"))
        .values(*by)
        .annotate(
            trades=Count("*"),
            figures=Count("profit_abs"),
            wins=Count("id", filter=Q(sign__gt=0)),
            losses=Count("id", filter=Q(sign__lt=0)),
            profit=ExactSum("profit_abs"),
            lost=ExactSum("profit_abs", filter=Q(sign__lt=0)),
            stake=ExactSum("stake_amount", filter=GIVEN),
            staked=Count("stake_amount", filter=GIVEN),
            held=Count("id", filter=KNOWN),
            held_seconds=Sum(HeldSeconds(), filter=KNOWN),
        )
    )

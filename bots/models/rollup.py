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
from bots.models.money import ExactSum, MoneyField, SumField

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


JULIAN_EPOCH = 210_866_760_000  # seconds from noon of day 0 of SQLite's julianday to 1970


class HeldSeconds(models.Func):
    """Whole seconds from a trade's opening to its closing. Dear to work out: ask for it once a row, and only where both
    moments are known."""

    output_field = models.BigIntegerField()

    def __init__(self) -> None:
        super().__init__(F("close_date"), F("open_ms"))

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        # Days since a noon long ago, as a float exact to 40 us: with half a millisecond more, whole seconds stay whole.
        # strftime('%s') would write each number as a text first.
        template = "(CAST(julianday(%(expressions)s / 1000)"
        joiner = f") * 86400 + 0.0005 AS INTEGER) - {JULIAN_EPOCH} - "
        return self.as_sql(compiler, connection, template=template, arg_joiner=joiner)

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        template = "(floor(date_part('epoch', %(expressions)s / 1000)"
        return self.as_sql(compiler, connection, template=template, arg_joiner="))::bigint - ")


class NotBefore(models.Func):
    """Whether a trade closed in the second it opened in, or later; the second is cut out only where it decides."""

    output_field = models.BooleanField()

    def __init__(self) -> None:
        super().__init__(F("close_date"), F("open_date"))

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        return self.either("substr({}, 1, 19)", compiler)

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        return self.either("date_trunc('second', {})", compiler)

    def either(self, second: str, compiler: Any) -> tuple[str, list[Any]]:
        closed, opened = (compiler.compile(moment)[0] for moment in self.get_source_expressions())
        return f"({closed} >= {opened} OR {second.format(closed)} = {second.format(opened)})", []


class Figure(models.Func):
    """A figure that is cheap to compare with zero. SQLite would call Python for each exact text; here it compares the
    texts byte by byte, where "-" is before "0", "0" is zero and every positive figure comes after it."""

    output_field = MoneyField()

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s COLLATE BINARY)")

    def as_postgresql(self, compiler: Any, connection: BaseDatabaseWrapper, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="%(expressions)s")


GIVEN = Q(profit_abs__isnull=False)
KNOWN = Q(NotBefore())


def summed(trades: "models.QuerySet[Any]", *by: str) -> "models.QuerySet[Any, dict[str, Any]]":
    """The columns of a rollup over closed trades, as dicts, for each combination of `by`; sums of nothing are None."""
    return (
        trades.order_by()
        .annotate(sign=Figure("profit_abs"))
        .values(*by)
        .annotate(
            trades=Count("*"),
            figures=Count("profit_abs"),
            wins=Count("profit_abs", filter=Q(sign__gt=0)),
            losses=Count("profit_abs", filter=Q(sign__lt=0)),
            profit=ExactSum("profit_abs"),
            lost=ExactSum("profit_abs", filter=Q(sign__lt=0)),
            stake=ExactSum("stake_amount", filter=GIVEN),
            staked=Count("stake_amount", filter=GIVEN),
            held=Count("close_date", filter=KNOWN),
            held_seconds=Sum(HeldSeconds(), filter=KNOWN),
        )
    )

"""BotRun: one life of a bot's database. Trade: the mirror of one trade in it."""

from decimal import Decimal

from django.db import models
from django.utils import timezone

from accounts.models import User
from bots.models.bot import Bot
from bots.models.money import MoneyField


class BotRun(models.Model):
    """A wiped or swapped database begins a new run; the trades of the old one stay in the reports."""

    bot = models.ForeignKey(Bot, models.PROTECT, related_name="runs")
    number = models.PositiveIntegerField()
    mode = models.CharField(max_length=4)
    currency = models.CharField(max_length=20)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=200, default="", blank=True)  # why it began
    # What the mirror holds of this run's closed trades; kept in the transaction that writes them.
    closed_count = models.PositiveIntegerField(default=0)
    closed_profit = MoneyField(default=Decimal(0))
    # The newest of them: while the bot still has it, its database is the one we know.
    anchor_id = models.CharField(max_length=40, default="", blank=True)
    anchor_ms = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bot", "number"], name="one_run_per_number")]
        ordering = ["bot", "number"]

    def __str__(self) -> str:
        return f"{self.bot} run {self.number}"


class TradeQuerySet(models.QuerySet["Trade"]):
    def visible_to(self, user: User) -> "TradeQuerySet":
        return self.filter(bot__in=Bot.objects.visible_to(user))

    def counted(self) -> "TradeQuerySet":
        """Those that belong into totals: not gone at the bot."""
        return self.filter(gone_at=None)

    def open(self) -> "TradeQuerySet":
        """Positions: what was open at a bot when it was retired is nobody's any more."""
        return self.counted().filter(is_open=True, run__ended_at=None, bot__retired_at=None)

    def closed(self) -> "TradeQuerySet":
        return self.counted().filter(is_open=False)


class Trade(models.Model):
    """(bot, run, trade id, open time) is one key: bots use trade ids again. Money in `currency`, ratios as ratios."""

    bot = models.ForeignKey(Bot, models.PROTECT, related_name="trades")
    run = models.ForeignKey(BotRun, models.PROTECT, related_name="trades")
    trade_id = models.CharField(max_length=40)
    open_ms = models.BigIntegerField()
    mode = models.CharField(max_length=4)
    currency = models.CharField(max_length=20)
    pair = models.CharField(max_length=60)
    side = models.CharField(max_length=5)
    is_open = models.BooleanField()
    leverage = MoneyField()
    amount = MoneyField(null=True)
    stake_amount = MoneyField(null=True)
    open_rate = MoneyField(null=True)
    close_rate = MoneyField(null=True)
    open_date = models.DateTimeField()
    close_date = models.DateTimeField(null=True)
    close_day = models.DateField(null=True)  # of close_date in the team's time zone: profit per day
    profit_abs = MoneyField(null=True)  # realized, net of fees
    profit_ratio = MoneyField(null=True)
    realized_profit = MoneyField(null=True)
    fee_open_ratio = MoneyField(null=True)
    fee_close_ratio = MoneyField(null=True)
    funding_fees = MoneyField(null=True)
    enter_tag = models.CharField(max_length=255, null=True)
    exit_reason = models.CharField(max_length=255, null=True)
    strategy = models.CharField(max_length=200, null=True)
    timeframe = models.CharField(max_length=20, null=True)
    exchange = models.CharField(max_length=60, null=True)
    orders = models.JSONField(default=list)
    missing = models.JSONField(default=list)
    digest = models.CharField(max_length=32, default="")  # of the lasting facts as last read: unchanged means unwritten
    seen_at = models.DateTimeField()  # first in the mirror
    changed_at = models.DateTimeField()  # last lasting change
    gone_at = models.DateTimeField(null=True)  # the bot no longer has it

    objects = TradeQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "trade_id", "open_ms"], name="one_trade_per_key")]
        indexes = [
            models.Index(fields=["bot", "is_open"]),
            models.Index(fields=["run", "is_open"]),
            models.Index(fields=["close_date"]),
            models.Index(fields=["bot", "-close_date"]),
            models.Index(fields=["bot", "close_day"]),
            models.Index(fields=["pair"]),
        ]

    def __str__(self) -> str:
        return f"{self.pair} #{self.trade_id}"

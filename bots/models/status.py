"""What is known of a bot now: its latest state and figures, its place in the due-table, its latest slow answers."""

from django.db import models
from django.utils import timezone

from bots.models.bot import Bot
from bots.models.money import MoneyField


class BotStatus(models.Model):
    """Latest state and moving figures, one row a bot. While it is silent the last ones stay; `seen_at` is their age."""

    bot = models.OneToOneField(Bot, models.CASCADE, related_name="status", primary_key=True)
    state = models.CharField(max_length=20, default="unknown")
    mode = models.CharField(max_length=4, default="", blank=True)  # live, dry; "" until first seen
    version = models.CharField(max_length=60, default="", blank=True)
    stake_currency = models.CharField(max_length=20, default="", blank=True)
    stake_currency_decimals = models.PositiveSmallIntegerField(null=True, blank=True)
    strategy = models.CharField(max_length=200, default="", blank=True)
    exchange = models.CharField(max_length=60, default="", blank=True)
    trading_mode = models.CharField(max_length=20, default="", blank=True)
    timeframe = models.CharField(max_length=20, default="", blank=True)
    bot_name = models.CharField(max_length=200, default="", blank=True)
    capabilities = models.JSONField(default=list)
    # figures, in the stake currency
    open_count = models.PositiveIntegerField(null=True, blank=True)
    slots = models.PositiveIntegerField(null=True, blank=True)  # null: unlimited or not known
    total_stake = MoneyField(null=True, blank=True)
    unrealized = MoneyField(null=True, blank=True)  # sum over open trades; null when one of them has no figure
    unrealized_ratio = MoneyField(null=True, blank=True)  # of the open trades' stake
    balance = MoneyField(null=True, blank=True)  # what the bot manages
    closed_profit = MoneyField(null=True, blank=True)  # the bot's own account
    max_drawdown_ratio = MoneyField(null=True, blank=True)
    # trade id -> what moves: {"open_ms", "current_rate", "profit_abs", "profit_ratio", "stop_rate", "missing"}
    moving = models.JSONField(default=dict)
    missing = models.JSONField(default=list)  # [{"figure", "reason"}] of the last readings
    # sequence number of changes, raised in the transaction of the change
    seq = models.BigIntegerField(default=0)
    # health of the connection
    seen_at = models.DateTimeField(null=True, blank=True)  # last good reading of the open trades: the figures' age
    answered_at = models.DateTimeField(null=True, blank=True)  # last time it said its state
    history_at = models.DateTimeField(null=True, blank=True)  # the closed trades were last known to their end
    snapshot_at = models.DateTimeField(null=True, blank=True)
    balance_at = models.DateTimeField(null=True, blank=True)
    profit_at = models.DateTimeField(null=True, blank=True)
    last_process_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    auth_failures = models.PositiveIntegerField(default=0)  # in a row; the third pauses the bot
    error_code = models.CharField(max_length=40, default="", blank=True)
    last_error = models.CharField(max_length=500, default="", blank=True)
    latency_ms = models.PositiveIntegerField(null=True, blank=True)  # of the state, in the last poll that was answered
    polls = models.BigIntegerField(default=0)
    polls_failed = models.BigIntegerField(default=0)
    requests = models.BigIntegerField(default=0)
    # milliseconds, of the good polls in all; processes of the release before make rows without it
    good_poll_ms = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        verbose_name_plural = "bot statuses"


class PollTurn(models.Model):
    """A bot's place in the due-table. A worker owns it while leased, proven by the fencing number."""

    bot = models.OneToOneField(Bot, models.CASCADE, related_name="turn", primary_key=True)
    next_poll_at = models.DateTimeField(default=timezone.now, db_index=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    fence = models.BigIntegerField(default=0)
    due = models.JSONField(default=dict)  # kind -> epoch seconds when it is due next
    held = models.CharField(max_length=40, default="", blank=True)  # why the bot is not asked any more: wrong_password
    full_reread_at = models.DateTimeField(null=True, blank=True)
    reread_offset = models.PositiveIntegerField(null=True, blank=True)  # a full reading in several parts goes on here
    reread_after = models.BigIntegerField(default=0)  # ... and has covered the trade ids up to this one
    mismatches = models.PositiveIntegerField(default=0)  # in a row: the bot's own count or sum is not the mirror's


class BotReading(models.Model):
    """Latest mapped answer of a slow endpoint (logs, locks, balance, performance, lists), one row a bot and kind."""

    bot = models.ForeignKey(Bot, models.CASCADE, related_name="readings")
    kind = models.CharField(max_length=20)
    data = models.JSONField()
    read_at = models.DateTimeField()
    error = models.CharField(max_length=500, default="", blank=True)  # why the latest try gave nothing newer

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bot", "kind"], name="one_reading_per_kind")]


class ConfigVersion(models.Model):
    """The bot's settings as they were from `seen_at` on, and what changed against the version before."""

    bot = models.ForeignKey(Bot, models.CASCADE, related_name="config_versions")
    settings = models.JSONField()
    changes = models.JSONField(default=list)  # [{"name", "before", "after"}]
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-seen_at", "-id"]
        indexes = [models.Index(fields=["bot", "-seen_at"])]


class Snapshot(models.Model):
    """The time series of a bot. A row's grain says how long it lives: the first of an hour for good, the first of a
    minute 14 days, every other 24 hours."""

    FINE, MINUTE, HOUR = "fine", "minute", "hour"

    bot = models.ForeignKey(Bot, models.CASCADE, related_name="snapshots")
    at = models.DateTimeField()
    grain = models.CharField(max_length=6, default=FINE)
    state = models.CharField(max_length=20)
    mode = models.CharField(max_length=4)
    currency = models.CharField(max_length=20)
    open_count = models.PositiveIntegerField(null=True)
    unrealized = MoneyField(null=True)
    realized = MoneyField(null=True)  # all closed trades, by the bot's own account
    balance = MoneyField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["bot", "at"], name="one_snapshot_per_moment")]
        indexes = [models.Index(fields=["grain", "at"])]

"""Command: what was asked of a bot, and what became of it. CommandBatch: one wish for many bots."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from accounts.models import Team, User
from bots.models.bot import Bot
from bots.models.trade import Trade

CONFIRMED_FOR = timedelta(seconds=60)  # not claimed by then, an intent is never sent


class CommandBatchQuerySet(models.QuerySet["CommandBatch"]):
    def visible_to(self, user: User) -> "CommandBatchQuerySet":
        teams = Team.objects.filter(memberships__user=user) if user.is_active else Team.objects.none()
        return self.filter(team__in=teams)


class CommandBatch(models.Model):
    """One action at many bots of one team: one Command each. Stopping it ends what has not been sent."""

    BULK, PAUSE_ALL, EXIT_ALL = "bulk", "pause_all", "exit_all"

    team = models.ForeignKey(Team, models.PROTECT, related_name="command_batches")
    kind = models.CharField(max_length=10, default=BULK)  # the latter two are the kill switch
    action = models.CharField(max_length=20)
    params = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True)
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    requested_by_name = models.CharField(max_length=150)
    requested_at = models.DateTimeField(default=timezone.now)
    key = models.CharField(max_length=100, blank=True)  # Idempotency-Key, or the form's own
    body_digest = models.CharField(max_length=64, blank=True)
    # bots that were chosen and got no command: [{"bot", "code", "sentence"}]
    left_out = models.JSONField(default=list)
    stopped_at = models.DateTimeField(null=True)
    stopped_by_name = models.CharField(max_length=150, blank=True)
    # {"sentence", "as_of", "bots", "bots_done", "open_trades_left", "unknown": [slugs]} once every command has ended
    post_check = models.JSONField(default=dict)
    checked_at = models.DateTimeField(null=True)

    objects = CommandBatchQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "command batches"
        constraints = [
            models.UniqueConstraint(
                fields=["requested_by", "key"], condition=~models.Q(key=""), name="one_batch_per_key"
            )
        ]

    def __str__(self) -> str:
        return f"batch {self.pk}: {self.action}"


class CommandQuerySet(models.QuerySet["Command"]):
    def visible_to(self, user: User) -> "CommandQuerySet":
        """The commands at the bots of the person's teams."""
        return self.filter(bot__in=Bot.objects.visible_to(user))

    def under_way(self) -> "CommandQuerySet":
        """Without an end: waiting, asked, sent, or unknown and not yet closed by a person."""
        ended = models.Q(state__in=Command.FINAL)
        return self.exclude(ended)

    def unexplained(self) -> "CommandQuerySet":
        """UNKNOWN that nobody has closed."""
        return self.filter(state=Command.UNKNOWN)


class Command(models.Model):
    """[WAITING ->] INTENT -> SENT -> DONE | REFUSED | UNKNOWN; from WAITING or INTENT also CANCELLED, EXPIRED.

    UNKNOWN becomes DONE or REFUSED by reading the bot, or CLOSED by a person with a remark; it is never sent again.
    Each step is a conditional UPDATE on the state before it, with its audit row in the same transaction.
    """

    WAITING, INTENT, SENT = "waiting", "intent", "sent"
    DONE, REFUSED, UNKNOWN, CLOSED = "done", "refused", "unknown", "closed"
    CANCELLED, EXPIRED = "cancelled", "expired"
    UNSENT = (WAITING, INTENT)
    FINAL = (DONE, REFUSED, CLOSED, CANCELLED, EXPIRED)

    bot = models.ForeignKey(Bot, models.PROTECT, related_name="commands")
    team = models.ForeignKey(Team, models.PROTECT, related_name="commands")  # as it was when asked
    action = models.CharField(max_length=20)
    params = models.JSONField(default=dict)  # as asked; money as decimal strings
    reason = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=10, default=INTENT)
    # why it ended so: trade_changed, not_sent_unreachable, bot_refused, no_effect, lost_answer, ...; "" all is well
    code = models.CharField(max_length=40, blank=True)

    # who
    requested_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="commands")
    requested_by_name = models.CharField(max_length=150)
    role = models.CharField(max_length=16)
    address = models.CharField(max_length=64, blank=True)
    client = models.CharField(max_length=200, blank=True)
    session = models.CharField(max_length=64, blank=True)

    # asked once
    key = models.CharField(max_length=100, blank=True)  # Idempotency-Key, or the form's own
    body_digest = models.CharField(max_length=64, blank=True)  # of bot, action, params, reason
    insists_on = models.ForeignKey("self", models.PROTECT, null=True, related_name="insisted_by")  # the first exit
    batch = models.ForeignKey(CommandBatch, models.PROTECT, null=True, related_name="commands")

    # what it is about, as confirmed: {"pair", "side", "amount", "open_ms", "open_rate", "current_rate", "profit_abs",
    # "profit_ratio", "currency", "as_of"}; for exit-all {"trades": [...]}; "mode" (live, dry) always
    trade = models.ForeignKey(Trade, models.PROTECT, null=True, related_name="commands")
    before = models.JSONField(default=dict)

    # four eyes
    approved_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    approved_by_name = models.CharField(max_length=150, blank=True)
    approved_at = models.DateTimeField(null=True)

    # when
    requested_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()  # of the wait for a second person, then of the intent
    announced_at = models.DateTimeField(null=True)  # last handed to the broker
    sent_at = models.DateTimeField(null=True)  # the commit before the request left
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    next_look_at = models.DateTimeField(null=True)  # when the bot is read again to resolve or to follow it
    looks = models.PositiveSmallIntegerField(default=0)

    # {"words": the bot's, "sentence": for people, "effect": pending|filled|partly|cancelled|none, "found": what reading
    # showed, "fill": {"close_rate", "profit_abs", "profit_ratio", "slippage_ratio", ...}, "opened_since": [...]}
    outcome = models.JSONField(default=dict)
    remark = models.CharField(max_length=500, blank=True)  # of the person who closed an unknown one
    closed_by_name = models.CharField(max_length=150, blank=True)

    objects = CommandQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["requested_by", "key"], condition=~models.Q(key=""), name="one_command_per_key"
            )
        ]
        indexes = [
            models.Index(fields=["bot", "-id"]),
            models.Index(fields=["team", "-id"]),
            models.Index(fields=["trade", "-id"]),
            models.Index(fields=["state", "next_look_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.action} at {self.bot}"

    @property
    def effect(self) -> str:
        """What the act brought at the bot: pending, filled, partly, cancelled, none; "" while not known."""
        return str(self.outcome.get("effect", ""))

    @property
    def confirmed_until(self) -> datetime:
        return (self.approved_at or self.requested_at) + CONFIRMED_FOR


class FourEyes(models.Model):
    """Which actions on LIVE bots of a team wait for a second person; no row: none do."""

    team = models.OneToOneField(Team, models.CASCADE, related_name="four_eyes")
    actions = models.JSONField(default=list)
    wait_minutes = models.PositiveSmallIntegerField(default=10)

    class Meta:
        verbose_name = "four-eyes rule"

    def __str__(self) -> str:
        return f"four eyes of {self.team}"

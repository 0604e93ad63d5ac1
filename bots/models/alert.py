"""AlertRule: what a team wants to be told of. Alert: one thing that is, or was, wrong. Mute, Maintenance: when nobody
wants to hear of it. EquityPeak, AlertClock: what the evaluation remembers from one look to the next."""

import uuid
from datetime import datetime
from typing import Self, TypeVar

from django.db import models
from django.utils import timezone

from accounts.access import HANDLE_ALERTS, MANAGE, SEE, roles_for
from accounts.models import Team, User
from bots.models.bot import Bot
from bots.models.event import Event
from bots.models.money import MoneyField
from bots.models.trade import BotRun

Row = TypeVar("Row", bound=models.Model)


class OfTeamQuerySet(models.QuerySet[Row]):
    """Rows of a team. Fetching through one of these doors is the permission check."""

    def where(self, user: User, action: str) -> Self:
        if not user.is_active:
            return self.none()
        mine = Team.objects.filter(memberships__user=user, memberships__role__in=roles_for(action))
        return self.filter(team__in=mine)

    def visible_to(self, user: User) -> Self:
        return self.where(user, SEE)

    def handled_by(self, user: User) -> Self:
        """Those that the person may acknowledge and mute: operators and above."""
        return self.where(user, HANDLE_ALERTS)

    def managed_by(self, user: User) -> Self:
        return self.where(user, MANAGE)


class AlertRule(models.Model):
    """`kind`: of bots.domain.alerts.kinds. `params`: what the kind declares, ratios as decimal text.
    Which bots: `bot`, else those with `tag`, else all of the team."""

    BOTH, LIVE_ONLY = "", "live"

    team = models.ForeignKey(Team, models.CASCADE, related_name="alert_rules")
    kind = models.CharField(max_length=24)
    name = models.CharField(max_length=100)
    enabled = models.BooleanField(default=True)
    severity = models.CharField(max_length=8)  # info, warning, error
    params = models.JSONField(default=dict)
    bot = models.ForeignKey(Bot, models.CASCADE, null=True, blank=True, related_name="alert_rules")
    tag = models.CharField(max_length=60, default="", blank=True)
    mode = models.CharField(max_length=4, default=BOTH, blank=True)
    # an alert that nobody acknowledged is told again after so long; null: never
    remind_hours = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    changed_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = OfTeamQuerySet["AlertRule"].as_manager()

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class AlertDefaults(models.Model):
    """The team has got its first rules; what it makes of them is its own affair."""

    team = models.OneToOneField(Team, models.CASCADE, related_name="alert_defaults")
    made_at = models.DateTimeField(default=timezone.now)


class AlertQuerySet(OfTeamQuerySet["Alert"]):
    def open(self) -> Self:
        """What is wrong now, acknowledged or not."""
        return self.filter(cleared_at=None)

    def unacknowledged(self) -> Self:
        return self.filter(cleared_at=None, acknowledged_at=None)


class Alert(models.Model):
    """Open, acknowledged or not, until it is cleared: one at a time for each (rule, bot, subject)."""

    OPEN, ACKNOWLEDGED, CLEARED = "open", "acknowledged", "cleared"
    # why it is recorded and told to nobody
    MUTED, MAINTENANCE, SAFE_MODE = "muted", "maintenance", "safe_mode"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    team = models.ForeignKey(Team, models.CASCADE, related_name="alerts")
    rule = models.ForeignKey(AlertRule, models.SET_NULL, null=True, related_name="alerts")
    bot = models.ForeignKey(Bot, models.CASCADE, null=True, related_name="alerts")  # null: of the portal itself
    event = models.ForeignKey(Event, models.SET_NULL, null=True, related_name="+")  # the last one that told of it
    kind = models.CharField(max_length=24)
    key = models.CharField(max_length=160)  # rule, bot and subject: what makes it one and the same thing
    severity = models.CharField(max_length=8)
    mode = models.CharField(max_length=4, default="", blank=True)  # of the bot when it opened
    text = models.CharField(max_length=300)  # goes on from the bot's name
    detail = models.CharField(max_length=500, default="", blank=True)
    # {"figure", "limit", "unit" (ratio, minutes, ...), "currency", "as_of", "age_seconds"}; decimals as text
    data = models.JSONField(default=dict)
    since = models.DateTimeField()  # the thing is wrong since; an event's first moment
    opened_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)  # last seen to be so, last event
    times = models.PositiveIntegerField(default=1)  # events that told of it
    well_since = models.DateTimeField(null=True)  # no longer so, but not yet for long enough to say it
    hold_seconds = models.PositiveIntegerField(default=0)  # ... which takes this long; longer for what flaps
    # telling people
    silent = models.CharField(max_length=12, default="", blank=True)  # why nobody is told at present
    announced_at = models.DateTimeField(null=True)  # its opening was handed to the destinations
    reminders = models.PositiveSmallIntegerField(default=0)
    reminded_at = models.DateTimeField(null=True)
    # people
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by_name = models.CharField(max_length=150, default="", blank=True)
    remark = models.CharField(max_length=500, default="", blank=True)
    cleared_at = models.DateTimeField(null=True)
    cleared_by_name = models.CharField(max_length=150, default="", blank=True)  # "": by itself
    cleared_why = models.CharField(max_length=200, default="", blank=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=models.Q(cleared_at=None), name="one_open_alert_per_key")
        ]
        indexes = [
            models.Index(fields=["team", "-id"]),
            models.Index(fields=["bot", "-id"]),
            models.Index(fields=["key", "-id"]),
            models.Index(fields=["cleared_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.bot or self.team}: {self.text}"

    @property
    def state(self) -> str:
        if self.cleared_at is not None:
            return self.CLEARED
        return self.ACKNOWLEDGED if self.acknowledged_at is not None else self.OPEN


class MuteQuerySet(OfTeamQuerySet["Mute"]):
    def at(self, now: datetime) -> Self:
        return self.filter(until__gt=now, ended_at=None)


class Mute(models.Model):
    """Until then nobody is told of this rule's alerts, of this bot's, or (both) of this rule's at this bot."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="alert_mutes")
    rule = models.ForeignKey(AlertRule, models.CASCADE, null=True, related_name="mutes")
    bot = models.ForeignKey(Bot, models.CASCADE, null=True, related_name="alert_mutes")
    until = models.DateTimeField()
    reason = models.CharField(max_length=300, default="", blank=True)
    muted_by_name = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)  # lifted before its time
    ended_by_name = models.CharField(max_length=150, default="", blank=True)

    objects = MuteQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(rule__isnull=False) | models.Q(bot__isnull=False), name="a_mute_names_something"
            )
        ]
        indexes = [models.Index(fields=["until"])]

    def __str__(self) -> str:
        return f"{self.bot or self.rule} muted until {self.until}"


class MaintenanceQuerySet(OfTeamQuerySet["Maintenance"]):
    def at(self, now: datetime) -> Self:
        return self.filter(starts_at__lte=now, ends_at__gt=now, ended_at=None)

    def to_come(self, now: datetime) -> Self:
        """Under way or planned."""
        return self.filter(ends_at__gt=now, ended_at=None)


class Maintenance(models.Model):
    """A window in which somebody works at the bot, or (no bot) at all of the team's: what is wrong is only recorded."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="maintenance")
    bot = models.ForeignKey(Bot, models.CASCADE, null=True, related_name="maintenance")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=300, default="", blank=True)
    planned_by_name = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)  # ended before its time, or called off
    ended_by_name = models.CharField(max_length=150, default="", blank=True)

    objects = MaintenanceQuerySet.as_manager()

    class Meta:
        ordering = ["-starts_at", "-id"]
        verbose_name_plural = "maintenance"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gt=models.F("starts_at")), name="maintenance_ends_after_it_starts"
            )
        ]
        indexes = [models.Index(fields=["ends_at"])]

    def __str__(self) -> str:
        return f"maintenance of {self.bot or self.team}"


class EquityPeak(models.Model):
    """The most a bot ever had made, closed and open profit together, in its run's currency: drawdown counts from it."""

    bot = models.OneToOneField(Bot, models.CASCADE, related_name="equity_peak", primary_key=True)
    run = models.ForeignKey(BotRun, models.CASCADE, related_name="+")
    profit = MoneyField()
    at = models.DateTimeField()


class AlertClock(models.Model):
    """One row: when the rules were last evaluated, and which events have been looked at."""

    evaluated_at = models.DateTimeField(null=True)  # claimed then; whoever claimed last writes
    events_at = models.DateTimeField(null=True)  # what was heard before has been looked at, but for late commits
    seen = models.JSONField(default=list)  # ... of which these were seen in time

"""Event: one thing that a bot or the portal reported, kept once however many sources told it."""

from django.db import models
from django.utils import timezone

from accounts.access import SEE, roles_for
from accounts.models import Team, User
from bots.models.bot import Bot
from bots.models.trade import Trade


class EventQuerySet(models.QuerySet["Event"]):
    def visible_to(self, user: User) -> "EventQuerySet":
        """Those of the person's teams: of their bots, and of the team as a whole. A bot never changes its team."""
        if not user.is_active:
            return self.none()
        mine = Team.objects.filter(memberships__user=user, memberships__role__in=roles_for(SEE))
        return self.filter(team__in=mine)

    def newest_first(self) -> "EventQuerySet":
        return self.order_by("-at", "-id")


class Event(models.Model):
    """`key` is the event's identity at its bot (or, without a bot, in its team) as its first teller gave it; `told_key`
    is the one that another source gave later for the same thing."""

    WEBSOCKET, POLL, PORTAL = "websocket", "poll", "portal"

    team = models.ForeignKey(Team, models.CASCADE, related_name="events")
    bot = models.ForeignKey(Bot, models.CASCADE, null=True, related_name="events")  # null: of the team as a whole
    trade = models.ForeignKey(Trade, models.SET_NULL, null=True, related_name="events")
    kind = models.CharField(max_length=24)
    severity = models.CharField(max_length=8)
    at = models.DateTimeField()  # when it happened, by the bot's clock where the bot says it
    heard_at = models.DateTimeField(default=timezone.now)
    source = models.CharField(max_length=9)
    pair = models.CharField(max_length=60, default="", blank=True)
    subject = models.CharField(
        max_length=80, default="", blank=True
    )  # the trade as the bot names it: "97@1795243471427"
    text = models.CharField(max_length=300)
    detail = models.CharField(max_length=500, default="", blank=True)
    data = models.JSONField(default=dict)
    key = models.CharField(max_length=160)
    told_key = models.CharField(max_length=160, null=True)

    objects = EventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["bot", "key"], name="one_event_per_key"),
            models.UniqueConstraint(fields=["bot", "told_key"], name="one_event_per_told_key"),
            models.UniqueConstraint(
                fields=["team", "key"], condition=models.Q(bot=None), name="one_event_per_team_key"
            ),
        ]
        indexes = [
            models.Index(fields=["-at"]),
            models.Index(fields=["bot", "-at"]),
            models.Index(fields=["team", "-at"]),
            models.Index(fields=["bot", "subject"]),
            models.Index(fields=["kind", "heard_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"

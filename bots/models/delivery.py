"""Destination: where a team's alerts are told. Delivery: one telling, and what became of it."""

from typing import Self

from django.db import models
from django.utils import timezone

from accounts.models import Team
from bots.models.alert import Alert, OfTeamQuerySet
from bots.models.sealing import SealedRow


class DestinationQuerySet(OfTeamQuerySet["Destination"]):
    def in_use(self) -> Self:
        return self.filter(enabled=True, removed_at=None)

    def kept(self) -> Self:
        return self.filter(removed_at=None)


class Destination(SealedRow):
    """Sealed and never shown: "address" (mail address, webhook's URL, Apprise's URL), "secret" (signs a webhook)."""

    MAIL, WEBHOOK, APPRISE = "mail", "webhook", "apprise"
    BOTH, LIVE_ONLY = "", "live"

    team = models.ForeignKey(Team, models.CASCADE, related_name="alert_destinations")
    kind = models.CharField(max_length=8)
    name = models.CharField(max_length=100)
    shown = models.CharField(max_length=200, default="", blank=True)  # what people know the address by; no secret
    least = models.CharField(max_length=8, default="warning")  # alerts of this severity or a graver one
    mode = models.CharField(max_length=4, default=BOTH, blank=True)
    enabled = models.BooleanField(default=True)
    most_per_hour = models.PositiveSmallIntegerField(default=20)  # what is more comes as one digest
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by_name = models.CharField(max_length=150, default="", blank=True)
    removed_at = models.DateTimeField(null=True, editable=False)  # its secrets are erased; its deliveries stay

    objects = DestinationQuerySet.as_manager()

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["team", "name"], condition=models.Q(removed_at=None), name="one_destination_per_name"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Delivery(models.Model):
    """PENDING -> CLAIMED -> SENT | PENDING again | GIVEN_UP; or DIGESTED: told as part of another one; or DROPPED: not
    worth telling any more.

    The same state of an alert goes to a destination once: that is the unique row.
    """

    OPENED, CLEARED, REMINDER, DIGEST, TEST = "opened", "cleared", "reminder", "digest", "test"
    PENDING, CLAIMED, SENT, GIVEN_UP, DIGESTED, DROPPED = (
        "pending", "claimed", "sent", "given_up", "digested", "dropped"
    )  # fmt: skip
    UNDER_WAY = (PENDING, CLAIMED)

    destination = models.ForeignKey(Destination, models.CASCADE, related_name="deliveries")
    alert = models.ForeignKey(Alert, models.CASCADE, null=True, related_name="deliveries")  # null: digest, test
    what = models.CharField(max_length=8)
    round = models.PositiveSmallIntegerField(default=0)  # of reminders: the first, the second
    part_of = models.ForeignKey("self", models.SET_NULL, null=True, related_name="parts")  # the digest that tells it
    state = models.CharField(max_length=8, default=PENDING)
    attempts = models.PositiveSmallIntegerField(default=0)
    unsure = models.PositiveSmallIntegerField(default=0)  # attempts that left without an answer: each may have arrived
    created_at = models.DateTimeField(default=timezone.now)
    next_try_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True)  # the send began: from here on it may have arrived
    ended_at = models.DateTimeField(null=True)
    took_ms = models.PositiveIntegerField(null=True)
    code = models.CharField(max_length=40, default="", blank=True)  # why it failed; "" all is well
    words = models.CharField(max_length=500, default="", blank=True)  # of the other side or ours; no secret
    asked_by_name = models.CharField(max_length=150, default="", blank=True)  # of a test
    data = models.JSONField(default=dict)  # of a digest: what it counted

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["destination", "alert", "what", "round"], name="one_delivery_per_state_of_an_alert"
            )
        ]
        indexes = [
            models.Index(fields=["state", "next_try_at"]),
            models.Index(fields=["destination", "-id"]),
            models.Index(fields=["destination", "begun_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.what} to {self.destination}"

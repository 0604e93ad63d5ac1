"""Who listens to which bot: the relays that live, and for each bot who holds it and what its line is like."""

from django.db import models

from bots.models.bot import Bot


class RelayProcess(models.Model):
    """A relay; it lives while it was seen within a lease time. Its sign of life renews all that it holds at once: one
    row every 2 s, however many bots."""

    name = models.CharField(max_length=80, unique=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class RelayLease(models.Model):
    """The right to listen to one bot, for as long as its holder lives. A holder that cannot give its sign of life hangs
    up before others take its bots, so two never listen at once."""

    bot = models.OneToOneField(Bot, models.CASCADE, related_name="line", primary_key=True)
    holder = models.CharField(max_length=80, default="", blank=True)  # RelayProcess.name; "": nobody
    fence = models.BigIntegerField(default=0)
    # the line, as its holder last said
    connected_since = models.DateTimeField(null=True, blank=True)
    heard_at = models.DateTimeField(null=True, blank=True)
    messages = models.BigIntegerField(default=0)
    connects = models.BigIntegerField(default=0)
    error_code = models.CharField(max_length=40, default="", blank=True)
    last_error = models.CharField(max_length=500, default="", blank=True)

    def __str__(self) -> str:
        return f"line to {self.bot_id}"

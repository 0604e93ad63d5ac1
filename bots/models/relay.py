"""Who listens to which bot: the relays that live, and a lease for each bot with what its line is like."""

from django.db import models

from bots.models.bot import Bot


class RelayProcess(models.Model):
    """A relay that lives: seen within a lease time."""

    name = models.CharField(max_length=80, unique=True)
    seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class RelayLease(models.Model):
    """The right to listen to one bot. Its holder hangs up before it runs out, so two never listen at once."""

    bot = models.OneToOneField(Bot, models.CASCADE, related_name="line", primary_key=True)
    holder = models.CharField(max_length=80, default="", blank=True)  # RelayProcess.name; "": nobody
    leased_until = models.DateTimeField(null=True, blank=True, db_index=True)
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

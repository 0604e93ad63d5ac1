"""AuditEntry: what was done, by whom, from where. Append-only; written only by bots.domain.audit."""

from django.db import models


class AuditEntry(models.Model):
    """No foreign keys on purpose: deleting a person, a team or a bot deletes no history."""

    at = models.DateTimeField()
    action = models.CharField(max_length=60)  # login, login_failed, member_changed, bot_added, ...
    actor = models.CharField(max_length=150, blank=True)  # user name; "" for nobody known
    actor_id = models.BigIntegerField(null=True)
    role = models.CharField(max_length=16, blank=True)
    team = models.CharField(max_length=100, blank=True)  # slug
    team_id = models.BigIntegerField(null=True)
    bot = models.CharField(max_length=120, blank=True)  # slug
    bot_id = models.BigIntegerField(null=True)
    subject = models.CharField(max_length=200, blank=True)  # what it was done to, in words
    address = models.CharField(max_length=64, blank=True)
    client = models.CharField(max_length=200, blank=True)  # user agent
    session = models.CharField(max_length=64, blank=True)  # fingerprint of the session or token, never itself
    details = models.JSONField(default=dict)
    key_id = models.CharField(max_length=16)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["team_id", "-id"]), models.Index(fields=["action"])]

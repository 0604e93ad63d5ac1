"""ConnectionTest: "does this connection work?", asked by a page, answered by a worker that may open secrets."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

from accounts.models import Team, User
from bots import systems
from bots.models.bot import Bot
from bots.models.sealing import SealedRow
from bots.systems.contract import BotSystem, Door, Session

KEPT_FOR = timedelta(minutes=10)


class ConnectionTestQuerySet(models.QuerySet["ConnectionTest"]):
    def asked_by(self, user: User) -> "ConnectionTestQuerySet":
        """A test is nobody else's business: fetch through it."""
        return self.filter(requested_by=user)

    def forgotten(self) -> "ConnectionTestQuerySet":
        """Those older than ten minutes: to be deleted."""
        return self.filter(created_at__lt=timezone.now() - KEPT_FOR)


class ConnectionTest(SealedRow):
    ASKED, RUNNING, DONE = "asked", "running", "done"

    requested_by = models.ForeignKey(User, models.CASCADE, related_name="connection_tests")
    team = models.ForeignKey(Team, models.CASCADE, related_name="connection_tests")
    # The bot whose stored secrets stand in for those left empty.
    bot = models.ForeignKey(Bot, models.CASCADE, null=True, related_name="connection_tests")
    system = models.CharField(max_length=40)
    connection = models.JSONField(default=dict)
    state = models.CharField(max_length=8, default=ASKED)
    # {"ok", "code", "sentence", "state", "version", "mode", "bot_name", "stake_currency"}
    outcome = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now)

    objects = ConnectionTestQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return f"test of {self.connection.get('url', self.system)}"

    @property
    def system_class(self) -> type[BotSystem]:
        return systems.get(self.system)

    def opened_connection(self) -> dict[str, str]:
        """Every field in clear; secrets left empty are the bot's own. Raises SealBroken."""
        kept = self.bot.opened_secrets() if self.bot is not None else {}
        return {**self.connection, **kept, **self.opened_secrets()}

    def open(self, door: Door) -> Session:
        """Raises WrongSettings, SealBroken."""
        return self.system_class.open(self.opened_connection(), door)

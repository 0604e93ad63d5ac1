"""Bot: a connection to one bot, its team, and its secrets (sealed)."""

from collections.abc import Mapping
from functools import lru_cache

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.text import slugify

from accounts.access import SEE, roles_for
from accounts.models import Team, User
from bots import systems
from bots.models.sealing import SealedRow
from bots.systems.contract import BotSystem, Door, Field, Kind, Session
from bots.systems.hearing import Sockets, Stream

# Words that stand where a slug stands in a path: /bots/add/, /api/v1/bots/test/.
RESERVED_SLUGS = {"add", "test"}


@lru_cache(maxsize=1024)
def planned(system: str, pace: float, own: tuple[tuple[str, float], ...]) -> Mapping[Kind, float]:
    """A system's plan with a bot's own changes, at this pace; read twice by every poll of every bot."""
    plan = {**systems.get(system).poll_plan, **{Kind(kind): float(seconds) for kind, seconds in own}}
    return {kind: seconds * pace for kind, seconds in plan.items()}


class BotQuerySet(models.QuerySet["Bot"]):
    def visible_to(self, user: User) -> "BotQuerySet":
        """The bots of the person's teams. This is the permission to see: fetch through it, nothing else."""
        return self.commandable_by(user, SEE)

    def commandable_by(self, user: User, action: str) -> "BotQuerySet":
        """The bots at which the person's role allows the action (accounts.access)."""
        if not user.is_active:
            return self.none()
        return self.filter(team__memberships__user=user, team__memberships__role__in=roles_for(action))

    def active(self) -> "BotQuerySet":
        return self.filter(retired_at=None)

    def polled(self) -> "BotQuerySet":
        return self.active().filter(enabled=True)


class Bot(SealedRow):
    team = models.ForeignKey(Team, models.PROTECT, related_name="bots")
    name = models.CharField(max_length=100)
    slug = models.SlugField(max_length=120, unique=True, editable=False)
    # A callable is stored in the migration by its name: a new system needs none.
    system = models.CharField(max_length=40, choices=systems.choices)
    connection = models.JSONField(default=dict, help_text="The fields the system declares, secrets left out")
    tags = models.JSONField(default=list, blank=True)
    enabled = models.BooleanField(default=True, help_text="Unticked: the portal does not ask this bot (paused)")
    # seconds by kind, where they differ from the system's plan
    poll_plan = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = BotQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def system_class(self) -> type[BotSystem]:
        return systems.get(self.system)

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.system_class.fields

    @property
    def address(self) -> str:
        """What a person recognises the connection by; never a secret."""
        return str(self.connection.get("url") or self.connection.get("server") or "")

    def plan(self) -> Mapping[Kind, float]:
        """Seconds between two readings, by kind: the system's plan with this bot's own changes."""
        return planned(self.system, settings.PORTAL_POLL_PACE, tuple(self.poll_plan.items()))

    def opened_connection(self) -> dict[str, str]:
        """Every field in clear. Only where PORTAL_SECRETS_KEY is held; raises SealBroken (wrong key, swapped row)."""
        return {**self.connection, **self.opened_secrets()}

    def open(self, door: Door, connection: Mapping[str, str] | None = None, release: str = "") -> Session:
        """A conversation with this bot. Raises WrongSettings."""
        return self.system_class.open(connection or self.opened_connection(), door, release)

    def stream(self, door: Door, sockets: Sockets, release: str) -> Stream | None:
        """What the bot says by itself; None where its release says nothing. Raises WrongSettings, SealBroken."""
        return self.system_class.stream(self.opened_connection(), door, sockets, release)

    def free_slug(self) -> str:
        """The name as a slug, with a number behind it when the portal has that slug already."""
        alike = Bot.objects.filter(slug__startswith=self.slug_stem).exclude(pk=self.pk)
        return self.slug_beside(set(alike.values_list("slug", flat=True)))

    @property
    def slug_stem(self) -> str:
        return slugify(self.name)[:100] or "bot"

    def slug_beside(self, others: set[str]) -> str:
        stem, taken = self.slug_stem, RESERVED_SLUGS | others
        numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
        return stem if stem not in taken else next(slug for slug in numbered if slug not in taken)

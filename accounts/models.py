"""Who may come in: people, teams, memberships; and from where: web origins."""

import uuid

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone

from accounts.access import Role, roles_for


class User(AbstractUser):
    # Tokens and sessions made before this moment are dead (password change, deactivation, "log out everywhere").
    credentials_changed_at = models.DateTimeField(default=timezone.now, editable=False)
    time_zone = models.CharField(max_length=64, default="UTC")

    def role_in(self, team: "Team") -> str | None:
        return self.memberships.filter(team=team).values_list("role", flat=True).first()


class TeamQuerySet(models.QuerySet["Team"]):
    def where(self, user: User, action: str) -> "TeamQuerySet":
        """The teams in which the person's role allows the action."""
        if not user.is_active:
            return self.none()
        return self.filter(memberships__user=user, memberships__role__in=roles_for(action))


class Team(models.Model):
    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=100, unique=True)
    # The zone in which this team's days begin; profit per day follows it.
    time_zone = models.CharField(max_length=64, default="UTC")
    reporting_currency = models.CharField(max_length=16, default="USDT")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "team"], name="one_membership_per_team")]
        ordering = ["team__name", "user__username"]

    def __str__(self) -> str:
        return f"{self.user} · {self.role} of {self.team}"


class Invitation(models.Model):
    """A link that makes its bearer a member. Only the hash of the token is kept."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    token_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)


class LoginFailure(models.Model):
    """One failed login; counted per name and network, so that no stranger can lock an innocent person out."""

    username = models.CharField(max_length=150)
    network = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["username", "network", "at"])]


class ApiSession(models.Model):
    """One login of the API: access and refresh tokens carry its id, ending it ends both at once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_sessions")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now)
    network = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)


class AllowedOrigin(models.Model):
    """A web origin that may call the API from a browser."""

    origin = models.CharField(max_length=255, unique=True, help_text="scheme://host[:port], for example https://app.example.org")
    enabled = models.BooleanField(default=True)
    note = models.CharField(max_length=200, blank=True)
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["origin"]

    def __str__(self) -> str:
        return self.origin

"""Who may come in: people, teams, memberships; and from where: web origins."""

import uuid
from collections.abc import Iterable
from functools import cache
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.access import Role, roles_for


@cache
def zones() -> frozenset[str]:
    return frozenset(available_timezones())


def known_zone(name: str) -> None:
    """Raises ValidationError for a name that is not in the zone database."""
    if name not in zones():
        raise ValidationError(f"{name!r} is not a time zone. Write it like Europe/Berlin or UTC.")


class User(AbstractUser):
    # Raised by password change, deactivation and "end all sessions": it is part of what every session and token is
    # bound to (see _get_session_auth_hash), so those made before are dead.
    credentials_changed_at = models.DateTimeField(default=timezone.now, editable=False)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[known_zone])

    def save(self, *args: object, update_fields: Iterable[str] | None = None, **kwargs: object) -> None:
        # The admin is for superusers alone; managers of teams are no staff.
        self.is_staff = self.is_superuser
        if update_fields is not None and "is_superuser" in update_fields:
            update_fields = {*update_fields, "is_staff"}
        super().save(*args, update_fields=update_fields, **kwargs)  # type: ignore[arg-type]

    def role_in(self, team: "Team") -> str | None:
        return self.memberships.filter(team=team).values_list("role", flat=True).first()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        bound_to = f"{self.password} {self.credentials_changed_at.isoformat()}"
        return salted_hmac("accounts.User.session", bound_to, secret=secret, algorithm="sha256").hexdigest()


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
    time_zone = models.CharField(max_length=64, default="UTC", validators=[known_zone])
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


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> "InvitationQuerySet":
        return self.filter(accepted_at=None, expires_at__gt=timezone.now())


class Invitation(models.Model):
    """A link that makes its bearer a member. Only the hash of the token is kept."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    token_hash = models.CharField(max_length=64, unique=True)
    # An invitation lives only as long as its author may manage the team: nobody leaves a door open behind him.
    invited_by = models.ForeignKey(User, models.CASCADE, related_name="invitations_made")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.email} · {self.role} of {self.team}"


class SetUpCode(models.Model):
    """The one-time code of the first person, as a keyed hash; one row, or none."""

    ONLY = 1
    code_hash = models.CharField(max_length=64)
    made_at = models.DateTimeField(auto_now=True)


class LoginFailure(models.Model):
    """One failed try; counted per name and network, so that no stranger can lock an innocent person out."""

    # A keyed hash: people type passwords into the field of the name.
    name_hash = models.CharField(max_length=64)
    network = models.CharField(max_length=64)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["name_hash", "network", "at"]),
            models.Index(fields=["network", "at"]),
            models.Index(fields=["at"]),
        ]


class ApiSessionQuerySet(models.QuerySet["ApiSession"]):
    def running(self) -> "ApiSessionQuerySet":
        return self.filter(ended_at=None)


class ApiSession(models.Model):
    """One login of the API: access and refresh tokens carry its id, ending it ends both at once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="api_sessions")
    # The user's session hash at login: a password changed by whatever road ends this session.
    credentials = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(default=timezone.now)
    network = models.CharField(max_length=64, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ApiSessionQuerySet.as_manager()

    class Meta:
        ordering = ["-last_used_at"]

    def stands(self) -> bool:
        same = constant_time_compare(self.credentials, self.user.get_session_auth_hash())
        return self.ended_at is None and self.user.is_active and same


class AllowedOrigin(models.Model):
    """A web origin that may call the API from a browser."""

    origin = models.CharField(
        max_length=255, unique=True, help_text="scheme://host[:port], for example https://app.example.org"
    )
    enabled = models.BooleanField(default=True)
    note = models.CharField(max_length=200, blank=True)
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["origin"]

    def __str__(self) -> str:
        return self.origin

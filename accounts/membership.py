"""The acts on teams and who belongs to them. Each is one transaction, announced inside it."""

from copy import copy

from django.db import transaction
from django.db.models import QuerySet
from django.utils.text import slugify

from accounts import announcements
from accounts.access import Role
from accounts.announcements import Detail, announce
from accounts.caller import By
from accounts.models import Membership, Team, User


class LastManager(Exception):
    """A person must first make somebody else manager."""

    def __init__(self, team: Team) -> None:
        super().__init__(f"This is the last manager of {team}: make somebody else manager first.")


class AlreadyMember(Exception):
    def __init__(self, user: User, team: Team) -> None:
        super().__init__(f"{user} is already a member of {team}.")


class NotMember(Exception):
    def __init__(self) -> None:
        super().__init__("This person no longer belongs to the team.")


def create_team(name: str, by: By, **values: str) -> Team:
    """values: slug, time_zone, reporting_currency."""
    team = Team(name=name, **{"slug": free_slug(name), **values})
    save_new_team(team, by)
    return team


@transaction.atomic
def save_new_team(team: Team, by: By) -> None:
    team.save()
    announce(announcements.team_created, by, team.name, team)


def free_slug(name: str) -> str:
    stem = slugify(name)[:90] or "team"
    taken = set(Team.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return stem if stem not in taken else next(slug for slug in numbered if slug not in taken)


@transaction.atomic
def change_team(team: Team, by: By, **values: str) -> None:
    """Name, slug, time zone, reporting currency."""
    before = {name: getattr(team, name) for name in values}
    changed: dict[str, Detail] = {name: value for name, value in values.items() if value != before[name]}
    if not changed:
        return
    for name, value in changed.items():
        setattr(team, name, value)
    team.save(update_fields=list(changed))
    announce(announcements.team_changed, by, team.name, team, **changed, **{f"{n}_before": before[n] for n in changed})


@transaction.atomic
def delete_team(team: Team, by: By) -> None:
    gone = copy(team)
    team.delete()
    announce(announcements.team_deleted, by, gone.name, gone)


@transaction.atomic
def add(team: Team, user: User, role: str, by: By) -> Membership:
    """Raises AlreadyMember."""
    membership, created = Membership.objects.get_or_create(team=team, user=user, defaults={"role": Role(role)})
    if not created:
        raise AlreadyMember(user, team)
    announce(announcements.member_added, by, user.username, team, role=membership.role, user_id=user.pk)
    return membership


@transaction.atomic
def change_role(membership: Membership, role: str, by: By) -> None:
    """Raises LastManager, and NotMember for somebody removed meanwhile."""
    current = locked(membership)
    if current.role == Role(role):
        return
    check_manager_remains(current)
    before, current.role = current.role, Role(role)
    current.save(update_fields=["role"])
    details: dict[str, Detail] = {"role": current.role, "role_before": before, "user_id": current.user_id}
    announce(announcements.member_changed, by, current.user.username, current.team, **details)


@transaction.atomic
def remove(membership: Membership, by: By) -> None:
    """Raises LastManager, and NotMember for somebody removed meanwhile."""
    current = locked(membership)
    check_manager_remains(current)
    user, team = current.user, current.team
    current.delete()
    announce(announcements.member_removed, by, user.username, team, role=current.role, user_id=user.pk)


def locked(membership: Membership) -> Membership:
    # The team's row is the lock: two managers who remove each other at once come one after the other.
    # no_key: who writes a row that refers to the team neither waits for this lock nor deadlocks with it.
    Team.objects.select_for_update(no_key=True).get(pk=membership.team_id)
    current = Membership.objects.select_related("user", "team").filter(pk=membership.pk).first()
    if current is None:
        raise NotMember
    return current


def check_manager_remains(without: Membership) -> None:
    if without.role != Role.MANAGER:
        return
    if not active_managers(without.team).exclude(pk=without.pk).exists():
        raise LastManager(without.team)


def active_managers(team: Team) -> QuerySet[Membership]:
    return team.memberships.filter(role=Role.MANAGER, user__is_active=True)

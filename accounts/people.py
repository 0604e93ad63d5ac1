"""The acts on persons. Each is one transaction, announced inside it; pages, API, admin and commands come in here."""

from django.db import transaction
from django.utils import timezone

from accounts import announcements
from accounts.announcements import Detail, announce
from accounts.caller import By
from accounts.models import User


class LastSuperuser(Exception):
    """A person must first make somebody else superuser."""

    def __init__(self) -> None:
        super().__init__("This is the last active superuser: make somebody else superuser first.")


def create(username: str, password: str | None, by: By, *, email: str = "", is_superuser: bool = False) -> User:
    """Without a password the person cannot log in until a superuser has set one.

    Raises IntegrityError for a name that is taken."""
    user = User(username=username, email=email, is_superuser=is_superuser)
    user.set_password(password)
    register(user, by)
    return user


@transaction.atomic
def register(user: User, by: By) -> None:
    """Saves a new person, whose password was set before: hashing takes long, and SQLite has one writer."""
    user.save()
    announce(announcements.user_created, by, user.username, user_id=user.pk, is_superuser=user.is_superuser)


def set_password(user: User, password: str | None, by: By, *, how: str) -> None:
    """Ends every session and token of the person; the caller may renew its own session afterwards.

    password: None for one that nobody can give
    how: "changed" by the person, "reset" by mail, "set" or "taken away" by a superuser
    """
    user.set_password(password)
    with transaction.atomic():
        user.save(update_fields=["password"])
        outdate_credentials(user)
        announce(announcements.password_changed, by, user.username, how=how)


@transaction.atomic
def end_all_sessions(user: User, by: By) -> None:
    outdate_credentials(user)
    announce(announcements.sessions_ended, by, user.username)


@transaction.atomic
def deactivate(user: User, by: By) -> None:
    """Raises LastSuperuser."""
    check_superuser_remains(without=user)
    user.is_active = False
    user.save(update_fields=["is_active"])
    outdate_credentials(user)
    announce(announcements.user_deactivated, by, user.username)


@transaction.atomic
def reactivate(user: User, by: By) -> None:
    """Sessions and tokens of before stay dead."""
    user.is_active = True
    user.save(update_fields=["is_active"])
    announce(announcements.user_reactivated, by, user.username)


@transaction.atomic
def change(user: User, by: By, **values: Detail) -> None:
    """Username, email, time zone, names, is_superuser. Raises LastSuperuser."""
    before = {name: getattr(user, name) for name in values}
    changed = {name: value for name, value in values.items() if value != before[name]}
    if not changed:
        return
    if changed.get("is_superuser") is False:
        check_superuser_remains(without=user)
    for name, value in changed.items():
        setattr(user, name, value)
    user.save(update_fields=list(changed))
    was = {f"{name}_before": before[name] for name in changed}
    announce(announcements.user_changed, by, user.username, None, **changed, **was)


@transaction.atomic
def delete(user: User, by: By) -> None:
    """Raises LastSuperuser."""
    check_superuser_remains(without=user)
    user_id = user.pk
    user.delete()
    announce(announcements.user_deleted, by, user.username, user_id=user_id)


def check_superuser_remains(without: User) -> None:
    if not (without.is_superuser and without.is_active):
        return
    # Locked, so that two superusers cannot remove each other at once; no_key, so that rows that refer to them go on.
    remaining = User.objects.select_for_update(no_key=True).filter(is_superuser=True, is_active=True)
    if not [user for user in remaining if user.pk != without.pk]:
        raise LastSuperuser


def outdate_credentials(user: User) -> None:
    user.credentials_changed_at = timezone.now()
    user.save(update_fields=["credentials_changed_at"])
    end_api_sessions(user)


def end_api_sessions(user: User) -> None:
    user.api_sessions.running().update(ended_at=timezone.now())

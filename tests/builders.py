"""Makers of people and teams, as plain functions. They save rows directly: no announcements, no audit."""

from accounts.access import Role
from accounts.models import Membership, Team, User

PASSWORD = "correct-horse-7"


def person(username: str, *, password: str = PASSWORD, **values: object) -> User:
    user = User(username=username, **{"email": f"{username}@example.org", **values})
    user.set_password(password)
    user.save()
    return user


def team(name: str, **values: object) -> Team:
    return Team.objects.create(name=name, **{"slug": name.lower(), **values})


def member(user: User, of: Team, role: str = Role.VIEWER) -> Membership:
    return Membership.objects.create(user=user, team=of, role=role)

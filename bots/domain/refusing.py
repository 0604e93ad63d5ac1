"""Why an act of a person is not done: nothing was written. What commands and alerts have in common."""

from collections.abc import Mapping
from typing import ClassVar

from accounts.access import LOWEST_ROLE
from accounts.models import Team, User


class ActRefused(Exception):
    """`str(error)` is for people, `code` for machines, `status` is the API's."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409


class RoleTooLow(ActRefused):
    code = "role_too_low"
    status = 403


class WrongFields(ActRefused):
    """`fields`: what is wrong with which field."""

    status = 400

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__("; ".join(f"{name}: {words}" for name, words in self.fields.items()))


def require_role(user: User, team: Team, action: str) -> None:
    """Raises RoleTooLow."""
    if not Team.objects.where(user, action).filter(pk=team.pk).exists():
        raise RoleTooLow(f"In {team.name} this takes the role {LOWEST_ROLE[action]} or higher")

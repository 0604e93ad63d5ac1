"""Why an act at alerts, rules or silences is not done: nothing was written."""

from collections.abc import Mapping
from typing import ClassVar

from accounts.access import LOWEST_ROLE
from accounts.models import Team, User


class AlertActRefused(Exception):
    """`str(error)` is for people, `code` for machines, `status` is the API's."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 409


class RoleTooLow(AlertActRefused):
    code = "role_too_low"
    status = 403


class WrongValues(AlertActRefused):
    """`fields`: what is wrong with which field; of a rule's parameters by their own names."""

    code = "wrong_values"
    status = 400

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.fields = dict(fields)
        super().__init__("; ".join(f"{name}: {words}" for name, words in self.fields.items()))


class NoLongerOpen(AlertActRefused):
    """The alert is cleared, the mute lifted, the window over, the rule removed."""

    code = "no_longer_open"


class ClearsByItself(AlertActRefused):
    """A person cannot close what is still wrong, only acknowledge or mute it."""

    code = "clears_by_itself"


def require_role(user: User, team: Team, action: str) -> None:
    """Raises RoleTooLow."""
    if not Team.objects.where(user, action).filter(pk=team.pk).exists():
        raise RoleTooLow(f"In {team.name} this takes the role {LOWEST_ROLE[action]} or higher")

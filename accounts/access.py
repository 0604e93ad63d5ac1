"""Roles, and what each may do: the one table that every entrance asks."""

from django.db import models


class Role(models.TextChoices):
    """In rising order: each may do what the ones before it may."""

    VIEWER = "viewer", "viewer"
    OPERATOR = "operator", "operator"
    TRADER = "trader", "trader"
    MANAGER = "manager", "manager"


RANK = {role: rank for rank, role in enumerate(Role)}

SEE = "see"
MANAGE = "manage"
HANDLE_ALERTS = "handle_alerts"  # acknowledge, close, mute
# What is done in the portal and never sent to a bot.
NO_COMMANDS = (SEE, HANDLE_ALERTS, MANAGE)

# action -> the lowest role that may do it
LOWEST_ROLE: dict[str, Role] = {
    SEE: Role.VIEWER,
    "start": Role.OPERATOR,
    "stop": Role.OPERATOR,
    HANDLE_ALERTS: Role.OPERATOR,
    "pause": Role.OPERATOR,
    "reload_config": Role.OPERATOR,
    "lock_pair": Role.OPERATOR,
    "unlock": Role.OPERATOR,
    "blacklist_add": Role.OPERATOR,
    "blacklist_remove": Role.OPERATOR,
    "force_exit": Role.TRADER,
    "force_exit_all": Role.TRADER,
    "force_enter": Role.TRADER,
    "cancel_order": Role.TRADER,
    "delete_trade": Role.TRADER,
    "reload_trade": Role.TRADER,
    "place_order": Role.TRADER,
    "modify_position": Role.TRADER,
    MANAGE: Role.MANAGER,
}


def roles_for(action: str) -> list[Role]:
    """Every role that may do the action. Raises KeyError for an action nobody declared."""
    lowest = RANK[LOWEST_ROLE[action]]
    return [role for role in Role if RANK[role] >= lowest]


def may(role: str, action: str) -> bool:
    return role in roles_for(action)

"""Alerts: rules of a team, evaluated from what the database holds; what is wrong, who takes it on, who is told.

People: alerts_for, acknowledge, close, mute, plan_maintenance, save_rule. The tick evaluates; `delivering` tells.
"""

from bots.domain.alerts.handling import acknowledge, close, may_close
from bots.domain.alerts.kinds import KINDS, Param, RuleKind
from bots.domain.alerts.listing import (
    STATES,
    AlertQuery,
    alerts_for,
    count_open,
    forget_old,
    open_alerts,
    open_by_bot,
)
from bots.domain.alerts.refusing import ClearsByItself, NoLongerOpen, WrongValues
from bots.domain.alerts.rules import RuleWish, remove_rule, rules_of, save_rule
from bots.domain.alerts.silencing import end_maintenance, maintenance_of, mute, mutes_of, plan_maintenance, unmute
from bots.domain.refusing import ActRefused, RoleTooLow

__all__ = [
    "KINDS",
    "STATES",
    "ActRefused",
    "AlertQuery",
    "ClearsByItself",
    "NoLongerOpen",
    "Param",
    "RoleTooLow",
    "RuleKind",
    "RuleWish",
    "WrongValues",
    "acknowledge",
    "alerts_for",
    "close",
    "count_open",
    "end_maintenance",
    "forget_old",
    "maintenance_of",
    "may_close",
    "mute",
    "mutes_of",
    "open_alerts",
    "open_by_bot",
    "plan_maintenance",
    "remove_rule",
    "rules_of",
    "save_rule",
    "unmute",
]

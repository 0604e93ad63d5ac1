"""The kinds of rules: what each looks at, with which parameters, and how a team's rules begin. One table for all."""

from decimal import Decimal
from typing import NamedTuple

from bots.domain.events.kinds import ERROR, INFO, WARNING

MINUTES, HOURS, RATIO, COUNT, CHOICE = "minutes", "hours", "ratio", "times", "choice"


class Param(NamedTuple):
    """One parameter of a kind of rules. `unit`: minutes, hours, times (whole numbers), ratio (0.05 is 5 %), choice."""

    name: str
    label: str
    unit: str
    default: str
    least: Decimal = Decimal(1)
    most: Decimal = Decimal(1)
    choices: tuple[str, ...] = ()


def minutes(name: str, label: str, default: int, most: int = 7 * 24 * 60) -> Param:
    return Param(name, label, MINUTES, str(default), Decimal(1), Decimal(most))


def hours(name: str, label: str, default: int, most: int = 30 * 24) -> Param:
    return Param(name, label, HOURS, str(default), Decimal(1), Decimal(most))


def times(name: str, label: str, default: int, most: int = 1000) -> Param:
    return Param(name, label, COUNT, str(default), Decimal(1), Decimal(most))


def ratio(name: str, label: str, default: str) -> Param:
    return Param(name, label, RATIO, default, Decimal("0.001"), Decimal(1))


KEEP = hours("keep_hours", "Closed by itself after", 24)


class RuleKind(NamedTuple):
    """`lasting`: it stands while something is so, and clears when it ends; else it tells of events and is closed by a
    person or after `keep_hours`. `of_portal`: about the portal itself, not about a bot. `anew`: what happens after
    somebody acknowledged it is a new alert."""

    label: str
    sentence: str
    severity: str
    params: tuple[Param, ...] = ()
    lasting: bool = True
    of_portal: bool = False
    anew: bool = False


KINDS: dict[str, RuleKind] = {
    "unreachable": RuleKind(
        "Bot unreachable",
        "The bot has not answered for so long.",
        ERROR,
        (minutes("minutes", "Not answered for", 5),),
    ),
    "wrong_password": RuleKind("Wrong password", "The bot refuses the password the portal has for it.", ERROR),
    "silent": RuleKind(
        "Silent although running",
        "The bot answers and says it runs, but its trading loop has not turned for so long.",
        ERROR,
        (minutes("minutes", "Loop not turned for", 10),),
    ),
    "stopped": RuleKind(
        "Bot not running",
        "The bot answers and is stopped or paused for so long.",
        WARNING,
        (minutes("minutes", "Not running for", 60),),
    ),
    "stale": RuleKind(
        "Stale figures",
        "The bot answers, but its open trades could not be read for so long.",
        WARNING,
        (minutes("minutes", "Figures older than", 10),),
    ),
    "loss_today": RuleKind(
        "Loss today",
        "Trades closed today (the team's day) lost this part of what the bot had at the day's beginning.",
        ERROR,
        (ratio("ratio", "Lost today", "0.05"),),
    ),
    "loss_open": RuleKind(
        "Loss in open trades",
        "The bot's open trades together stand this far below their stake.",
        WARNING,
        (ratio("ratio", "Below the stake by", "0.1"),),
    ),
    "drawdown": RuleKind(
        "Drawdown",
        "What the bot has, open trades included, stands this far below its highest since the portal watches it.",
        ERROR,
        (ratio("ratio", "Below its highest by", "0.2"),),
    ),
    "no_trade": RuleKind(
        "No trade for an unusual time",
        "The running bot has opened and closed nothing for this many times its own usual gap between trades.",
        WARNING,
        (times("times", "Times its usual gap", 5), hours("least_hours", "And at least", 24)),
    ),
    "command_unknown": RuleKind(
        "Command's outcome unknown", "A command was sent, and nobody knows whether the bot did it.", ERROR
    ),
    "portal_lagging": RuleKind(
        "The portal lags",
        "Bots wait for a worker, or no relay listens, for so long.",
        ERROR,
        (minutes("minutes", "Lags for", 3, most=24 * 60),),
        of_portal=True,
    ),
    "log_messages": RuleKind(
        "Errors or warnings in the log",
        "The bot's log tells so many errors (or warnings) within so many minutes.",
        WARNING,
        (
            Param("level", "Level", CHOICE, "error", choices=("error", "warning")),
            times("count", "At least", 1),
            minutes("minutes", "Within", 60, most=24 * 60),
            hours("keep_hours", "Closed by itself after", 6),
        ),
        lasting=False,
    ),
    "config_changed": RuleKind(
        "Configuration changed", "The bot runs with other settings.", INFO, (KEEP,), lasting=False, anew=True
    ),
    "strategy_changed": RuleKind(
        "Strategy changed", "The bot runs another strategy.", WARNING, (KEEP,), lasting=False, anew=True
    ),
    "version_changed": RuleKind(
        "Version changed", "The bot runs another release.", INFO, (KEEP,), lasting=False, anew=True
    ),
    "mode_changed": RuleKind(
        "Live/dry changed",
        "The bot trades live and was dry, or the other way.",
        ERROR,
        (KEEP,),
        lasting=False,
        anew=True,
    ),
    "forced_outside": RuleKind(
        "Forced from outside",
        "Somebody forced an exit past the portal.",
        WARNING,
        (KEEP,),
        lasting=False,
        anew=True,
    ),
}


class FirstRule(NamedTuple):
    """A rule every team begins with, where it differs from what its kind says."""

    kind: str
    name: str
    enabled: bool = True
    severity: str = ""
    params: dict[str, str] = {}


FIRST_RULES = (
    *(FirstRule(name, kind.label, enabled=name != "stopped") for name, kind in KINDS.items() if name != "log_messages"),
    FirstRule("log_messages", "Errors in the log"),
    FirstRule("log_messages", "Many warnings in the log", severity=INFO, params={"level": "warning", "count": "20"}),
)

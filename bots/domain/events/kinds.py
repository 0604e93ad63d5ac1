"""The kinds of events: what each is called, how much it matters, and how a time line draws it. One table for all."""

from typing import NamedTuple

INFO, WARNING, ERROR = "info", "warning", "error"
SEVERITIES = (INFO, WARNING, ERROR)


class EventKind(NamedTuple):
    """`tone`: the time line's class; "profit": up or down by the sign of the event's profit."""

    label: str
    severity: str = INFO
    tone: str = ""
    group: str = "trades"


TRADES, BOT, CONNECTION, SETTINGS, COMMANDS = "trades", "bot", "connection", "settings", "commands"
GROUPS = {
    TRADES: "Trades and orders",
    BOT: "What bots say and do",
    CONNECTION: "Connections",
    SETTINGS: "Settings",
    COMMANDS: "Commands",
}
PROFIT = "profit"

KINDS: dict[str, EventKind] = {
    "entry_placed": EventKind("Entry placed"),
    "entry_filled": EventKind("Entry filled"),
    "entry_cancelled": EventKind("Entry cancelled"),
    "exit_placed": EventKind("Exit placed"),
    "exit_filled": EventKind("Exit filled", tone=PROFIT),
    "exit_cancelled": EventKind("Exit cancelled"),
    "trade_closed": EventKind("Trade closed", tone=PROFIT),
    "forced_outside": EventKind("Forced from outside", WARNING, "t-warn"),
    "protection": EventKind("Protection", WARNING, "t-warn", BOT),
    "lock_added": EventKind("Pair locked", group=BOT),
    "lock_gone": EventKind("Pair lock released", group=BOT),
    "warning": EventKind("Warning", WARNING, "t-warn", BOT),
    "exception": EventKind("Error", ERROR, "t-down", BOT),
    "strategy_message": EventKind("Strategy message", group=BOT),
    "started": EventKind("Started", group=BOT),
    "stopped": EventKind("Stopped", WARNING, "t-warn", BOT),
    "paused": EventKind("Paused", WARNING, "t-warn", BOT),
    "reloaded": EventKind("Reloaded", group=BOT),
    "run_began": EventKind("New database", WARNING, "t-warn", BOT),
    "connection_lost": EventKind("Connection lost", ERROR, "t-down", CONNECTION),
    "connection_found": EventKind("Connection found", group=CONNECTION),
    "config_changed": EventKind("Configuration changed", WARNING, "t-warn", SETTINGS),
    "version_changed": EventKind("Version changed", WARNING, "t-warn", SETTINGS),
    "mode_changed": EventKind("Live/dry changed", ERROR, "t-warn", SETTINGS),
    "command_asked": EventKind("Command asked", tone="t-cmd", group=COMMANDS),
    "command_waiting": EventKind("Command waits for approval", tone="t-cmd", group=COMMANDS),
    "command_approved": EventKind("Command approved", tone="t-cmd", group=COMMANDS),
    "command_sent": EventKind("Command sent", tone="t-cmd", group=COMMANDS),
    "command_done": EventKind("Command done", tone="t-cmd", group=COMMANDS),
    "command_refused": EventKind("Command refused", WARNING, "t-cmd", COMMANDS),
    "command_unknown": EventKind("Command's outcome unknown", ERROR, "t-cmd", COMMANDS),
    "command_cancelled": EventKind("Command cancelled", tone="t-cmd", group=COMMANDS),
    "command_expired": EventKind("Command expired", WARNING, "t-cmd", COMMANDS),
}

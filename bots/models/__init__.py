"""The tables. Facts of one row are methods, sets are querysets."""

from bots.models.alert import Alert, AlertClock, AlertDefaults, AlertRule, EquityPeak, Maintenance, Mute
from bots.models.audit import AuditEntry
from bots.models.bot import Bot
from bots.models.command import Command, CommandBatch, FourEyes
from bots.models.connection_test import ConnectionTest
from bots.models.delivery import Delivery, Destination
from bots.models.event import Event
from bots.models.installation import Installation
from bots.models.relay import RelayLease, RelayProcess
from bots.models.rollup import BotDay, BotLifetime, TeamDay
from bots.models.status import BotReading, BotStatus, ConfigVersion, PollTurn, Snapshot
from bots.models.trade import BotRun, Trade

__all__ = [
    "Alert",
    "AlertClock",
    "AlertDefaults",
    "AlertRule",
    "AuditEntry",
    "Bot",
    "BotDay",
    "BotLifetime",
    "BotReading",
    "BotRun",
    "BotStatus",
    "Command",
    "CommandBatch",
    "ConfigVersion",
    "ConnectionTest",
    "Delivery",
    "Destination",
    "EquityPeak",
    "Event",
    "FourEyes",
    "Installation",
    "Maintenance",
    "Mute",
    "PollTurn",
    "RelayLease",
    "RelayProcess",
    "Snapshot",
    "TeamDay",
    "Trade",
]

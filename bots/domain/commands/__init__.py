"""Commands: asked, written down, sent at most once, and followed to their end. All other code uses these doors.

ask(...) writes the wish down; the outbox of a worker sends it; sweep(...) is the tick's; the reading of what is unknown
never sends anything.
"""

from bots.domain.audit import AuditUnavailable
from bots.domain.commands.approving import (
    FOUR_EYES_ACTIONS,
    AskerMayNot,
    SecondPersonNeeded,
    approve,
    awaiting,
    decline,
    four_eyes_of,
    may_decide,
    set_four_eyes,
)
from bots.domain.commands.asking import Asked, ask
from bots.domain.commands.ending import cancel, close
from bots.domain.commands.handing import hand_over, hand_over_on_commit, on_intent
from bots.domain.commands.offering import Offer, acts_on, offers, offers_for, trade_offers, trade_offers_for
from bots.domain.commands.refusing import (
    BotNotReady,
    CapabilityMissing,
    CommandRefused,
    Duplicate,
    KeyUsedOtherwise,
    NothingIsSent,
    ReasonMissing,
    RoleTooLow,
    TradeChanged,
    WrongParams,
    WrongState,
)
from bots.domain.commands.sending import Outbox, outbox, stop_outbox
from bots.domain.commands.sweeping import Swept, begin_alone, sweep
from bots.domain.commands.wording import WORDS, about

__all__ = [
    "FOUR_EYES_ACTIONS",
    "WORDS",
    "Asked",
    "AskerMayNot",
    "AuditUnavailable",
    "BotNotReady",
    "CapabilityMissing",
    "CommandRefused",
    "Duplicate",
    "KeyUsedOtherwise",
    "NothingIsSent",
    "Offer",
    "Outbox",
    "ReasonMissing",
    "RoleTooLow",
    "SecondPersonNeeded",
    "Swept",
    "TradeChanged",
    "WrongParams",
    "WrongState",
    "about",
    "acts_on",
    "approve",
    "ask",
    "awaiting",
    "begin_alone",
    "cancel",
    "close",
    "decline",
    "four_eyes_of",
    "hand_over",
    "hand_over_on_commit",
    "may_decide",
    "offers",
    "offers_for",
    "on_intent",
    "outbox",
    "set_four_eyes",
    "stop_outbox",
    "sweep",
    "trade_offers",
    "trade_offers_for",
]

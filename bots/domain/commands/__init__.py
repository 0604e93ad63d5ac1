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
from bots.domain.commands.batches import (
    AskedMany,
    BatchKeyUsed,
    Progress,
    approve_all,
    ask_many,
    must_be_typed,
    progress,
    progress_of_each,
    repeat_refused,
    stop,
)
from bots.domain.commands.ending import cancel, close
from bots.domain.commands.handing import hand_over, hand_over_on_commit, on_intent
from bots.domain.commands.kill_switch import KILLS, bots_of, check_batches, post_check, pull
from bots.domain.commands.offering import Offer, acts_on, offers, offers_for, trade_offers, trade_offers_for
from bots.domain.commands.previewing import MANY_AT_ONCE, NothingToDo, PreviewLine, preview
from bots.domain.commands.refusing import (
    BotNotReady,
    CapabilityMissing,
    Duplicate,
    KeyUsedOtherwise,
    NothingIsSent,
    ReasonMissing,
    TradeChanged,
    WrongParams,
    WrongState,
)
from bots.domain.commands.sending import Outbox, outbox, stop_outbox
from bots.domain.commands.sweeping import Swept, begin_alone, sweep
from bots.domain.commands.wording import WORDS, about
from bots.domain.refusing import ActRefused, RoleTooLow

__all__ = [
    "FOUR_EYES_ACTIONS",
    "KILLS",
    "MANY_AT_ONCE",
    "WORDS",
    "ActRefused",
    "Asked",
    "AskedMany",
    "AskerMayNot",
    "AuditUnavailable",
    "BatchKeyUsed",
    "BotNotReady",
    "CapabilityMissing",
    "Duplicate",
    "KeyUsedOtherwise",
    "NothingIsSent",
    "NothingToDo",
    "Offer",
    "Outbox",
    "PreviewLine",
    "Progress",
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
    "approve_all",
    "ask",
    "ask_many",
    "awaiting",
    "begin_alone",
    "bots_of",
    "cancel",
    "check_batches",
    "close",
    "decline",
    "four_eyes_of",
    "hand_over",
    "hand_over_on_commit",
    "may_decide",
    "must_be_typed",
    "offers",
    "offers_for",
    "on_intent",
    "outbox",
    "post_check",
    "preview",
    "progress",
    "progress_of_each",
    "pull",
    "repeat_refused",
    "set_four_eyes",
    "stop",
    "stop_outbox",
    "sweep",
    "trade_offers",
    "trade_offers_for",
]

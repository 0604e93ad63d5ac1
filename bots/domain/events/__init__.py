"""What happened: kept as rows (`record`), and announced to every open page (`announce`)."""

from bots.domain.events.announcing import GROUP, LAYER_FAILURES, Changed, announce, use_loop
from bots.domain.events.kinds import KINDS, EventKind
from bots.domain.events.recording import ALARM, Happened, record, subject_of, words_of

__all__ = [
    "ALARM",
    "GROUP",
    "KINDS",
    "LAYER_FAILURES",
    "Changed",
    "EventKind",
    "Happened",
    "announce",
    "record",
    "subject_of",
    "use_loop",
    "words_of",
]

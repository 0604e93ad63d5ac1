"""What happened: kept as rows (`record`), and announced to every open page (`announce`)."""

from bots.domain.events.announcing import GROUP, Changed, announce, layer_failures, use_loop
from bots.domain.events.kinds import KINDS, EventKind
from bots.domain.events.recording import ALARM, Happened, record, subject_of, words_of

__all__ = [
    "ALARM",
    "GROUP",
    "KINDS",
    "Changed",
    "EventKind",
    "Happened",
    "announce",
    "layer_failures",
    "record",
    "subject_of",
    "use_loop",
    "words_of",
]

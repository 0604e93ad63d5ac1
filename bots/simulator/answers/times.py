"""The bots' ways of writing a moment. Arguments are epoch milliseconds."""

from datetime import UTC, datetime


def text(ms: int | None) -> str | None:
    """UTC without zone, `YYYY-MM-DD HH:MM:SS`."""
    return None if ms is None else moment(ms).strftime("%Y-%m-%d %H:%M:%S")


def moment(ms: float) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def iso(ms: float, zulu: bool) -> str:
    """`...Z` as from 2023.8 on, `...+00:00` before."""
    written = moment(ms).isoformat()
    return written.replace("+00:00", "Z") if zulu else written


FORMER_REASONS = {"exit_signal": "sell_signal", "force_exit": "force_sell"}


def reason(word: str | None, renamed: bool) -> str | None:
    """An exit's reason; some had other names before 2022.4."""
    return word if renamed or word is None else FORMER_REASONS.get(word, word)


def ago(ms: int, now_ms: float) -> str:
    """'10 seconds ago', '2 months ago'; '' for no moment at all."""
    if not ms:
        return ""
    seconds = max(0, int((now_ms - ms) / 1000))
    for size, word in ((2_592_000, "month"), (86_400, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        if seconds >= size:
            count = seconds // size
            return f"{count} {word}s ago" if count > 1 else f"{'an' if word == 'hour' else 'a'} {word} ago"
    return "just now"

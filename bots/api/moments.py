from datetime import UTC, datetime


def from_ms(epoch_ms: int | None) -> datetime | None:
    """The moment in UTC; None stays unknown."""
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000, UTC)

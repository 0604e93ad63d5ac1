"""What became of one try to tell somebody."""

from dataclasses import dataclass

TAKEN = "taken"
REFUSED = "refused"  # asking again changes nothing: a person must act
AGAIN = "again"  # it has certainly not arrived, and may the next time
UNSURE = "unsure"  # it left, and no answer came: it may have arrived


@dataclass(frozen=True)
class Outcome:
    """`code` is for machines, `words` for people; neither holds anything the other side wrote, nor a secret.

    `retry_after`: seconds the other side asked us to wait."""

    verdict: str
    code: str
    words: str
    retry_after: float | None = None

    @property
    def taken(self) -> bool:
        return self.verdict == TAKEN


def of_status(status: int, who: str, retry_after: float | None = None) -> Outcome:
    """An HTTP answer: 2xx is taken, 408, 429 and 5xx may pass, everything else is for a person to mend."""
    words = f"{who} answered {status}"
    if 200 <= status < 300:
        return Outcome(TAKEN, "", words)
    if status in (408, 429) or status >= 500:
        return Outcome(AGAIN, f"http_{status}", words, retry_after)
    return Outcome(REFUSED, f"http_{status}", words)

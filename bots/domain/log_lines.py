"""What a log line about one bot carries beside its words."""

from bots.models import BotRun


def about(slug: str, run: BotRun | None = None) -> dict[str, object]:
    """The `extra` of such a line: whoever collects logs as JSON finds all of one bot, or of one run of it."""
    return {"bot": slug} if run is None else {"bot": slug, "run": run.number}

"""The highest each bot's trades ever stood, from which its drawdown counts; begins anew with another database."""

import logging

from django.db import Error as DatabaseFailure

from bots.domain.alerts.evaluating.lasting import equity_of
from bots.domain.alerts.evaluating.looking import Scene, Watched
from bots.domain.log_lines import about
from bots.models import EquityPeak

log = logging.getLogger(__name__)


def higher(scene: Scene) -> list[EquityPeak]:
    """The peaks that are new, also put into the scene."""
    new = []
    for bot in (bot for bots in scene.bots.values() for bot in bots):
        try:
            peak = higher_of(bot, scene)
        except DatabaseFailure:
            raise
        except Exception:  # whatever a bot's figures do to our code: the other bots are looked at
            log.exception("%s: what it has made cannot be told", bot.slug, extra=about(bot.slug))
            continue
        if peak is not None:
            scene.peaks[bot.bot_id] = peak
            new.append(peak)
    return new


def higher_of(bot: Watched, scene: Scene) -> EquityPeak | None:
    equity = equity_of(bot, scene)
    if equity is None:
        return None
    run, peak = scene.runs[bot.bot_id], scene.peaks.get(bot.bot_id)
    if peak is not None and peak.run_id == run.run_id and equity <= peak.profit:
        return None
    return EquityPeak(bot_id=bot.bot_id, run_id=run.run_id, profit=equity, at=scene.now)


def write(peaks: list[EquityPeak]) -> None:
    EquityPeak.objects.bulk_create(
        peaks, update_conflicts=True, unique_fields=["bot"], update_fields=["run", "profit", "at"]
    )

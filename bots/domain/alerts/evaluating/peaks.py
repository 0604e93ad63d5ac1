"""The highest each bot's trades ever stood, from which its drawdown counts; begins anew with another database."""

from bots.domain.alerts.evaluating.lasting import equity_of
from bots.domain.alerts.evaluating.looking import Scene
from bots.models import EquityPeak


def higher(scene: Scene) -> list[EquityPeak]:
    """The peaks that are new, also put into the scene."""
    new = []
    for bot in (bot for bots in scene.bots.values() for bot in bots):
        equity = equity_of(bot, scene)
        if equity is None:
            continue
        run, peak = scene.runs[bot.bot_id], scene.peaks.get(bot.bot_id)
        if peak is None or peak.run_id != run.run_id or equity > peak.profit:
            peak = EquityPeak(bot_id=bot.bot_id, run_id=run.run_id, profit=equity, at=scene.now)
            scene.peaks[bot.bot_id] = peak
            new.append(peak)
    return new


def write(peaks: list[EquityPeak]) -> None:
    EquityPeak.objects.bulk_create(
        peaks, update_conflicts=True, unique_fields=["bot"], update_fields=["run", "profit", "at"]
    )

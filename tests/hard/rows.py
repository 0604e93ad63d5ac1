"""Bots as rows, written directly."""

from accounts.models import Team
from bots.models import Bot, BotStatus, PollTurn


def connected(team: Team, url: str, name: str = "btc-trend-01") -> Bot:
    """The address as a connection of the team, never polled yet."""
    bot = Bot(team=team, name=name, system="freqtrade", connection={"url": url, "username": "alice"})
    bot.slug = bot.free_slug()
    bot.set_secret("password", "s3cret")
    bot.save()
    BotStatus.objects.create(bot=bot)
    PollTurn.objects.create(bot=bot)
    return bot

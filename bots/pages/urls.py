"""Which path leads to which page."""

from django.urls import path

from bots.pages import bot, connections, fleet, team, trades

urlpatterns = [
    path("", fleet.fleet, name="fleet"),
    path("trades/", trades.trades, name="trades"),
    path("trades/<int:pk>/", trades.trade, name="trade"),
    path("team/", team.team, name="team"),
    path("bots/add/", connections.add, name="bot_add"),
    path("bots/<slug:slug>/", bot.bot, name="bot"),
    path("bots/<slug:slug>/edit/", connections.edit, name="bot_edit"),
    path("bots/<slug:slug>/retire/", connections.retire, name="bot_retire"),
    path("bots/<slug:slug>/pause/", connections.pause, name="bot_pause"),
    path("bots/<slug:slug>/resume/", connections.resume, name="bot_resume"),
    path("bots/<slug:slug>/poll-now/", connections.ask_now, name="bot_poll_now"),
]

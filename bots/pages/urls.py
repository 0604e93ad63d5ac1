"""Which path leads to which page."""

from django.urls import path

from bots.pages import (
    audit_page,
    bot,
    command_forms,
    commands,
    connections,
    drift,
    events,
    fleet,
    four_eyes,
    importing,
    team,
    trades,
)

urlpatterns = [
    path("", fleet.fleet, name="fleet"),
    path("trades/", trades.trades, name="trades"),
    path("trades/<int:pk>/", trades.trade, name="trade"),
    path("trades/<int:pk>/do/<slug:action>/", command_forms.at_trade, name="trade_do"),
    path("commands/", commands.commands, name="commands"),
    path("commands/<int:pk>/", commands.command, name="command"),
    path("commands/<int:pk>/cancel/", commands.cancel, name="command_cancel"),
    path("commands/<int:pk>/approve/", commands.approve, name="command_approve"),
    path("commands/<int:pk>/decline/", commands.decline, name="command_decline"),
    path("commands/<int:pk>/close/", commands.close, name="command_close"),
    path("audit/", audit_page.audit, name="audit"),
    path("events/", events.events, name="events"),
    path("team/", team.team, name="team"),
    path("drift/", drift.drift, name="drift"),
    path("team/<slug:slug>/four-eyes/", four_eyes.change, name="four_eyes"),
    path("team/<slug:slug>/import/", importing.import_list, name="import_bots"),
    path("team/<slug:slug>/export.csv", importing.export_list, {"form": "csv"}, name="export_csv"),
    path("team/<slug:slug>/export.yaml", importing.export_list, {"form": "yaml"}, name="export_yaml"),
    path("bots/add/", connections.add, name="bot_add"),
    path("bots/<slug:slug>/", bot.bot, name="bot"),
    path("bots/<slug:slug>/do/", command_forms.bot_acts, name="bot_acts"),
    path("bots/<slug:slug>/do/<slug:action>/", command_forms.at_bot, name="bot_do"),
    path("bots/<slug:slug>/edit/", connections.edit, name="bot_edit"),
    path("bots/<slug:slug>/retire/", connections.retire, name="bot_retire"),
    path("bots/<slug:slug>/pause/", connections.pause, name="bot_pause"),
    path("bots/<slug:slug>/resume/", connections.resume, name="bot_resume"),
    path("bots/<slug:slug>/poll-now/", connections.ask_now, name="bot_poll_now"),
]

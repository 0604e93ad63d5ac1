from django.urls import path

from bots.api import audit, bots, commands, connection_tests, drift, events, fleet, readings, reports, schema, trades

urlpatterns = [
    path("schema/", schema.Schema.as_view(), name="api-schema"),
    path("docs/", schema.Docs.as_view(), name="api-docs"),
    path("fleet/", fleet.FleetTotals.as_view(), name="api-fleet"),
    path("fleet/drift/", drift.FleetDrift.as_view(), name="api-fleet-drift"),
    path("events/", events.Events.as_view(), name="api-events"),
    path("reports/profit/", reports.ProfitReport.as_view(), name="api-report"),
    path("trades/", trades.Trades.as_view(), name="api-trades"),
    path("trades/<int:pk>/", trades.OneTrade.as_view(), name="api-trade"),
    path("bots/", bots.Bots.as_view(), name="api-bots"),
    # No bot can have this slug (bots.models.bot.RESERVED_SLUGS).
    path("bots/test/", connection_tests.TestConnection.as_view(), name="api-bot-test"),
    path("bots/test/<uuid:uuid>/", connection_tests.TestOutcome.as_view(), name="api-bot-test-outcome"),
    path("bots/<slug:slug>/", bots.OneBot.as_view(), name="api-bot"),
    path("bots/<slug:slug>/snapshots/", readings.Snapshots.as_view(), name="api-bot-snapshots"),
    path("bots/<slug:slug>/trades/", trades.BotTrades.as_view(), name="api-bot-trades"),
    path("bots/<slug:slug>/events/", events.BotEvents.as_view(), name="api-bot-events"),
    path("bots/<slug:slug>/performance/", readings.PerformanceByPair.as_view(), name="api-bot-performance"),
    path("bots/<slug:slug>/balance/", readings.Balance.as_view(), name="api-bot-balance"),
    path("bots/<slug:slug>/logs/", readings.LogLines.as_view(), name="api-bot-logs"),
    path("bots/<slug:slug>/locks/", readings.PairLocks.as_view(), name="api-bot-locks"),
    path("bots/<slug:slug>/config/", readings.Configuration.as_view(), name="api-bot-config"),
    path("bots/<slug:slug>/commands/", commands.BotCommands.as_view(), name="api-bot-commands"),
    path("commands/", commands.Commands.as_view(), name="api-commands"),
    path("commands/<int:number>/", commands.OneCommand.as_view(), name="api-command"),
    path("commands/<int:number>/cancel/", commands.CancelCommand.as_view(), name="api-command-cancel"),
    path("commands/<int:number>/close/", commands.CloseCommand.as_view(), name="api-command-close"),
    path("commands/<int:number>/approve/", commands.ApproveCommand.as_view(), name="api-command-approve"),
    path("commands/<int:number>/decline/", commands.DeclineCommand.as_view(), name="api-command-decline"),
    path("teams/<slug:team>/four-eyes/", commands.TeamFourEyes.as_view(), name="api-team-four-eyes"),
    path("audit/", audit.Audit.as_view(), name="api-audit"),
    path("audit/verify/", audit.VerifyAudit.as_view(), name="api-audit-verify"),
    path("audit/export.csv", audit.ExportAuditCsv.as_view(), name="api-audit-csv"),
    path("audit/export.jsonl", audit.ExportAuditJson.as_view(), name="api-audit-jsonl"),
]

"""Every route of the project that changes something, and who may use it. A route that is missing here fails the test.

(route, method) -> (lowest role, what its path names, body). Who belongs to another team finds nothing; a superuser of
no team is a stranger to its bots.
"""

from datetime import UTC, datetime, timedelta

SOON = (datetime.now(UTC) + timedelta(days=2)).isoformat()
CONNECTION = {"url": "http://10.8.0.13:8080", "username": "freqtrader", "password": "let-me-in"}
TYPED = {**CONNECTION, "name": "New", "system": "freqtrade", "act": "save"}
MAIL = {"kind": "mail", "name": "New", "address": "new@example.org", "least": "error", "most_per_hour": "9"}
NEW = {"team": "alpha", "system": "freqtrade", "connection": CONNECTION}

API = {
    ("api-bots", "POST"): ("manager", {}, {**NEW, "name": "New"}),
    ("api-bot-test", "POST"): ("manager", {}, NEW),
    ("api-bot", "PATCH"): ("manager", {"slug": "bot"}, {"name": "Renamed"}),
    ("api-bot", "DELETE"): ("manager", {"slug": "bot"}, None),
    ("api-bot-commands", "POST"): ("operator", {"slug": "bot"}, {"action": "reload_config"}),
    ("api-command-cancel", "POST"): ("operator", {"number": "waiting"}, None),
    ("api-command-close", "POST"): ("operator", {"number": "unknown"}, {"remark": "seen"}),
    ("api-command-approve", "POST"): ("operator", {"number": "waiting"}, None),
    ("api-command-decline", "POST"): ("operator", {"number": "waiting"}, {"remark": "no"}),
    ("api-batches", "POST"): ("operator", {}, {"team": "alpha", "bots": ["trend"], "action": "stop"}),
    ("api-batch-stop", "POST"): ("operator", {"batch": "batch"}, None),
    ("api-batch-repeat", "POST"): ("operator", {"batch": "batch"}, {}),
    ("api-batch-approve", "POST"): ("operator", {"batch": "batch"}, None),
    ("api-destinations", "POST"): (
        "manager",
        {},
        {"team": "alpha", "kind": "mail", "name": "New", "address": "x@example.org"},
    ),
    ("api-destination", "PATCH"): ("manager", {"number": "destination"}, {"name": "Renamed"}),
    ("api-destination", "DELETE"): ("manager", {"number": "destination"}, None),
    ("api-destination-test", "POST"): ("manager", {"number": "destination"}, None),
    ("api-alert-acknowledge", "POST"): ("operator", {"number": "alert"}, {"remark": "mine"}),
    ("api-alert-close", "POST"): ("operator", {"number": "alert"}, {"remark": "seen"}),
    ("api-mutes", "POST"): ("operator", {}, {"team": "alpha", "bot": "trend", "until": SOON}),
    ("api-mute", "DELETE"): ("operator", {"number": "mute"}, None),
    ("api-maintenance", "POST"): ("manager", {}, {"team": "alpha", "bot": "trend", "ends_at": SOON}),
    ("api-maintenance-window", "DELETE"): ("manager", {"number": "window"}, None),
    ("api-alert-rules", "POST"): ("manager", {}, {"team": "alpha", "kind": "stale", "params": {"minutes": 7}}),
    ("api-alert-rule", "PATCH"): ("manager", {"number": "rule"}, {"name": "Renamed"}),
    ("api-alert-rule", "DELETE"): ("manager", {"number": "rule"}, None),
    ("api-team-four-eyes", "PUT"): ("manager", {"team": "team"}, {"actions": ["stop"]}),
}
PAGES = {
    ("trade_do", "POST"): ("trader", {"pk": "trade", "action": "force_exit"}, {"reason": "x"}),
    ("bot_do", "POST"): ("operator", {"slug": "bot", "action": "reload_config"}, {}),
    ("command_cancel", "POST"): ("operator", {"pk": "waiting"}, {}),
    ("command_approve", "POST"): ("operator", {"pk": "waiting"}, {}),
    ("command_decline", "POST"): ("operator", {"pk": "waiting"}, {"remark": "no"}),
    ("command_close", "POST"): ("operator", {"pk": "unknown"}, {"remark": "seen"}),
    ("batch_new", "POST"): ("operator", {}, {"team": "alpha", "bot": ["trend"], "action": "stop"}),
    ("batch_stop", "POST"): ("operator", {"pk": "batch"}, {}),
    ("batch_repeat", "POST"): ("operator", {"pk": "batch"}, {}),
    ("batch_approve", "POST"): ("operator", {"pk": "batch"}, {}),
    ("kill_switch", "POST"): ("operator", {"slug": "team"}, {"kind": "pause_all", "typed": "Alpha"}),
    ("four_eyes", "POST"): ("manager", {"slug": "team"}, {"actions": ["stop"], "wait_minutes": "10"}),
    ("import_bots", "POST"): ("manager", {"slug": "team"}, {"list": "name,url\na,http://10.8.0.14:8080\n"}),
    ("bot_add", "POST"): ("manager", {}, {**TYPED, "team": "alpha"}),
    ("bot_edit", "POST"): ("manager", {"slug": "bot"}, {**TYPED, "name": "Renamed"}),
    ("bot_retire", "POST"): ("manager", {"slug": "bot"}, {"typed": "trend"}),
    ("bot_pause", "POST"): ("manager", {"slug": "bot"}, {}),
    ("bot_resume", "POST"): ("manager", {"slug": "bot"}, {}),
    ("bot_poll_now", "POST"): ("manager", {"slug": "bot"}, {}),
    ("alert_acknowledge", "POST"): ("operator", {"pk": "alert"}, {"remark": "mine"}),
    ("alert_close", "POST"): ("operator", {"pk": "alert"}, {"remark": "seen"}),
    ("alert_mute", "POST"): ("operator", {"slug": "team"}, {"bot": "trend", "hours": "1"}),
    ("alert_unmute", "POST"): ("operator", {"slug": "team", "pk": "mute"}, {}),
    ("alert_rule_new", "POST"): ("manager", {"slug": "team"}, {"kind": "stopped", "p-minutes": "5"}),
    ("alert_rule", "POST"): ("manager", {"slug": "team", "pk": "rule"}, {"name": "Renamed", "p-keep_hours": "3"}),
    ("alert_rule_switch", "POST"): ("manager", {"slug": "team", "pk": "rule"}, {}),
    ("alert_rule_remove", "POST"): ("manager", {"slug": "team", "pk": "rule"}, {}),
    ("maintenance", "POST"): ("manager", {"slug": "team"}, {"hours": "1"}),
    ("maintenance_end", "POST"): ("manager", {"slug": "team", "pk": "window"}, {}),
    ("destination_new", "POST"): ("manager", {"slug": "team"}, MAIL),
    ("destination", "POST"): ("manager", {"slug": "team", "pk": "destination"}, {**MAIL, "name": "Renamed"}),
    ("destination_test", "POST"): ("manager", {"slug": "team", "pk": "destination"}, {}),
    ("destination_remove", "POST"): ("manager", {"slug": "team", "pk": "destination"}, {}),
    ("invite", "POST"): ("manager", {"slug": "team"}, {"email": "x@example.org", "role": "viewer"}),
    ("withdraw_invitation", "POST"): ("manager", {"slug": "team", "invitation_id": "invitation"}, {}),
    ("change_role", "POST"): ("manager", {"slug": "team", "member_id": "member"}, {"role": "trader"}),
    ("remove_member", "POST"): ("manager", {"slug": "team", "member_id": "member"}, {}),
}
# Where the answer to somebody outside is another than 404: whoever manages no team at all is refused the form.
OTHERWISE = {("bot_add", "superuser"): 403}
# These take a POST and change nothing: by whom they may be used stands in their own tests.
ONLY_READ_BY_POST = {"api-audit-verify", "api-batch-preview", "audit"}
# Of nobody, or of the person himself alone.
OPEN = {"login", "setup", "password_reset", "password_reset_confirm", "invitation", "token", "token_refresh"}
OPEN |= {"token_revoke", "logout"}
PROBES = {"livez", "readyz", "metrics"}  # of machines: whatever the method, they only answer
OF_ONESELF = {"account", "end_all_sessions", "end_api_session", "password_change"}
READING = {
    "me", "api-schema", "api-docs", "api-fleet", "api-fleet-drift", "api-events", "api-report", "api-trades",
    "api-trade", "api-deliveries",
    "api-bot-test-outcome", "api-bot-snapshots", "api-bot-trades", "api-bot-events", "api-bot-performance",
    "api-bot-balance", "api-bot-logs", "api-bot-locks", "api-bot-config", "api-commands", "api-command", "api-batch",
    "api-audit", "api-audit-csv", "api-audit-jsonl", "password_reset_done", "password_reset_complete",
    "fleet", "trades", "trade", "commands", "command", "events", "team", "drift", "export_csv", "export_yaml", "bot",
    "bot_acts", "reports", "batch", "toasts", "alerts", "alert", "alert_rules", "destinations",
    "api-alerts", "api-alert", "api-alert-rule-kinds",
}  # fmt: skip
# In the admin only these models may be changed, by superusers; all others are there to be looked at.
WRITABLE = {"accounts_user", "accounts_team", "accounts_allowedorigin", "bots_bot"}
ADMIN_DOORS = {"login", "logout", "jsi18n", "password_change", "password_change_done"}

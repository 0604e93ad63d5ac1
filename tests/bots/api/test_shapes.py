"""The description of the API is true: every answer has the fields its shape names, and no others."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from bots.api import alert_shapes, audit_shapes, batch_shapes, command_shapes, shapes
from bots.domain import alerts, commands
from bots.domain.audit import Act, Actor, append
from bots.domain.events import Happened, record
from bots.models import Alert, ConfigVersion, ConnectionTest, Snapshot
from tests import builders

REPORT = {"totals", "group_by", "from", "to", "tz", "bots", "fresh", "oldest_age_seconds", "not_whole"}
AGE = {"open", "read_at", "age_seconds", "stale", "error"}
ORDER = dict.fromkeys(
    ("order_id", "side", "kind", "status", "rate", "amount", "filled", "remaining", "cost", "tag"), "1"
)
COIN = dict.fromkeys(("currency", "free", "used", "total", "value", "bot_value"), "1")
GAP = {"figure": "x", "reason": "y"}


@pytest.fixture
def everything(alpha, alice):
    bot = builders.a_bot(alpha, "trend", status={"missing": [GAP], "capabilities": ["stop", "reload_trade"]})
    orders = [{**ORDER, "is_open": False, "placed_ms": 1, "filled_ms": 1}]
    trade = builders.a_trade(bot, "1", orders=orders, missing=[GAP])
    Snapshot.objects.create(bot=bot, at=timezone.now(), state="running", mode="live", currency="USDT")
    totals = {"total": "1", "bot_total": "1", "starting_capital": "1"}
    balance = {"currency": "USDT", **totals, "currencies": [{**COIN, "bot_managed": True}], "note": ""}
    builders.a_reading(bot, "balance", {**balance, "missing": [GAP]})
    pair = {"pair": "ETH/USDT", "trades": 1, "profit_abs": "1", "profit_ratio": "1"}
    builders.a_reading(bot, "performance", {"currency": "USDT", "pairs": [pair]})
    builders.a_reading(bot, "logs", {"lines": [{"at_ms": 1, "logger": "l", "level": "INFO", "message": "m"}]})
    lock = {"lock_id": "1", "pair": "*", "side": "*", "reason": "r", "from_ms": 1, "until_ms": 2, "active": True}
    builders.a_reading(bot, "locks", {"locks": [lock]})
    change = {"name": "n", "before": 1, "after": 2}
    ConfigVersion.objects.create(bot=bot, settings={"n": 2}, changes=[change], seen_at=timezone.now())
    other = builders.a_bot(alpha, "other", status={"seen_at": None})
    ConfigVersion.objects.create(bot=other, settings={"n": 3}, seen_at=timezone.now())
    told = {"kind": "warning", "team_id": alpha.pk, "bot_id": bot.pk, "at": timezone.now(), "key": "k", "text": "t"}
    record([Happened(**told)])
    test = ConnectionTest.objects.create(requested_by=alice, team=alpha, system="freqtrade")
    with transaction.atomic():
        append(Act.on_bot("bot_paused", Actor("alice"), bot))
    command = commands.ask(Actor("alice"), alice, bot, "stop", {}).command
    batch = commands.ask_many(Actor("alice"), alice, alpha, [bot, other], "stop", {}).batch
    told = {"command": command.pk, "batch": batch.pk, **alerts_of(bot, alice)}
    return {"trade": trade.pk, "test": test.uuid, **told}


def alerts_of(bot, alice):
    team, now = bot.team, timezone.now()
    rule = alerts.save_rule(Actor("alice"), alice, team, alerts.RuleWish("stale", bot=bot.slug))
    alert = Alert.objects.create(team=team, bot=bot, rule=rule, kind="stale", key="k", severity="error", since=now)
    span = {"starts_at": now, "ends_at": now + timedelta(hours=1)}
    alerts.mute(Actor("alice"), alice, team, until=span["ends_at"], rule=rule, bot=bot)
    alerts.plan_maintenance(Actor("alice"), alice, team, bot=bot, **span)
    return {"alert": alert.pk, "rule": rule.pk}


@pytest.mark.parametrize(
    ("path", "shape", "listed"),
    [
        ("bots/", shapes.BotShape, True),
        ("bots/trend/", shapes.BotDetailShape, False),
        ("trades/", shapes.TradeShape, True),
        ("bots/trend/trades/", shapes.TradeShape, True),
        ("events/", shapes.EventShape, True),
        ("bots/trend/events/", shapes.EventShape, True),
        ("trades/{trade}/", shapes.TradeDetailShape, False),
        ("bots/trend/snapshots/", shapes.SnapshotShape, True),
        ("bots/trend/performance/", shapes.PairPerformanceShape, True),
        ("bots/trend/logs/", shapes.LogLineShape, True),
        ("bots/trend/locks/", shapes.LockShape, True),
        ("bots/trend/balance/", shapes.BalanceShape, False),
        ("bots/trend/config/", shapes.ConfigShape, False),
        ("bots/test/{test}/", shapes.ConnectionTestShape, False),
        ("fleet/", shapes.FleetShape, False),
        ("reports/profit/", shapes.ReportRowShape, True),
        ("fleet/drift/", shapes.DriftShape, False),
        ("commands/", command_shapes.CommandShape, True),
        ("bots/trend/commands/", command_shapes.CommandShape, True),
        ("commands/{command}/", command_shapes.CommandShape, False),
        ("batches/", batch_shapes.BatchShape, True),
        ("batches/{batch}/", batch_shapes.BatchDetailShape, False),
        ("teams/alpha/four-eyes/", command_shapes.FourEyesShape, False),
        ("audit/", audit_shapes.AuditEntryShape, True),
        ("alerts/", alert_shapes.AlertShape, True),
        ("alerts/{alert}/", alert_shapes.AlertShape, False),
        ("alert-rules/", alert_shapes.AlertRuleShape, True),
        ("alert-rules/{rule}/", alert_shapes.AlertRuleShape, False),
        ("mutes/", alert_shapes.MuteShape, True),
        ("maintenance/", alert_shapes.MaintenanceShape, True),
    ],
)
def test_the_answer_has_the_fields_of_its_shape(everything, as_alice, path, shape, listed):
    body = as_alice.read(path.format(**everything))
    if listed:
        assert set(body) - AGE - REPORT == {"count", "next", "previous", "results"}
        assert body["results"]
        body = body["results"][0]
    compare(body, shape())


def compare(body, shape):
    assert set(body) == set(shape.fields)
    for name, field in shape.fields.items():
        inner = getattr(field, "child", None)
        if isinstance(inner, shapes.Shape):
            assert body[name], f"{name} is empty: nothing to compare"
            compare(body[name][0], inner)
        elif isinstance(field, shapes.Figure):
            assert body[name] is None or isinstance(body[name], str), name


def test_the_document_names_every_path_and_how_to_log_in(as_bob):
    document = as_bob("schema/", format="json").json()
    assert set(document["components"]["securitySchemes"]) == {"token", "session"}
    assert "/api/v1/bots/{slug}/snapshots/" in document["paths"]
    listed = document["paths"]["/api/v1/trades/"]["get"]
    names = {parameter["name"] for parameter in listed["parameters"]}
    assert names >= {"status", "bot", "bot_tag", "pair", "side", "mode", "from", "to", "ordering", "page", "page_size"}
    answer = listed["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    assert set(document["components"]["schemas"][answer]["properties"]) == {"count", "next", "previous", "results"}


def test_the_document_is_made_without_a_guess(capsys):
    SchemaGenerator().get_schema(request=None, public=True)
    assert capsys.readouterr().err == ""


def test_the_page_of_the_api_holds_nothing_inline_and_nothing_foreign(as_bob):
    page = as_bob("docs/").content.decode()
    assert "<style" not in page and "style=" not in page and "//" not in page.replace("<!doctype", "")
    assert page.count("<script src=") == page.count("<script") == 2
    assert "SwaggerUIBundle" in as_bob("docs/", script="").content.decode()


def test_the_browsable_api_is_off(as_bob):
    as_bob.client.credentials(HTTP_ACCEPT="text/html")
    answer = as_bob("bots/")
    assert answer.status_code == 406 or answer["Content-Type"] == "application/json"

"""/metrics: figures of the whole installation, for those who may know."""

import json
import re
import resource
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from bots import metrics
from bots.domain.connections import add_bot, pause_polling
from bots.models import AlertClock, Delivery, Destination, PollTurn, RelayLease, RelayProcess
from tests import builders
from tests.bots.domain.audit_acts import ALICE
from tests.builders import a_bot, a_trade
from tests.canary import CANARY

TOKEN = "scrape-" + "x" * 40
DASHBOARD = Path(__file__).parents[2] / "deploy/grafana-dashboard.json"


@pytest.fixture
def scraped(settings):
    settings.PORTAL_METRICS_TOKEN = TOKEN

    def scrape() -> dict[str, float]:
        answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    return scrape


def test_bots_polls_and_ages(alpha, scraped):
    now = timezone.now()
    well = {"polls": 10, "polls_failed": 2, "requests": 50, "latency_ms": 100, "good_poll_ms": 1500}
    a_bot(alpha, "well", status=well)
    old = {"seen_at": now - timedelta(hours=1), "error_code": "timed_out", "state": "offline", "latency_ms": 900}
    a_bot(
        alpha, "silent", status={**old, "polls": 5, "polls_failed": 5, "requests": 5, "good_poll_ms": 0, "mode": "dry"}
    )
    found = scraped()
    assert found['portal_polls_total{outcome="good"}'] == 8
    assert found['portal_polls_total{outcome="failed"}'] == 7
    assert found["portal_poll_requests_total"] == 55
    assert found["portal_poll_seconds_total"] == 1.5
    assert (found['portal_bots{state="running"}'], found['portal_bots{state="offline"}']) == (1, 1)
    assert found['portal_bots_failing{code="timed_out"}'] == 1
    assert found["portal_bots_fresh"] == 1
    assert 3600 <= found["portal_bot_oldest_age_seconds"] < 3700
    assert found['portal_bot_latency_seconds{quantile="1"}'] == 0.9


def test_a_bot_that_does_not_answer_any_more_has_no_answering_time(alpha, scraped):
    a_bot(alpha, "well", status={"latency_ms": 100})
    a_bot(alpha, "silent", status={"latency_ms": 900, "failures": 1})
    assert scraped()['portal_bot_latency_seconds{quantile="1"}'] == 0.1


def test_of_what_there_is_none_is_told_as_zero(alpha, scraped):
    """A series that ends where a fleet goes down would leave who watches it without a figure."""
    pause_polling(ALICE, a_bot(alpha, "paused"))
    found = scraped()
    assert {name: value for name, value in found.items() if name.startswith("portal_bots{") and value} == {
        'portal_bots{state="not_asked"}': 1
    }
    assert (found['portal_bots{state="running"}'], found['portal_bots{state="offline"}']) == (0, 0)
    assert (found['portal_bots_by_mode{mode="live"}'], found['portal_bots_by_mode{mode="dry"}']) == (1, 0)
    assert (found["portal_bots_asked"], found["portal_bots_fresh"]) == (0, 0)


def test_memory_now_is_told_where_the_system_tells_it(db, scraped, monkeypatch, tmp_path):
    statm = tmp_path / "statm"
    monkeypatch.setattr("portal.metrics.STATM", statm)
    assert "portal_process_memory_bytes" not in scraped()
    statm.write_text("900 300 100 1 0 200 0\n")
    assert scraped()["portal_process_memory_bytes"] == 300 * resource.getpagesize()


def test_turns_commands_trades_and_the_audits_head(alpha, alice, scraped):
    bot = a_bot(alpha)
    a_trade(bot)
    a_trade(bot, "5")
    PollTurn.objects.update(next_poll_at=timezone.now() - timedelta(seconds=20))
    pause_polling(ALICE, a_bot(alpha, "other"))
    found = scraped()
    assert (found["portal_turns_due"], found["portal_turns_leased"], found["portal_turns_held"]) == (1, 0, 0)
    assert 20 <= found["portal_turn_lag_seconds"] < 60
    assert (found["portal_trades_open"], found["portal_trades_closed"]) == (1, 1)
    assert found['portal_commands{state="unknown"}'] == 0
    assert found["portal_audit_head_id"] == 1
    assert found["portal_database_up"] == 1
    assert found["portal_process_sockets"] == 0


def test_relays_and_the_lines_they_stand_on(alpha, scraped):
    """What a dead relay said of its lines last is no line."""
    found = scraped()
    assert (found["portal_relays_alive"], found["portal_relay_lines_wanted"], found["portal_relay_lines"]) == (0, 0, 0)
    assert "portal_relay_sign_age_seconds" not in found
    now, speaks = timezone.now(), {"capabilities": ["websocket"]}
    a_bot(alpha, "of-old")
    for name, holder in (("heard", "alive"), ("left-alone", "dead"), ("unheard", "alive")):
        since = None if name == "unheard" else now
        RelayLease.objects.create(bot=a_bot(alpha, name, status=speaks), holder=holder, connected_since=since)
    RelayProcess.objects.create(name="dead", seen_at=now - timedelta(seconds=60))
    found = scraped()
    assert (found["portal_relays_alive"], found["portal_relay_lines"]) == (0, 0)
    assert 60 <= found["portal_relay_sign_age_seconds"] < 120
    RelayProcess.objects.create(name="alive", seen_at=timezone.now())
    found = scraped()
    assert (found["portal_relays_alive"], found["portal_relay_lines_wanted"], found["portal_relay_lines"]) == (1, 3, 1)
    assert found["portal_relay_sign_age_seconds"] < 30


def test_alerts_that_wait_to_be_told_and_those_nobody_was_told_of(alpha, scraped):
    assert scraped()["portal_delivery_oldest_age_seconds"] == 0
    pager = Destination.objects.create(team=alpha, kind="webhook", name="Pager")
    then = timezone.now() - timedelta(minutes=20)
    for state, age in (("pending", 1), ("pending", 2), ("given_up", 3), ("sent", 4), ("digested", 5)):
        Delivery.objects.create(destination=pager, what="test", state=state, created_at=then - timedelta(seconds=age))
    found = scraped()
    told = [found[f'portal_deliveries{{state="{state}"}}'] for state in ("pending", "claimed", "sent", "given_up")]
    assert told == [2, 0, 1, 1]
    assert 1202 <= found["portal_delivery_oldest_age_seconds"] < 1300


def test_of_an_empty_portal_nothing_is_invented(db, scraped):
    found = scraped()
    assert "portal_bot_oldest_age_seconds" not in found
    assert found["portal_audit_head_id"] == 0


def test_the_token_is_asked_for(db, settings):
    settings.PORTAL_METRICS_TOKEN = TOKEN
    for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
        answer = Client().get("/metrics", headers=given)
        assert (answer.status_code, answer["WWW-Authenticate"], answer.content) == (401, "Bearer", b"")


def test_without_a_token_only_this_machine_of_an_embedded_portal(db, settings):
    settings.PORTAL_METRICS_TOKEN, settings.EMBEDDED = None, True
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics").status_code == 200
    assert Client(REMOTE_ADDR="10.0.0.9").get("/metrics").status_code == 404
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics", headers=forwarded).status_code == 404
    settings.EMBEDDED = False
    assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics").status_code == 404


def test_the_number_of_queries_does_not_grow_with_bots(alpha, django_assert_max_num_queries):
    for number in range(5):
        a_trade(a_bot(alpha, f"bot-{number}"), "1")
    with django_assert_max_num_queries(16):
        metrics.text_of(metrics.installation())


def test_no_name_and_no_secret_stands_in_it(alpha, alice, scraped, settings):
    connection = {"url": "http://10.8.0.12:8080", "username": "freqtrader", "password": CANARY}
    add_bot(ALICE, alpha, system="freqtrade", name="secret-bot", connection=connection)
    builders.a_bot(alpha, "other")
    text = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    assert not [word for word in (CANARY, "secret-bot", "10.8.0.12", "alice", TOKEN) if word in text]


def test_labels_are_escaped():
    metric = metrics.gauge("x", "text", ({"code": 'a"b\\c\nd'}, 1))
    assert list(metric.lines())[-1] == 'x{code="a\\"b\\\\c\\nd"} 1'


@pytest.fixture(scope="module")
def panels():
    return json.loads(DASHBOARD.read_text())["panels"]


def targets(panels):
    return [(panel["title"], target["expr"], target["legendFormat"]) for panel in panels for target in panel["targets"]]


def test_the_dashboard_asks_for_nothing_that_is_not_told(alpha, scraped):
    a_trade(a_bot(alpha, status={"error_code": "slow", "tried_at": timezone.now()}), "1")
    AlertClock.objects.create(pk=1, evaluated_at=timezone.now())
    RelayProcess.objects.create(name="one", seen_at=timezone.now())
    pause_polling(ALICE, a_bot(alpha, "other"))
    told = {name.partition("{")[0] for name in scraped()} | {"portal_queue_depth", "portal_broker_up"}
    asked = set(re.findall(r"portal_\w+", DASHBOARD.read_text()))
    assert asked and asked - told == set()
    assert told - asked == set(), "told, and drawn nowhere"


def test_no_panel_mixes_two_installations_that_one_prometheus_scrapes(panels):
    for title, asked, _ in targets(panels):
        names = re.findall(r"\b(?:portal_\w+|up)\b", asked)
        assert (title, asked.count('{job="$job"')) == (title, len(names))


def test_what_a_legend_names_is_kept_by_its_expression(panels):
    for title, asked, legend in targets(panels):
        kept = set(re.findall(r"\w+", " ".join(re.findall(r"by \(([^)]*)\)", asked))))
        named = set(re.findall(r"{{(\w+)}}", legend))
        assert (title, named - kept - {"instance"}) == (title, set())
        assert legend


def test_a_single_figure_is_of_now_and_coloured_by_limits_of_its_own(panels):
    """Over a range the last figure stays while nothing answers; without limits Grafana reddens every 80."""
    for panel in (one for one in panels if one["type"] == "stat"):
        assert [(panel["title"], target["instant"]) for target in panel["targets"] if not target["instant"]] == []
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0] == {"color": "green", "value": None}


def test_no_panel_lies_on_another(panels):
    places = [(x, y) for one in panels for x, y in cells(**one["gridPos"])]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
    assert len({panel["id"] for panel in panels}) == len(panels)


def cells(x, y, w, h):
    return [(column, row) for column in range(x, x + w) for row in range(y, y + h)]

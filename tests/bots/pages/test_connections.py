"""Adding, editing, testing, pausing and retiring a bot from its pages. Secrets go in and never come out."""

import socket

import pytest
from django.utils import timezone
from kombu import Connection

from bots import tasks
from bots.domain.audit import AuditUnavailable
from bots.models import AuditEntry, Bot, ConnectionTest
from tests import builders
from tests.bots.pages.reading import page, text
from tests.builders import a_bot

SECRET = "pass-canary-81f3"
GIVEN = {"team": "alpha", "system": "freqtrade", "name": "btc-trend-01", "url": "http://10.8.0.12:8080"}
GIVEN |= {"username": "freqtrader", "password": SECRET, "tags": "trend, majors, trend"}


@pytest.fixture
def asked(monkeypatch):
    """What was handed to a worker."""
    handed = []
    monkeypatch.setattr(tasks.test_connection, "delay", handed.append)
    return handed


@pytest.fixture
def trend(browser_of, alice):
    browser_of(alice).post("/bots/add/", {**GIVEN, "act": "save"})
    return Bot.objects.get(slug="btc-trend-01")


def values_of(form, name):
    start = form.index(f'name="{name}"')
    return form[start : form.index(">", start)]


def test_the_form_is_drawn_from_the_fields_the_system_declares(browser_of, alice):
    form = page(browser_of(alice).get("/bots/add/"))

    assert "Address" in form
    assert 'placeholder="http://10.8.0.12:8080"' in values_of(form, "url")
    assert 'type="password" autocomplete="new-password" required' in values_of(form, "password")
    assert "required" not in values_of(form, "ws_token")


def test_alice_adds_a_bot_and_lands_on_its_page(browser_of, alice):
    answer = browser_of(alice).post("/bots/add/", {**GIVEN, "act": "save"}, follow=True)

    assert answer.redirect_chain == [("/bots/btc-trend-01/", 302)]
    assert "btc-trend-01 is added and asked now." in text(page(answer))
    bot = Bot.objects.get()
    assert bot.connection == {"url": "http://10.8.0.12:8080", "username": "freqtrader"}
    assert bot.tags == ["trend", "majors"]
    assert bot.opened_connection()["password"] == SECRET
    assert AuditEntry.objects.get(action="bot_added").actor == "alice"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"name": " "}, "A bot needs a name"),
        ({"password": ""}, "Password is required"),
        ({"url": "ftp://somewhere"}, "http"),
    ],
)
def test_a_mistake_brings_the_form_back_with_the_cause_and_without_the_secret(browser_of, alice, wrong, sentence):
    answer = browser_of(alice).post("/bots/add/", {**GIVEN, **wrong, "act": "save"})
    shown = answer.content.decode()

    assert answer.status_code == 422
    assert sentence in shown
    assert 'class="field__error"' in shown
    assert 'value="freqtrader"' in shown
    assert SECRET not in shown
    assert not Bot.objects.exists()


def test_alice_cannot_add_a_bot_to_a_team_she_does_not_manage(browser_of, alice, beta):
    assert browser_of(alice).post("/bots/add/", {**GIVEN, "team": "beta", "act": "save"}).status_code == 404
    assert not Bot.objects.exists()


def test_a_manager_of_two_teams_chooses(browser_of, alice, beta):
    builders.member(alice, beta, "manager")
    form = page(browser_of(alice).get("/bots/add/?team=beta"))

    assert '<option value="beta" selected>Beta</option>' in form


def test_a_secret_is_never_shown_and_left_empty_it_stays(browser_of, alice, trend):
    alices = browser_of(alice)
    form = page(alices.get("/bots/btc-trend-01/edit/"))
    assert SECRET not in form
    assert 'placeholder="stored, leave empty to keep"' in values_of(form, "password")
    assert "value=" not in values_of(form, "password")

    alices.post("/bots/btc-trend-01/edit/", {**GIVEN, "name": "Trend", "password": "", "act": "save"})
    trend.refresh_from_db()
    assert (trend.name, trend.opened_connection()["password"]) == ("Trend", SECRET)


def test_a_new_address_asks_for_the_secret_again(browser_of, alice, trend):
    moved = {**GIVEN, "url": "http://10.8.0.99:8080", "password": "", "act": "save"}
    answer = browser_of(alice).post("/bots/btc-trend-01/edit/", moved)

    assert answer.status_code == 422
    assert "type Password again" in text(answer.content.decode())
    assert Bot.objects.get().connection["url"] == "http://10.8.0.12:8080"


def test_a_test_is_asked_of_a_worker_and_its_outcome_stands_in_the_form(browser_of, alice, asked):
    alices = browser_of(alice)
    answer = alices.post("/bots/add/", {**GIVEN, "act": "test"})
    test = ConnectionTest.objects.get()

    assert asked == [str(test.uuid)]
    assert SECRET not in answer["Location"]
    pending = page(alices.get(answer["Location"]))
    assert "data-pending" in pending
    assert 'value="http://10.8.0.12:8080"' in values_of(pending, "url")
    assert 'value="btc-trend-01"' in values_of(pending, "name")
    assert SECRET not in pending

    outcome = {"ok": False, "code": "connection_refused", "sentence": "Nothing listens at 10.8.0.12, port 8080"}
    ConnectionTest.objects.update(state=ConnectionTest.DONE, outcome=outcome)
    done = text(page(alices.get(answer["Location"])))
    assert "It does not work. Nothing listens at 10.8.0.12, port 8080 (connection_refused)" in done
    assert not Bot.objects.exists()


def test_a_form_that_does_not_say_save_saves_nothing(browser_of, alice, asked):
    browser_of(alice).post("/bots/add/", GIVEN)

    assert not Bot.objects.exists()
    assert len(asked) == 1


def test_a_bot_is_tried_in_its_own_team_whatever_the_form_says(browser_of, alice, beta, trend, asked):
    builders.member(alice, beta, "manager")
    browser_of(alice).post("/bots/btc-trend-01/edit/", {**GIVEN, "team": "beta", "act": "test"})
    assert ConnectionTest.objects.get().team.slug == "alpha"
    assert AuditEntry.objects.get(action="connection_tested").team == "alpha"


def test_nobody_reads_the_outcome_of_anothers_test(browser_of, alice, charlie, asked):
    browser_of(alice).post("/bots/add/", {**GIVEN, "act": "test"})
    test = ConnectionTest.objects.get()

    foreign = page(browser_of(charlie).get(f"/bots/add/?test={test.uuid}"))
    assert "data-pending" not in foreign
    assert "10.8.0.12" not in foreign.replace('placeholder="http://10.8.0.12:8080"', "")


def test_a_mistyped_test_is_none(browser_of, alice):
    assert "data-pending" not in page(browser_of(alice).get("/bots/add/?test=not-a-uuid"))


def test_pausing_and_resuming_is_said_and_audited(browser_of, alice, trend):
    alices = browser_of(alice)
    paused = page(alices.post("/bots/btc-trend-01/pause/", follow=True))
    assert "btc-trend-01: no longer asked." in text(paused)
    assert "The portal does not ask this bot at the moment" in paused
    assert "/bots/btc-trend-01/resume/" in paused

    alices.post("/bots/btc-trend-01/resume/")
    assert Bot.objects.get().enabled
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions[-2:] == ["bot_paused", "bot_resumed"]


def test_asking_now_makes_every_reading_due(browser_of, alice, trend):
    trend.turn.due, trend.turn.held = {"state": 9e9}, "wrong_password"
    trend.turn.save()

    shown = page(browser_of(alice).post("/bots/btc-trend-01/poll-now/", follow=True))

    trend.turn.refresh_from_db()
    assert "btc-trend-01: asked now." in text(shown)
    assert trend.turn.held == ""
    assert trend.turn.next_poll_at <= timezone.now()


def test_retiring_asks_for_the_name_and_erases_the_secrets(browser_of, alice, trend):
    alices = browser_of(alice)
    mistyped = alices.post("/bots/btc-trend-01/retire/", {"typed": "btc"})
    assert mistyped.status_code == 422
    assert "Type the name exactly as it stands: btc-trend-01" in text(mistyped.content.decode())
    assert Bot.objects.get().retired_at is None

    alices.post("/bots/btc-trend-01/retire/", {"typed": "btc-trend-01"})
    assert Bot.objects.get().sealed == {}
    assert "Retired" in page(alices.get("/bots/btc-trend-01/"))
    assert alices.get("/bots/btc-trend-01/edit/").status_code == 404
    assert 'data-key="btc-trend-01"' not in page(alices.get("/"))


@pytest.mark.parametrize("act", ["save", "test"])
def test_without_the_audit_nothing_is_done_and_the_form_says_so(browser_of, alice, asked, monkeypatch, act):
    def unavailable(*args):
        raise AuditUnavailable("the chain is locked")

    monkeypatch.setattr("bots.domain.connections.append", unavailable)
    monkeypatch.setattr("bots.domain.connection_tests.append", unavailable)
    answer = browser_of(alice).post("/bots/add/", {**GIVEN, "act": act})

    assert answer.status_code == 503
    assert "Nothing was done: the audit cannot be written" in text(answer.content.decode())
    assert not Bot.objects.exists()
    assert asked == []


@pytest.fixture
def no_broker(monkeypatch):
    """Tasks are handed to a Redis that nobody runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    nowhere = Connection(f"redis://127.0.0.1:{port}/0")
    monkeypatch.setattr(
        tasks.test_connection, "delay", lambda uuid: tasks.test_connection.apply_async([uuid], connection=nowhere)
    )


def test_without_workers_the_form_says_that_nothing_was_tried(browser_of, alice, trend, no_broker):
    for path in ("/bots/add/", "/bots/btc-trend-01/edit/"):
        answer = browser_of(alice).post(path, {**GIVEN, "name": "eth-grid-02", "act": "test"})
        shown = answer.content.decode()

        assert answer.status_code == 503
        assert "Nothing was tried: the workers cannot be reached" in text(shown)
        assert 'value="eth-grid-02"' in values_of(shown, "name")
        assert SECRET not in shown


def test_the_team_page_lists_members_and_the_state_of_each_connection(browser_of, alice, bob, alpha):
    a_bot(
        alpha, "silent", status={"state": "offline", "last_error": "Connection refused", "polls": 9, "polls_failed": 4}
    )
    alices, bobs = page(browser_of(alice).get("/team/")), page(browser_of(bob).get("/team/"))

    assert "Connection refused" in alices
    assert "182 ms 4 / 9" in text(alices)
    assert "/bots/silent/edit/" in alices
    assert "/bots/silent/edit/" not in bobs
    assert "alice" in bobs


def test_alice_has_a_bot_asked_more_often_and_its_page_says_so(browser_of, alice, trend):
    kept = {**GIVEN, "password": "", "act": "save"}
    browser_of(alice).post("/bots/btc-trend-01/edit/", {**kept, "plan-state": "5", "plan-profit": ""})

    assert Bot.objects.get().poll_plan == {"state": 5.0}
    assert 'value="5"' in values_of(page(browser_of(alice).get("/bots/btc-trend-01/edit/")), "plan-state")
    assert "State 5 s" in text(page(browser_of(alice).get("/bots/btc-trend-01/?tab=connection")))
    browser_of(alice).post("/bots/btc-trend-01/edit/", {**kept, "plan-state": ""})
    assert Bot.objects.get().poll_plan == {}


@pytest.mark.parametrize(
    ("seconds", "told"), [("soon", "Intervals are numbers of seconds"), ("0.1", "state must lie between 1 and 86400")]
)
def test_an_interval_that_cannot_be_is_refused_beside_its_field(browser_of, alice, trend, seconds, told):
    answer = browser_of(alice).post("/bots/btc-trend-01/edit/", {**GIVEN, "act": "save", "plan-state": seconds})

    assert answer.status_code == 422
    assert told in text(answer.content.decode())
    assert Bot.objects.get().poll_plan == {}

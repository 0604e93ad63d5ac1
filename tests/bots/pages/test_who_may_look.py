"""Fetching is the permission: a foreign bot is not found, a stranger is asked to sign in, a viewer changes nothing."""

import pytest
from django.test import Client

from bots.models import AuditEntry, Bot
from tests.builders import a_bot, a_trade

PAGES = [
    *("/", "/trades/", "/reports/", "/events/", "/team/", "/drift/"),
    *("/bots/add/", "/bots/trend/", "/trades/{trade}/", "/team/alpha/import/"),
]
LISTS = ["/team/alpha/import/", "/team/alpha/export.csv", "/team/alpha/export.yaml"]
FORMS = ["/bots/trend/edit/", "/bots/trend/retire/"]
ACTS = [
    "/bots/trend/pause/",
    "/bots/trend/resume/",
    "/bots/trend/poll-now/",
    "/bots/trend/retire/",
    "/bots/trend/edit/",
]


@pytest.fixture
def trade(alpha):
    return a_trade(a_bot(alpha, "trend"), "10", pair="NEAR/USDT")


@pytest.mark.parametrize("path", [*PAGES, *FORMS, "/?fragment=fleet", "/bots/trend/?fragment=bot&tab=logs"])
def test_a_stranger_is_led_to_the_login(trade, alice, path):
    answer = Client().get(path.format(trade=trade.pk))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/?next=")


@pytest.mark.parametrize("path", ["/bots/trend/", "/bots/trend/?fragment=bot", "/trades/{trade}/", *FORMS])
def test_charlie_of_another_team_finds_nothing(browser_of, charlie, trade, path):
    assert browser_of(charlie).get(path.format(trade=trade.pk)).status_code == 404


@pytest.mark.parametrize("path", LISTS)
def test_lists_of_connections_are_the_managers_business(browser_of, bob, charlie, trade, path):
    assert browser_of(bob).get(path).status_code == 403
    assert browser_of(charlie).get(path).status_code == 404
    assert Client().get(path)["Location"].startswith("/login/?next=")


@pytest.mark.parametrize("body", [{"list": "name,url\na,b\n"}, {"draft": "x"}])
def test_only_a_manager_imports(browser_of, bob, charlie, alice, trade, body):
    assert browser_of(bob).post("/team/alpha/import/", body).status_code == 403
    assert browser_of(charlie).post("/team/alpha/import/", body).status_code == 404
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(alice)
    assert careful.post("/team/alpha/import/", body).status_code == 403


@pytest.mark.parametrize("path", ACTS)
def test_charlie_of_another_team_does_nothing(browser_of, charlie, trade, path):
    assert browser_of(charlie).post(path, {"typed": "trend", "name": "mine"}).status_code == 404
    assert_untouched()


@pytest.mark.parametrize(
    "path", ["/", "/trades/", "/trades/?status=closed", "/team/", "/trades/?status=closed&bot=trend", "/drift/"]
)
def test_charlies_lists_hold_nothing_of_alpha(browser_of, charlie, trade, path):
    shown = browser_of(charlie).get(path).content.decode()

    assert "NEAR/USDT" not in shown
    assert '"name" href="/bots/trend/' not in shown
    assert "Alpha" not in shown


@pytest.mark.parametrize("path", ACTS)
def test_bob_who_may_only_look_does_nothing(browser_of, bob, trade, path):
    assert browser_of(bob).post(path, {"typed": "trend", "name": "mine"}).status_code == 403
    assert_untouched()


@pytest.mark.parametrize("path", [*FORMS, "/bots/add/"])
def test_bob_who_may_only_look_is_shown_no_form(browser_of, bob, trade, path):
    assert browser_of(bob).get(path).status_code == 403


def assert_untouched():
    bot = Bot.objects.get(slug="trend")
    assert (bot.name, bot.enabled, bot.retired_at) == ("trend", True, None)
    assert not AuditEntry.objects.filter(bot="trend").exists()


@pytest.mark.parametrize("path", ["/bots/trend/pause/", "/bots/trend/resume/", "/bots/trend/poll-now/"])
def test_an_act_is_never_a_link(browser_of, alice, trade, path):
    assert browser_of(alice).get(path).status_code == 405


@pytest.mark.parametrize("path", ACTS)
def test_a_post_from_another_site_is_refused(alice, trade, path):
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(alice)

    assert careful.post(path, {"typed": "trend"}).status_code == 403
    assert_untouched()


def test_no_page_may_be_kept_by_a_proxy(browser_of, alice, trade):
    for path in ("/", "/trades/", "/bots/trend/", "/team/", "/bots/add/"):
        assert "no-store" in browser_of(alice).get(path)["Cache-Control"], path


def test_a_fragment_that_a_page_does_not_have_is_the_page(browser_of, alice, trade):
    for path in ("/bots/add/?fragment=connection", "/bots/trend/retire/?fragment=retire", "/?fragment=../base"):
        assert "<title>" in browser_of(alice).get(path).content.decode(), path


def test_every_page_is_under_the_strict_policy_and_has_nothing_inline(browser_of, alice, trade):
    for path in [*PAGES, *FORMS]:
        answer = browser_of(alice).get(path.format(trade=trade.pk))
        shown = answer.content.decode()

        assert "default-src 'self'" in answer["Content-Security-Policy"], path
        assert "unsafe" not in answer["Content-Security-Policy"], path
        assert "<style" not in shown, path
        assert "style=" not in shown, path
        assert "<script>" not in shown, path
        assert " onclick" not in shown, path

"""The page that compares settings, as Bob who may only look reads it."""

import pytest
from django.utils import timezone

from bots.models import ConfigVersion
from tests.bots.pages.reading import cells, page, row, text
from tests.builders import a_bot


def with_settings(team, name, settings):
    bot = a_bot(team, name)
    ConfigVersion.objects.create(bot=bot, settings=settings, seen_at=timezone.now())


@pytest.fixture
def three(alpha):
    for name, stop, pairs in (("a", -0.1, ["A", "B"]), ("b", -0.1, ["A", "B"]), ("c", -0.2, ["B", "C"])):
        with_settings(alpha, name, {"stoploss": stop, "pairs.blacklist": pairs, "bot_name": name})


def test_bob_sees_which_bot_differs_in_what(browser_of, bob, three):
    shown = page(browser_of(bob).get("/drift/"))

    assert "3 of 3 settings differ between 3 bots" in text(shown)
    assert cells(row(shown, "stoploss")) == ["-0.1 a , b", "-0.2 c"]
    assert cells(row(shown, "pairs.blacklist")) == ["A, B a , b", "+ C − A c"]
    assert cells(row(shown, "bot_name")) == ["every bot its own a a b b c c"]


def test_a_search_that_finds_no_difference_says_so(browser_of, bob, three):
    assert "No difference" in page(browser_of(bob).get("/drift/?q=nothing"))
    assert "No bot to compare" in page(browser_of(bob).get("/drift/?tag=nobody"))


def test_without_bots_and_without_answers_the_page_says_what_comes(browser_of, bob, alpha):
    assert "There are no bots yet." in page(browser_of(bob).get("/drift/"))
    a_bot(alpha, "new")
    assert "No bot has told its settings yet" in page(browser_of(bob).get("/drift/"))


def test_the_fleet_leads_there(browser_of, bob, three):
    assert 'href="/drift/"' in page(browser_of(bob).get("/"))


def test_hostile_settings_are_shown_as_words(browser_of, bob, alpha):
    evil = "<script>alert(1)</script>"
    with_settings(alpha, "a", {evil: evil, "l": [evil]})
    with_settings(alpha, "b", {evil: 1, "l": []})
    shown = page(browser_of(bob).get("/drift/"))

    assert "<script>alert" not in shown
    assert shown.count("&lt;script&gt;alert") >= 3

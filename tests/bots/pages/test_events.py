"""The time line: on its own page, beside the fleet, on the page of a bot."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from bots.domain.events import Happened, record
from bots.models import Event
from tests import builders
from tests.bots.pages.reading import page, region, steady, text


@pytest.fixture
def trend(alpha):
    return builders.a_bot(alpha, "trend")


def happened(bot, kind="entry_filled", words="entered BTC/USDT", **values):
    given = {"at": timezone.now(), "key": f"{kind} {words}", "detail": "", "data": {}, **values}
    (event,) = record([Happened(kind=kind, team_id=bot.team_id, bot_id=bot.pk, text=words, **given)])
    return event


def item(markup, event):
    start = markup.index(f'data-key="e{event.pk}"')
    return markup[markup.rindex("<li", 0, start) : markup.index("</li>", start)]


def test_the_line_says_who_did_what_and_what_it_brought(browser_of, bob, trend):
    trade = builders.a_trade(trend, "12.34", ratio="0.0123")
    profit = {"profit_abs": Decimal("12.34"), "profit_ratio": Decimal("0.0123"), "currency": "USDT"}
    won = happened(trend, "trade_closed", "closed BTC/USDT", detail="roi", data=profit, trade_pk=trade.pk)
    markup = page(browser_of(bob).get("/events/"))
    assert 'class="t-up"' in item(markup, won)
    assert text(item(markup, won)).endswith("trend closed BTC/USDT trade +1.23 % (+12.34 USDT) · roi")
    assert f'href="/trades/{trade.pk}/"' in item(markup, won)


@pytest.mark.parametrize(
    ("kind", "data", "tone"),
    [
        ("trade_closed", {"profit_abs": "-1"}, "t-down"),
        ("trade_closed", {}, ""),
        ("connection_lost", {}, "t-down"),
        ("stopped", {}, "t-warn"),
        ("command_done", {}, "t-cmd"),
        ("entry_filled", {}, ""),
    ],
)
def test_the_mark_follows_kind_and_sign(browser_of, bob, trend, kind, data, tone):
    event = happened(trend, kind, "did it", data=data)
    assert item(page(browser_of(bob).get("/events/")), event).startswith(f'<li class="{tone}"')


def test_events_stand_under_their_day_newest_first(browser_of, bob, trend):
    now = timezone.now().replace(hour=12)
    for days in (2, 0, 1):
        happened(trend, words=f"entered {days} days ago", at=now - timedelta(days=days, hours=13))
    markup = page(browser_of(bob).get("/events/"))
    places = [markup.index(f"entered {days} days ago") for days in (0, 1, 2)]
    assert places == sorted(places)
    assert markup.count('<section class="section eventday') == 3


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("group=settings", ["runs another release"]),
        ("severity=warning", ["cannot be reached", "runs another release"]),
        ("severity=error", ["cannot be reached"]),
        ("kind=entry_filled,version_changed", ["entered BTC/USDT", "runs another release"]),
        ("pair=btc/usdt", ["entered BTC/USDT"]),
        ("q=another", ["runs another release"]),
        ("bot=trend&to=2020-01-01", []),
        ("bot=nobody", []),
    ],
)
def test_filters(browser_of, bob, trend, query, words):
    happened(trend, pair="BTC/USDT")
    happened(trend, "connection_lost", "cannot be reached")
    happened(trend, "version_changed", "runs another release")
    markup = page(browser_of(bob).get(f"/events/?{query}"))
    every = ("entered BTC/USDT", "cannot be reached", "runs another release")
    assert sorted(word for word in every if word in markup) == sorted(words)
    if not words:
        assert "No event matches" in markup


@pytest.mark.parametrize("query", ["kind=party", "severity=huge", "from=soon", "trade=x", "q=%00"])
def test_a_filter_nobody_knows_is_named(browser_of, bob, trend, query):
    answer = browser_of(bob).get(f"/events/?{query}")
    assert answer.status_code == 400
    assert "asks for something the page does not know" in answer.content.decode()


def test_what_a_bot_says_is_text_and_nothing_else(browser_of, bob, trend):
    happened(trend, "exception", "logged an error", detail="<script>alert(1)</script>")
    markup = page(browser_of(bob).get("/events/"))
    assert "&lt;script&gt;alert(1)" in markup
    assert "<script>alert" not in markup


def test_the_newest_stand_beside_the_fleet_without_every_step(browser_of, bob, trend):
    happened(trend, "entry_placed", "placed an entry of BTC/USDT")
    for number in range(10):
        happened(trend, words=f"entered pair {number}", at=timezone.now() - timedelta(minutes=number))
    markup = region(page(browser_of(bob).get("/")), "fleet")
    assert [f"entered pair {number}" in markup for number in range(10)] == [True] * 8 + [False] * 2
    assert "placed an entry" not in markup


def test_a_bots_own_line_has_its_events_and_no_others(browser_of, bob, alpha, trend):
    other = builders.a_bot(alpha, "other")
    happened(trend)
    happened(other, words="entered ETH/USDT")
    for path in ("/bots/trend/?tab=events", "/bots/trend/"):
        markup = page(browser_of(bob).get(path))
        assert "Entered BTC/USDT" in markup
        assert "ETH/USDT" not in markup


def test_the_fragment_is_the_region_of_the_page(browser_of, bob, trend):
    happened(trend)
    whole = region(page(browser_of(bob).get("/events/")), "events")
    fragment = region(page(browser_of(bob).get("/events/?fragment=events")), "events")
    assert steady(whole) == steady(fragment)


def test_charlie_sees_nothing_of_it(browser_of, charlie, trend):
    happened(trend)
    client = browser_of(charlie)
    assert "Nothing has happened yet" in page(client.get("/events/"))
    assert "BTC/USDT" not in page(client.get("/"))


def test_an_empty_team_is_told_what_will_stand_here(browser_of, bob, alpha):
    assert Event.objects.count() == 0
    assert "Nothing has happened yet" in page(browser_of(bob).get("/events/"))


def test_a_page_asks_for_warnings_since_the_one_it_knows(browser_of, bob, charlie, trend):
    first = happened(trend, "stopped", "stopped")
    client = browser_of(bob)
    assert f'data-newest-event="{first.pk}"' in page(client.get("/events/"))
    happened(trend)
    lost = happened(trend, "connection_lost", "cannot be reached", detail="connection refused")
    markup = page(client.get(f"/events/toasts/?after={first.pk}"))
    assert markup.count('class="toast') == 1
    assert f'data-newest-event="{lost.pk}"' in markup
    assert text(markup).startswith("trend cannot be reached")
    assert "connection refused" in markup
    assert 'class="toast' not in page(client.get(f"/events/toasts/?after={lost.pk}"))
    assert 'class="toast' not in page(browser_of(charlie).get("/events/toasts/?after=0"))
    assert page(client.get("/events/toasts/?after=x")).count('class="toast') == 2

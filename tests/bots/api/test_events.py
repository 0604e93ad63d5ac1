from datetime import timedelta

import pytest
from django.utils import timezone

from bots.domain.events import Happened, record
from tests import builders


@pytest.fixture
def trend(alpha):
    return builders.a_bot(alpha, "trend", tags=["main"])


def happened(bot, kind="entry_filled", **values):
    given = {"at": timezone.now(), "key": f"{kind} {values}", "text": "entered BTC/USDT", **values}
    (event,) = record([Happened(kind=kind, team_id=bot.team_id, bot_id=bot.pk, **given)])
    return event


def test_an_event_has_its_figures_as_text(as_bob, trend):
    trade = builders.a_trade(trend, trade_id="97")
    moment = timezone.now() - timedelta(seconds=5)
    event = happened(trend, pair="BTC/USDT", subject="97@1", trade_pk=trade.pk, at=moment, data={"rate": "50000.0"})
    (row,) = as_bob.read("events/")["results"]
    assert row["id"] == event.pk
    assert (row["bot"], row["team"], row["kind"], row["severity"]) == ("trend", "alpha", "entry_filled", "info")
    assert (row["trade"], row["trade_id"], row["pair"]) == (trade.pk, "97", "BTC/USDT")
    assert row["data"] == {"rate": "50000.0"}
    assert row["at"] < row["heard_at"]


def test_filters_and_the_way_to_ask_for_what_is_new(as_bob, alpha, trend):
    other = builders.a_bot(alpha, "other")
    first = happened(trend)
    second = happened(trend, "stopped")
    third = happened(other, "warning")

    def ids(**query):
        return sorted(row["id"] for row in as_bob.read("events/", **query)["results"])

    assert ids() == [first.pk, second.pk, third.pk]
    assert ids(after=first.pk) == [second.pk, third.pk]
    assert ids(bot="trend") == ids(bot_tag="main") == [first.pk, second.pk]
    assert ids(kind="stopped,warning") == ids(severity="warning") == [second.pk, third.pk]
    assert ids(group="trades") == [first.pk]
    assert ids(source="websocket") == []


@pytest.mark.parametrize("name", ["kind", "severity", "group", "source", "after", "trade", "from"])
def test_a_value_nobody_knows_is_refused_by_name(as_bob, name):
    answer = as_bob("events/", **{name: "nonsense"})
    assert answer.status_code == 400
    assert name in answer.json()["fields"]


def test_a_foreign_bots_events_are_not_found(as_charlie, as_stranger, trend):
    happened(trend)
    assert as_charlie("bots/trend/events/").status_code == 404
    assert as_charlie.read("events/")["results"] == []
    assert as_stranger("events/").status_code == 401


def test_one_bots_events(as_bob, alpha, trend):
    happened(builders.a_bot(alpha, "other"))
    mine = happened(trend)
    assert [row["id"] for row in as_bob.read("bots/trend/events/")["results"]] == [mine.pk]

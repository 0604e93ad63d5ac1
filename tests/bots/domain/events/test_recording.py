from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from bots.domain.events import KINDS, Happened, record, subject_of
from bots.domain.events.kinds import GROUPS, SEVERITIES
from bots.models import Event
from tests import builders


@pytest.fixture
def bot(alpha):
    return builders.a_bot(alpha)


def a_fill(bot, key, rate="50000", source=Event.WEBSOCKET, subject="97@1795243471427", **values):
    given = {
        "kind": "entry_filled",
        "team_id": bot.team_id,
        "bot_id": bot.pk,
        "at": timezone.now(),
        "key": key,
        "text": "Entered BTC/USDT",
        "source": source,
        "subject": subject,
        "told_within": timedelta(minutes=10),
        "data": {"rate": rate},
    }
    return Happened(**{**given, **values})


def test_an_event_told_twice_by_one_source_is_one_row(bot):
    assert len(record([a_fill(bot, "one"), a_fill(bot, "one")])) == 1
    assert record([a_fill(bot, "one")]) == []
    assert Event.objects.count() == 1


@pytest.mark.parametrize("sources", [(Event.WEBSOCKET, Event.POLL), (Event.POLL, Event.WEBSOCKET)])
def test_a_fill_heard_and_polled_is_one_event_in_either_order(bot, sources):
    first, second = sources
    (event,) = record([a_fill(bot, "first", source=first)])
    assert record([a_fill(bot, "second", source=second)]) == []
    assert record([a_fill(bot, "second", source=second)]) == []
    event.refresh_from_db()
    assert (event.key, event.told_key) == ("first", "second")


def test_a_trade_filled_twice_is_two_events_whichever_source_missed_one(bot):
    record([a_fill(bot, "heard 1", "50000")])
    record([a_fill(bot, "order 1", "50000", Event.POLL), a_fill(bot, "order 2", "49000", Event.POLL)])
    record([a_fill(bot, "heard 2", "49000")])
    pairs = Event.objects.order_by("key").values_list("key", "told_key", "data")
    assert [(key, told, data["rate"]) for key, told, data in pairs] == [
        ("heard 1", "order 1", "50000"),
        ("order 2", "heard 2", "49000"),
    ]


def test_the_fill_with_the_same_rate_is_the_one_meant(bot):
    record([a_fill(bot, "heard 1", "50000.0"), a_fill(bot, "heard 2", "49000.0")])
    record([a_fill(bot, "order 2", "49000", Event.POLL)])
    assert Event.objects.get(told_key="order 2").key == "heard 2"


def test_fills_of_other_trades_bots_and_kinds_are_never_taken_for_one(bot, alpha):
    other = builders.a_bot(alpha, "eth-range-02")
    record([a_fill(bot, "heard")])
    fresh = record(
        [
            a_fill(bot, "order 1", source=Event.POLL, subject=subject_of("97", 1795243471428)),
            a_fill(other, "order 2", source=Event.POLL),
            a_fill(bot, "order 3", source=Event.POLL, kind="exit_filled"),
        ]
    )
    assert [event.key for event in fresh] == ["order 1", "order 2", "order 3"]


def test_the_poll_gives_the_bots_own_time_and_the_trade(bot):
    trade = builders.a_trade(bot)
    moment = timezone.now() - timedelta(seconds=3)
    record([a_fill(bot, "heard")])
    record([a_fill(bot, "order", source=Event.POLL, at=moment, trade_pk=trade.pk, data={"order_id": "7"})])
    event = Event.objects.get()
    assert (event.at, event.trade) == (moment, trade)
    assert event.data == {"rate": "50000", "order_id": "7"}


def test_a_trade_mirrored_later_is_joined_to_what_is_known(bot):
    trade = builders.a_trade(bot)
    record([a_fill(bot, "one", source=Event.POLL)])
    record([a_fill(bot, "one", source=Event.POLL, trade_pk=trade.pk)])
    assert Event.objects.get().trade == trade


def test_what_a_bot_says_is_bounded_and_storable(bot):
    long = "nul \x00 and \udc00 surrogate " + "x" * 2000
    data = {"words": "y" * 5000}
    (event,) = record([a_fill(bot, "k" * 500, text=long, detail=long, data=data)])
    event.refresh_from_db()
    assert (len(event.text), len(event.detail), len(event.key)) == (300, 500, 160)
    assert event.text.startswith("nul � and ? surrogate")
    assert event.data == {"too_large": ["words"]}


def test_decimals_stay_exact(bot):
    (event,) = record([a_fill(bot, "one", data={"amount": Decimal("0.000000010")})])
    event.refresh_from_db()
    assert event.data == {"amount": "0.000000010"}


def test_no_event_lies_in_the_future(bot):
    (event,) = record([a_fill(bot, "one", at=timezone.now() + timedelta(hours=2))])
    assert event.at <= timezone.now()


def test_a_teams_own_events_are_told_once_too(alpha, beta):
    def lagging(team):
        return Happened(kind="warning", team_id=team.pk, bot_id=None, at=timezone.now(), key="lag", text="Workers lag")

    assert len(record([lagging(alpha), lagging(beta)])) == 2
    assert record([lagging(alpha)]) == []


def test_an_undeclared_kind_is_an_error(bot):
    with pytest.raises(KeyError):
        record([a_fill(bot, "one", kind="party")])


def test_alice_and_bob_see_their_teams_events_and_charlie_none_of_them(bot, alpha, alice, bob, charlie):
    record([a_fill(bot, "one")])
    record([Happened(kind="warning", team_id=alpha.pk, bot_id=None, at=timezone.now(), key="lag", text="Workers lag")])
    assert Event.objects.visible_to(alice).count() == Event.objects.visible_to(bob).count() == 2
    assert Event.objects.visible_to(charlie).count() == 0
    bob.is_active = False
    assert Event.objects.visible_to(bob).count() == 0


def test_every_kind_is_drawn_and_grouped():
    for kind in KINDS.values():
        assert kind.severity in SEVERITIES
        assert kind.group in GROUPS
        assert kind.tone in ("", "profit", "t-up", "t-down", "t-warn", "t-cmd")

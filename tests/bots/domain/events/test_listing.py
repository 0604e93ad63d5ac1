from datetime import timedelta

import pytest
from django.utils import timezone

from bots.domain.events import Happened, listing, record
from bots.models import Event
from tests import builders


@pytest.fixture
def bot(alpha):
    return builders.a_bot(alpha)


def happened(bot, number, at):
    return Happened(kind="warning", team_id=bot.team_id, bot_id=bot.pk, at=at, key=str(number), text="logged")


def test_events_go_after_their_time(bot, settings):
    settings.PORTAL_EVENT_DAYS = 90
    now = timezone.now()
    record([happened(bot, age, now - timedelta(days=age)) for age in (0, 89, 91, 200)])
    assert listing.forget_old(now) == 2
    assert sorted(Event.objects.values_list("key", flat=True)) == ["0", "89"]


def test_a_bot_that_floods_keeps_its_newest(bot, alpha, monkeypatch):
    monkeypatch.setattr(listing, "MOST_OF_A_BOT", 5)
    other = builders.a_bot(alpha, "calm")
    now = timezone.now()
    record([happened(bot, number, now) for number in range(12)])
    record([happened(other, number, now) for number in range(3)])
    assert listing.forget_old(now) == 7
    kept = Event.objects.filter(bot=bot).count(), Event.objects.filter(bot=other).count()
    assert kept == (5, 3)

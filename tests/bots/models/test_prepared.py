"""A prepared query finds what the same query of the ORM finds, whatever it is given."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.db.models import F, Q

from bots.models import Bot, PollTurn
from bots.models.prepared import Given, GivenKeys, Prepared, PreparedUpdate
from tests import builders

AT = datetime(2026, 3, 29, 1, 59, 59, 123456, tzinfo=UTC)
OF_THESE = Prepared(lambda: Bot.objects.filter(pk__in=GivenKeys("bots")).order_by("pk").values_list("pk", "name"))
FREE = Prepared(
    lambda: (
        PollTurn.objects.filter(Q(leased_until=None) | Q(leased_until__lt=Given("now")), held=Given("held"))
        .order_by("pk")
        .values_list("pk", "fence")
    )
)
LEASE = PreparedUpdate(
    lambda: PollTurn.objects.filter(pk__in=GivenKeys("bots")), leased_until=Given("lease"), fence=F("fence") + 1
)


@pytest.fixture
def bots(alpha):
    return [builders.a_bot(alpha, name) for name in ("One", "Two", "Three")]


@pytest.mark.django_db
def test_any_number_of_keys_may_be_given(bots):
    first, second, third = bots
    assert OF_THESE.rows(bots=[third.pk, first.pk]) == [(first.pk, "One"), (third.pk, "Three")]
    assert OF_THESE.rows(bots=[second.pk]) == [(second.pk, "Two")]
    assert OF_THESE.rows(bots=[]) == []
    assert OF_THESE.rows(bots=[*range(10_000, 50_000), second.pk]) == [(second.pk, "Two")]


@pytest.mark.django_db
def test_a_moment_is_compared_to_the_microsecond_in_whatever_zone_it_is_told(bots):
    PollTurn.objects.filter(pk=bots[0].pk).update(leased_until=AT, fence=7)
    PollTurn.objects.filter(pk=bots[1].pk).update(held="wrong_password")
    assert FREE.rows(now=AT, held="") == [(bots[2].pk, 0)]
    assert FREE.rows(now=AT + timedelta(microseconds=1), held="") == [(bots[0].pk, 7), (bots[2].pk, 0)]
    east = AT.astimezone(ZoneInfo("Asia/Tokyo")) + timedelta(microseconds=1)
    assert FREE.rows(now=east, held="") == [(bots[0].pk, 7), (bots[2].pk, 0)]
    assert FREE.rows(now=AT, held="wrong_password") == [(bots[1].pk, 0)]


@pytest.mark.django_db
def test_an_update_writes_what_is_given_into_the_rows_it_names(bots):
    LEASE.run(bots=[bots[0].pk, bots[2].pk], lease=AT)
    LEASE.run(bots=[bots[2].pk], lease=AT + timedelta(hours=1))
    assert list(PollTurn.objects.order_by("pk").values_list("leased_until", "fence")) == [
        (AT, 1),
        (None, 0),
        (AT + timedelta(hours=1), 2),
    ]


@pytest.mark.django_db
def test_the_orm_builds_a_query_once(bots):
    built = []

    def build():
        built.append(1)
        return Bot.objects.filter(pk__in=GivenKeys("bots")).order_by("pk").values_list("pk")

    prepared = Prepared(build)
    assert [prepared.rows(bots=[bot.pk]) for bot in bots] == [[(bot.pk,)] for bot in bots]
    assert built == [1]


@pytest.mark.django_db(transaction=True)
def test_rows_are_locked_as_the_query_says(bots):
    locking = Prepared(
        lambda: PollTurn.objects.filter(pk__in=GivenKeys("bots")).select_for_update(of=("self",)).values_list("pk")
    )
    with transaction.atomic():
        locking.rows(bots=[bots[0].pk])
        with_lock = "FOR UPDATE" in locking.compiled[connection.vendor][0]
    assert with_lock == (connection.vendor == "postgresql")

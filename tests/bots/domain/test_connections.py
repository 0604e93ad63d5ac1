"""Connections are added, changed, retired and paused by one set of acts, each with its row in the audit."""

import logging
import threading
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection, connections, transaction
from django.utils import timezone

from accounts.caller import By, Caller
from accounts.models import Team, User
from bots.domain.audit import Actor, AuditUnavailable
from bots.domain.connections import add_bot, change_bot, pause_polling, poll_now, resume_polling, retire_bot
from bots.models import AuditEntry, Bot, BotStatus, PollTurn
from tests import builders
from tests.canary import CANARY, tables_that_hold

TYPED = {"url": "http://10.8.0.12:8080", "username": "freqtrader", "password": CANARY}


@pytest.fixture
def manager(alice: User, alpha: Team) -> Actor:
    return Actor.of(By(alice, Caller("192.0.2.7", "Firefox", session="5f3a")), alpha)


@pytest.fixture
def bot(manager: Actor, alpha: Team) -> Bot:
    return added(manager, alpha)


def elsewhere(port: int) -> dict[str, str]:
    return {**TYPED, "url": f"http://10.8.0.12:{port}"}


def added(manager: Actor, team: Team, **changes: object) -> Bot:
    return add_bot(manager, team, **{"system": "freqtrade", "name": "BTC Trend", "connection": TYPED, **changes})


def last_entry() -> AuditEntry:
    return AuditEntry.objects.order_by("-id")[0]


def problems(raised: pytest.ExceptionInfo[ValidationError]) -> dict[str, list[str]]:
    return raised.value.message_dict


def test_alice_adds_a_bot_and_it_is_due_at_once(bot: Bot, alpha: Team) -> None:
    bot = Bot.objects.get(pk=bot.pk)
    assert (bot.team, bot.name, bot.slug, bot.system, bot.enabled) == (
        alpha,
        "BTC Trend",
        "btc-trend",
        "freqtrade",
        True,
    )
    assert bot.connection == {"url": "http://10.8.0.12:8080", "username": "freqtrader"}
    assert bot.opened_connection()["password"] == CANARY
    assert (bot.status.state, bot.turn.held) == ("unknown", "")
    assert bot.turn.next_poll_at <= timezone.now()


def test_adding_writes_who_added_what_without_the_secret(bot: Bot, alpha: Team, alice: User) -> None:
    entry = last_entry()
    assert (entry.action, entry.actor, entry.actor_id, entry.role) == ("bot_added", "alice", alice.pk, "manager")
    assert (entry.team, entry.bot, entry.bot_id, entry.subject) == ("alpha", "btc-trend", bot.pk, "BTC Trend")
    assert (entry.address, entry.client, entry.session) == ("192.0.2.7", "Firefox", "5f3a")
    assert entry.details == {
        "system": "freqtrade",
        "set_fields": ["password", "url", "username"],
        "connection": {"url": "http://10.8.0.12:8080", "username": "freqtrader"},
    }


def test_a_second_bot_of_the_same_name_gets_a_number(bot: Bot, manager: Actor, alpha: Team, beta: Team) -> None:
    second, third = added(manager, alpha, connection=elsewhere(8081)), added(manager, beta)
    assert [second.slug, third.slug] == ["btc-trend-2", "btc-trend-3"]


@pytest.mark.parametrize("url", ["http://10.8.0.12:8080/", "http://10.8.0.12:8080/api/v1", "HTTP://10.8.0.12:8080"])
def test_a_bot_the_team_already_has_is_not_added_again(bot: Bot, manager: Actor, alpha: Team, url: str) -> None:
    """Under another name or user its trades would count twice."""
    with pytest.raises(ValidationError) as raised:
        added(manager, alpha, name="again", connection={**TYPED, "url": url, "username": "other"})
    assert problems(raised) == {"url": ["BTC Trend already leads there: its trades would count twice"]}


def test_a_bot_cannot_be_moved_onto_another(bot: Bot, manager: Actor, alpha: Team) -> None:
    second = added(manager, alpha, name="second", connection=elsewhere(8081))
    with pytest.raises(ValidationError) as raised:
        change_bot(manager, second, connection=TYPED)
    assert problems(raised) == {"url": ["BTC Trend already leads there: its trades would count twice"]}
    change_bot(manager, bot, connection=TYPED)  # onto itself is no clash


def test_a_retired_bots_slug_stays_taken(bot: Bot, manager: Actor, alpha: Team) -> None:
    retire_bot(manager, bot)
    assert added(manager, alpha).slug == "btc-trend-2"


@pytest.mark.django_db(transaction=True)
def test_eight_bots_of_one_name_added_at_once_all_get_a_slug(manager: Actor, alpha: Team) -> None:
    slugs: list[str] = []
    failures: list[Exception] = []

    ports = iter(range(8100, 8108))

    def add() -> None:
        try:
            slugs.append(added(manager, alpha, connection=elsewhere(next(ports))).slug)
        except Exception as error:  # noqa: BLE001  told by the test
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert sorted(slugs) == ["btc-trend", *(f"btc-trend-{number}" for number in range(2, 9))]


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"connection": {**TYPED, "url": ""}}, "url", "Address is required"),
        ({"connection": {"url": TYPED["url"], "username": "x"}}, "password", "Password is required"),
        ({"connection": {**TYPED, "password": ""}}, "password", "Password is required"),
        ({"connection": {**TYPED, "colour": "red"}}, "colour", "Freqtrade has no such field"),
        ({"connection": {**TYPED, "url": "ftp://bot"}}, "url", "http:// or https://"),
        ({"connection": {**TYPED, "url": f"http://u:{CANARY}@bot:8080"}}, "url", "fields of their own"),
        ({"connection": {**TYPED, "url": 8080}}, "url", "must be text"),
        ({"connection": {**TYPED, "username": "a:b"}}, "username", "colon"),
        ({"connection": {**TYPED, "password": "a\nb"}}, "password", "line break"),
        ({"connection": {**TYPED, "username": "u" * 2001}}, "username", "longer than 2000"),
        ({"system": "nosuch"}, "system", "no bot system"),
        ({"name": "  "}, "name", "needs a name"),
        ({"name": "n" * 101}, "name", "at most 100"),
        ({"tags": "majors"}, "tags", "list of words"),
        ({"tags": ["t" * 41]}, "tags", "at most 40"),
        ({"poll_plan": {"state": 0.1}}, "poll_plan", "between 1 and 86400"),
        ({"poll_plan": {"state": float("nan")}}, "poll_plan", "between 1 and 86400"),
        ({"poll_plan": {"weather": 10}}, "poll_plan", "No such reading: weather"),
    ],
)
def test_what_cannot_be_a_connection_is_refused_at_its_field(
    manager: Actor, alpha: Team, changes: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        added(manager, alpha, **changes)
    assert list(problems(raised)) == [field]
    assert words in problems(raised)[field][0]
    assert CANARY not in str(raised.value)
    assert (Bot.objects.count(), AuditEntry.objects.count()) == (0, 0)


def test_tags_lose_blanks_and_doubles_and_keep_their_order(manager: Actor, alpha: Team) -> None:
    assert added(manager, alpha, tags=["spot", " majors ", "", "spot"]).tags == ["spot", "majors"]


def test_a_bot_that_cannot_be_audited_is_not_added(
    manager: Actor, alpha: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(act: object) -> None:
        raise AuditUnavailable("full")

    monkeypatch.setattr("bots.domain.connections.append", no_room)
    with pytest.raises(AuditUnavailable):
        added(manager, alpha)
    assert (Bot.objects.count(), BotStatus.objects.count(), PollTurn.objects.count()) == (0, 0, 0)


def test_changing_writes_names_and_open_values_before_and_after(bot: Bot, manager: Actor) -> None:
    change_bot(manager, bot, name="ETH Trend", tags=["eth"], connection={"password": "another-" + CANARY})
    entry = last_entry()
    assert (entry.action, entry.subject) == ("bot_changed", "ETH Trend")
    assert entry.details == {
        "changed": ["name", "password", "tags"],
        "before": {"name": "BTC Trend", "tags": []},
        "after": {"name": "ETH Trend", "tags": ["eth"]},
    }
    fresh = Bot.objects.get(pk=bot.pk)
    assert (fresh.name, fresh.slug, fresh.opened_connection()["password"]) == (
        "ETH Trend",
        "btc-trend",
        "another-" + CANARY,
    )


def test_an_empty_secret_keeps_the_stored_one(bot: Bot, manager: Actor) -> None:
    change_bot(manager, bot, name="Renamed", connection={**TYPED, "password": "", "ws_token": ""})
    assert Bot.objects.get(pk=bot.pk).opened_connection() == TYPED


def test_a_change_that_changes_nothing_leaves_no_row(bot: Bot, manager: Actor) -> None:
    change_bot(manager, bot, name="BTC Trend", connection={"url": TYPED["url"]}, tags=[], enabled=True, poll_plan={})
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["bot_added"]


def test_a_new_address_wants_the_password_again(bot: Bot, manager: Actor) -> None:
    """Else whoever may change the address could have the password sent to a host of his own."""
    with pytest.raises(ValidationError) as raised:
        change_bot(manager, bot, connection={"url": "http://10.8.0.66:8080"})
    assert list(problems(raised)) == ["password"]
    assert "type Password again" in problems(raised)["password"][0]
    assert Bot.objects.get(pk=bot.pk).connection["url"] == TYPED["url"]
    moved = change_bot(manager, bot, connection={"url": "http://10.8.0.66:8080", "password": "new-one"})
    assert moved.opened_connection() == {**TYPED, "url": "http://10.8.0.66:8080", "password": "new-one"}
    assert last_entry().details["changed"] == ["password", "url"]


def test_a_new_address_wants_every_stored_secret_again_or_forgotten(bot: Bot, manager: Actor) -> None:
    change_bot(manager, bot, connection={"ws_token": "token-one"})
    elsewhere = {"url": "http://10.8.0.66:8080", "password": "new-one"}
    with pytest.raises(ValidationError) as raised:
        change_bot(manager, bot, connection=elsewhere)
    assert list(problems(raised)) == ["ws_token"]
    moved = change_bot(manager, bot, connection=elsewhere, forget=["ws_token"])
    assert set(moved.sealed) == {"password"}
    assert last_entry().details["changed"] == ["password", "url", "ws_token"]


def test_a_required_secret_cannot_be_forgotten(bot: Bot, manager: Actor) -> None:
    with pytest.raises(ValidationError) as raised:
        change_bot(manager, bot, forget=["password"])
    assert problems(raised) == {"password": ["Password is required"]}


def test_new_credentials_take_back_the_hold_and_end_the_poll_under_way(bot: Bot, manager: Actor) -> None:
    far = timezone.now() + timedelta(hours=1)
    PollTurn.objects.filter(bot=bot).update(
        held="wrong_password", next_poll_at=far, leased_until=far, due={"state": 9e9}
    )
    BotStatus.objects.filter(bot=bot).update(auth_failures=3)
    fence = PollTurn.objects.get(bot=bot).fence
    change_bot(manager, bot, connection={"password": "right-now"})
    turn = PollTurn.objects.get(bot=bot)
    assert (turn.held, turn.leased_until, turn.due, turn.fence) == ("", None, {}, fence + 1)
    assert turn.next_poll_at <= timezone.now()
    assert BotStatus.objects.get(bot=bot).auth_failures == 0


def test_a_new_name_does_not_take_back_the_hold(bot: Bot, manager: Actor) -> None:
    PollTurn.objects.filter(bot=bot).update(held="wrong_password")
    change_bot(manager, bot, name="Renamed")
    assert PollTurn.objects.get(bot=bot).held == "wrong_password"


def test_every_act_tells_the_open_pages(bot: Bot, manager: Actor) -> None:
    before = BotStatus.objects.get(bot=bot).seq
    change_bot(manager, bot, name="Renamed")
    pause_polling(manager, bot)
    assert BotStatus.objects.get(bot=bot).seq == before + 2


def test_a_paused_bot_is_not_asked_until_it_is_resumed(bot: Bot, manager: Actor) -> None:
    pause_polling(manager, bot)
    assert list(Bot.objects.polled()) == []
    pause_polling(manager, bot)
    resume_polling(manager, bot)
    assert list(Bot.objects.polled()) == [bot]
    actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["bot_added", "bot_paused", "bot_resumed"]


def test_resuming_asks_again_after_wrong_passwords(bot: Bot, manager: Actor) -> None:
    PollTurn.objects.filter(bot=bot).update(held="wrong_password")
    resume_polling(manager, bot)
    assert PollTurn.objects.get(bot=bot).held == ""
    assert last_entry().action == "bot_resumed"


def test_poll_now_makes_every_reading_due_and_is_not_audited(bot: Bot) -> None:
    far = timezone.now() + timedelta(hours=1)
    PollTurn.objects.filter(bot=bot).update(next_poll_at=far, due={"state": 9e9}, held="wrong_password")
    poll_now(bot)
    turn = PollTurn.objects.get(bot=bot)
    assert (turn.due, turn.held, turn.next_poll_at <= timezone.now()) == ({}, "", True)
    assert last_entry().action == "bot_added"


def test_a_retired_bot_keeps_its_trades_and_loses_its_secrets(bot: Bot, manager: Actor) -> None:
    BotStatus.objects.filter(bot=bot).update(mode="dry", stake_currency="USDT")
    bot = Bot.objects.select_related("status").get(pk=bot.pk)
    trade = builders.a_trade(bot, "12.5")
    retire_bot(manager, bot)
    fresh = Bot.objects.get(pk=bot.pk)
    assert (fresh.sealed, fresh.enabled, fresh.retired_at is not None) == ({}, False, True)
    assert (fresh.turn.held, fresh.turn.leased_until) == ("retired", None)
    trade.refresh_from_db()
    assert trade.run.ended_at is not None
    assert list(Bot.objects.active()) == []
    assert (last_entry().action, last_entry().details) == ("bot_retired", {"erased_fields": ["password"]})


def test_nothing_about_a_retired_bot_changes_any_more(bot: Bot, manager: Actor) -> None:
    retire_bot(manager, bot)
    rows = AuditEntry.objects.count()
    for act in (
        lambda: change_bot(manager, bot, name="Back"),
        lambda: resume_polling(manager, bot),
        lambda: retire_bot(manager, bot),
        lambda: poll_now(bot),
    ):
        with pytest.raises(ValidationError, match="was retired"):
            act()
    assert AuditEntry.objects.count() == rows


def test_the_secret_stands_nowhere_in_clear(
    bot: Bot, manager: Actor, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    change_bot(manager, bot, connection={"url": "http://10.8.0.13:8080", "password": CANARY + "2", "ws_token": CANARY})
    with pytest.raises(ValidationError) as raised:
        change_bot(manager, bot, connection={"url": f"nonsense {CANARY}", "password": CANARY})
    retire_bot(manager, bot)
    output = capsys.readouterr()
    assert tables_that_hold(CANARY) == []
    assert CANARY not in caplog.text + output.out + output.err + str(raised.value) + repr(bot)


def test_the_search_for_the_secret_would_find_it(bot: Bot) -> None:
    with transaction.atomic():
        Bot.objects.filter(pk=bot.pk).update(tags=[CANARY])
    assert tables_that_hold(CANARY) == ["bots_bot"]


@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="SQLite has one writer, circles cannot arise")
@pytest.mark.django_db(transaction=True)
def test_a_change_does_not_wait_for_a_poll_that_writes_trades(manager: Actor, alpha: Team) -> None:
    """A poll holds the bot's turn and refers to the bot; a change holds the bot and wants the turn."""
    bot = added(manager, alpha)
    holding, go_on = threading.Event(), threading.Event()
    failures: list[Exception] = []

    def poll() -> None:
        try:
            with transaction.atomic():
                PollTurn.objects.select_for_update().get(bot=bot)
                holding.set()
                go_on.wait(10)
                builders.a_trade(Bot.objects.select_related("status").get(pk=bot.pk), "1.5")
        except Exception as error:  # noqa: BLE001  told by the test
            failures.append(error)
        finally:
            connections.close_all()

    def change() -> None:
        try:
            change_bot(manager, bot, name="Renamed")
        except Exception as error:  # noqa: BLE001  told by the test
            failures.append(error)
        finally:
            connections.close_all()

    BotStatus.objects.filter(bot=bot).update(mode="dry", stake_currency="USDT")
    threads = [threading.Thread(target=poll), threading.Thread(target=change)]
    threads[0].start()
    assert holding.wait(10)
    threads[1].start()
    wait_until_somebody_waits_for_a_lock()
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert failures == []
    assert Bot.objects.get(pk=bot.pk).name == "Renamed"


def wait_until_somebody_waits_for_a_lock() -> None:
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            if cursor.fetchone()[0]:
                return
        threading.Event().wait(0.02)
    raise AssertionError("nobody came to wait")


@pytest.mark.django_db(transaction=True)
def test_the_same_bot_added_eight_times_at_once_is_there_once(manager: Actor, alpha: Team) -> None:
    refused: list[ValidationError] = []

    def add() -> None:
        try:
            added(manager, alpha)
        except ValidationError as refusal:
            refused.append(refusal)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (Bot.objects.count(), len(refused)) == (1, 7)

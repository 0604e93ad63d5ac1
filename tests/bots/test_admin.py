"""In the admin a superuser administers connections, through the same acts; secrets are written there and never read."""

import logging

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from bots.domain import commands
from bots.domain.audit import Actor
from bots.domain.connections import add_bot, retire_bot
from bots.models import AuditEntry, Bot, Command, FourEyes
from tests import builders
from tests.builders import a_bot
from tests.canary import CANARY, tables_that_hold

TYPED = {"url": "http://10.8.0.12:8080", "username": "freqtrader", "password": CANARY}


@pytest.fixture
def dana(db: None) -> User:
    """A superuser who is in no team."""
    return builders.person("dana", is_superuser=True, is_staff=True)


@pytest.fixture
def admin(client: Client, dana: User) -> Client:
    client.force_login(dana)
    return client


@pytest.fixture
def bot(alpha: Team) -> Bot:
    typed = {**TYPED, "ws_token": CANARY}
    return add_bot(Actor("alice"), alpha, system="freqtrade", name="BTC Trend", connection=typed)


def form(team: Team, **changes: object) -> dict[str, object]:
    typed = {f"connection_{name}": value for name, value in TYPED.items()}
    return {"team": team.pk, "name": "BTC Trend", "tags": "spot, majors", "enabled": "on", **typed, **changes}


def of(bot: Bot, page: str = "change") -> str:
    return reverse(f"admin:bots_bot_{page}", args=[bot.pk])


def last_entry() -> AuditEntry:
    return AuditEntry.objects.order_by("-id")[0]


def test_dana_adds_a_bot_and_the_audit_knows_it(admin: Client, alpha: Team, dana: User) -> None:
    answer = admin.post(reverse("admin:bots_bot_add"), form(alpha), follow=True)
    assert "was added successfully" in answer.text
    bot = Bot.objects.get()
    assert (bot.team, bot.slug, bot.tags, bot.opened_connection()) == (alpha, "btc-trend", ["spot", "majors"], TYPED)
    assert (bot.status.state, bot.turn.held) == ("unknown", "")
    entry = last_entry()
    assert (entry.action, entry.actor, entry.role, entry.bot) == ("bot_added", "dana", "superuser", "btc-trend")


def test_what_is_wrong_stands_at_its_field(admin: Client, alpha: Team) -> None:
    answer = admin.post(reverse("admin:bots_bot_add"), form(alpha, connection_url="ftp://bot"))
    assert "http:// or https://" in str(answer.context["adminform"].form.errors["connection_url"])
    assert CANARY not in answer.text
    assert Bot.objects.count() == 0


def test_an_empty_password_keeps_the_stored_one(admin: Client, bot: Bot, alpha: Team) -> None:
    admin.post(of(bot), form(alpha, name="Renamed", connection_password="", connection_ws_token=""))
    fresh = Bot.objects.get()
    assert (fresh.name, fresh.opened_connection()) == ("Renamed", {**TYPED, "ws_token": CANARY})
    assert last_entry().details["changed"] == ["name", "tags"]


def test_a_new_address_wants_the_secrets_again(admin: Client, bot: Bot, alpha: Team) -> None:
    elsewhere = form(alpha, connection_url="http://10.8.0.66:8080", connection_password="")
    answer = admin.post(of(bot), elsewhere)
    assert "type Password again" in str(answer.context["adminform"].form.errors["connection_password"])
    assert Bot.objects.get().connection["url"] == TYPED["url"]


def test_a_stored_token_can_be_erased(admin: Client, bot: Bot, alpha: Team) -> None:
    admin.post(of(bot), form(alpha, connection_password="", forget_ws_token="on"))
    assert set(Bot.objects.get().sealed) == {"password"}


def test_the_team_and_the_system_of_a_bot_stay(admin: Client, bot: Bot, alpha: Team, beta: Team) -> None:
    admin.post(of(bot), form(beta, connection_password="", system="other"))
    assert (Bot.objects.get().team, Bot.objects.get().system) == (alpha, "freqtrade")


def test_deleting_is_retiring(admin: Client, bot: Bot) -> None:
    question = admin.get(of(bot, "delete"))
    assert "its trades, reports and audit entries stay" in question.text
    answer = admin.post(of(bot, "delete"), {"post": "yes"}, follow=True)
    assert "BTC Trend is retired" in answer.text
    fresh = Bot.objects.get()
    assert (fresh.retired_at is not None, fresh.sealed) == (True, {})
    assert last_entry().action == "bot_retired"


def test_a_bot_with_trades_can_be_retired_too(admin: Client, alpha: Team) -> None:
    bot = builders.a_bot(alpha)
    builders.a_trade(bot, "3.5")
    admin.post(of(bot, "delete"), {"post": "yes"})
    assert Bot.objects.get().retired_at is not None


def test_a_retired_bot_can_only_be_looked_at(admin: Client, bot: Bot, alpha: Team) -> None:
    retire_bot(Actor("alice"), bot)
    assert admin.get(of(bot)).status_code == 200
    assert admin.post(of(bot), form(alpha)).status_code == 403
    assert admin.post(of(bot, "delete"), {"post": "yes"}).status_code == 403


def test_many_bots_are_paused_and_resumed_each_with_its_row(admin: Client, alpha: Team) -> None:
    bots = [builders.a_bot(alpha, name) for name in ("one", "two")]
    chosen = {"_selected_action": [bot.pk for bot in bots]}
    admin.post(reverse("admin:bots_bot_changelist"), {"action": "pause_selected", **chosen})
    assert Bot.objects.polled().count() == 0
    admin.post(reverse("admin:bots_bot_changelist"), {"action": "resume_selected", **chosen})
    assert Bot.objects.polled().count() == 2
    assert sorted(AuditEntry.objects.values_list("action", "bot")) == [
        ("bot_paused", "one"),
        ("bot_paused", "two"),
        ("bot_resumed", "one"),
        ("bot_resumed", "two"),
    ]


def test_bots_are_not_deleted_in_bulk(admin: Client, bot: Bot) -> None:
    chosen = {"action": "delete_selected", "_selected_action": [bot.pk], "post": "yes"}
    admin.post(reverse("admin:bots_bot_changelist"), chosen)
    assert Bot.objects.get().retired_at is None


def test_a_refused_act_is_told_and_not_a_crash(admin: Client, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    from bots.domain.audit import AuditUnavailable

    def no_room(act: object) -> None:
        raise AuditUnavailable("The audit cannot be written, so nothing was done. Try again.")

    monkeypatch.setattr("bots.domain.connections.append", no_room)
    answer = admin.post(of(bot, "delete"), {"post": "yes"}, follow=True)
    assert "nothing was done" in answer.text
    assert Bot.objects.get().retired_at is None


def test_the_secret_is_on_no_page_and_in_no_history(
    admin: Client, bot: Bot, alpha: Team, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    admin.post(of(bot), form(alpha, name="Renamed", connection_url="http://10.8.0.13:1", connection_ws_token=CANARY))
    admin.post(of(bot), form(alpha, connection_url="nonsense"))
    sealed = list(Bot.objects.get().sealed.values())
    places = [
        of(bot),
        of(bot, "history"),
        of(bot, "delete"),
        reverse("admin:bots_bot_changelist"),
        reverse("admin:index"),
    ]
    pages = [admin.get(place) for place in places]
    pages.append(admin.get(reverse("admin:bots_auditentry_changelist")))
    pages.append(admin.get(reverse("admin:bots_auditentry_change", args=[last_entry().pk])))
    assert [page.status_code for page in pages] == [200] * 7
    assert len(sealed) == 2
    for text in (*(page.text for page in pages), caplog.text, repr(list(LogEntry.objects.values()))):
        assert CANARY not in text
        assert not any(box in text for box in sealed)
    assert tables_that_hold(CANARY) == []


def test_the_audit_can_be_read_and_searched_but_not_touched(admin: Client, bot: Bot) -> None:
    entry = last_entry()
    listing = admin.get(reverse("admin:bots_auditentry_changelist"), {"q": "btc-trend", "action__exact": "bot_added"})
    assert "bot_added" in listing.text
    assert 'name="action"' not in listing.text
    one = reverse("admin:bots_auditentry_change", args=[entry.pk])
    assert admin.get(one).status_code == 200
    refused = [
        admin.post(one, {"actor": "mallory"}),
        admin.post(reverse("admin:bots_auditentry_delete", args=[entry.pk]), {"post": "yes"}),
        admin.get(reverse("admin:bots_auditentry_add")),
    ]
    assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert AuditEntry.objects.get(pk=entry.pk).actor == "alice"


def test_dana_verifies_the_audit_with_a_button(admin: Client, bot: Bot) -> None:
    from bots.domain.audit import anchor_head
    from tests.bots.domain.audit_acts import as_owner

    anchor_head()
    page = reverse("admin:bots_auditentry_verify")
    assert "Verify now" in admin.get(page).text
    assert "All 1 entries are as they were written" in admin.post(page).text
    as_owner("UPDATE bots_auditentry SET actor = 'mallory'")
    assert "Entry 1 is not what the portal wrote" in admin.post(page).text


def test_what_was_read_from_bots_cannot_be_typed(admin: Client, bot: Bot) -> None:
    for name in ("botstatus", "pollturn", "botrun", "trade", "botreading", "configversion", "snapshot"):
        assert admin.get(reverse(f"admin:bots_{name}_changelist")).status_code == 200
        assert admin.get(reverse(f"admin:bots_{name}_add")).status_code == 403


def test_a_manager_is_not_let_into_the_admin(client: Client, alice: User, bot: Bot) -> None:
    client.force_login(alice)
    for page in (reverse("admin:bots_bot_changelist"), of(bot), reverse("admin:bots_auditentry_verify")):
        assert client.get(page).status_code in (302, 403)
        assert "BTC Trend" not in client.get(page).text


def test_commands_batches_and_the_rule_of_two_are_looked_at_and_not_touched(
    admin: Client, alpha: Team, alice: User
) -> None:
    able = a_bot(alpha, status={"capabilities": ["stop"]})
    FourEyes.objects.create(team=alpha, actions=["stop"])
    batch = commands.ask_many(Actor("alice"), alice, alpha, [able], "stop", {}, "for the night").batch
    rows = {"command": batch.commands.get(), "commandbatch": batch, "foureyes": FourEyes.objects.get()}
    for name, row in rows.items():
        change = reverse(f"admin:bots_{name}_change", args=[row.pk])
        listing = admin.get(reverse(f"admin:bots_{name}_changelist"))
        assert (listing.status_code, admin.get(change).status_code) == (200, 200)
        assert 'name="action"' not in listing.text
        refused = [
            admin.post(change, {"state": "done", "action": "start"}),
            admin.post(reverse(f"admin:bots_{name}_delete", args=[row.pk]), {"post": "yes"}),
            admin.post(reverse(f"admin:bots_{name}_add"), {}),
        ]
        assert [answer.status_code for answer in refused] == [403, 403, 403]
    assert "for the night" in admin.get(reverse("admin:bots_command_change", args=[rows["command"].pk])).text
    assert Command.objects.get().state == Command.WAITING

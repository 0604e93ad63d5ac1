"""A bot's secrets and a person's token pass through asking, sending, refusing and failing, and are left nowhere: not in
the API, on no page, in no log, no task, no row, no file to take along."""

import logging
from types import SimpleNamespace

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from accounts.access import Role
from bots import tasks
from bots.domain.commands import Outbox
from bots.models import Bot, Command
from bots.simulator import BotSpec, running_fleet
from tests import builders
from tests.bots.domain.audit_acts import audit_full
from tests.bots.domain.commands.conftest import ended
from tests.canary import CANARY, tables_that_hold
from tests.fleets import known, polled

WHY = {"reason": "the market turns"}


@pytest.fixture
def handed(monkeypatch):
    """What was put on the broker: the arguments of every task."""
    told = []
    for task in (tasks.send_commands, tasks.look_at_commands):
        monkeypatch.setattr(task, "apply_async", lambda *words, **more: told.append((words, more)))
    return told


@pytest.fixture
def dora(alpha):
    dora = builders.person("dora")
    builders.member(dora, alpha, Role.MANAGER)
    return dora


@pytest.fixture
def doors(dora):
    """Dora with a token of the API and in a browser; Dana in the admin; Charlie, whom nothing concerns."""
    api, browser, admin = APIClient(), Client(), Client()
    tokens = api.post("/api/v1/token/", {"username": "dora", "password": builders.PASSWORD}).json()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    browser.force_login(dora)
    admin.force_login(builders.person("dana", is_superuser=True))
    return SimpleNamespace(api=api, browser=browser, admin=admin, token=tokens["access"])


@pytest.mark.django_db(transaction=True)
def test_no_secret_is_left_anywhere(alpha, doors, handed, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    seen = []
    with running_fleet([BotSpec(name="majors", open_trades=3, password=CANARY)]) as fleet:
        bot = known(fleet.bots[0], alpha)
        bot.set_secret("ws_token", CANARY)
        bot.save()
        polled(bot)
        seen += asked_sent_and_refused(doors, bot)
    seen += sent_to_nobody(doors, bot)
    seen += refused_and_failed(doors, bot)
    seen += everything_shown(doors, bot)
    written = [text_of(answer) for answer in seen]
    assert len(written) > 30
    sealed = list(Bot.objects.get().sealed.values())
    output = "".join(capfd.readouterr())
    for secret in (CANARY, doors.token, *sealed):
        assert not [text[:300] for text in written if secret in text]
        assert secret not in caplog.text
        assert secret not in output
        assert secret not in repr(handed)
    assert tables_that_hold(CANARY) == tables_that_hold(doors.token) == []
    assert {command.state for command in Command.objects.all()} >= {"done", "refused"}


def asked_sent_and_refused(doors, bot):
    """Two exits of the same trade and one with a wrong pair: done, refused by the bot's own words, refused by us."""
    trades = doors.api.get("/api/v1/trades/", {"status": "open"}).json()["results"]
    wish = {"action": "force_exit", "params": {"trade_id": trades[0]["trade_id"]}, **WHY}
    answers = [doors.api.post(place(bot), wish) for _ in range(2)]
    enter = {"action": "force_enter", "params": {"pair": trades[1]["pair"]}, **WHY}
    answers += [doors.api.post(place(bot), enter)]
    answers += [doors.browser.post(f"/trades/{trades[2]['id']}/do/force_exit/", {**WHY, "expected_pair": "OTHER/USDT"})]
    assert [answer.status_code for answer in answers] == [202, 409, 202, 409]
    sent()
    return answers


def place(bot):
    return f"/api/v1/bots/{bot.slug}/commands/"


def sent():
    outbox = Outbox().start()
    try:
        waiting = Command.objects.filter(state=Command.INTENT)
        outbox.submit([command.pk for command in waiting])
        for command in waiting:
            ended(command)
    finally:
        outbox.stop()


def sent_to_nobody(doors, bot):
    """The bot is gone: nobody answers at its address."""
    answer = doors.api.post(place(bot), {"action": "stop"})
    sent()
    assert Command.objects.get(pk=answer.json()["id"]).code == "not_sent_unreachable"
    return [answer]


def refused_and_failed(doors, bot):
    """Error answers of every kind, with the secret in what was sent."""
    wrong = {"action": "force_enter", "params": {"pair": "A/B", "price": CANARY, CANARY: 1}}
    answers = [
        doors.api.post(place(bot), {"action": "explode", **WHY}),
        doors.api.get("/api/v1/commands/999999/"),
        doors.browser.get("/commands/999999/"),
        doors.browser.get("/admin/bots/command/"),
        doors.api.get("/api/v1/commands/", {"from": "x"}),
    ]
    with audit_full():
        answers += [doors.api.post(place(bot), {"action": "start"})]
        answers += [doors.browser.post(f"/bots/{bot.slug}/do/start/", {})]
    assert [answer.status_code for answer in answers] == [400, 404, 404, 302, 400, 503, 503]
    # What somebody types into a wrong place comes back to him alone.
    assert doors.api.post(place(bot), wrong).status_code == 400
    return answers


def everything_shown(doors, bot):
    newest = Command.objects.latest("pk")
    entries = [f"/api/v1/{path}" for path in ("commands/", f"commands/{newest.pk}/", "audit/", "events/", "batches/")]
    entries += [place(bot), f"/api/v1/bots/{bot.slug}/", "/api/v1/audit/export.csv", "/api/v1/audit/export.jsonl"]
    pages = ["/commands/", "/audit/", "/events/", f"/bots/{bot.slug}/", f"/bots/{bot.slug}/do/", "/team/"]
    pages += [f"/commands/{command.pk}/" for command in Command.objects.all()]
    answers = [doors.api.get(path) for path in entries] + [doors.browser.get(path) for path in pages]
    for model in ("command", "commandbatch", "auditentry", "bot"):
        answers.append(doors.admin.get(reverse(f"admin:bots_{model}_changelist")))
    answers.append(doors.admin.get(reverse("admin:bots_command_change", args=[newest.pk])))
    answers.append(doors.admin.get(reverse("admin:bots_bot_change", args=[bot.pk])))
    assert {answer.status_code for answer in answers} == {200}
    return answers


def text_of(answer):
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return f"{answer.headers} {body.decode()}"

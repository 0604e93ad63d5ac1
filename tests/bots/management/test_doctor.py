"""Doctor: what it looks at says how it is, and what to do where a person must act."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.utils import timezone
from redis import Redis

from accounts.models import Team
from bots.domain.audit import anchor_head
from bots.management.examination import Line, examine
from bots.models import Command
from tests import builders
from tests.bots.domain.audit_acts import alice_acts

pytestmark = pytest.mark.django_db
BACKENDS = "django.core.mail.backends"


def lines(about: str) -> list[Line]:
    return [line for line in examine() if line.about == about]


def said(about: str) -> list[tuple[str, str]]:
    return [(line.level, line.sentence) for line in lines(about)]


@pytest.mark.parametrize(
    ("backend", "words"),
    [
        ("console", [("warn", "goes to the log: invitations and resets reach nobody")]),
        ("dummy", [("warn", "is not sent: invitations and resets reach nobody")]),
        ("smtp", []),
    ],
)
def test_it_says_when_no_mail_reaches_anybody(settings, backend: str, words: list[tuple[str, str]]) -> None:
    settings.EMAIL_BACKEND = f"{BACKENDS}.{backend}.EmailBackend"
    assert said("mail") == words


def test_it_says_who_may_read_the_metrics(settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.PORTAL_METRICS_TOKEN, settings.EMBEDDED = None, True
    assert said("metrics") == [("ok", "open to programs on this machine")]
    settings.EMBEDDED = False
    [line] = lines("metrics")
    assert line.sentence == "no PORTAL_METRICS_TOKEN here: a web process without one answers 404 at /metrics"
    assert line.todo == "Right for a worker; for Prometheus give it to the web processes"
    settings.PORTAL_METRICS_TOKEN = "m" * 20
    assert said("metrics") == [("ok", "asked for with PORTAL_METRICS_TOKEN")]


@pytest.mark.skipif(configured.EMBEDDED, reason="asks Redis")
def test_it_says_when_a_crash_of_redis_would_forget_what_waits(settings) -> None:
    with Redis.from_url(settings.REDIS_URL) as redis:
        assert said("broker") == [
            ("warn", "Redis answers, but keeps no append-only file: a crash forgets what waits in the queues")
        ]
        redis.acl_setuser("alice", enabled=True, nopass=True, commands=["+ping"])
        redis.config_set("appendonly", "yes")
        try:
            assert said("broker") == [("ok", "Redis answers")]
            redis.config_set("appendonly", "no")
            settings.REDIS_URL = settings.REDIS_URL.replace("redis://", "redis://alice:x@")
            assert said("broker") == [("ok", "Redis answers")]
        finally:
            redis.config_set("appendonly", "no")
            redis.acl_deluser("alice")


def test_it_says_when_a_confirmed_command_waits_for_a_worker(alpha: Team) -> None:
    assert said("commands") == [("ok", "none waits longer than it should")]
    asked = timezone.now() - timedelta(seconds=90)
    facts = {"bot": builders.a_bot(alpha), "team": alpha, "action": "stop", "requested_at": asked}
    command = Command.objects.create(expires_at=asked + timedelta(seconds=60), **facts)
    assert said("commands") == [("FAIL", "one has waited for 90 s to be sent")]
    Command.objects.filter(pk=command.pk).update(state=Command.WAITING)  # for a second person
    assert said("commands") == [("ok", "none waits longer than it should")]


def test_it_says_that_root_sees_nothing_of_who_may_write(settings, monkeypatch, tmp_path: Path) -> None:
    settings.REDIS_URL, settings.DATA_DIR = "redis://127.0.0.1:1/0", tmp_path
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert said("user") == []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    settings.EMBEDDED = False
    [(level, sentence)] = said("user")
    assert (level, sentence[:21]) == ("warn", "doctor runs as root, ")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_root_who_runs_the_embedded_portal_himself_sees_enough(settings, tmp_path: Path) -> None:
    settings.EMBEDDED, settings.DATA_DIR = True, tmp_path
    assert said("user") == []
    os.chown(tmp_path, 12345, 12345)
    assert [level for level, _ in said("user")] == ["warn"]


def test_an_anchor_that_is_a_link_is_refused_by_name(settings, tmp_path: Path) -> None:
    alice_acts(1)
    anchor_head()
    (tmp_path / "link").symlink_to(settings.PORTAL_AUDIT_ANCHOR)
    settings.PORTAL_AUDIT_ANCHOR = tmp_path / "link"
    assert said("anchor") == [("FAIL", f"{tmp_path / 'link'} is a link: it is not followed, and nothing is anchored")]

"""Whoever has a shell on the portal's machine may make superusers and set passwords: never unrecorded."""

import getpass

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import User
from bots.models import AuditEntry
from tests import builders
from tests.bots.domain.audit_acts import audit_full

LONG = "correct horse battery"


def recorded():
    return list(AuditEntry.objects.order_by("id").values_list("action", "actor", "subject", "details"))


@pytest.fixture
def typing(monkeypatch):
    """What the person at the terminal answers, one word after the other."""

    def types(*words):
        answers = list(words)
        monkeypatch.setattr(getpass, "getpass", lambda prompt="": answers.pop(0))

    return types


@pytest.mark.django_db(transaction=True)
def test_a_superuser_made_from_a_shell_stands_in_the_audit(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", LONG)
    call_command("createsuperuser", "--noinput", username="olga", email="olga@example.org")
    olga = User.objects.get(username="olga")
    assert olga.is_superuser and olga.is_staff and olga.check_password(LONG)
    assert recorded() == [("user_created", "", "olga", {"user_id": olga.pk, "is_superuser": True})]
    client = AuditEntry.objects.get().client
    assert client == f"manage.py createsuperuser ({getpass.getuser()})"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("username", "password", "said"),
    [("alice", LONG, "username: .*already exists"), ("olga", "short", "too short"), ("", LONG, "username: .*blank")],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(monkeypatch, username, password, said):
    builders.person("alice")
    before = recorded()
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
    with pytest.raises(CommandError, match=said):
        call_command("createsuperuser", "--noinput", username=username)
    assert User.objects.count() == 1
    assert recorded() == before


@pytest.mark.django_db(transaction=True)
def test_a_password_set_from_a_shell_stands_in_the_audit_and_ends_sessions(client, typing):
    alice = builders.person("alice")
    client.force_login(alice)
    typing(LONG, "something else", "short", "short", LONG, LONG)
    before = len(recorded())
    call_command("changepassword", "alice")
    alice.refresh_from_db()
    assert alice.check_password(LONG)
    assert recorded()[before:] == [("password_changed", "", "alice", {"how": "set"})]
    assert client.get("/account/").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_while_the_audit_cannot_be_written_no_superuser_is_made(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", LONG)
    with audit_full(), pytest.raises(CommandError, match="audit cannot be written"):
        call_command("createsuperuser", "--noinput", username="olga")
    assert not User.objects.filter(username="olga").exists()


@pytest.mark.django_db(transaction=True)
def test_three_bad_tries_end_it(typing):
    alice = builders.person("alice")
    typing("a", "b", "c", "d", "e", "f")
    with pytest.raises(CommandError, match="nothing was done"):
        call_command("changepassword", "alice")
    alice.refresh_from_db()
    assert not alice.check_password("a")

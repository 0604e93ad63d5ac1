"""While the audit cannot be written nobody comes in and nothing changes; what is there can still be read."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import LoginFailure, User
from bots.models import AuditEntry
from tests.bots.domain.audit_acts import audit_full
from tests.builders import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def full_audit(alice: User) -> Iterator[None]:
    with audit_full():
        yield


def test_alice_cannot_log_in_unrecorded(client: Client, full_audit: None) -> None:
    answer = client.post("/login/", {"username": "alice", "password": PASSWORD})
    assert answer.status_code == 503
    assert "Nothing was done" in answer.text
    assert client.get("/").status_code == 302
    assert settings.SESSION_COOKIE_NAME not in client.cookies
    assert AuditEntry.objects.count() == 0


def test_a_wrong_password_is_not_tried_unrecorded(client: Client, full_audit: None) -> None:
    """Who could silence the audit could otherwise guess unseen; the try counts all the same."""
    assert client.post("/login/", {"username": "alice", "password": "guess"}).status_code == 503
    assert LoginFailure.objects.count() == 1


def test_no_token_is_issued_unrecorded(client: Client, full_audit: None) -> None:
    typed = {"username": "alice", "password": PASSWORD}
    answer = client.post("/api/v1/token/", typed, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (503, "audit_unavailable")


def test_who_is_in_stays_in_and_reads_on(client: Client, alice: User) -> None:
    client.force_login(alice)
    with audit_full():
        assert client.get("/").status_code == 200
        assert client.post("/logout/").status_code == 503
        assert client.get("/").status_code == 200
    assert client.post("/logout/").status_code == 302
    assert client.get("/").status_code == 302

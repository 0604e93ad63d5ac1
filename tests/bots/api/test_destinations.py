"""Destinations over the API: managers write, members look, nobody reads an address again, another team sees nothing."""

import pytest

from bots.api import destination_shapes as shapes
from bots.domain.alerts.delivering import Postman
from bots.models import AuditEntry, Delivery, Destination
from tests.canary import CANARY, tables_that_hold
from tests.receivers import mail_server, webhooks

HOOK = {"team": "alpha", "kind": "webhook", "name": "Operations", "address": f"https://hooks.example.org/{CANARY}",
    "secret": f"{CANARY}-signs", "least": "error", "mode": "live", "most_per_hour": 5}  # fmt: skip
MAIL = {"team": "alpha", "kind": "mail", "name": "On call", "address": f"{CANARY}@example.org"}
CHAT = {"team": "alpha", "kind": "apprise", "name": "Chat", "address": f"discord://123456/{CANARY}-more-of-it"}


def test_alice_adds_a_webhook_and_its_secrets_are_only_said_to_be_set(as_alice, as_bob, as_charlie, alice):
    answer = as_alice("destinations/", "POST", HOOK)
    assert answer.status_code == 201
    row = answer.json()
    assert row == as_bob.read(f"destinations/{row['id']}/") == as_bob.read("destinations/", team="alpha")["results"][0]
    shown = {
        name: row[name] for name in ("kind", "name", "shown", "set_fields", "least", "mode", "most_per_hour", "last")
    }
    assert shown == {"kind": "webhook", "name": "Operations", "shown": "https://hooks.example.org/…", "least": "error",
        "set_fields": ["address", "secret"], "mode": "live", "most_per_hour": 5, "last": None}  # fmt: skip
    assert set(row) == set(shapes.DestinationShape().fields)
    entry = AuditEntry.objects.get(action="destination_added")
    assert (entry.actor, entry.subject, entry.team) == ("alice", "Operations", "alpha")
    assert as_charlie("destinations/").json()["results"] == []
    for method, path in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "test/"), ("GET", "deliveries/")):
        assert as_charlie(f"destinations/{row['id']}/{path}", method, {}).status_code == 404
    assert as_charlie("destinations/", "POST", HOOK).status_code == 404
    assert as_bob("destinations/", "POST", {**HOOK, "name": "Mine"}).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({**MAIL, "address": "nobody"}, "address", "Enter a valid email address."),
        ({**MAIL, "address": "a@example.org, b@example.org"}, "address", "Enter a valid email address."),
        ({**MAIL, "address": "a@example.org\nBcc: b@example.org"}, "address", "Enter a valid email address."),
        ({**HOOK, "address": "file:///etc/passwd"}, "address", "The address must begin with http:// or https://"),
        ({**HOOK, "address": f"https://me:{CANARY}@example.org/"}, "address", "User name and password have fields"),
        ({**HOOK, "secret": "short"}, "secret", "16 to 200 printable signs"),
        ({**HOOK, "secret": ""}, "secret", "Enter a secret that signs what is sent there"),
        ({**MAIL, "secret": CANARY}, "secret", "Only a webhook has a secret of its own"),
        ({**CHAT, "address": f"json://10.0.0.1/{CANARY}"}, "address", "Only services whose host is fixed: tgram://"),
        (
            {**CHAT, "address": f"discord://123456/{CANARY}-more?template=/etc/passwd"},
            "address",
            "An address of Discord",
        ),
        ({**MAIL, "kind": "pigeon"}, "kind", "One of mail, webhook, apprise"),
        ({**MAIL, "least": "never"}, "least", '"never" is not a valid choice.'),
        ({**MAIL, "most_per_hour": 0}, "most_per_hour", "Ensure this value is greater than or equal to 1."),
        ({**MAIL, "name": " "}, "name", "This field may not be blank."),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_is_never_quoted(as_alice, wrong, field, words):
    answer = as_alice("destinations/", "POST", wrong)
    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [field]
    assert answer.json()["fields"][field][0].startswith(words)
    assert CANARY not in answer.content.decode()
    assert not Destination.objects.exists()


def test_alice_changes_what_she_names_and_the_rest_stays(as_alice, as_bob):
    number = as_alice("destinations/", "POST", HOOK).json()["id"]
    sealed = Destination.objects.get().sealed
    changed = as_alice(f"destinations/{number}/", "PATCH", {"name": "Ops", "enabled": False, "address": ""}).json()
    assert (changed["name"], changed["enabled"], changed["least"]) == ("Ops", False, "error")
    assert Destination.objects.get().sealed == sealed
    entry = AuditEntry.objects.get(action="destination_changed")
    assert entry.details["changed"] == ["enabled", "name"]
    moved = as_alice(f"destinations/{number}/", "PATCH", {"address": "https://other.example.org/x"}).json()
    assert moved["shown"] == "https://other.example.org/…"
    assert AuditEntry.objects.filter(action="destination_changed").latest("id").details["changed"] == [
        "address",
        "shown",
    ]
    assert as_alice("destinations/", "POST", {**MAIL, "name": "Ops"}).json()["fields"] == {
        "name": ["The team has a destination of this name"]
    }
    assert as_bob(f"destinations/{number}/", "DELETE").status_code == 403
    assert as_alice(f"destinations/{number}/", "DELETE").status_code == 204
    assert Destination.objects.get().sealed == {}
    assert as_alice(f"destinations/{number}/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_test_is_sent_by_a_worker_and_says_what_came_of_it(as_alice, as_bob, settings):
    settings.PORTAL_WEBHOOK_NETWORKS = ["loopback"]
    with webhooks() as receiver:
        receiver.statuses = [204, 500]
        number = as_alice("destinations/", "POST", {**HOOK, "address": f"{receiver.url}/x"}).json()["id"]
        asked = as_alice(f"destinations/{number}/test/", "POST")
        assert (asked.status_code, asked.json()["state"], asked.json()["asked_by"]) == (202, "pending", "alice")
        assert set(asked.json()) == set(shapes.DeliveryShape().fields)
        Postman().carry(number)
        as_alice(f"destinations/{number}/test/", "POST")
        Postman().carry(number)
        assert len(receiver.received) == 2
    told = as_bob.read(f"destinations/{number}/deliveries/")["results"]
    assert [(one["what"], one["state"], one["words"]) for one in told] == [
        ("test", "given_up", "127.0.0.1 answered 500"),
        ("test", "sent", "127.0.0.1 answered 204"),
    ]
    assert as_bob.read(f"destinations/{number}/")["last"] == told[0]
    assert AuditEntry.objects.filter(action="destination_tested").count() == 2
    for _ in range(8):
        assert as_alice(f"destinations/{number}/test/", "POST").status_code == 202
    assert as_alice(f"destinations/{number}/test/", "POST").status_code == 400


def test_of_what_a_digest_tells_the_state_of_the_digest_is_told(as_bob, alpha):
    pager = Destination.objects.create(team=alpha, kind="mail", name="Pager")
    digest = pager.deliveries.create(what="digest", state="given_up")
    part = pager.deliveries.create(what="opened", state="digested", part_of=digest)
    told = as_bob.read(f"destinations/{pager.pk}/deliveries/")["results"]
    assert [(one["id"], one["state"], one["digest_state"]) for one in told] == [
        (part.pk, "digested", "given_up"),
        (digest.pk, "given_up", None),
    ]


@pytest.mark.django_db(transaction=True)
def test_no_secret_of_a_destination_is_left_anywhere(as_alice, as_bob, settings, caplog, capfd, monkeypatch):
    """Added, changed, tried and failing: in no answer, no row, no log, no audit."""
    caplog.set_level("DEBUG")
    settings.PORTAL_WEBHOOK_NETWORKS = ["loopback"]
    answers = []
    with webhooks() as receiver, mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        server.answers = {"RCPT": f"550 {CANARY}@example.org is unknown"}
        receiver.statuses, receiver.headers = [302], {"Location": f"https://{CANARY}.example.org/"}
        for wish in (HOOK, MAIL, CHAT):
            answers.append(as_alice("destinations/", "POST", wish))
        for address in (f"{receiver.url}/{CANARY}", f"http://127.0.0.1:1/{CANARY}", f"http://10.0.0.1/{CANARY}"):
            hook = Destination.objects.get(kind="webhook").pk
            answers.append(as_alice(f"destinations/{hook}/", "PATCH", {"address": address}))
            tried(as_alice, hook, answers)
        tried(as_alice, Destination.objects.get(kind="mail").pk, answers)
    answers.append(as_alice.client.get("/api/v1/audit/"))
    answers.append(as_bob("destinations/"))
    states = set(Delivery.objects.values_list("state", "code"))
    assert states == {
        ("given_up", code) for code in ("redirected", "connection_refused", "address_not_allowed", "smtp_550")
    }
    assert not [answer.content for answer in answers if CANARY in answer.content.decode()]
    assert tables_that_hold(CANARY) == []
    assert CANARY not in caplog.text + "".join(capfd.readouterr())


def tried(caller, number, answers):
    answers.append(caller(f"destinations/{number}/test/", "POST"))
    Postman().carry(number)
    answers.append(caller(f"destinations/{number}/deliveries/"))

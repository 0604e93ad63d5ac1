"""Where alerts are told: Alice sets it and tries it, what she typed is sealed and never shown, Bob reads its name."""

import pytest

from bots.models import AuditEntry, Delivery, Destination
from tests.bots.pages.reading import page, row, text

ADDRESS, SECRET = "https://93.184.215.14/hooks/canary-7f3a", "canary-secret-0123456789"
HOOK = {
    "kind": "webhook", "name": "Pager", "address": ADDRESS, "secret": SECRET, "least": "error", "mode": "live",
    "most_per_hour": "12", "enabled": "on",
}  # fmt: skip


@pytest.fixture
def hook(browser_of, alice, alpha):
    browser_of(alice).post("/team/alpha/destinations/new/", HOOK)
    return Destination.objects.get()


def test_alice_adds_a_webhook_and_what_she_typed_is_shown_nowhere(browser_of, alice, bob, hook):
    assert (hook.name, hook.least, hook.mode, hook.most_per_hour, hook.enabled) == ("Pager", "error", "live", 12, True)
    for person, path in ((alice, f"/team/alpha/destinations/{hook.pk}/"), (bob, "/team/alpha/destinations/")):
        shown = page(browser_of(person).get(path))
        assert "canary" not in shown
        assert "https://93.184.215.14/…" in shown
    assert "set, leave empty to keep" in page(browser_of(alice).get(f"/team/alpha/destinations/{hook.pk}/"))
    assert "canary" not in str(AuditEntry.objects.values_list("details", "subject"))


def test_a_mistake_brings_the_form_back_without_the_secrets(browser_of, alice):
    answer = browser_of(alice).post("/team/alpha/destinations/new/", {**HOOK, "name": "", "secret": "canary"})
    shown = answer.content.decode()

    assert answer.status_code == 422
    assert "A name of 1 to 100 printable signs" in text(shown)
    assert "16 to 200 printable signs" in text(shown)
    assert "canary" not in shown
    assert not Destination.objects.exists()


@pytest.mark.parametrize("kind", ["mail", "webhook", "apprise"])
def test_every_kind_has_a_form_that_shows_what_an_address_looks_like(browser_of, alice, alpha, kind):
    assert "Add destination" in text(page(browser_of(alice).get(f"/team/alpha/destinations/new/?kind={kind}")))
    assert browser_of(alice).get("/team/alpha/destinations/new/?kind=pigeon").status_code == 404


def test_a_change_keeps_what_was_left_empty(browser_of, alice, hook):
    sealed = dict(hook.sealed)
    changed = {**HOOK, "name": "Night", "address": "", "secret": ""}
    changed.pop("enabled")
    browser_of(alice).post(f"/team/alpha/destinations/{hook.pk}/", changed)

    hook.refresh_from_db()
    assert (hook.name, hook.enabled, dict(hook.sealed)) == ("Night", False, sealed)


def test_a_test_is_asked_for_and_its_outcome_is_read_there(browser_of, alice, bob, hook):
    answer = browser_of(alice).post(f"/team/alpha/destinations/{hook.pk}/test/")
    assert answer["Location"] == f"/team/alpha/destinations/{hook.pk}/"
    delivery = Delivery.objects.get()
    assert (delivery.what, delivery.asked_by_name) == ("test", "alice")
    assert "waits" in text(row(page(browser_of(bob).get(answer["Location"])), f"delivery-{delivery.pk}"))

    Delivery.objects.update(state="given_up", attempts=3, words="93.184.215.14 answered 404")
    shown = text(row(page(browser_of(bob).get(answer["Location"])), f"delivery-{delivery.pk}"))
    assert shown.endswith("not delivered 3 attempts; 93.184.215.14 answered 404")
    assert "Test asked by alice" in shown


@pytest.mark.parametrize(
    ("state", "word", "mark"),
    [("sent", "in a digest: sent", "ok"), ("given_up", "in a digest: not delivered", "no"),
        ("pending", "in a digest: waits to be tried again", "now")],
)  # fmt: skip
def test_what_is_told_in_a_digest_is_told_as_far_as_the_digest_is(browser_of, bob, hook, state, word, mark):
    digest = hook.deliveries.create(what="digest", state=state, attempts=1, words="example.org answered")
    part = hook.deliveries.create(what="opened", state="digested", part_of=digest)
    shown = row(page(browser_of(bob).get(f"/team/alpha/destinations/{hook.pk}/")), f"delivery-{part.pk}")
    assert text(shown).endswith(f"{word} example.org answered")
    assert f'class="{mark}"' in shown


def test_bob_who_may_only_look_sees_no_form_and_charlie_finds_nothing(browser_of, bob, charlie, hook):
    own = f"/team/alpha/destinations/{hook.pk}/"
    shown = page(browser_of(bob).get(own))
    assert 'name="address"' not in shown
    assert "Send a test" not in shown
    assert browser_of(bob).post(own, HOOK).status_code == 403
    for path in ("/team/alpha/destinations/", own):
        assert browser_of(charlie).get(path).status_code == 404


def test_a_removed_destination_is_found_no_more_and_its_secrets_are_gone(browser_of, alice, hook):
    browser_of(alice).post(f"/team/alpha/destinations/{hook.pk}/remove/")

    hook.refresh_from_db()
    assert (dict(hook.sealed), hook.enabled) == ({}, False)
    assert browser_of(alice).get(f"/team/alpha/destinations/{hook.pk}/").status_code == 404
    assert "Nobody is told" in page(browser_of(alice).get("/team/alpha/destinations/"))

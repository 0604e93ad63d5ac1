"""Four eyes on the pages: what waits, who is asked, and who may not decide."""

import pytest

from bots.domain.commands.approving import four_eyes_of
from bots.models import AuditEntry, FourEyes
from tests.bots.pages.asking import confirmed, exit_of, only_command
from tests.bots.pages.reading import page, text


@pytest.fixture
def waiting(browser_of, alpha, dana, trade):
    FourEyes.objects.create(team=alpha, actions=["force_exit"], wait_minutes=10)
    confirmed(browser_of(dana), exit_of(trade), reason="flat before the print")
    return only_command()


def test_the_confirmation_says_beforehand_that_a_second_person_is_needed(browser_of, alpha, dana, trade):
    FourEyes.objects.create(team=alpha, actions=["force_exit"], wait_minutes=10)

    assert "A second person has to approve it" in text(page(browser_of(dana).get(exit_of(trade))))


def test_alice_finds_what_waits_for_her_and_approves_it(browser_of, alice, waiting):
    browser = browser_of(alice)
    listed = page(browser.get("/commands/"))
    assert f'data-key="awaiting-{waiting.pk}"' in listed
    assert "waiting for a second person" in listed

    browser.post(f"/commands/{waiting.pk}/approve/")

    command = only_command()
    assert (command.state, command.approved_by_name) == ("intent", "alice")
    assert "asked approved" in text(page(browser.get(f"/commands/{waiting.pk}/")))


def test_dana_cannot_approve_what_she_asked_but_takes_it_back(browser_of, dana, waiting):
    browser = browser_of(dana)
    shown = page(browser.get(f"/commands/{waiting.pk}/"))
    assert "/approve/" not in shown
    assert "Somebody else of your team has to approve it" in text(shown)
    assert "awaiting-" not in page(browser.get("/commands/"))

    browser.post(f"/commands/{waiting.pk}/approve/")
    assert only_command().state == "waiting"
    browser.post(f"/commands/{waiting.pk}/cancel/")
    assert only_command().state == "cancelled"


def test_olga_and_bob_may_not_decide_an_exit_and_charlie_sees_nothing(browser_of, olga, bob, charlie, waiting):
    for person in (olga, bob):
        assert "/approve/" not in page(browser_of(person).get(f"/commands/{waiting.pk}/"))
        browser_of(person).post(f"/commands/{waiting.pk}/approve/")
    assert browser_of(charlie).post(f"/commands/{waiting.pk}/approve/").status_code == 404
    assert only_command().state == "waiting"


def test_declining_is_told_with_who_and_why(browser_of, alice, waiting):
    browser = browser_of(alice)

    browser.post(f"/commands/{waiting.pk}/decline/", {"remark": "wait for the close"})

    assert only_command().state == "cancelled"
    assert "Declined by alice: wait for the close" in text(page(browser.get(f"/commands/{waiting.pk}/")))


def test_managers_choose_on_the_team_page_what_waits(browser_of, alice, dana, alpha):
    browser = browser_of(alice)
    assert "/team/alpha/four-eyes/" in page(browser.get("/team/"))

    browser.post("/team/alpha/four-eyes/", {"actions": ["force_exit_all", "stop"], "wait_minutes": "5"})

    rule = four_eyes_of(alpha)
    assert (set(rule.actions), rule.wait_minutes) == ({"force_exit_all", "stop"}, 5)
    assert AuditEntry.objects.filter(action="four_eyes_changed", actor="alice").count() == 1
    seen = page(browser_of(dana).get("/team/"))
    assert "/four-eyes/" not in seen
    assert "wait up to 5 min for a second person" in text(seen)


@pytest.mark.parametrize(("who", "status"), [("dana", 403), ("bob", 403), ("charlie", 404)])
def test_only_managers_of_the_team_change_its_four_eyes(request, browser_of, alpha, who, status):
    answer = browser_of(request.getfixturevalue(who)).post("/team/alpha/four-eyes/", {"wait_minutes": "5"})

    assert answer.status_code == status
    assert not FourEyes.objects.exists()


@pytest.mark.parametrize("minutes", ["", "0", "-3", "ten", "99999"])
def test_a_wait_that_is_no_number_of_minutes_is_refused(browser_of, alice, alpha, minutes):
    answer = browser_of(alice).post(
        "/team/alpha/four-eyes/", {"actions": ["stop"], "wait_minutes": minutes}, follow=True
    )

    assert "minutes" in text(answer.content.decode())
    assert not FourEyes.objects.exists()

"""The first person of an installation."""

import io
import threading
from collections import Counter

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts import setup
from accounts.caller import Caller
from accounts.models import SetUpCode, Team, User
from tests.builders import PASSWORD, person

pytestmark = pytest.mark.django_db


def form(code: str, **values: str) -> dict[str, str]:
    given = {"code": code, "team": "Grid Bots", "username": "alice", "email": "alice@example.org"}
    return {**given, "password1": PASSWORD, "password2": PASSWORD, **values}


@pytest.mark.parametrize("path", ["/", "/login/", "/trades/", "/admin/", "/no-such-page/", "/password/reset/"])
def test_while_nobody_exists_every_page_leads_to_the_set_up(client: Client, path: str) -> None:
    assert client.get(path)["Location"] == "/setup/"


def test_the_api_does_not_redirect(client: Client) -> None:
    assert client.get("/api/v1/me/").status_code == 401


def test_the_code_makes_alice_superuser_and_manager_of_the_first_team(client: Client, announced) -> None:
    answer = client.post("/setup/", form(setup.fresh_code()))
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/api/v1/me/").json() == {
        "username": "alice",
        "email": "alice@example.org",
        "time_zone": "UTC",
        "is_superuser": True,
        "teams": [{"slug": "grid-bots", "name": "Grid Bots", "role": "manager"}],
    }
    assert [one.what for one in announced] == ["user_created", "team_created", "member_added", "logged_in"]


def test_the_code_may_be_typed_in_lower_case_and_without_dashes(client: Client) -> None:
    client.post("/setup/", form(setup.fresh_code().lower().replace("-", " ")))
    assert User.objects.get().username == "alice"


@pytest.mark.parametrize("code", ["", "AAAA-AAAA-AAAA", "x" * 40])
def test_a_wrong_code_makes_nobody(client: Client, code: str) -> None:
    setup.fresh_code()
    assert client.post("/setup/", form(code)).status_code == 200
    assert not User.objects.exists()


def test_without_a_code_no_code_is_right(client: Client) -> None:
    code = setup.fresh_code()
    SetUpCode.objects.all().delete()
    client.post("/setup/", form(code))
    client.post("/setup/", form(""))
    assert not User.objects.exists()


def test_a_restart_voids_the_code_before(client: Client) -> None:
    before = setup.fresh_code()
    setup.fresh_code()
    assert "That is not the code." in client.post("/setup/", form(before)).content.decode()


def test_wrong_codes_are_throttled(client: Client) -> None:
    code = setup.fresh_code()
    answers = [client.post("/setup/", form("AAAA-AAAA-AAAA")).status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]
    assert client.post("/setup/", form(code)).status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.7").post("/setup/", form(code)).status_code == 302


def test_the_code_is_long_and_kept_only_as_a_hash() -> None:
    codes = {setup.fresh_code() for _ in range(20)}
    kept = SetUpCode.objects.get().code_hash
    assert len(codes) == 20 and {len(code) for code in codes} == {14}
    assert len(kept) == 64 and not any(code.replace("-", "") in kept for code in codes)


def test_a_code_made_by_one_process_is_known_to_another_with_a_data_folder_of_its_own(client, settings, tmp_path):
    """A web process in another container, or on another machine."""
    settings.DATA_DIR = tmp_path / "of the shell"
    code = setup.fresh_code()
    settings.DATA_DIR = tmp_path / "of the web process"
    assert client.post("/setup/", form(code)).status_code == 302
    assert User.objects.get().username == "alice"


def test_once_somebody_exists_the_page_is_closed(client: Client) -> None:
    code = setup.fresh_code()
    person("alice")
    assert client.get("/setup/")["Location"] == "/login/"
    assert client.post("/setup/", form(code, username="mallory"))["Location"] == "/login/"
    assert list(User.objects.values_list("username", flat=True)) == ["alice"]


def test_a_code_made_beside_an_existing_person_makes_nobody_first(alice: User) -> None:
    setup.fresh_code()
    with pytest.raises(setup.AlreadySetUp):
        setup.take_over(User(username="mallory"), "Grid Bots", Caller())
    assert not User.objects.filter(username="mallory").exists()


def test_a_used_code_is_gone(client: Client) -> None:
    code = setup.fresh_code()
    client.post("/setup/", form(code))
    assert not SetUpCode.objects.exists()


def test_a_weak_password_leaves_the_code_usable(client: Client) -> None:
    code = setup.fresh_code()
    assert client.post("/setup/", form(code, password1="short", password2="short")).status_code == 200
    assert client.post("/setup/", form(code)).status_code == 302


def test_when_the_audit_refuses_nobody_is_made_and_the_code_is_still_good(client: Client, monkeypatch) -> None:
    code = setup.fresh_code()
    browser = Client(raise_request_exception=False)
    with monkeypatch.context() as patch:
        patch.setattr(setup.membership, "add", lambda *args: 1 / 0)
        assert browser.post("/setup/", form(code)).status_code == 500
    assert not User.objects.exists() and not Team.objects.exists()
    assert browser.post("/setup/", form(code)).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_becomes_the_first() -> None:
    setup.fresh_code()
    outcomes: list[str] = []
    gate = threading.Barrier(6)

    def arrive(number: int) -> None:
        gate.wait()
        try:
            setup.take_over(User(username=f"alice{number}"), f"Team {number}", Caller())
            outcomes.append("first")
        except setup.AlreadySetUp:
            outcomes.append("late")
        finally:
            connection.close()

    threads = [threading.Thread(target=arrive, args=(number,)) for number in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert Counter(outcomes) == {"first": 1, "late": 5}
    assert (User.objects.count(), Team.objects.count()) == (1, 1)


def test_the_command_prints_a_code_that_opens_the_portal_and_voids_the_one_before(client: Client) -> None:
    before, printed = setup.fresh_code(), io.StringIO()
    call_command("setup_code", stdout=printed)
    client.post("/setup/", form(before))
    assert not User.objects.exists()
    client.post("/setup/", form(printed.getvalue().strip()))
    assert User.objects.get().username == "alice"


def test_once_somebody_exists_the_command_makes_no_code(alice: User) -> None:
    with pytest.raises(CommandError, match="set up already"):
        call_command("setup_code")
    assert not SetUpCode.objects.exists()

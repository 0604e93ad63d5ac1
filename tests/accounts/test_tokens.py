"""Tokens of the API, and what ends them."""

import base64
import json
import threading
import time
from collections import Counter
from datetime import timedelta

import jwt
import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.utils import timezone
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from accounts import people, tokens
from accounts.caller import By
from accounts.models import ApiSession, User
from tests.builders import PASSWORD, person

NOBODY = By()
JSON = {"content_type": "application/json"}


def log_in(username: str = "alice", **extra: str) -> dict[str, str]:
    answer = Client(**extra).post("/api/v1/token/", {"username": username, "password": PASSWORD}, **JSON)
    assert answer.status_code == 200
    return answer.json()


def me(access: str) -> int:
    return Client().get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {access}").status_code


def refresh(text: str):
    return Client().post("/api/v1/token/refresh/", {"refresh": text}, **JSON)


def test_alice_exchanges_her_password_for_tokens_and_is_known(alice: User) -> None:
    answer = Client().get("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {log_in()['access']}")
    assert answer.json() == {
        "username": "alice",
        "email": "alice@example.org",
        "time_zone": "UTC",
        "is_superuser": False,
        "teams": [{"slug": "alpha", "name": "Alpha", "role": "manager"}],
    }


def test_both_tokens_name_one_session_and_nothing_secret(alice: User) -> None:
    pair = log_in()
    access, fresh = (jwt.decode(pair[kind], options={"verify_signature": False}) for kind in ("access", "refresh"))
    session = ApiSession.objects.get()
    assert access["sid"] == fresh["sid"] == str(session.pk)
    assert access["exp"] - access["iat"] == 600
    assert fresh["exp"] - fresh["iat"] == 14 * 24 * 3600
    assert (access["aud"], access["iss"], access["sub"]) == ("portal-api", settings.PORTAL_URL, str(alice.pk))
    assert set(access) == {"aud", "iss", "sub", "sid", "exp", "iat", "jti", "token_type"}


def test_wrong_credentials_are_401_with_a_code(alice: User) -> None:
    answer = Client().post("/api/v1/token/", {"username": "alice", "password": "wrong"}, **JSON)
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong_credentials")
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("body", ["{}", "[]", "7", '{"username": "alice"}', '{"username": "\\u0000", "password": "x"}'])
def test_a_body_without_credentials_is_400(alice: User, body: str) -> None:
    assert Client().post("/api/v1/token/", body, **JSON).status_code == 400


def test_an_anonymous_request_is_401_and_told_what_to_bring(alice: User) -> None:
    answer = Client().get("/api/v1/me/")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


# --- Rotation -------------------------------------------------------------------------------------------------------
def test_a_refresh_gives_a_new_pair_of_the_same_session(alice: User) -> None:
    pair = refresh(log_in()["refresh"]).json()
    assert me(pair["access"]) == 200
    assert refresh(pair["refresh"]).status_code == 200
    assert ApiSession.objects.count() == 1


def test_a_refresh_token_used_twice_ends_the_session_for_thief_and_owner(alice: User, announced) -> None:
    stolen = log_in()
    owner = refresh(stolen["refresh"]).json()
    answer = refresh(stolen["refresh"])
    assert (answer.status_code, answer.json()["code"]) == (401, "token_not_valid")
    assert [me(stolen["access"]), me(owner["access"]), refresh(owner["refresh"]).status_code] == [401] * 3
    assert announced.words()[-1] == ("token_theft", "alice", "alice")


def test_another_session_of_alice_outlives_the_theft(alice: User) -> None:
    other, stolen = log_in(), log_in()
    refresh(stolen["refresh"])
    refresh(stolen["refresh"])
    assert me(other["access"]) == 200


@pytest.mark.django_db(transaction=True)
def test_of_twenty_refreshes_at_once_one_wins_and_the_session_ends() -> None:
    person("alice")
    text, answers = log_in()["refresh"], []

    def run() -> None:
        answers.append(refresh(text).status_code)
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(20)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert Counter(answers) == {200: 1, 401: 19}
    assert ApiSession.objects.get().ended_at is not None


def test_only_spent_tokens_are_ever_stored(alice: User) -> None:
    first = log_in()["refresh"]
    second = refresh(first).json()["refresh"]
    stored = [
        jwt.decode(row.token, options={"verify_signature": False})["jti"] for row in OutstandingToken.objects.all()
    ]
    ids = [jwt.decode(text, options={"verify_signature": False})["jti"] for text in (first, second)]
    assert stored == [ids[0]]


# --- What ends both at once -----------------------------------------------------------------------------------------
def change_password(alice: User) -> None:
    people.set_password(alice, "another-horse-8", NOBODY, how="changed")


def change_password_on_the_command_line(alice: User) -> None:
    alice.set_password("another-horse-8")
    alice.save()


def deactivate(alice: User) -> None:
    people.deactivate(alice, NOBODY)


def deactivate_by_hand(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_active=False)


def delete(alice: User) -> None:
    people.delete(alice, NOBODY)


def end_all(alice: User) -> None:
    people.end_all_sessions(alice, NOBODY)


ENDS = [change_password, change_password_on_the_command_line, deactivate, deactivate_by_hand, delete, end_all]


@pytest.mark.parametrize("act", ENDS, ids=lambda act: act.__name__)
def test_access_and_refresh_end_at_once(alice: User, act) -> None:
    pair = log_in()
    assert me(pair["access"]) == 200
    act(alice)
    assert [me(pair["access"]), refresh(pair["refresh"]).status_code] == [401, 401]


def test_tokens_of_a_deactivated_person_stay_dead_after_reactivation(alice: User) -> None:
    pair = log_in()
    people.deactivate(alice, NOBODY)
    people.reactivate(alice, NOBODY)
    assert [me(pair["access"]), refresh(pair["refresh"]).status_code] == [401, 401]
    assert me(log_in()["access"]) == 200


def test_a_password_changed_while_it_was_checked_gives_no_token(alice: User) -> None:
    checked = User.objects.get(pk=alice.pk)
    change_password(alice)
    with pytest.raises(tokens.BadToken):
        tokens.issue(checked, NOBODY.caller)


def test_revoking_ends_refresh_and_access(alice: User, announced) -> None:
    pair = log_in()
    answer = Client().post("/api/v1/token/revoke/", {"refresh": pair["refresh"]}, **JSON)
    assert answer.status_code == 200
    assert [me(pair["access"]), refresh(pair["refresh"]).status_code] == [401, 401]
    assert announced.words()[-1] == ("token_revoked", "alice", "alice")


def test_revoking_twice_is_told_once(alice: User, announced) -> None:
    pair = log_in()
    answers = [Client().post("/api/v1/token/revoke/", {"refresh": pair["refresh"]}, **JSON) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(announced.about("token_revoked")) == 1


def test_an_access_token_dies_after_ten_minutes(alice: User) -> None:
    with time_machine.travel("2026-11-21 10:00:00+00:00", tick=False):
        pair = log_in()
    with time_machine.travel("2026-11-21 10:09:59+00:00", tick=False):
        assert me(pair["access"]) == 200
    with time_machine.travel("2026-11-21 10:10:01+00:00", tick=False):
        assert me(pair["access"]) == 401


# --- Forgeries ------------------------------------------------------------------------------------------------------
def forged(text: str, key: bytes | str | None = None, algorithm: str = "HS256", **claims: object) -> str:
    payload = {**jwt.decode(text, options={"verify_signature": False}), **claims}
    return jwt.encode(payload, settings.SIMPLE_JWT["SIGNING_KEY"] if key is None else key, algorithm=algorithm)


def unsigned(text: str) -> str:
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    return f"{header}.{text.split('.')[1]}."


FORGERIES = {
    "alg none": unsigned,
    "signed with SECRET_KEY": lambda text: forged(text, settings.SECRET_KEY),
    "another audience": lambda text: forged(text, aud="another"),
    "another issuer": lambda text: forged(text, iss="https://evil.example"),
    "another person": lambda text: forged(text, sub="999999"),
    "no session": lambda text: forged(text, sid=None),
    "an invented session": lambda text: forged(text, sid="00000000-0000-0000-0000-000000000000"),
    "a session that is no id": lambda text: forged(text, sid={"a": 1}),
    "expired": lambda text: forged(text, exp=int(time.time()) - 1),
    "cut": lambda text: text[:-3],
    "garbage": lambda text: "garbage",
    "empty": lambda text: "",
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_token_is_401(alice: User, forgery) -> None:
    pair = log_in()
    assert me(forgery(pair["access"])) == 401
    assert refresh(forgery(pair["refresh"])).status_code in (400, 401)
    assert me(pair["access"]) == 200


def test_the_forger_of_these_tests_can_make_a_good_token(alice: User) -> None:
    assert me(forged(log_in()["access"])) == 200


def test_a_refresh_token_is_no_access_token_nor_the_other_way_round(alice: User) -> None:
    pair = log_in()
    assert [me(pair["refresh"]), refresh(pair["access"]).status_code] == [401, 401]


def test_a_bad_token_is_not_saved_by_a_good_session(alice: User, browser_of) -> None:
    answer = browser_of(alice).get("/api/v1/me/", HTTP_AUTHORIZATION="Bearer garbage")
    assert answer.status_code == 401


# --- The session of the pages at the API ----------------------------------------------------------------------------
def test_the_session_of_the_pages_needs_the_csrf_token_to_write(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert browser.get("/api/v1/me/").status_code == 200
    assert browser.post("/api/v1/me/", {}, **JSON).status_code == 403
    with_token = Client(enforce_csrf_checks=True)
    assert with_token.post("/api/v1/me/", HTTP_AUTHORIZATION=f"Bearer {log_in()['access']}").status_code == 405


# --- Upkeep ---------------------------------------------------------------------------------------------------------
def test_use_is_noted_once_a_minute(alice: User) -> None:
    began = timezone.now().replace(microsecond=0)
    with time_machine.travel(began, tick=False):
        pair = log_in(HTTP_USER_AGENT="robot/1", REMOTE_ADDR="192.0.2.7")
    for seconds, noted in [(59, 0), (61, 61), (100, 61), (122, 122)]:
        with time_machine.travel(began + timedelta(seconds=seconds), tick=False):
            me(pair["access"])
        session = ApiSession.objects.get()
        assert session.last_used_at == began + timedelta(seconds=noted)
    assert (session.user_agent, session.network) == ("robot/1", "192.0.2.7")


def test_what_nothing_can_revive_is_forgotten(alice: User) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=15), tick=False):
        refresh(log_in()["refresh"])
    alive = log_in()
    assert tokens.forget_old() > 0
    assert (ApiSession.objects.count(), OutstandingToken.objects.count()) == (1, 0)
    assert me(alive["access"]) == 200

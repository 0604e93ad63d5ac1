"""Who is wrong too often is refused for a while; nobody else is."""

import threading
from collections import Counter
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts import throttle
from accounts.caller import network_of
from accounts.models import LoginFailure, User
from tests.builders import PASSWORD, person

HOME, ELSEWHERE = "192.0.2.7", "198.51.100.9"


def log_in(username: str, password: str, address: str = HOME, path: str = "/login/") -> int:
    return sign_in(username, password, address, path).status_code


def sign_in(username: str, password: str, address: str = HOME, path: str = "/login/"):
    sent = {"username": username, "password": password}
    json = {"content_type": "application/json"} if path.startswith("/api/") else {}
    return Client(REMOTE_ADDR=address).post(path, sent, **json)


def spray(names: int, address: str = HOME) -> None:
    """Failures of many made-up names from one address."""
    rows = (LoginFailure(name_hash=throttle.hash_of(f"guess{n}"), network=network_of(address)) for n in range(names))
    LoginFailure.objects.bulk_create(rows)


@pytest.mark.parametrize("path", ["/login/", "/admin/login/", "/api/v1/token/"])
def test_ten_wrong_passwords_are_answered_and_the_eleventh_is_429(alice: User, path: str) -> None:
    wrong = 401 if path.startswith("/api/") else 200
    answers = [log_in("alice", "wrong", path=path) for _ in range(12)]
    assert answers == [wrong] * 10 + [429] * 2


@pytest.mark.parametrize("path", ["/login/", "/api/v1/token/"])
def test_a_refused_answer_says_when_to_come_back(alice: User, path: str) -> None:
    with time_machine.travel("2026-11-21 10:00:00+00:00", tick=False):
        [log_in("alice", "wrong") for _ in range(10)]
    with time_machine.travel("2026-11-21 10:05:00+00:00", tick=False):
        answer = sign_in("alice", PASSWORD, path=path)
    assert (answer.status_code, answer["Retry-After"]) == (429, "600")
    words = answer.content.decode()
    assert "in 600 seconds" in words if path.startswith("/api/") else "Try again in 10 minutes" in words


def test_the_right_password_is_refused_too_while_blocked(alice: User) -> None:
    [log_in("alice", "wrong") for _ in range(10)]
    assert log_in("alice", PASSWORD) == 429


def test_page_admin_and_api_count_together(alice: User) -> None:
    [log_in("alice", "wrong", path="/login/") for _ in range(5)]
    [log_in("alice", "wrong", path="/api/v1/token/") for _ in range(5)]
    assert log_in("alice", PASSWORD, path="/admin/login/") == 429


def test_after_a_quarter_of_an_hour_alice_may_try_again(alice: User) -> None:
    with time_machine.travel("2026-11-21 10:00:00+00:00", tick=False):
        [log_in("alice", "wrong") for _ in range(10)]
    with time_machine.travel("2026-11-21 10:15:01+00:00", tick=False):
        assert log_in("alice", PASSWORD) == 302


def test_a_refused_try_does_not_lengthen_the_block(alice: User) -> None:
    with time_machine.travel("2026-11-21 10:00:00+00:00", tick=False):
        [log_in("alice", "wrong") for _ in range(10)]
    with time_machine.travel("2026-11-21 10:14:00+00:00", tick=False):
        assert [log_in("alice", "wrong") for _ in range(5)] == [429] * 5
    with time_machine.travel("2026-11-21 10:15:01+00:00", tick=False):
        assert log_in("alice", PASSWORD) == 302


def test_bob_behind_the_same_address_still_gets_in(alice: User, bob: User) -> None:
    [log_in("alice", "wrong") for _ in range(30)]
    assert log_in("bob", PASSWORD) == 302


def test_alice_elsewhere_still_gets_in(alice: User) -> None:
    [log_in("alice", "wrong") for _ in range(30)]
    assert log_in("alice", PASSWORD, ELSEWHERE) == 302


def test_two_addresses_of_one_ipv6_network_count_together(alice: User) -> None:
    answers = [log_in("alice", "wrong", f"2001:db8:1:2::{n:x}") for n in range(1, 12)]
    assert answers == [200] * 10 + [429]
    assert log_in("alice", PASSWORD, "2001:db8:1:3::1") == 302


def test_blanks_around_a_name_do_not_make_another(alice: User) -> None:
    [log_in(name, "wrong") for name in ["alice", " alice", "alice "] * 4]
    assert log_in("alice", PASSWORD) == 429


@pytest.mark.parametrize(("name", "twin"), [("frank", "FRANK"), ("frank", "ＦＲＡＮＫ"), ("weiss", "weiß")])
def test_the_login_of_a_twin_forgives_nothing_tried_against_the_other(db: None, name: str, twin: str) -> None:
    [person(one) for one in (name, twin)]
    [log_in(name, "wrong") for _ in range(9)]
    assert log_in(twin, PASSWORD) == 302
    assert [log_in(name, "wrong") for _ in range(2)] == [200, 429]
    assert log_in(twin, PASSWORD) == 302


def test_a_login_forgives_the_persons_own_slips_and_nobody_elses(alice: User, bob: User) -> None:
    [log_in("alice", "wrong") for _ in range(9)]
    [log_in("bob", "wrong") for _ in range(9)]
    assert log_in("alice", PASSWORD) == 302
    assert [log_in("alice", "wrong") for _ in range(10)] == [200] * 10
    assert [log_in("bob", "wrong") for _ in range(2)] == [200, 429]


def test_a_network_that_sprays_names_gets_one_try_for_each(alice: User, bob: User) -> None:
    spray(names=100)
    assert [log_in("alice", "wrong") for _ in range(2)] == [200, 429]
    assert [log_in("nobody-at-all", "wrong") for _ in range(2)] == [200, 429]
    assert log_in("bob", PASSWORD) == 302


def test_ninety_nine_failures_of_a_network_change_nothing(alice: User) -> None:
    spray(names=98)
    assert [log_in("alice", "wrong"), log_in("alice", PASSWORD)] == [200, 302]


def test_of_two_counted_at_once_over_the_bound_the_refused_one_leaves_no_trace(alice: User) -> None:
    assert [throttle.count_failure("alice", HOME) for _ in range(10)] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    with pytest.raises(throttle.TooManyTries):
        throttle.count_failure("alice", HOME)
    assert LoginFailure.objects.count() == 10


def test_an_unknown_name_is_answered_like_a_wrong_password(alice: User) -> None:
    for path in ("/login/", "/api/v1/token/"):
        unknown, wrong = (sign_in(name, "wrong", path=path) for name in ("nobody", "alice"))
        assert unknown.status_code == wrong.status_code
        assert words_of(unknown).replace("nobody", "alice") == words_of(wrong)


def words_of(answer) -> str:
    return "".join(line for line in answer.content.decode().splitlines(True) if "csrfmiddlewaretoken" not in line)


def test_an_unknown_name_costs_as_much_hashing_as_a_wrong_password(alice: User, monkeypatch) -> None:
    from django.contrib.auth.hashers import MD5PasswordHasher

    hashed = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *args: hashed.append(1) or encode(*args))
    log_in("nobody", "wrong")
    unknown = len(hashed)
    log_in("alice", "wrong")
    assert unknown == len(hashed) - unknown == 1


def test_a_deactivated_person_is_answered_like_a_wrong_password(alice: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)
    gone, wrong = sign_in("bob", PASSWORD), sign_in("alice", "wrong")
    assert words_of(gone).replace("bob", "alice") == words_of(wrong)


def test_names_are_kept_only_as_hashes(alice: User) -> None:
    log_in("my-secret-typed-too-early", "x")
    assert "secret" not in LoginFailure.objects.get().name_hash


def test_what_no_longer_counts_is_forgotten(alice: User) -> None:
    now = timezone.now()
    with time_machine.travel(now - timedelta(minutes=16), tick=False):
        log_in("alice", "wrong")
    log_in("alice", "wrong")
    assert (throttle.forget_old(), LoginFailure.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_of_fifty_guesses_at_once_no_more_than_ten_are_answered() -> None:
    person("alice")
    answers = Counter(at_once(50, lambda n: log_in("alice", f"guess {n}", path="/api/v1/token/")))
    assert set(answers) == {401, 429}
    # Where two are counted at the same moment both may be refused: what they did not use is left for later.
    later = Counter(log_in("alice", "wrong", path="/api/v1/token/") for _ in range(11))
    assert answers[401] <= 10
    assert answers[401] + later[401] == 10


@pytest.mark.django_db(transaction=True)
def test_alice_may_log_in_twenty_times_at_once() -> None:
    person("alice")
    assert Counter(at_once(20, lambda n: log_in("alice", PASSWORD, path="/api/v1/token/"))) == {200: 20}


def at_once(times: int, act) -> list[int]:
    answers: list[int] = []
    gate = threading.Barrier(times)

    def run(number: int) -> None:
        gate.wait()
        try:
            answers.append(act(number))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return answers


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", "local"),
        ("not an address", "local"),
    ],
)
def test_network_of(address: str, network: str) -> None:
    assert network_of(address) == network

"""Acts on persons."""

import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts import people
from accounts.caller import By
from accounts.models import User, known_zone
from tests.builders import person

NOBODY = By()


@pytest.mark.parametrize("act", [people.deactivate, people.delete])
def test_the_last_superuser_stays(root: User, alice: User, act) -> None:
    person("gone", is_superuser=True, is_active=False)
    with pytest.raises(people.LastSuperuser):
        act(root, NOBODY)
    with pytest.raises(people.LastSuperuser):
        people.change(root, NOBODY, is_superuser=False)
    root.refresh_from_db()
    assert (root.is_active, root.is_superuser) == (True, True)


def test_with_a_second_one_a_superuser_may_go(root: User) -> None:
    person("second", is_superuser=True)
    people.delete(root, NOBODY)
    assert list(User.objects.values_list("username", flat=True)) == ["second"]


@pytest.mark.django_db(transaction=True)
def test_two_superusers_who_deactivate_each_other_at_once_leave_one() -> None:
    users = [person(name, is_superuser=True) for name in ("one", "two")]
    gate, refused = threading.Barrier(2), []

    def deactivate(user: User) -> None:
        gate.wait()
        try:
            people.deactivate(user, NOBODY)
        except people.LastSuperuser as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=deactivate, args=(user,)) for user in users]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert (len(refused), User.objects.filter(is_active=True).count()) == (1, 1)


def test_only_superusers_are_staff(db: None) -> None:
    user = person("alice", is_staff=True)
    assert user.is_staff is False
    people.change(user, NOBODY, is_superuser=True)
    assert User.objects.get().is_staff is True
    person("root", is_superuser=True)
    people.change(user, NOBODY, is_superuser=False)
    assert User.objects.get(username="alice").is_staff is False


def test_a_change_tells_what_was_before_and_no_change_tells_nothing(alice: User, announced) -> None:
    people.change(alice, NOBODY, email="a@example.org", time_zone="UTC")
    people.change(alice, NOBODY, email="a@example.org")
    assert [one.details for one in announced] == [{"email": "a@example.org", "email_before": "alice@example.org"}]


def test_a_deleted_person_is_told_with_the_id(alice: User, announced) -> None:
    pk = alice.pk
    people.delete(alice, NOBODY)
    assert (announced[0].subject, announced[0].details) == ("alice", {"user_id": pk})


def test_without_a_password_nobody_logs_in(db: None, client) -> None:
    people.create("alice", None, NOBODY)
    assert client.post("/login/", {"username": "alice", "password": ""}).status_code == 200
    assert User.objects.get().has_usable_password() is False


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "europe/berlin"])
def test_a_zone_that_does_not_exist(zone: str) -> None:
    with pytest.raises(ValidationError):
        known_zone(zone)
    known_zone("Europe/Berlin")

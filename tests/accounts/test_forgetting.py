from datetime import timedelta

import time_machine
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts import forgetting
from accounts.models import ApiSession, LoginFailure, User
from tests.builders import PASSWORD


def live_a_little(browser: Client) -> None:
    alice = {"username": "alice", "password": PASSWORD}
    browser.post("/login/", {**alice, "password": "wrong"})
    browser.post("/api/v1/token/", alice, content_type="application/json")
    browser.post("/login/", {"username": "bob", "password": "wrong"})
    browser.post("/login/", alice)


def counts() -> list[int]:
    return [table.objects.count() for table in (LoginFailure, ApiSession, Session)]


def test_an_hour_later_what_had_its_time_is_gone_and_the_rest_stays(alice: User) -> None:
    with time_machine.travel(timezone.now() - timedelta(days=15)):
        live_a_little(Client())
    live_a_little(Client())
    assert counts() == [2, 2, 2]
    forgetting.forget_old()
    assert counts() == [1, 1, 1]

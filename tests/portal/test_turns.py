"""A web process answers so many requests at a time, however many come: who waits too long is told to come again."""

import threading

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from portal import turns
from portal.turns import Turns

pytestmark = pytest.mark.django_db


class Kitchen:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.begun.set()
        assert self.may_end.wait(30)
        return HttpResponse("served")


@pytest.fixture
def kitchen(settings, monkeypatch):
    settings.PORTAL_REQUESTS_AT_ONCE = 1
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.01)
    kitchen = Kitchen()
    yield kitchen
    kitchen.may_end.set()


@pytest.mark.parametrize(("path", "words"), [("/", "Too many ask at this moment"), ("/api/v1/bots/", '"code": "busy"')])
def test_who_comes_while_all_places_are_taken_is_told_to_come_again(kitchen, path, words) -> None:
    door, ask = Turns(kitchen), RequestFactory()
    first = threading.Thread(target=door, args=[ask.get("/")])
    first.start()
    assert kitchen.begun.wait(30)

    answer = door(ask.get(path))
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert words in answer.content.decode()

    kitchen.may_end.set()
    first.join(30)
    assert door(ask.get(path)).content == b"served"


def test_whoever_asks_whether_it_lives_never_waits(settings) -> None:
    settings.PORTAL_REQUESTS_AT_ONCE = 1
    door = Turns(lambda request: HttpResponse("alive"))
    assert door.places.acquire(timeout=1)
    assert [door(RequestFactory().get(path)).content for path in ("/livez", "/readyz", "/metrics")] == [b"alive"] * 3


def test_a_request_that_fails_leaves_its_place(settings) -> None:
    settings.PORTAL_REQUESTS_AT_ONCE = 1

    def broken(request: HttpRequest) -> HttpResponse:
        raise ZeroDivisionError

    door = Turns(broken)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            door(RequestFactory().get("/"))

from collections.abc import Iterator

import pytest
from django.test import Client

from accounts import announcements
from accounts.announcements import Announcement
from accounts.models import User
from tests import builders


class Heard(list[Announcement]):
    """What was announced, in order."""

    def about(self, what: str) -> list[Announcement]:
        return [one for one in self if one.what == what]

    def words(self) -> list[tuple[str, str, str]]:
        return [(one.what, one.actor, one.subject) for one in self]


@pytest.fixture
def announced() -> Iterator[Heard]:
    heard = Heard()

    def hear(sender: object, announcement: Announcement, **kwargs: object) -> None:
        heard.append(announcement)

    for signal in announcements.ALL.values():
        signal.connect(hear)
    yield heard
    for signal in announcements.ALL.values():
        signal.disconnect(hear)


@pytest.fixture
def root(db: None) -> User:
    return builders.person("root", is_superuser=True)


@pytest.fixture
def browser_of(alice: User):
    """A browser in which the person has logged in through the page."""

    def browser(user: User) -> Client:
        client = Client()
        sent = {"username": user.username, "password": builders.PASSWORD}
        assert client.post("/login/", sent).status_code == 302
        return client

    return browser

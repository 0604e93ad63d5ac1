import pytest
from rest_framework.test import APIClient

from accounts.access import Role
from accounts.models import User
from tests import builders


class Caller:
    """The API as one person calls it, or a stranger."""

    def __init__(self, user: User | None = None):
        self.client = APIClient()
        if user is not None:
            self.client.force_authenticate(user)

    def __call__(self, path, method="GET", body=None, headers=None, **query):
        url = path if path.startswith(("/", "http:")) else f"/api/v1/{path}"
        if method == "GET":
            return self.client.get(url, query)
        return self.client.generic(method, url, body_text(body), content_type="application/json", headers=headers)

    def read(self, path, **query):
        """The body of an answer that must be there."""
        answer = self(path, **query)
        assert answer.status_code == 200, answer.content
        return answer.json()


def body_text(body):
    import json

    return json.dumps(body) if body is not None else ""


@pytest.fixture
def dora(alpha):
    """She trades for team Alpha."""
    dora = builders.person("dora")
    builders.member(dora, alpha, Role.TRADER)
    return dora


@pytest.fixture
def otto(alpha):
    """He operates for team Alpha."""
    otto = builders.person("otto")
    builders.member(otto, alpha, Role.OPERATOR)
    return otto


@pytest.fixture
def as_dora(dora):
    return Caller(dora)


@pytest.fixture
def as_otto(otto):
    return Caller(otto)


@pytest.fixture
def as_alice(alice):
    return Caller(alice)


@pytest.fixture
def as_bob(bob):
    return Caller(bob)


@pytest.fixture
def as_charlie(charlie):
    return Caller(charlie)


@pytest.fixture
def as_stranger():
    return Caller()

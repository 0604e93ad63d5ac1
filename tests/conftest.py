"""What every test may use. Alice manages team Alpha, Bob may only look at it, Charlie manages team Beta."""

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from accounts.access import Role
from accounts.models import Team, User
from tests import builders

pytest_plugins = ["tests.audit_reset", "tests.once", "tests.order", "tests.shown"]


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite in a file, as people run it: in memory its locks are others, and threads could not write at once."""
    default = connections["default"]
    if default.vendor == "sqlite":
        default.settings_dict["TEST"]["NAME"] = str(settings.DATA_DIR / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """PostgreSQL drops no database to which a thread that outlived its test is still connected."""
    yield
    if connections["default"].vendor == "postgresql":
        with django_db_blocker.unblock(), connections["default"].cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(scope="session", autouse=True)
def static_files_looked_at_once() -> Iterator[None]:
    """Where files are collected, WhiteNoise looks at each of them when a handler is made, and each test's clients make
    their own: a fifth of what all tests took on PostgreSQL."""
    if settings.EMBEDDED:
        yield
        return
    from whitenoise.base import WhiteNoise

    found: dict[tuple[str, str], dict[str, object]] = {}
    look = WhiteNoise.update_files_dictionary

    def look_once(self: WhiteNoise, root: str, prefix: str) -> None:
        if (root, prefix) not in found:
            before = set(self.files)
            look(self, root, prefix)
            found[root, prefix] = {url: file for url, file in self.files.items() if url not in before}
        self.files.update(found[root, prefix])

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(WhiteNoise, "update_files_dictionary", look_once)
        yield


@pytest.fixture(autouse=True)
def quick_passwords(settings: object) -> None:
    settings.PASSWORD_HASHERS = builders.QUICK_HASHERS


@pytest.fixture
def alpha(db: None) -> Team:
    return builders.team("Alpha")


@pytest.fixture
def beta(db: None) -> Team:
    return builders.team("Beta")


@pytest.fixture
def alice(alpha: Team) -> User:
    alice = builders.person("alice")
    builders.member(alice, alpha, Role.MANAGER)
    return alice


@pytest.fixture
def bob(alpha: Team) -> User:
    bob = builders.person("bob")
    builders.member(bob, alpha, Role.VIEWER)
    return bob


@pytest.fixture
def charlie(beta: Team) -> User:
    charlie = builders.person("charlie")
    builders.member(charlie, beta, Role.MANAGER)
    return charlie

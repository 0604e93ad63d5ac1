"""What all tests of a file need, made once: each of them finds it as it was made. A pytest plugin.

Where making a scene takes ten times as long as the test, a fixture of the file (`scope="module"`) that asks for `once`
makes it, and one of the test, which asks for `db`, hands out a copy: what a test changes is a savepoint in the
transaction of the file.
"""

from collections.abc import Iterator

import pytest
from django.db import transaction
from django.test import override_settings
from pytest_django.plugin import DjangoDbBlocker

from tests.builders import QUICK_HASHERS


@pytest.fixture(scope="module")
def once(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), override_settings(PASSWORD_HASHERS=QUICK_HASHERS), transaction.atomic():
        yield
        transaction.set_rollback(True)

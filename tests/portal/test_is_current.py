"""Whether a start may leave `migrate` out."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from bots.models import append_only
from portal.management.commands.portal import is_current

pytestmark = pytest.mark.django_db


def test_a_database_that_was_migrated_is_current() -> None:
    assert is_current()


def test_a_step_that_was_not_taken_is_due() -> None:
    MigrationRecorder(connection).record_unapplied("accounts", "0002_set_up_code")
    assert not is_current()


def test_an_audit_that_lost_its_triggers_needs_migrate_which_makes_them_anew() -> None:
    append_only.drop_triggers(connection)
    assert not is_current()

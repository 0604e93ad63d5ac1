"""Redis goes away while a worker holds a message that it has not begun: the worker goes on when Redis is back."""

import uuid

import pytest
from django.conf import settings
from kombu import Connection

import portal.celery  # noqa: F401  what it changes at kombu is looked at

pytestmark = pytest.mark.skipif(settings.EMBEDDED, reason="the embedded portal has no Redis")


@pytest.fixture
def taken():
    """A connection with a message that was taken, and neither begun nor put back; and the queue."""
    connection = Connection(settings.CELERY_BROKER_URL)
    queue = connection.SimpleQueue(f"test-{uuid.uuid4().hex[:8]}")
    queue.put("look")
    queue.get(timeout=5)
    yield connection, queue
    connection.release()


def test_what_was_taken_over_a_lost_connection_is_let_go(taken) -> None:
    connection, _ = taken
    channel = connection.default_channel
    # As kombu leaves it when the connection broke.
    channel.connection.client = None
    channel.close()


def test_what_was_taken_and_not_begun_is_put_back_in_peace(taken) -> None:
    connection, queue = taken
    connection.default_channel.qos.restore_unacked_once()
    assert queue.qsize() == 1

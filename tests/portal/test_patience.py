"""A database that hangs or is away: whoever asks is told within seconds, and nobody's work is mixed up."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from django.conf import settings as configured
from django.db import OperationalError, connection
from django.test import Client

from accounts.models import User
from portal import env

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no server that could hang"),
    pytest.mark.django_db(transaction=True),
]


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    connection.ensure_connection()
    connection.connection.patience = seconds
    try:
        yield
    finally:
        connection.close()


@contextmanager
def at_port(port: int) -> Iterator[None]:
    """The database seems to be there instead."""
    connection.close()
    there = connection.settings_dict["PORT"]
    connection.settings_dict["PORT"] = port
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["PORT"] = there


@contextmanager
def silent_port() -> Iterator[int]:
    """Takes connections as a stopped server's kernel does, and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def seconds_until_refused(statement: str) -> float:
    began = time.monotonic()
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute(statement)
    return time.monotonic() - began


def test_a_statement_that_takes_too_long_is_given_up() -> None:
    with patience(0.5):
        assert 0.4 < seconds_until_refused("SELECT pg_sleep(60)") < 30


def test_the_next_question_gets_its_own_answer() -> None:
    with patience(0.3):
        seconds_until_refused("SELECT pg_sleep(1), 'late'")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 'mine'")
        assert cursor.fetchone() == ("mine",)


def test_a_server_that_hangs_at_the_connect_is_given_up() -> None:
    with silent_port() as port, at_port(port):
        assert seconds_until_refused("SELECT 1") < 60


def test_the_server_too_ends_what_nobody_waits_for() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("1min",)
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        assert cursor.fetchone() == ("1min",)


def test_a_long_command_may_take_its_time() -> None:
    described = env.postgresql(urlsplit("postgres://portal@10.0.0.1/portal"), 0, 0)
    assert described["OPTIONS"] == {"connect_timeout": 3, "patience": 0}


def test_pages_and_api_say_that_the_database_is_away_and_are_well_afterwards(alice: User) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(alice)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()[1]
    with at_port(closed):
        page, api = browser.get("/"), browser.get("/api/v1/me/")
    assert (page.status_code, api.status_code) == (503, 503)
    assert page["Retry-After"] == api["Retry-After"] == "5"
    assert b"The database does not answer" in page.content
    assert api.json() == {"detail": "The database does not answer. Try again.", "code": "database_unavailable"}
    assert browser.get("/").status_code == 200


def test_every_connection_to_redis_has_its_limits() -> None:
    limits = {"socket_connect_timeout": 3, "socket_timeout": 5}
    assert limits.items() <= configured.CELERY_BROKER_TRANSPORT_OPTIONS.items()
    (host,) = configured.CHANNEL_LAYERS["default"]["CONFIG"]["hosts"]
    assert limits.items() <= host.items()

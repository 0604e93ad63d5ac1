"""Through Celery and Redis as a team installation has them: a message is a hint, the row is what counts."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.utils import timezone
from redis import Redis

from accounts.models import User
from bots import tasks
from bots.domain import commands
from bots.models import Bot, Command
from bots.simulator import SimBot
from portal.celery import app
from tests.bots.domain.commands.conftest import asked, ended, exit_of, first_trade

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(settings.EMBEDDED, reason="an embedded portal's broker is its own memory"),
]


@pytest.fixture
def redis() -> Iterator[Redis]:
    redis = Redis.from_url(settings.REDIS_URL)
    redis.delete("commands", "polls")
    yield redis
    redis.delete("commands", "polls")


@pytest.fixture
def worker() -> Iterator[None]:
    """Of the queue `commands` alone."""
    app.amqp.queues.select(["commands"])
    with start_worker(app, pool="threads", concurrency=2, perform_ping_check=False, shutdown_timeout=20):
        yield
    app.amqp.queues.select(["commands", "polls"])
    commands.stop_outbox()


def waiting(redis: Redis, seconds: float = 60) -> int:
    """Messages in the queue, as soon as there is one."""
    deadline = time.monotonic() + seconds
    while not redis.llen("commands") and time.monotonic() < deadline:
        time.sleep(0.02)
    return int(redis.llen("commands"))


def test_a_command_goes_to_its_own_queue_and_a_worker_sends_it(
    dora: User, bot: Bot, sim: SimBot, redis: Redis, request: pytest.FixtureRequest
) -> None:
    command = asked(dora, bot, "force_exit", exit_of(first_trade(bot)))
    assert (waiting(redis), redis.llen("polls")) == (1, 0)
    request.getfixturevalue("worker")
    assert ended(command).state == Command.DONE
    assert len(sim.effects) == 1


def test_a_message_that_comes_twice_is_sent_once(
    dora: User, bot: Bot, sim: SimBot, redis: Redis, request: pytest.FixtureRequest
) -> None:
    command = asked(dora, bot, "force_exit", exit_of(first_trade(bot)))
    for _ in range(5):
        tasks.publish([command.pk])
    request.getfixturevalue("worker")
    assert ended(command).state == Command.DONE
    time.sleep(1)
    assert len(sim.effects) == 1


def test_a_broker_that_was_emptied_is_told_again(
    dora: User, bot: Bot, sim: SimBot, redis: Redis, request: pytest.FixtureRequest
) -> None:
    command = asked(dora, bot, "force_exit", exit_of(first_trade(bot)))
    assert waiting(redis) == 1
    redis.delete("commands")
    Command.objects.update(announced_at=timezone.now() - timedelta(seconds=4))
    tasks.sweep_commands()
    assert waiting(redis) == 1
    request.getfixturevalue("worker")
    assert ended(command).state == Command.DONE
    assert len(sim.effects) == 1

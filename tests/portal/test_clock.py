"""The timetable's entries are sent on time, by a clock that sleeps meanwhile."""

import logging
import os
import subprocess
import sys
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from celery import Celery
from celery.apps.beat import Beat
from celery.beat import BeatLazyFunc

from portal import clock as clock_module
from portal import embedded
from portal.celery import app
from portal.clock import Clock
from tests import engines

ROOT = Path(__file__).resolve().parents[2]
EVERY = 0.2  # seconds


def test_the_clock_sleeps_from_one_entry_to_the_next(monkeypatch):
    theirs = Celery("theirs", broker="memory://", set_as_current=False)
    theirs.conf.beat_schedule = {"look": {"task": "look", "schedule": timedelta(seconds=EVERY)}}
    clock, sent, looks = Clock(app=theirs), [], 0
    monkeypatch.setattr(clock, "apply_entry", lambda entry, producer=None: sent.append(time.monotonic()))
    until = time.monotonic() + 2
    while time.monotonic() < until:
        pause = clock.tick()
        looks += 1
        time.sleep(max(pause, 0))
    gaps = [after - before for before, after in pairwise(sent)]
    assert len(sent) >= 5
    assert min(gaps) > EVERY * 0.9
    assert looks <= len(sent) * 5, "it asks again and again whether something is due"


def clock_with(entry: dict[str, object]) -> Clock:
    theirs = Celery("theirs", set_as_current=False)
    theirs.conf.task_publish_retry = False
    theirs.conf.broker_transport_options = {"max_retries": 1, "interval_start": 0}
    theirs.conf.beat_schedule = {"look": {"task": "look", "schedule": 1.0, **entry}}
    return Clock(app=theirs)


def sending(clock: Clock, address: str) -> None:
    with clock.app.connection_for_write(address) as connection, clock.app.amqp.Producer(connection) as producer:
        clock.apply_entry(clock.schedule["look"], producer)


def told(caplog) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "portal.clock"]


@pytest.fixture
def refusing() -> str:
    return f"redis://:secret@127.0.0.1:{engines.free_port()}/0"


def test_a_broker_that_is_away_is_a_line_and_another_when_it_is_back(caplog, refusing):
    clock = clock_with({})
    for address in (refusing, refusing, refusing, "memory://", "memory://"):
        sending(clock, address)
    away, back = told(caplog)
    assert away.getMessage().startswith("the broker takes no tasks, for 0 s now: Couldn't apply scheduled task look: ")
    assert back.getMessage().startswith("the broker takes tasks again, after ")
    assert (away.levelname, back.levelname) == ("ERROR", "WARNING")
    assert "Traceback" not in caplog.text
    assert "secret" not in caplog.text


def test_a_broker_that_stays_away_is_told_of_again(caplog, refusing, monkeypatch):
    clock = clock_with({})
    monkeypatch.setattr(clock_module, "TOLD_EVERY", 0.0)
    for _ in range(3):
        sending(clock, refusing)
    assert len(told(caplog)) == 3


def test_what_fails_in_our_own_code_is_told_with_its_traceback(caplog):
    def broken() -> None:
        raise ValueError("no such thing")

    sending(clock_with({"args": [BeatLazyFunc(broken)]}), "memory://")
    [failed] = told(caplog)
    assert failed.getMessage() == "look cannot be sent"
    assert "ValueError: no such thing" in caplog.text


def test_the_command_takes_this_clock():
    assert Beat(app=app).scheduler_cls == "portal.clock:Clock"


def test_so_does_the_all_in_one_process():
    assert type(embedded.clock().service.scheduler) is Clock


def test_it_gives_a_sign_of_life_again_and_again(tmp_path):
    """As the command is started in its container."""
    sign = tmp_path / "alive"
    environment = {
        "PATH": os.environ["PATH"],
        "PORTAL_DATA_DIR": str(tmp_path / "data"),
        "PORTAL_SIGN_OF_LIFE": str(sign),
    }
    command = [sys.executable, "-m", "celery", "-A", "portal", "beat", "--pidfile", ""]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    try:
        for _ in range(3):
            until_there(sign, process)
            sign.unlink()
    finally:
        process.terminate()
        process.wait(30)


def until_there(file, process):
    until = time.monotonic() + 60
    while not file.exists():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)

"""The timetable's entries are sent on time, by a clock that sleeps meanwhile."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from celery import Celery
from celery.apps.beat import Beat

from portal import embedded
from portal.celery import app
from portal.clock import Clock

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

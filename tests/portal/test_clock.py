"""The timetable's entries are sent on time, by a clock that sleeps meanwhile."""

import time
from datetime import timedelta
from itertools import pairwise

from celery import Celery
from celery.apps.beat import Beat

from portal import embedded
from portal.celery import app
from portal.clock import Clock

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

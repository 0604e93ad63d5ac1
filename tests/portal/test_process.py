"""`manage.py portal` as a person starts it: a process of its own, on a data directory of its own."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from portal import keys
from portal.embedded import AlreadyRunning, PortTaken, bound_socket, claim

ROOT = Path(__file__).resolve().parents[2]
# Of the surroundings of a test run on other engines.
FOREIGN = ("REDIS_URL", "DATABASE_URL", "PORTAL_URL", "SECRET_KEY", "PORTAL_SEAL_KEY", "PORTAL_SECRETS_KEY")
START_SECONDS = 60.0  # under load; alone it takes two or three


class Portal:
    def __init__(self, data_dir, *options, port=0, program=("manage.py",), **environment):
        kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        command = [sys.executable, *program, "portal", "--port", str(port), *options]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**kept, "PORTAL_DATA_DIR": str(data_dir), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.words = ""

    def url(self):
        """Waits until the portal says where it is."""
        while not (said := re.search(r"The portal is at (http://\S+)/", self.words)):
            line = self.process.stdout.readline()
            assert line, self.process.communicate(timeout=5)[1]
            self.words += line
        return said[1]

    def ended(self, seconds=START_SECONDS):
        """(exit code, what it said on stderr)."""
        _, problems = self.process.communicate(timeout=seconds)
        return self.process.returncode, problems

    def stop(self, number=signal.SIGTERM):
        began = time.monotonic()
        self.process.send_signal(number)
        code, _ = self.ended(15)
        return code, time.monotonic() - began


@pytest.fixture
def start(tmp_path):
    running = []

    def start(*options, data_dir=tmp_path, **more):
        running.append(Portal(data_dir, *options, **more))
        return running[-1]

    yield start
    for portal in running:
        if portal.process.poll() is None:
            portal.process.kill()
        portal.process.wait()
        portal.process.stdout.close()
        portal.process.stderr.close()


def asked(url, body=None, token=""):
    """(status, body) of a request; redirects are followed."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def api(url, path, token):
    status, body = asked(f"{url}/api/v1/{path}", token=token)
    assert status == 200, body
    return json.loads(body)


def token_of(url, username):
    return json.loads(asked(f"{url}/api/v1/token/", {"username": username, "password": "demo"})[1])["access"]


def test_a_fresh_portal_shows_its_set_up_page_and_ends_within_two_seconds_of_sigterm(start, tmp_path):
    portal = start()
    url = portal.url()
    portal.words += portal.process.stdout.readline() + portal.process.stdout.readline()

    status, page = asked(url)
    assert status == 200 and 'name="code"' in page
    assert re.search(r"one-time code is \w{4}-\w{4}-\w{4}", portal.words)
    assert asked(f"{url}/livez") == (200, "ok")
    assert json.loads(asked(f"{url}/readyz")[1])["ready"] is True
    key = tmp_path / "keys" / "secret_key"
    assert key.stat().st_mode & 0o777 == 0o600

    code, seconds = portal.stop()
    assert code == 0 and seconds < 60  # 2 on a machine that has nothing else to do


def test_a_second_portal_on_the_same_data_directory_is_refused_by_name_and_ctrl_c_ends_the_first(start):
    first = start()
    first.url()
    code, problems = start().ended()
    assert code == 1 and f"A portal (process {first.process.pid}) already runs on" in problems
    assert first.process.poll() is None
    assert first.stop(signal.SIGINT)[0] == 0


def test_a_portal_whose_clock_ended_ends_too_so_that_no_figure_grows_old_unseen(start, tmp_path):
    _, problems = start(PORTAL_SIGN_OF_LIFE=str(tmp_path / "nowhere" / "alive")).ended()
    assert "the background clock ended by itself: the portal stops" in problems


# The relay's thread, which alone calls it, ends at once.
WITHOUT_RELAY = """
import runpy, uvloop
uvloop.run = lambda listening: listening.close()
runpy.run_path("manage.py", run_name="__main__")
"""


def test_so_does_one_whose_relay_ended_so_that_no_bot_is_unheard_unseen(start):
    _, problems = start(program=("-c", WITHOUT_RELAY)).ended()
    assert "the background relay ended by itself: the portal stops" in problems


def test_a_port_that_is_taken_is_named(start):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, problems = start(port=port).ended()
    assert code == 1
    assert f"Port {port} at 127.0.0.1 is in use by another program; choose one with --port" in problems


def test_with_redis_the_separate_processes_are_named(start, tmp_path):
    team = {
        "REDIS_URL": "redis://127.0.0.1:1",
        "PORTAL_URL": "http://127.0.0.1:8000",
        "SECRET_KEY": "s" * 40,
        "PORTAL_SEAL_KEY": keys.public_key_of(keys.new_private_key()),
        "DATABASE_URL": "postgres://portal@127.0.0.1:1/portal",
        "PORTAL_ALLOWED_NETWORKS": "10.0.0.0/8",
    }
    code, problems = start(**team).ended()
    assert code == 1
    for process in ("portal.asgi:application", "celery -A portal worker", "celery -A portal beat"):
        assert process in problems


def test_the_demo_stays_away_from_a_real_portal_and_from_strangers(start, tmp_path):
    (tmp_path / "portal.sqlite3").touch()
    code, problems = start("--demo").ended()
    assert code == 1 and "holds a real portal" in problems
    code, problems = start("--demo", "--host", "0.0.0.0", data_dir=tmp_path / "demo").ended()
    assert code == 1 and "loopback addresses only" in problems


def test_the_demo_lives_survives_kill_9_and_comes_back_with_the_same_bots(start):
    portal = start("--demo")
    url = portal.url()
    seen = waited_for(url, "viewer", all_seen)
    theirs = api(url, "bots/", token_of(url, "outsider"))
    assert theirs["count"] == 2
    assert not {bot["slug"] for bot in theirs["results"]} & set(seen)

    portal.process.kill()
    portal.process.wait()
    again = start("--demo")
    url = again.url()
    back = waited_for(url, "viewer", all_seen)
    assert set(back) == set(seen)
    child = simulator_of(again)
    assert again.stop()[0] == 0
    assert not alive(child)


def all_seen(bots):
    """The demo's fleet in its usual mood: most run, one is down, one has a wrong password."""
    states = [bot["state"] for bot in bots]
    return states.count("running") >= 4 and {"offline", "auth_failed"} <= set(states)


def waited_for(url, username, condition):
    """Slug -> bot, once the condition holds."""
    token, until = token_of(url, username), time.monotonic() + START_SECONDS
    while True:
        bots = api(url, "bots/", token)["results"]
        if condition(bots):
            return {bot["slug"]: bot for bot in bots}
        assert time.monotonic() < until, [(bot["slug"], bot["state"]) for bot in bots]
        time.sleep(0.5)


def simulator_of(portal):
    children = Path(f"/proc/{portal.process.pid}/task/{portal.process.pid}/children").read_text().split()
    assert len(children) == 1
    return int(children[0])


def alive(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_a_data_directory_is_claimed_by_one_and_free_again_once_closed(tmp_path):
    held = claim(tmp_path)
    with pytest.raises(AlreadyRunning, match=str(os.getpid())):
        claim(tmp_path)
    held.close()
    claim(tmp_path).close()


def test_an_address_that_is_not_ours_is_named():
    with pytest.raises(PortTaken, match=r"Cannot listen at 192\.0\.2\.1"):
        bound_socket("192.0.2.1", 0)

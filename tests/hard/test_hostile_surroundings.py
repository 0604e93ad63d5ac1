"""Broken certificates, clocks and name servers around a bot, from the socket to the bot's row."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest
from django.urls import reverse
from django.utils import timezone

from bots.domain.polling.by_hand import poll_now
from bots.models import Trade
from tests.bots.systems.certificates import Authority
from tests.bots.systems.raw_bots import Caller, http
from tests.hard.recorded_bots import RecordedBot, listening
from tests.hard.rows import connected

pytestmark = pytest.mark.hard


# --- certificates -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def trusted(authority, monkeypatch):
    """The test's authority is one the portal knows."""
    monkeypatch.setattr("certifi.where", lambda: str(authority.file))
    return authority


def row_after_a_poll(alpha, url):
    bot = connected(alpha, url)
    poll_now(bot)
    bot.refresh_from_db()
    return bot.status


def test_a_certificate_of_a_known_authority_is_fine(alpha, trusted):
    bot = RecordedBot()
    with listening(bot.talk, trusted.context()) as server:
        assert row_after_a_poll(alpha, server.url).state == "running"


@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ({"days": -1}, "its certificate has expired"),
        ({"host": "bot.example.org"}, "its certificate is for another host name"),
        ({"self_signed": True}, "its certificate is self-signed"),
    ],
)
def test_a_wrong_certificate_is_named_on_the_row_and_nothing_is_asked(alpha, trusted, certificate, words):
    bot = RecordedBot()
    with listening(bot.talk, trusted.context(**certificate)) as server:
        status = row_after_a_poll(alpha, server.url)
    assert (status.state, status.error_code, bot.requests) == ("misconfigured", "tls_problem", [])
    assert words in status.last_error


def test_a_certificate_of_a_stranger_is_named_on_the_row(alpha, authority):
    bot = RecordedBot()
    with listening(bot.talk, authority.context()) as server:
        status = row_after_a_poll(alpha, server.url)
    assert "comes from an authority this portal does not know" in status.last_error
    assert bot.requests == []


async def as_uvicorn_does(caller: Caller) -> None:
    await caller.reader.read(1)
    await caller.say(http(b"Invalid HTTP request received.", "400 Bad Request"))


def test_plain_http_on_the_port_of_an_https_address(alpha):
    with listening(as_uvicorn_does) as server:
        status = row_after_a_poll(alpha, server.url.replace("http:", "https:"))
    assert (status.error_code, status.state) == ("tls_problem", "misconfigured")
    assert "the address would begin with http://" in status.last_error


def test_tls_on_the_port_of_an_http_address(alpha, trusted):
    bot = RecordedBot()
    with listening(bot.talk, trusted.context()) as server:
        status = row_after_a_poll(alpha, server.url.replace("https:", "http:"))
    assert "must begin with https://" in status.last_error


# --- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_clock_that_is_ten_minutes_off_breaks_nothing_and_no_age_is_negative(alpha, alice, client, minutes):
    moment = int(time.time() * 1000) + minutes * 60_000
    recorded = RecordedBot()
    shifted = json.loads(recorded.recorded("status"))
    for trade in shifted:
        trade["open_timestamp"] = trade["open_fill_timestamp"] = moment
    health = json.loads(recorded.recorded("health")) | {"last_process_ts": moment // 1000}
    recorded.instead = {"status": http(json.dumps(shifted).encode()), "health": http(json.dumps(health).encode())}
    with listening(recorded.talk) as server:
        bot = connected(alpha, server.url)
        assert poll_now(bot).error is None
    bot.refresh_from_db()
    assert (bot.status.state, bot.status.open_count) == ("running", len(shifted))
    assert abs((bot.status.last_process_at - timezone.now()).total_seconds()) == pytest.approx(600, abs=10)
    assert set(Trade.objects.filter(bot=bot, is_open=True).values_list("open_ms", flat=True)) == {moment}
    client.force_login(alice)
    for page in (reverse("fleet"), reverse("bot", args=[bot.slug]), reverse("trades")):
        shown = re.sub(r"<[^>]*>", " ", client.get(page).content.decode())
        assert re.findall(r"[-−]\s?\d+\s?(?:s|min|h|d)\b", shown) == [], page


# --- names ------------------------------------------------------------------------------------------------------------

ASK = """
import asyncio, sys, time
from bots.systems.addresses import AddressPolicy
from bots.systems.http import HttpDoor

async def ask():
    door = HttpDoor(AddressPolicy.from_networks(["public"]), deadline=1)
    began = time.monotonic()
    try:
        await door.get("http://bot.example.org:8080/")
    except Exception as error:
        print(type(error).__name__, error, round(time.monotonic() - began, 2), sep="|", flush=True)
    await door.aclose()

asyncio.run(ask())
"""
# In a network and a file system view of its own: 127.0.0.1 port 53 takes questions and never answers.
SILENT_NAME_SERVER = """
mount --make-rprivate / && mount --bind "$1/resolv.conf" /etc/resolv.conf && ip link set lo up || exit 77
exec "$2" -c 'import socket, subprocess, sys, time
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); server.bind(("127.0.0.1", 53))
began = time.monotonic()
done = subprocess.run([sys.executable, "-c", sys.argv[1]], capture_output=True, text=True, timeout=30)
server.settimeout(0)
asked = b"example" in server.recv(512)
print(done.stdout.strip(), asked, round(time.monotonic() - began, 2), done.stderr[-500:], sep="|")' "$3"
"""


def test_a_name_server_that_hangs_costs_the_deadline_and_holds_no_process_up(tmp_path):
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:30 attempts:1\n")
    unshare = shutil.which("unshare")
    if not unshare or os.geteuid() != 0:
        pytest.skip("needs root and unshare: a name server of its own in a network of its own")
    command = [unshare, "--mount", "--net", "sh", "-c", SILENT_NAME_SERVER, "sh", str(tmp_path), sys.executable, ASK]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode == 77:
        pytest.skip(f"this machine allows no network of its own: {done.stderr}")
    assert done.returncode == 0, done.stderr
    error, sentence, seconds, asked, process_seconds, complaint = done.stdout.strip().split("|")
    assert (error, asked, complaint) == ("TimedOut", "True", "")
    assert "the name server did not answer" in sentence
    assert float(seconds) < 15  # the name server would be waited for for 30
    assert float(process_seconds) < 25  # the process ends although the question is still out


def test_a_name_that_does_not_resolve_is_named_on_the_row(alpha):
    status = row_after_a_poll(alpha, "http://bot.invalid:8080")
    assert (status.error_code, status.last_error) == ("name_not_found", "bot.invalid does not resolve")


def test_a_port_where_nothing_listens_is_named_on_the_row(alpha):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        status = row_after_a_poll(alpha, f"http://127.0.0.1:{port}")
    assert status.last_error == f"Nothing listens at 127.0.0.1:{port} (connection refused)"

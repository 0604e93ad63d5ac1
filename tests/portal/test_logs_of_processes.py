"""LOG_LEVEL and LOG_FORMAT hold in every process, started as deploy/ starts it: Celery and uvicorn have ways of their
own to set up logging."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0  # under load; alone it takes two or three
SECRET = "a-token-that-nobody-may-read"
# Ends as soon as it is ready, after a line of each level.
SPEAKING = """
import logging, sys
from celery.bin.celery import main
from celery.signals import beat_init, worker_ready

def speak(**kwargs):
    for level in (logging.INFO, logging.WARNING, logging.ERROR):
        logging.getLogger("bots.tasks").log(level, "ready")
    sys.exit(0)

beat_init.connect(speak)
worker_ready.connect(speak)
main()
"""
CELERY = {
    "worker": ["worker", "--queues", "polls", "--without-gossip", "--without-mingle", "--hostname", "polls@%h"],
    "beat": ["beat", "--pidfile", ""],
}


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Of an all-in-one installation: the same processes, and no Redis is needed."""
    return {"PATH": os.environ["PATH"], "PORTAL_DATA_DIR": str(folder / "data"), "LOG_FORMAT": "json", **more}


def uvicorn(*options: str) -> list[str]:
    return [sys.executable, "-m", "uvicorn", "--no-server-header", "--ws", "websockets-sansio", *options]


@pytest.mark.parametrize("kind", CELERY)
@pytest.mark.parametrize(("level", "told"), [("INFO", ["INFO", "WARNING", "ERROR"]), ("ERROR", ["ERROR"])])
def test_workers_and_the_clock_tell_from_log_level_on(tmp_path, kind, level, told) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SPEAKING, "-A", "portal", *CELERY[kind]], cwd=ROOT, capture_output=True, text=True,
        env=environment(tmp_path, LOG_LEVEL=level), timeout=START_SECONDS, check=False,
    )  # fmt: skip
    lines = [json.loads(line) for line in ended.stderr.splitlines() if "bots.tasks" in line]
    assert [line["level"] for line in lines] == told


@pytest.mark.parametrize("door", ["application", "gateway"])
def test_what_fails_in_a_web_process_is_one_line_of_json(tmp_path, door) -> None:
    """The lifespan is what neither door answers: uvicorn tells it as it tells every exception of an application."""
    ended = subprocess.run(
        uvicorn("--lifespan", "on", "--port", "0", f"portal.asgi:{door}"), cwd=ROOT, capture_output=True, text=True,
        env=environment(tmp_path), timeout=START_SECONDS, check=False,
    )  # fmt: skip
    failed, *_ = lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert {line["level"] for line in lines} == {"ERROR"}
    assert (failed["logger"], "Traceback" in failed["exception"]) == ("uvicorn.error", True)


def test_no_process_tells_the_query_of_an_address(tmp_path) -> None:
    """Not even one that is started without --no-access-log and with uvicorn's own level."""
    place = tmp_path / "web.sock"
    command = uvicorn("--lifespan", "off", "--uds", str(place), "portal.asgi:application")
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment(tmp_path, LOG_LEVEL="DEBUG", LOG_FORMAT="text"), stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    try:
        answers = [asked(place, process, headers) for headers in ("", WEBSOCKET)]
    finally:
        process.send_signal(signal.SIGTERM)
        told = process.communicate(timeout=START_SECONDS)[1]
    assert [answer.split(b" ")[1] for answer in answers] == [b"200", b"403"]
    assert SECRET not in told


WEBSOCKET = (
    "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    "Connection: Upgrade\r\n"
)


def asked(place: Path, process: subprocess.Popen[str], headers: str) -> bytes:
    """The beginning of the answer, as soon as the process listens."""
    until = time.monotonic() + START_SECONDS
    while not place.exists():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.05)
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(START_SECONDS)
        line.connect(str(place))
        line.sendall(f"GET /livez?token={SECRET} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode())
        return line.recv(100)

"""Each process of a team installation, started as docs/install.md says, stops at a missing or default secret and names
it. Only who speaks to bots needs the key that opens their passwords."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal import keys
from tests.portal.test_settings import TEAM

ROOT = Path(__file__).resolve().parents[2]
CELERY = [sys.executable, "-m", "celery", "-A", "portal"]
UVICORN = [sys.executable, "-m", "uvicorn", "--lifespan", "off", "--port", "0"]
KINDS = {
    "web": [*UVICORN, "portal.asgi:application"],
    "gateway": [*UVICORN, "portal.asgi:gateway"],
    "worker": [*CELERY, "worker", "--queues", "polls", "--without-gossip", "--without-mingle"],
    "beat": [*CELERY, "beat", "--pidfile", ""],
    "relay": [sys.executable, "manage.py", "relay"],
}


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("web", "SECRET_KEY", None),
        ("web", "PORTAL_SEAL_KEY", None),
        ("gateway", "SECRET_KEY", "changeme-changeme-changeme-changeme"),
        ("gateway", "PORTAL_SECRETS_KEY", None),
        ("worker", "SECRET_KEY", None),
        ("worker", "PORTAL_SECRETS_KEY", None),
        ("beat", "SECRET_KEY", "changeme-changeme-changeme-changeme"),
        ("beat", "PORTAL_SEAL_KEY", None),
        ("relay", "SECRET_KEY", None),
        ("relay", "PORTAL_SECRETS_KEY", None),
    ],
)
def test_a_process_with_a_missing_or_default_secret_stops_and_names_it(tmp_path, kind, name, value) -> None:
    given = {key: word for key, word in {**TEAM, name: value}.items() if word is not None}
    environment = {"PATH": os.environ["PATH"], "PORTAL_DATA_DIR": str(tmp_path / "data"), **given}
    ended = subprocess.run(
        KINDS[kind], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode != 0
    said = [line for line in ended.stderr.splitlines() if "ImproperlyConfigured" in line]
    assert said, ended.stderr
    assert f"{name} is " in said[-1]


def first_word_of(kind: str, tmp_path: Path, **given: str) -> str:
    """What the process says of the key before it is ended; "" when it says nothing while it starts."""
    environment = {"PATH": os.environ["PATH"], "PORTAL_DATA_DIR": str(tmp_path / "data"), **TEAM, **given}
    with subprocess.Popen(
        [sys.executable, "-u", "-c", OPEN[kind]], cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        said = [line for line in process.stderr or () if "PORTAL_SECRETS_KEY" in line]
    assert process.returncode == 0
    return "".join(said)


# As uvicorn and Celery begin, without serving.
OPEN = {
    "web": "from portal.asgi import application, application",
    "gateway": "from portal.asgi import gateway",
    "beat": "from celery.signals import beat_init; import portal.celery; import django; django.setup(); "
    "beat_init.send(None)",
}


@pytest.mark.parametrize(("kind", "called"), [("web", "a web process"), ("beat", "the clock")])
def test_a_process_that_opens_no_password_says_when_it_is_given_the_key_that_could(tmp_path, kind, called) -> None:
    words = first_word_of(kind, tmp_path, PORTAL_SECRETS_KEY=keys.new_private_key())
    assert words.count("\n") == 1
    assert f"WARNING portal.keys: PORTAL_SECRETS_KEY is given to {called}, which needs it nowhere" in words
    assert first_word_of(kind, tmp_path) == ""


def test_the_gateway_holds_it_rightly(tmp_path) -> None:
    assert first_word_of("gateway", tmp_path, PORTAL_SECRETS_KEY=keys.new_private_key()) == ""

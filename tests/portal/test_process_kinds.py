"""Each process of a team installation, started as docs/install.md says, stops at a missing or default secret and names
it. Only who speaks to bots needs the key that opens their passwords."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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

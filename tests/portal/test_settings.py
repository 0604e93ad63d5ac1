"""A wrong or missing setting: the process refuses to start, and names it."""

import base64
import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal import env, keys

TEAM = {
    "REDIS_URL": "redis://127.0.0.1:6399/0",
    "DATABASE_URL": "postgres://portal:x@127.0.0.1:5999/portal",
    "PORTAL_URL": "https://portal.example.org",
    "SECRET_KEY": "s" * 50,
    "PORTAL_SEAL_KEY": keys.public_key_of(keys.new_private_key()),
    "PORTAL_ALLOWED_NETWORKS": "public,10.8.0.0/16",
}
GARBAGE = base64.urlsafe_b64encode(b"x" * 33).decode()


def started(tmp_path, **changes: str | None) -> subprocess.CompletedProcess[str]:
    given = {name: value for name, value in {**TEAM, **changes}.items() if value is not None}
    surroundings = {"PATH": os.environ["PATH"], "PORTAL_DATA_DIR": str(tmp_path / "data"), **given}
    command = [sys.executable, "-c", "import portal.settings as s; print(s.EMAIL_BACKEND)"]
    return subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=60, check=False)


def test_a_complete_team_installation_starts(tmp_path) -> None:
    assert started(tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", None),
        ("DATABASE_URL", None),
        ("PORTAL_URL", None),
        ("PORTAL_URL", "http://portal.example.org"),
        ("SECRET_KEY", None),
        ("SECRET_KEY", "changeme"),
        ("SECRET_KEY", "django-insecure-" + "x" * 40),
        ("PORTAL_SEAL_KEY", None),
        ("PORTAL_SEAL_KEY", GARBAGE),
        ("PORTAL_SECRETS_KEY", "changeme"),
        ("PORTAL_METRICS_TOKEN", "changeme-changeme"),
        ("PORTAL_METRICS_TOKEN", "short"),
        ("PORTAL_ALLOWED_NETWORKS", None),
        ("PORTAL_ALLOWED_NETWORKS", "10.0.0.0/8,publik"),
        ("PORTAL_WORKER_THREADS", "0"),
        ("PORTAL_TICK_SECONDS", "nan"),
        ("LOG_LEVEL", "loud"),
        ("DEBUG", "perhaps"),
        ("SECRET_KEY_FALLBACKS_FILE", "/no/such/file"),
        ("SECRET_KEY_FALLBACKS", f"{'s' * 50},changeme-changeme-changeme-changeme"),
        ("SECRET_KEY_FALLBACKS", f"{'s' * 50}, short"),
        ("PORTAL_URL", "https://portal.example.org:x"),
        ("EMAIL_URL", "smtp://user:pass/word@mail.example.org"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, name: str, value: str | None) -> None:
    refused = started(tmp_path, **{name: value})
    assert refused.returncode == 1
    last_line = refused.stderr.strip().splitlines()[-1]
    assert "ImproperlyConfigured" in last_line
    assert name.removesuffix("_FILE") in last_line


def test_reset_links_never_go_to_the_log_of_a_team_installation(tmp_path) -> None:
    assert started(tmp_path).stdout.strip() == "django.core.mail.backends.dummy.EmailBackend"


def test_the_data_folder_is_nobody_elses_business(tmp_path) -> None:
    (tmp_path / "data").mkdir(mode=0o755)
    started(tmp_path)
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_addresses_with_passwords_may_come_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    (tmp_path / "url").write_text("redis://:secret@10.0.0.3:6379/0\n")
    monkeypatch.setenv("CACHE_URL_FILE", str(tmp_path / "url"))
    assert env.url("CACHE_URL", ("redis",)) == "redis://:secret@10.0.0.3:6379/0"
    with pytest.raises(ImproperlyConfigured, match="CACHE_URL must begin with"):
        env.url("CACHE_URL", ("postgres",))

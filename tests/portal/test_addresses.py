"""The addresses of database and broker: what cannot be read is told without its password."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from portal import env
from tests import engines
from tests.portal.test_settings import TEAM, started

PASSWORD = "hunter2"
# Tells which tasks wait where the settings say, by the words of Celery, of Redis and of Channels.
SPEAK = """
import asyncio
from channels.layers import get_channel_layer
from django.conf import settings
from portal.celery import app
from redis import Redis

async def told():
    layer = get_channel_layer()
    name = await layer.new_channel()
    await layer.send(name, {"type": "heard"})
    return await layer.receive(name)

with app.connection_for_write() as broker:
    print(broker.as_uri())
    broker.SimpleQueue("polls").put("first")
print(Redis.from_url(settings.REDIS_URL).llen("polls"), asyncio.run(told()))
"""


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
@pytest.mark.parametrize(
    "address",
    [
        "{scheme}://alice:hunter2/x@10.0.0.3:5432/portal",
        "{scheme}://alice:12/hunter2@10.0.0.3:5432/portal",
        "{scheme}://alice:12?hunter2@10.0.0.3:5432/portal",
        "{scheme}://alice:12#hunter2@10.0.0.3:5432/portal",
        "{scheme}://alice:[hunter2@10.0.0.3/portal",
        "{scheme}://alice:hunter2@10.0.0.3:54x32/portal",
        "{scheme}://alice:hunter2@10.0.0.3:99999/portal",
    ],
)
def test_an_address_that_cannot_be_read_is_named_and_its_password_is_not(tmp_path, name: str, address: str) -> None:
    scheme = {"DATABASE_URL": "postgres", "REDIS_URL": "redis"}[name]
    refused = started(tmp_path, **{name: address.format(scheme=scheme)})
    assert refused.returncode == 1
    assert f"ImproperlyConfigured: {name} cannot be read: in user name and password write /" in refused.stderr
    assert PASSWORD not in refused.stderr + refused.stdout


def test_a_password_with_every_sign_is_read_when_it_is_written_as_told(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://alice:%2F%3F%23%40%3A%25%5B%5D@10.0.0.3:5433/portal")
    described = env.database("DATABASE_URL", tmp_path, 0, 0)
    assert (described["PASSWORD"], described["HOST"], described["PORT"]) == ("/?#@:%[]", "10.0.0.3", 5433)


def options(address: str, patience: float = 7) -> object:
    return env.postgresql(urlsplit(address), patience, 0)["OPTIONS"]


def test_what_the_address_asks_of_the_server_is_added_to_the_limits() -> None:
    ours = "-c statement_timeout=7s -c idle_in_transaction_session_timeout=60s"
    plain = {"connect_timeout": 3, "patience": 7}
    assert options("postgres://db/portal") == {**plain, "options": ours}
    asked = "postgres://db/portal?options=-c%20work_mem%3D7MB&sslmode=require&patience=0"
    assert options(asked) == {**plain, "options": f"{ours} -c work_mem=7MB", "sslmode": "require"}
    assert options("postgres://db/portal?connect_timeout=9", 0) == {"connect_timeout": "9", "patience": 0}


@pytest.mark.skipif(connection.vendor != "postgresql", reason="asks PostgreSQL")
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("-c work_mem=7MB", {"statement_timeout": "7s", "work_mem": "7MB"}),
        ("-c statement_timeout=3s", {"statement_timeout": "3s", "idle_in_transaction_session_timeout": "1min"}),
    ],
)
def test_only_the_limit_that_the_address_names_is_another(asked: str, found: dict[str, str]) -> None:
    address = os.environ["DATABASE_URL"] + "?options=" + asked.replace(" ", "%20").replace("=", "%3D")
    limits = dict(options(address))
    limits.pop("patience")
    with psycopg.connect(os.environ["DATABASE_URL"], **limits) as server:
        assert {name: server.execute(f"SHOW {name}").fetchone()[0] for name in found} == found


@pytest.mark.parametrize(
    ("address", "of_the_broker"),
    [
        ("redis://:x@10.0.0.3:6379/0", "redis://:x@10.0.0.3:6379/0"),
        ("unix:///run/redis/redis.sock", "redis+socket:///run/redis/redis.sock?virtual_host=0"),
        ("unix://:p%2Fx@/run/redis.sock?db=3", "redis+socket://:p%2Fx@/run/redis.sock?virtual_host=3"),
        # Celery alone would take any certificate.
        ("rediss://10.0.0.3/0", "rediss://10.0.0.3/0?ssl_cert_reqs=required"),
        ("rediss://10.0.0.3/0?ssl_ca_certs=/ca", "rediss://10.0.0.3/0?ssl_ca_certs=/ca&ssl_cert_reqs=required"),
        ("rediss://10.0.0.3/0?ssl_cert_reqs=none", "rediss://10.0.0.3/0?ssl_cert_reqs=none"),
    ],
)
def test_the_broker_is_the_same_redis_in_celerys_words(address: str, of_the_broker: str) -> None:
    assert env.broker("REDIS_URL", address) == of_the_broker


def test_what_celery_cannot_be_told_of_a_unix_socket_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"^REDIS_URL: unix:// takes db .*, not password$"):
        env.broker("REDIS_URL", "unix:///run/redis.sock?db=1&password=hunter2")


@pytest.fixture
def redis_on_a_socket() -> Iterator[Path]:
    try:
        program = engines.program("redis-server")
    except engines.EngineMissing as missing:
        pytest.skip(str(missing))
    owner = engines.unprivileged()
    with engines.temporary_folder(owner) as folder:
        path = folder / "a redis.sock"
        command = [str(program), "--port", "0", "--unixsocket", str(path), "--requirepass", "p/x@", "--save", ""]
        with engines.server(command, owner, folder, signal.SIGTERM) as process:
            wait_for(path, process)
            yield path


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket(socket.AF_UNIX) as probe:
            if path.exists() and probe.connect_ex(str(path)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("Redis did not come up")


def test_tasks_and_live_messages_go_through_a_unix_socket(redis_on_a_socket: Path, tmp_path: Path) -> None:
    address = f"unix://:p%2Fx%40@{str(redis_on_a_socket).replace(' ', '%20')}?db=2"
    surroundings = {**TEAM, "REDIS_URL": address, "PORTAL_DATA_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", SPEAK]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines() == [f"redis+socket://:**@{redis_on_a_socket}", "1 {'type': 'heard'}"], done.stderr

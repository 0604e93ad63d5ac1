"""The files of deploy/ fit the settings: what they name exists, each process has the secrets it needs and no other."""

import ipaddress
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
READERS = re.compile(r'(?:env\.\w+|installation_secret)\(\s*"([A-Z_]+)"')
VARIABLES = set(READERS.findall((ROOT / "portal/settings.py").read_text()))
OF_COMPOSE = {
    "PORTAL_WEBS": "web",
    "PORTAL_WORKERS": "worker",
    "PORTAL_COMMANDERS": "commander",
    "PORTAL_RELAYS": "relay",
}
OF_OTHERS = {"POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD_FILE", "POSTGRES_INITDB_ARGS"}
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "portal"}
OPENS_PASSWORDS = "PORTAL_SECRETS_KEY_FILE"
TO_TELL_BOTS = {"worker", "commander", "relay", "gateway"}


def variable(name: str) -> str:
    return name.removesuffix("_FILE")


def environment_of_unit(unit: Path) -> dict[str, str]:
    lines = re.findall(r"^Environment=(.*)$", unit.read_text(), re.M)
    return dict(pair.split("=", 1) for line in lines for pair in line.split())


def test_every_variable_named_in_compose_is_one_of_the_settings() -> None:
    named = {name for service in COMPOSE["services"].values() for name in service.get("environment", {})} - OF_OTHERS
    assert {variable(name) for name in named} <= VARIABLES
    told = re.findall(r"^#? ?([A-Z_]+)=", (DEPLOY / "env.example").read_text(), re.M)
    assert set(told) - set(OF_COMPOSE) <= VARIABLES


def test_how_many_of_each_process_run_stands_in_one_place_that_every_up_reads() -> None:
    numbers = {name: service["deploy"]["replicas"] for name, service in OURS.items() if "deploy" in service}
    told = dict(re.findall(r"^# ([A-Z_]+)=(\d)$", (DEPLOY / "env.example").read_text(), re.M))
    assert told.keys() == OF_COMPOSE.keys()
    assert numbers == {OF_COMPOSE[name]: f"${{{name}:-{number}}}" for name, number in told.items()}
    documents = [path for path in (ROOT / "docs").glob("*.md") if "--scale " in path.read_text()]
    assert documents == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_variable_named_in_a_unit_is_one_of_the_settings(unit: Path) -> None:
    named = environment_of_unit(unit)
    assert {variable(name) for name in named} <= VARIABLES
    given = set(re.findall(r"^LoadCredential=(\w+):", unit.read_text(), re.M))
    assert {value.removeprefix("%d/") for name, value in named.items() if name.endswith("_FILE")} == given


def test_only_who_speaks_to_bots_gets_the_key_that_opens_passwords() -> None:
    assert {name for name, service in OURS.items() if OPENS_PASSWORDS in service.get("environment", {})} == TO_TELL_BOTS
    assert {name for name, service in OURS.items() if "secrets_key" in service.get("secrets", [])} == TO_TELL_BOTS
    with_key = {unit.name for unit in UNITS if OPENS_PASSWORDS in environment_of_unit(unit)}
    assert with_key == {f"portal-{name}@.service" for name in TO_TELL_BOTS}


@pytest.mark.parametrize("name", [name for name in OURS if OURS[name].get("environment")])
def test_each_container_gets_the_files_its_variables_point_to(name: str) -> None:
    service = OURS[name]
    files = {value for key, value in service["environment"].items() if key.endswith("_FILE")}
    assert {f"/run/secrets/{secret}" for secret in service["secrets"]} == files
    assert set(service["secrets"]) <= set(COMPOSE["secrets"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


def test_postgresql_and_redis_are_reachable_from_the_inside_only() -> None:
    assert COMPOSE["networks"]["inside"]["internal"] is True
    for name in ("postgres", "redis"):
        assert COMPOSE["services"][name]["networks"] == ["inside"]
        assert "ports" not in COMPOSE["services"][name]
    assert [name for name, service in COMPOSE["services"].items() if "ports" in service] == ["proxy"]


def test_the_proxy_is_the_one_that_is_trusted() -> None:
    address = COMPOSE["services"]["proxy"]["networks"]["inside"]["ipv4_address"]
    assert OURS["web"]["environment"]["PORTAL_TRUSTED_PROXIES"] == address


def test_nobody_else_can_have_taken_the_address_of_the_proxy() -> None:
    address = ipaddress.ip_address(COMPOSE["services"]["proxy"]["networks"]["inside"]["ipv4_address"])
    [range_] = COMPOSE["networks"]["inside"]["ipam"]["config"]
    assert address in ipaddress.ip_network(range_["subnet"])
    assert address not in ipaddress.ip_network(range_["ip_range"])
    assert address != ipaddress.ip_address(range_["gateway"])


def test_the_proxy_is_told_no_secret() -> None:
    proxy = COMPOSE["services"]["proxy"]
    assert "env_file" not in proxy
    assert "secrets" not in proxy
    assert list(proxy["environment"]) == ["PORTAL_URL"]


def test_one_service_builds_the_image_and_none_asks_a_registry_for_it() -> None:
    assert [name for name, service in OURS.items() if "build" in service] == ["web"]
    assert {service["pull_policy"] for service in OURS.values()} == {"never"}


@pytest.mark.parametrize("file", [DEPLOY / "Dockerfile", DEPLOY / "systemd/portal-web@.service"], ids=lambda f: f.name)
def test_the_web_server_believes_no_header_and_logs_no_address(file: Path) -> None:
    words = re.sub(r'[",\\\n ]+', " ", file.read_text())
    for option in ("--no-proxy-headers", "--no-access-log", "--ws websockets-sansio", "--ws-max-size 1024"):
        assert option in words


@pytest.mark.parametrize("file", ["compose.yaml", "systemd/portal-gateway@.service"])
def test_the_gateway_is_a_web_server_of_its_own_that_believes_no_header(file: str) -> None:
    words = re.sub(r'[",\\\n ]+', " ", (DEPLOY / file).read_text())
    assert "uvicorn portal.asgi:gateway" in words
    for option in ("--no-proxy-headers", "--no-access-log", "--ws websockets-sansio", "--ws-max-size 16384"):
        assert option in words


def test_every_process_that_stays_has_a_health_check() -> None:
    without = {name for name, service in OURS.items() if service.get("healthcheck", {}).get("disable")}
    assert without == {"migrate", "anchor-owner"}


@pytest.mark.parametrize(("age", "healthy"), [(0, True), (20, True), (40, False), (None, False)])
@pytest.mark.parametrize("name", ["relay", "beat"])
def test_who_gives_no_sign_of_life_is_not_healthy(tmp_path: Path, name: str, age: int | None, healthy: bool) -> None:
    file, told = tmp_path / "alive", OURS[name]["environment"]["PORTAL_SIGN_OF_LIFE"]
    if age is not None:
        file.touch()
        os.utime(file, times=(time.time() - age,) * 2)
    command = OURS[name]["healthcheck"]["test"][1].replace("$$", "$")
    assert told in command
    done = subprocess.run(["sh", "-c", command.replace(told, str(file))], capture_output=True, check=False)
    assert (done.returncode == 0) is healthy


@pytest.mark.parametrize("file", ["Caddyfile", "nginx.conf"])
def test_each_proxy_leads_to_the_gateway_and_keeps_the_inside_in(file: str) -> None:
    words = (DEPLOY / file).read_text()
    assert re.search(r"^\s*(location|handle) /gateway/", words, re.M)
    assert "metrics" in words and "readyz" in words


def copied_into_the_image() -> list[str]:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DEPLOY / "Dockerfile").read_text(), re.M)
    return [path for line in copied for path in line.split()]


def test_what_is_copied_into_the_image_exists() -> None:
    assert [path for path in copied_into_the_image() if not (ROOT / path).exists()] == []


def test_the_builder_is_sent_what_is_copied_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    assert sorted(line[1:] for line in lines if line.startswith("!")) == sorted(copied_into_the_image())


def test_every_queue_has_a_worker(settings) -> None:
    started = " ".join(unit.read_text() for unit in UNITS) + (DEPLOY / "compose.yaml").read_text()
    for queue in settings.CELERY_TASK_QUEUES:
        assert f"--queues {queue.name}" in started
        assert f"--queues, {queue.name}" in started


def make_secrets(folder: Path) -> str:
    command = ["sh", str(DEPLOY / "make-secrets.sh"), str(folder), "127.0.0.1:5999", "127.0.0.1:6399"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_secrets_that_are_made_start_a_process_and_are_never_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    assert "made secrets_key" in make_secrets(folder)
    before = {path.name: path.read_text() for path in folder.iterdir()}
    assert make_secrets(folder) == ""
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    names = {key: value for key, value in OURS["worker"]["environment"].items() if key.endswith("_FILE")}
    told = {key: str(folder / Path(value).name) for key, value in names.items()}
    told |= {"PORTAL_URL": "https://portal.example.org", "PORTAL_ALLOWED_NETWORKS": "public"}
    check = "import portal.settings as s; from portal import keys;"
    check += " print(s.PORTAL_SEAL_KEY == keys.public_key_of(s.PORTAL_SECRETS_KEYS[0]), s.DATABASES['default']['PORT'])"
    environment = {**told, "PATH": "/usr/bin:/bin", "PORTAL_DATA_DIR": str(tmp_path / "data")}
    command = [sys.executable, "-c", check]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("True 5999\n", "")


# What `manage.sh` would do as root, and does not: it tells instead of becoming another person.
STAND_IN = """#!/bin/sh
echo "runuser $*"
env
"""


def test_a_command_of_the_owner_runs_as_the_portals_user_with_what_a_worker_is_told(tmp_path: Path) -> None:
    make_secrets(tmp_path / "secrets")
    (tmp_path / "portal.env").write_text("PORTAL_URL=https://portal.example.org\n")
    (tmp_path / "bin").mkdir()
    for name in ("runuser", "install"):
        (tmp_path / "bin" / name).write_text(STAND_IN if name == "runuser" else "#!/bin/sh\necho install $*\n")
        (tmp_path / "bin" / name).chmod(0o755)
    told = {"PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin", "PORTAL_ETC": str(tmp_path), "PORTAL_STATE": "/var/lib/portal"}
    command = ["sh", str(DEPLOY / "manage.sh"), "verify_audit", "--quick"]
    done = subprocess.run(command, cwd="/", env=told, check=True, capture_output=True, text=True)
    made, ran, *environment = done.stdout.splitlines()
    assert made == "install -d -o portal -g portal -m 700 /var/lib/portal"
    assert ran == "runuser -u portal -- .venv/bin/python manage.py verify_audit --quick"
    given = dict(line.split("=", 1) for line in environment)
    assert given["PWD"] == str(ROOT)
    assert given["PORTAL_URL"] == "https://portal.example.org"
    assert given["PORTAL_SECRETS_KEY"] == (tmp_path / "secrets/secrets_key").read_text()
    worker = environment_of_unit(DEPLOY / "systemd/portal-worker@.service")
    assert {variable(name) for name in worker} <= given.keys()
    plain = {name: value for name, value in worker.items() if not name.endswith("_FILE")}
    assert {name: given[name] for name in plain} == plain

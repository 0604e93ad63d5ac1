"""The owner's commands: they say what they did and what is wrong, and end with 1 when something is."""

import fcntl
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from accounts.models import Team
from bots.domain.audit import Actor, anchor_head
from bots.domain.connections import add_bot
from bots.domain.rotation import fresh_private_key, name_of, use
from bots.models import AuditEntry, Bot, BotLifetime, PollTurn, RelayLease, RelayProcess, append_only
from tests import builders
from tests.bots.domain.audit_acts import alice_acts, as_owner
from tests.canary import CANARY, tables_that_hold

pytestmark = pytest.mark.django_db
embedded_only = pytest.mark.skipif(not configured.EMBEDDED, reason="the embedded portal keeps its own keys")


def said(command: str, *arguments: str) -> str:
    output = StringIO()
    call_command(command, *arguments, stdout=output, stderr=output)
    return output.getvalue()


def failed(command: str, *arguments: str) -> str:
    """What it said, and why it ended with 1."""
    output = StringIO()
    with pytest.raises(CommandError) as raised:
        call_command(command, *arguments, stdout=output, stderr=output)
    assert raised.value.returncode == 1
    return f"{output.getvalue()}{raised.value}"


def test_verify_audit_tells_count_and_head() -> None:
    [*_, last] = alice_acts(3)
    anchor_head()
    words = said("verify_audit")
    assert f"3 entries, head: entry 3, {last.digest}" in words
    assert "anchored: entry 3" in words
    assert "Every entry is as it was written" in words


def test_verify_audit_names_the_row_and_ends_with_1() -> None:
    alice_acts(3)
    anchor_head()
    as_owner("UPDATE bots_auditentry SET actor = 'mallory' WHERE id = 2")
    words = failed("verify_audit")
    assert "edited: Entry 2 is not what the portal wrote" in words
    assert "bot_paused by mallory" in words
    assert "1 findings" in words


def add(*more: str) -> tuple[str, ...]:
    where = ("--url", "http://10.8.0.12:8080", "--username", "freqtrader")
    return ("--team", "alpha", "--name", "BTC Trend", *where, *more)


def test_add_bot_reads_the_password_from_a_file(alpha: Team, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(CANARY + "\n")
    words = said("add_bot", *add("--password-file", str(tmp_path / "password"), "--tag", "spot"))
    assert words == "btc-trend added to alpha: http://10.8.0.12:8080\n"
    bot = Bot.objects.get()
    assert (bot.opened_connection()["password"], bot.tags, bot.enabled) == (CANARY, ["spot"], True)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.role, entry.client) == (
        "bot_added",
        "portal",
        "process",
        "manage.py add_bot",
    )
    assert tables_that_hold(CANARY) == []


def test_add_bot_reads_the_password_from_the_environment(alpha: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOT_PASSWORD", CANARY)
    said("add_bot", *add("--paused"))
    assert (Bot.objects.get().opened_connection()["password"], Bot.objects.get().enabled) == (CANARY, False)


def test_add_bot_says_so_when_the_question_for_the_password_ends_unanswered(
    alpha: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(question: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("getpass.getpass", ended)
    assert "Password was not given" in failed("add_bot", *add())


def test_add_bot_takes_no_secret_from_the_arguments(alpha: Team) -> None:
    words = failed("add_bot", *add("--field", f"password={CANARY}"))
    assert "visible to every user of the machine" in words
    assert CANARY not in words
    assert Bot.objects.count() == 0


def test_add_bot_says_what_is_wrong_by_field(alpha: Team, tmp_path: Path) -> None:
    assert "password: Password is required" in failed("add_bot", *add())
    assert "there is no team 'gamma' (teams: alpha)" in failed("add_bot", *add("--team", "gamma")).lower()
    assert "Password cannot be read" in failed("add_bot", *add("--password-file", str(tmp_path / "none")))
    assert "no bot system 'nosuch'" in failed("add_bot", *add("--system", "nosuch"))
    assert Bot.objects.count() == 0


@pytest.fixture
def own_keys(settings: object, tmp_path: Path) -> Path:
    """A data directory with a key of its own; the environment names none."""
    settings.DATA_DIR = tmp_path
    settings.PORTAL_SECRETS_KEYS, settings.PORTAL_SEAL_KEY = settings.PORTAL_SECRETS_KEYS, settings.PORTAL_SEAL_KEY
    (tmp_path / "keys").mkdir()
    file = tmp_path / "keys" / "portal_secrets_key"
    use([fresh_private_key()])
    file.write_text(settings.PORTAL_SECRETS_KEYS[0])
    return file


def sealed_bot(team: Team) -> Bot:
    typed = {"url": "http://10.8.0.12:8080", "username": "freqtrader", "password": CANARY}
    return add_bot(Actor("alice"), team, system="freqtrade", name="BTC Trend", connection=typed)


@embedded_only
def test_an_embedded_portal_makes_its_new_key_itself(own_keys: Path, alpha: Team) -> None:
    bot, old = sealed_bot(alpha), own_keys.read_text()
    words = said("rotate_keys")
    assert "1 secrets of 1 rows sealed anew, 0 were current, 0 rows do not open" in words
    new, kept = own_keys.read_text().split(",")
    assert (kept, new != old, own_keys.stat().st_mode & 0o777) == (old, True, 0o600)
    assert new not in words
    use([new])
    bot.refresh_from_db()
    assert bot.opened_connection()["password"] == CANARY


@embedded_only
def test_the_former_keys_can_be_dropped(own_keys: Path, alpha: Team) -> None:
    bot, old = sealed_bot(alpha), own_keys.read_text()
    assert f"Forgotten: {name_of(old)}" in said("rotate_keys", "--drop-old")
    use([own_keys.read_text()])
    bot.refresh_from_db()
    assert bot.opened_connection()["password"] == CANARY


@embedded_only
def test_an_interrupted_rotation_is_finished_with_the_key_it_had_made(own_keys: Path, alpha: Team) -> None:
    sealed_bot(alpha)
    old, new = own_keys.read_text(), fresh_private_key()
    own_keys.write_text(f"{new},{old}")
    use([new, old])
    said("rotate_keys")
    assert own_keys.read_text() == f"{new},{old}"
    assert Bot.objects.get().sealed["password"].startswith(f"v1.{name_of(new)}.")


@embedded_only
def test_a_running_portal_is_not_rotated_under_its_feet(own_keys: Path, alpha: Team) -> None:
    before = own_keys.read_text()
    with (own_keys.parent.parent / "portal.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "stop it first" in failed("rotate_keys")
    assert own_keys.read_text() == before


def test_a_team_installation_rotates_to_the_key_it_was_given(
    alpha: Team, settings: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PORTAL_SECRETS_KEYS, settings.PORTAL_SEAL_KEY = settings.PORTAL_SECRETS_KEYS, settings.PORTAL_SEAL_KEY
    monkeypatch.setenv("PORTAL_SECRETS_KEY", "given")
    bot, old = sealed_bot(alpha), settings.PORTAL_SECRETS_KEYS[0]
    assert "Nothing to rotate" in said("rotate_keys")
    new = fresh_private_key()
    use([new, old])
    assert "1 secrets of 1 rows sealed anew" in said("rotate_keys")
    bot.refresh_from_db()
    assert bot.sealed["password"].startswith(f"v1.{name_of(new)}.")


@pytest.fixture
def healthy(settings: object, tmp_path: Path) -> None:
    """With front-end packages, whatever the machine under test has."""
    settings.NODE_MODULES = tmp_path / "node_modules"
    (settings.NODE_MODULES / "lightweight-charts" / "dist").mkdir(parents=True)
    settings.STATIC_ROOT = tmp_path / "collected"
    settings.DEBUG = True


def test_doctor_finds_a_new_installation_well(healthy: None, alpha: Team) -> None:
    sealed_bot(alpha)
    anchor_head()
    words = said("doctor")
    assert "FAIL" not in words
    for line in (
        "migrations   all applied",
        "audit        append-only",
        "anchor       entry 1 anchored",
        "keys         seal and",
    ):
        assert line in words
    assert "secrets      those of all 1 bots open" in words


def test_doctor_says_when_the_front_end_packages_are_missing(healthy: None, settings: object) -> None:
    settings.NODE_MODULES = settings.NODE_MODULES / "elsewhere"
    assert "FAIL  assets       missing" in failed("doctor")
    settings.DEBUG = settings.EMBEDDED = False
    assert "FAIL  assets       not collected" in failed("doctor")


def test_doctor_says_which_triggers_are_gone(healthy: None) -> None:
    append_only.drop_triggers(connection)
    try:
        assert "FAIL  audit        not append-only" in failed("doctor")
    finally:
        append_only.create_triggers(connection)


def test_doctor_says_when_keys_do_not_fit(healthy: None, settings: object) -> None:
    settings.PORTAL_SECRETS_KEYS = [fresh_private_key()]
    assert "FAIL  keys         what is sealed here does not open here" in failed("doctor")
    settings.PORTAL_SECRETS_KEYS = []
    assert "warn  keys         this process can seal but not open secrets" in said("doctor")
    settings.PORTAL_SEAL_KEY = "not a key"
    assert "FAIL  keys         PORTAL_SEAL_KEY is no X25519 key" in failed("doctor")


def test_doctor_names_bots_whose_secrets_do_not_open(healthy: None, alpha: Team) -> None:
    bot = sealed_bot(alpha)
    anchor_head()
    Bot.objects.filter(pk=bot.pk).update(sealed={"password": "v1.00000000.AAAA"})
    words = failed("doctor")
    assert "FAIL  secrets      those of 1 bots do not open: btc-trend" in words


def test_doctor_sees_a_cut_tail_and_an_anchor_that_cannot_be_written(
    healthy: None, own_anchor: Path, settings: object, tmp_path: Path
) -> None:
    alice_acts(3)
    anchor_head()
    as_owner("DELETE FROM bots_auditentry WHERE id = 3")
    assert "FAIL  anchor       audit entry 3" in failed("doctor")
    (tmp_path / "file").write_text("")
    settings.PORTAL_AUDIT_ANCHOR = tmp_path / "file" / "anchor"
    assert "FAIL  anchor" in failed("doctor")


@pytest.mark.parametrize("left", [None, "", "\n"])
def test_doctor_misses_an_anchor_that_is_gone_or_empty(healthy: None, own_anchor: Path, left: str | None) -> None:
    alice_acts(3)
    own_anchor.unlink(missing_ok=True)
    if left is not None:
        own_anchor.write_text(left)
    assert "FAIL  anchor       entries, but no anchor at" in failed("doctor")
    anchor_head()
    assert "ok    anchor       entry 3 anchored" in said("doctor")


def test_doctor_sees_that_nobody_polls(healthy: None, alpha: Team) -> None:
    bot = builders.a_bot(alpha)
    PollTurn.objects.filter(bot=bot).update(next_poll_at=timezone.now() - timedelta(minutes=5))
    assert "FAIL  polling      a bot has been due for 300 s" in failed("doctor")
    PollTurn.objects.filter(bot=bot).update(next_poll_at=timezone.now(), held="wrong_password")
    assert "warn  polling      1 bots are not asked any more: wrong password" in said("doctor")


def test_doctor_tells_whether_anybody_listens(healthy: None, alpha: Team) -> None:
    assert "ok    relays       no bot that is asked speaks by itself" in said("doctor")
    bot = builders.a_bot(alpha, status={"capabilities": ["websocket"]})
    words = said("doctor")
    assert "warn  relays       nobody listens to 1 bots, none runs" in words
    assert "-> Start one: manage.py relay" in words
    RelayProcess.objects.create(name="one", seen_at=timezone.now())
    assert "warn  relays       none of 1 bots is heard" in said("doctor")
    RelayLease.objects.create(bot=bot, holder="one", connected_since=timezone.now())
    assert "ok    relays       1 listening, 1 of 1 bots are heard" in said("doctor")


def test_doctor_says_when_redis_is_away(healthy: None, settings: object) -> None:
    settings.EMBEDDED = False
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert "FAIL  broker       Redis does not answer" in failed("doctor")


def test_safe_mode_is_entered_and_left_by_command(healthy: None) -> None:
    assert said("enter_safe_mode", "trying the upgrade") == "Safe mode: nothing is sent\n"
    assert said("enter_safe_mode", "again") == "Safe mode was there already\n"
    anchor_head()
    assert "nothing is sent: trying the upgrade" in said("doctor")
    assert said("leave_safe_mode", "it worked") == "Safe mode has ended: commands and alerts are sent again\n"
    assert said("leave_safe_mode", "again") == "There is no safe mode: commands and alerts are sent\n"
    assert list(AuditEntry.objects.order_by("id").values_list("action", "details")) == [
        ("safe_mode_entered", {"why": "trying the upgrade"}),
        ("safe_mode_left", {"reason": "it worked", "why": "trying the upgrade"}),
    ]


def test_doctor_says_whose_sums_are_wrong(healthy: None, alpha: Team) -> None:
    builders.a_trade(builders.a_bot(alpha), "5")
    BotLifetime.objects.update(profit=6)
    assert "FAIL  sums         1 rollups of team alpha are not its trades'" in failed("doctor")

"""An owner fills and lists a team from the command line."""

import io
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from bots.models import AuditEntry, Bot
from tests.canary import CANARY, tables_that_hold

LIST = f"name,url,username,password\nbtc-01,http://10.0.0.1:8080,ft,{CANARY}\neth-01,http://10.0.0.2:8080,ft,{CANARY}\n"
BAD = f"bad,nonsense,ft,{CANARY}\n"


def said(command, *arguments):
    """(what it wrote, why it ended with 1 or "")."""
    output = StringIO()
    try:
        call_command(command, *arguments, stdout=output, stderr=output)
    except CommandError as error:
        assert error.returncode == 1
        return output.getvalue(), str(error)
    return output.getvalue(), ""


@pytest.fixture
def listed(tmp_path):
    def write(text, name="bots.csv"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


def test_a_list_is_added_line_by_line_and_refused_lines_end_it_with_1(alpha, listed):
    words, cause = said("import_bots", "--team", "alpha", listed(LIST + BAD))

    assert words.splitlines() == [
        "line 2: btc-01 (btc-01): added",
        "line 3: eth-01 (eth-01): added",
        "line 4: bad: refused Address: The address must begin with http:// or https://",
    ]
    assert cause == "2 added, 1 refused"
    assert CANARY not in words
    assert tables_that_hold(CANARY) == []
    assert Bot.objects.get(slug="btc-01").opened_connection()["password"] == CANARY
    last = AuditEntry.objects.get(action="bots_imported")
    assert (last.actor, last.client) == ("portal", "manage.py import_bots")


@pytest.mark.parametrize(("option", "word"), [("--dry-run", "ready"), ("--all-or-nothing", "ready")])
def test_a_dry_run_and_all_or_nothing_add_none(alpha, listed, option, word):
    words, cause = said("import_bots", "--team", "alpha", option, listed(LIST + BAD))

    assert f"line 2: btc-01: {word}" in words
    assert cause == "2 ready, 1 refused"
    assert not Bot.objects.exists()
    assert not AuditEntry.objects.exists()


def test_the_same_list_again_changes_nothing_and_is_no_failure(alpha, listed):
    said("import_bots", "--team", "alpha", listed(LIST))
    words, cause = said("import_bots", "--team", "alpha", listed(LIST))

    assert words.splitlines()[-1] == "2 already there"
    assert (cause, Bot.objects.count(), AuditEntry.objects.count()) == ("", 2, 3)


def test_a_list_may_come_through_a_pipe(alpha, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(LIST.encode())))

    assert said("import_bots", "--team", "alpha", "-")[0].splitlines()[-1] == "2 added"


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["--team", "nobody", "x"], "There is no team 'nobody'"),
        (["--team", "alpha", "/no/such/file"], "/no/such/file cannot be read: No such file or directory"),
    ],
)
def test_what_is_wrong_is_said(alpha, arguments, cause):
    assert said("import_bots", *arguments) == ("", cause)


def test_an_unreadable_list_is_refused_in_words(alpha, listed):
    assert said("import_bots", "--team", "alpha", listed("- [", "bots.yml")) == ("", "Line 2 cannot be read as YAML")


@pytest.mark.parametrize("form", ["csv", "yaml"])
def test_what_was_exported_is_all_there_already(alpha, beta, listed, form):
    said("import_bots", "--team", "alpha", listed(LIST))
    exported, _ = said("export_bots", "--team", "alpha", "--format", form)
    assert CANARY not in exported
    again, _ = said("import_bots", "--team", "alpha", listed(exported, f"again.{form}"))
    assert again.splitlines()[-1] == "2 already there"

    elsewhere, cause = said("import_bots", "--team", "beta", listed(exported, f"again.{form}"))
    assert cause == "2 refused"
    assert elsewhere.count("Password is required") == 2
    assert said("export_bots", "--team", "nobody") == ("", "There is no team 'nobody'")


def test_a_file_of_a_gigabyte_is_not_read_to_its_end(alpha, tmp_path):
    path = Path(tmp_path) / "big.csv"
    with path.open("wb") as file:
        file.truncate(1 << 30)

    assert said("import_bots", "--team", "alpha", str(path)) == ("", "A list may have at most 1024 kB")

"""The audit over the API: everybody of a team reads what was asked of its bots, managers what was done to its people
and connections too, superusers all; a file of it says what it is and that it is whole."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
from rest_framework.request import Request

from bots.api.audit import ExportAuditJson
from bots.domain.audit import Act, Actor, anchor_head, append, exporting
from bots.models import AuditEntry
from tests import builders
from tests.bots.api.conftest import Caller
from tests.bots.domain.audit_acts import as_owner

FORMULA = '=HYPERLINK("http://evil.example","x")'


def act(action, actor, team=None, **more):
    place = {"team": team.slug, "team_id": team.pk} if team else {}
    with transaction.atomic():
        return append(Act(action, Actor(actor, address="192.0.2.7"), **place, **more))


@pytest.fixture
def rows(alpha, beta, alice, bob, charlie):
    """One of each kind: the ids by their kind."""
    written = {
        "people": act("member_added", "alice", alpha, subject="bob"),
        "command": act("command_asked", "alice", alpha, bot="trend", details={"reason": "größer Verlust"}),
        "beta": act("command_asked", "charlie", beta, bot="grid"),
        "nobody": act("login_failed", "", subject="alice"),
        "outside": act("forced_outside", "portal", alpha, bot="trend", subject=FORMULA),
    }
    return {kind: entry.id for kind, entry in written.items()}


def kinds(rows, answer):
    by_id = {id: kind for kind, id in rows.items()}
    return [by_id[row["id"]] for row in answer["results"]]


@pytest.fixture
def as_ada(db):
    return Caller(builders.person("ada", is_superuser=True))


def test_everybody_reads_what_is_his(rows, as_alice, as_bob, as_charlie, as_ada):
    assert kinds(rows, as_alice.read("audit/")) == ["outside", "command", "people"]
    assert kinds(rows, as_bob.read("audit/")) == ["outside", "command"]
    assert kinds(rows, as_charlie.read("audit/")) == ["beta"]
    assert kinds(rows, as_ada.read("audit/")) == ["outside", "nobody", "beta", "command", "people"]


def test_who_left_the_team_reads_nothing_more(rows, bob, as_bob):
    bob.memberships.all().delete()
    assert as_bob.read("audit/")["results"] == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"actor": "alice"}, ["command", "people"]),
        ({"action": "member_added"}, ["people"]),
        ({"action": "command_"}, ["beta", "command"]),
        ({"bot": "grid"}, ["beta"]),
        ({"team": "alpha"}, ["outside", "command", "people"]),
        ({"address": "192.0.2.8"}, []),
        ({"q": "größer"}, ["command"]),
        ({"q": "HYPERLINK"}, ["outside"]),
        ({"q": "100%"}, []),
        ({"actor": "alice", "bot": "trend"}, ["command"]),
    ],
)
def test_it_can_be_searched(rows, as_ada, query, found):
    assert kinds(rows, as_ada.read("audit/", **query)) == found


def test_it_can_be_cut_to_a_span(rows, as_ada):
    at = AuditEntry.objects.get(pk=rows["beta"]).at
    before = (at - timedelta(microseconds=1)).isoformat()
    assert kinds(rows, as_ada.read("audit/", to=before)) == ["command", "people"]
    assert kinds(rows, as_ada.read("audit/", **{"from": at.isoformat()})) == ["outside", "nobody", "beta"]


def test_a_wrong_span_is_said_at_its_name(rows, as_alice):
    answer = as_alice("audit/", to="yesterday")
    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["to"])


def test_a_filter_opens_no_foreign_row(rows, as_bob):
    for query in ({"team": "beta"}, {"q": "grid"}, {"action": "member_added"}, {"actor": "charlie"}):
        assert as_bob.read("audit/", **query)["count"] == 0


def test_a_row_says_who_what_when_and_from_where(rows, as_bob):
    row = as_bob.read("audit/")["results"][1]
    told = {name: row[name] for name in ("actor", "action", "team", "bot", "address", "details")}
    assert told == {
        "actor": "alice", "action": "command_asked", "team": "alpha", "bot": "trend", "address": "192.0.2.7",
        "details": {"reason": "größer Verlust"},
    }  # fmt: skip
    assert row["at"].endswith("Z")


def test_verifying_is_the_managers_and_the_superusers(rows, as_alice, as_bob, as_ada):
    anchor_head()
    for caller in (as_alice, as_ada):
        answer = caller("audit/verify/", "POST")
        assert (answer.status_code, answer.json()["fine"], answer.json()["entries"]) == (200, True, 5)
    assert as_bob("audit/verify/", "POST").status_code == 403


def test_a_finding_is_named_to_all_but_what_it_claims_to_be_only_to_its_readers(rows, as_alice, as_charlie):
    as_owner(f"UPDATE bots_auditentry SET actor = 'mallory' WHERE id = {rows['beta']}")
    anchor_head()
    told = as_alice("audit/verify/", "POST").json()
    assert (told["fine"], told["bad"], told["findings"][0]["id"]) == (False, 1, rows["beta"])
    assert told["findings"][0]["about"] == ""
    assert "by mallory" in as_charlie("audit/verify/", "POST").json()["findings"][0]["about"]


def text_of(answer):
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content).decode()


def test_the_json_lines_say_what_was_asked_and_that_they_are_whole(rows, as_alice):
    answer = as_alice("audit/export.jsonl", actor="alice")
    first, *entries, last = [json.loads(line) for line in text_of(answer).splitlines()]
    assert (first["export"]["filter"], first["export"]["by"]) == ({"actor": "alice"}, "alice")
    assert [entry["id"] for entry in entries] == [rows["command"], rows["people"]]
    assert entries[0]["details"] == {"reason": "größer Verlust"}
    assert last == {"end": {"rows": 2}}
    assert 'filename="audit-' in answer["Content-Disposition"]


def test_the_csv_starts_no_formula_and_ends_with_what_it_is(rows, as_bob):
    table = list(csv.DictReader(io.StringIO(text_of(as_bob("audit/export.csv", bot="trend")))))
    assert [row["id"] for row in table[:-1]] == [str(rows["outside"]), str(rows["command"])]
    assert table[0]["subject"] == "'" + FORMULA
    assert table[-1]["id"].startswith("end: 2 rows; ")
    assert json.loads(table[-1]["id"].partition("; ")[2])["filter"] == {"bot": "trend"}


def test_a_file_holds_every_row_also_when_it_is_long(rows, as_ada, monkeypatch):
    monkeypatch.setattr(exporting, "PAGE", 2)
    lines = [json.loads(line) for line in text_of(as_ada("audit/export.jsonl")).splitlines()]
    assert [line["id"] for line in lines[1:-1]] == sorted(rows.values(), reverse=True)


def test_a_file_is_given_whatever_the_browser_accepts(rows, as_bob):
    answer = as_bob.client.get("/api/v1/audit/export.csv", headers={"accept": "text/html"})
    assert "member_added" not in text_of(answer)
    assert as_bob("audit/export.csv", to="x").status_code == 400


async def test_under_the_real_server_the_file_is_read_piece_by_piece():
    read = []
    request = Request(ASGIRequest({"type": "http", "method": "GET", "path": "/", "headers": []}, io.BytesIO()))
    answer = ExportAuditJson().streamed(request, (read.append(piece) or piece for piece in "abc"), "text/plain", "txt")
    async for piece in answer.streaming_content:
        assert read[-1] == piece.decode()
    assert read == ["a", "b", "c"]

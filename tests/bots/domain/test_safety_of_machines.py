"""Each machine with a worker has an anchor of its own; all of them know what a restored database lost."""

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command

from bots.domain import safety
from bots.domain.audit import Actor, AnchorContradicted, anchor_head
from bots.domain.audit.anchor import anchors
from bots.management import examination
from bots.models import AuditEntry
from tests.bots.domain.audit_acts import alice_acts, as_owner

pytestmark = pytest.mark.django_db(transaction=True)

OWNER = Actor.process("leave_safe_mode")
On = Callable[[str], Path]


@pytest.fixture
def on(settings: object, tmp_path: Path) -> On:
    """From now on it is this machine that works."""
    settings.EMBEDDED = False
    settings.PORTAL_URL = "https://portal.example.org"

    def machine(name: str) -> Path:
        settings.PORTAL_AUDIT_ANCHOR = tmp_path / name / "anchor.jsonl"
        return settings.PORTAL_AUDIT_ANCHOR

    return machine


def restored_to(entry: int) -> None:
    as_owner(f"DELETE FROM bots_auditentry WHERE id > {entry}")


def look(*names: str, on: On) -> None:
    for name in names:
        on(name)
        safety.first_look.make()


@pytest.fixture
def restored(on: On) -> None:
    """East anchored entry 3, west entry 5; the database of after entry 1 was put back."""
    alice_acts(3)
    on("east")
    anchor_head()
    alice_acts(2)
    on("west")
    anchor_head()
    restored_to(1)


def left_aside(anchor: Path) -> list[list[int]]:
    return [[line.id for line in anchors(path)] for path in anchor.parent.glob("*.before-*")]


def test_who_leaves_once_leaves_for_all_machines(restored: None, on: On) -> None:
    look("east", "west", on=on)
    assert not safety.may_send()
    on("east")
    left = safety.leave("restored on purpose", OWNER)
    assert [sentence.split(", ")[0] for sentence in left.given_up] == ["entry 3", "entry 5"]

    west = on("west")
    assert [line.sentence for line in examination.anchor()] == [
        "entry 5 is of a past that was given up: a worker here sets the anchor aside"
    ]
    safety.anchor_or_fall_silent()

    assert safety.may_send()
    assert left_aside(west) == [[5]]
    assert [line.id for line in anchors(west)] == [AuditEntry.objects.order_by("-id")[0].id]
    on("east")
    safety.anchor_or_fall_silent()
    assert safety.may_send()


def test_the_command_names_what_is_given_up(restored: None, on: On, capsys: pytest.CaptureFixture[str]) -> None:
    look("east", "west", on=on)
    call_command("leave_safe_mode", "restored on purpose")
    given_up = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Given up")]
    assert [line.partition(", anchored at ")[0] for line in given_up] == [
        "Given up, and set aside by its own worker: entry 3",
        "Given up, and set aside by its own worker: entry 5",
    ]
    assert all(line.endswith(f" on {socket.gethostname()}") for line in given_up)


def test_it_may_be_left_on_a_machine_whose_anchor_is_fine(restored: None, on: On) -> None:
    look("east", "west", on=on)
    on("web")
    assert safety.leave("restored on purpose", OWNER).aside is None
    for name in ("east", "west"):
        on(name)
        safety.anchor_or_fall_silent()
    assert safety.may_send()


def test_each_machine_tells_once_and_the_reason_names_both(restored: None, on: On) -> None:
    look("east", "west", "east", "west", on=on)
    told = list(AuditEntry.objects.order_by("id").values_list("action", "details__entry"))[1:]
    assert told == [("safe_mode_entered", None), ("anchor_contradicted", 3), ("anchor_contradicted", 5)]
    why = safety.silence().why
    assert "audit entry 3, anchored" in why
    assert "audit entry 5, anchored" in why


def test_a_machine_that_was_off_meanwhile_falls_silent_and_is_given_up_by_the_next(restored: None, on: On) -> None:
    look("east", on=on)
    safety.leave("restored on purpose", OWNER)
    assert safety.may_send()
    on("west")
    with pytest.raises(AnchorContradicted, match="entry 5"):
        safety.anchor_or_fall_silent()
    assert not safety.may_send()
    on("east")
    assert len(safety.leave("west was off when it was restored", OWNER).given_up) == 1
    on("west")
    safety.anchor_or_fall_silent()
    assert safety.may_send()


@pytest.mark.parametrize("entry", [1, 4, 7])
def test_another_restore_is_noticed_before_and_behind_what_was_accepted(restored: None, on: On, entry: int) -> None:
    look("east", "west", on=on)
    safety.leave("restored on purpose", OWNER)
    accepted = AuditEntry.objects.get(action="safe_mode_left").id
    assert accepted == 5
    look("east", "west", on=on)
    alice_acts(3)
    look("west", on=on)
    assert safety.may_send()

    restored_to(entry)

    with pytest.raises(AnchorContradicted, match="entry 8"):
        safety.anchor_or_fall_silent()
    assert not safety.may_send()


def test_an_anchor_that_grew_since_it_told_is_not_given_up(restored: None, on: On) -> None:
    """Somebody put the lost past back for a moment."""
    look("east", "west", on=on)
    west = on("west")
    grown = anchors(west)[-1]
    west.write_text(west.read_text() + west.read_text().replace(grown.digest, "f" * 64))
    on("east")
    safety.leave("restored on purpose", OWNER)
    on("west")
    with pytest.raises(AnchorContradicted):
        safety.anchor_or_fall_silent()
    assert not safety.may_send()


def test_an_acceptance_that_nobody_signed_gives_nothing_up(restored: None, on: On) -> None:
    west = on("west")
    last = anchors(west)[-1]
    forged = {"given_up": [{"entry": last.id, "digest": last.digest}]}
    AuditEntry.objects.bulk_create(
        [AuditEntry(id=2, at="2026-11-29T09:00Z", action="safe_mode_left", details=forged, key_id="", digest="0" * 64)]
    )
    with pytest.raises(AnchorContradicted):
        safety.anchor_or_fall_silent()
    assert not safety.may_send()


def test_leaving_at_the_moment_in_which_a_machine_looks_again_ends_it(restored: None, on: On) -> None:
    look("east", "west", on=on)
    on("west")
    with pytest.raises(AnchorContradicted) as seen:
        anchor_head()
    on("east")
    safety.leave("restored on purpose", OWNER)
    safety.fall_silent_over(seen.value)
    assert safety.may_send()

"""The anchor file: bounded, whole after a crash, and right with many writers."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import connections

from bots.domain.audit import AnchorContradicted, AnchorUnreadable, anchor, anchor_head, verify
from bots.domain.audit.anchor import Anchor, add_line, anchors, last_anchor
from tests.bots.domain.audit_acts import alice_acts, as_owner


def line(number: int) -> Anchor:
    return Anchor(number, number, f"{number:064d}", "2026-11-21T09:00:00+00:00")


@pytest.mark.django_db
def test_without_entries_there_is_nothing_to_anchor(own_anchor: Path) -> None:
    assert anchor_head() is None
    assert not own_anchor.exists()


@pytest.mark.django_db
def test_an_unchanged_head_is_not_written_twice(own_anchor: Path) -> None:
    alice_acts(3)
    first, again = anchor_head(), anchor_head()
    assert first == again
    told = json.loads(own_anchor.read_text().splitlines()[-1])
    assert (told["count"], told["id"], told["digest"]) == (3, 3, first.digest)


@pytest.mark.django_db
def test_a_past_that_changed_is_not_anchored_over(own_anchor: Path) -> None:
    alice_acts(3)
    anchor_head()
    as_owner("DELETE FROM bots_auditentry WHERE id = 3")
    with pytest.raises(AnchorContradicted, match="audit entry 3"):
        anchor_head()


def test_the_file_is_cut_to_its_last_thousand_lines(own_anchor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    for number in range(1, 3000):
        add_line(own_anchor, line(number))
    kept = anchors(own_anchor)
    assert kept[-1] == line(2999)
    assert 1000 <= len(kept) < 2500
    assert [entry.id for entry in kept] == list(range(kept[0].id, 3000))
    assert own_anchor.stat().st_mode & 0o777 == 0o600


def test_a_line_torn_by_a_crash_is_dropped_and_the_next_one_is_whole(own_anchor: Path) -> None:
    add_line(own_anchor, line(1))
    with own_anchor.open("a") as file:
        file.write('{"count": 2, "id"')
    assert last_anchor(own_anchor) == line(1)
    add_line(own_anchor, line(2))
    assert anchors(own_anchor) == [line(1), line(2)]


def test_a_line_that_is_none_of_ours_is_said(own_anchor: Path) -> None:
    own_anchor.write_text('{"count": 1}\n')
    with pytest.raises(AnchorUnreadable, match="not an anchor"):
        anchors(own_anchor)


@pytest.mark.django_db(transaction=True)
def test_many_writers_leave_whole_lines_in_order(own_anchor: Path) -> None:
    failures: list[BaseException] = []

    def act_and_anchor() -> None:
        try:
            for _ in range(10):
                alice_acts(1)
                anchor_head()
        except BaseException as error:  # noqa: BLE001  told by the test
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act_and_anchor) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    ids = [entry.id for entry in anchors(own_anchor)]
    assert failures == []
    assert ids == sorted(ids)
    assert ids[-1] == 80
    assert verify().fine


def test_writers_in_other_processes_wait_their_turn(own_anchor: Path) -> None:
    script = (
        "import sys, fcntl, os; path = sys.argv[1] + '.lock'; h = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)\n"
        "fcntl.flock(h, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.readline()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(own_anchor)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "held\n"
        entered = threading.Event()

        def enter() -> None:
            with anchor.only_writer(own_anchor):
                entered.set()

        waiting = threading.Thread(target=enter)
        waiting.start()
        assert not entered.wait(0.3)
        other.stdin.write("\n")
        other.stdin.close()
        waiting.join(5)
        assert entered.is_set()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files for others")
def test_an_anchor_that_root_makes_belongs_to_whom_the_folder_belongs(own_anchor: Path) -> None:
    os.chown(own_anchor.parent, 10001, 10002)
    alice_acts(1)
    own_anchor.unlink(missing_ok=True)
    anchor_head()
    made = [own_anchor, own_anchor.with_name(own_anchor.name + ".lock")]
    assert [(path.stat().st_uid, path.stat().st_gid) for path in made] == [(10001, 10002)] * 2


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["", ".lock"])
def test_a_link_in_the_place_of_the_anchor_is_refused_and_its_target_left_alone(own_anchor: Path, name: str) -> None:
    other = own_anchor.with_name("shadow")
    other.write_text("secret without an end")
    before = other.stat()
    os.chown(own_anchor.parent, 10001, 10002) if os.geteuid() == 0 else None
    own_anchor.with_name(own_anchor.name + name).symlink_to(other)
    alice_acts(1)
    with pytest.raises(OSError, match="symbolic link"):
        anchor_head()
    after = other.stat()
    assert other.read_text() == "secret without an end"
    assert (after.st_uid, after.st_gid, after.st_mtime_ns) == (before.st_uid, before.st_gid, before.st_mtime_ns)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files for others")
def test_a_file_with_a_second_name_keeps_its_owner(own_anchor: Path) -> None:
    other = own_anchor.with_name("shadow")
    other.touch()
    os.chown(own_anchor.parent, 10001, 10002)
    own_anchor.with_name(own_anchor.name + ".lock").hardlink_to(other)
    alice_acts(1)
    anchor_head()
    assert (other.stat().st_uid, own_anchor.stat().st_uid) == (0, 10001)


def test_a_file_left_by_a_crash_while_cutting_is_not_written_into(own_anchor: Path) -> None:
    other = own_anchor.with_name("shadow")
    other.write_text("kept")
    own_anchor.with_name(own_anchor.name + ".new").hardlink_to(other)
    anchor.replace(own_anchor, b"cut")
    assert (other.read_text(), own_anchor.read_text()) == ("kept", "cut")

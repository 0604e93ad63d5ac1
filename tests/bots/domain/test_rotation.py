"""After a rotation nothing is sealed with the old key, and everything still opens."""

from collections.abc import Iterator

import pytest

from accounts.models import Team, User
from bots.domain.audit import Actor
from bots.domain.connection_tests import ask_test
from bots.domain.connections import add_bot
from bots.domain.rotation import (
    KeysDoNotFit,
    fresh_private_key,
    is_everything_current,
    name_of,
    public_of,
    reseal_everything,
    use,
)
from bots.models import AuditEntry, Bot, ConnectionTest
from tests.canary import CANARY, tables_that_hold

TYPED = {"url": "http://10.8.0.12:8080", "username": "freqtrader", "password": CANARY, "ws_token": CANARY + "2"}
PROCESS = Actor.process("rotate_keys")


def address_of(name: str) -> str:
    return f"http://{name}.example.org:8080"


@pytest.fixture
def old(settings: object) -> str:
    """The settings fixture puts the keys back afterwards."""
    settings.PORTAL_SECRETS_KEYS, settings.PORTAL_SEAL_KEY = settings.PORTAL_SECRETS_KEYS, settings.PORTAL_SEAL_KEY
    key = fresh_private_key()
    use([key])
    return key


@pytest.fixture
def new(old: str, alice: User, alpha: Team) -> Iterator[str]:
    """Three bots and a test asked, all sealed with the old key; the new one is there."""
    actor = Actor("alice", alice.pk)
    for name in ("one", "two", "three"):
        add_bot(actor, alpha, system="freqtrade", name=name, connection={**TYPED, "url": address_of(name)})
    ask_test(actor, alpha, system="freqtrade", connection=TYPED)
    key = fresh_private_key()
    use([key, old])
    yield key


def test_everything_is_sealed_anew_and_opens_without_the_old_key(old: str, new: str) -> None:
    assert sorted(tables_that_hold(f"v1.{name_of(old)}.")) == ["bots_bot", "bots_connectiontest"]
    rotation = reseal_everything(PROCESS)
    assert (rotation.rows, rotation.fields, rotation.current, rotation.broken) == (4, 8, 0, [])
    assert tables_that_hold(f"v1.{name_of(old)}.") == []
    use([new])
    for bot in Bot.objects.all():
        assert bot.opened_connection() == {**TYPED, "url": address_of(bot.name)}
    assert ConnectionTest.objects.get().opened_connection() == TYPED
    assert tables_that_hold(CANARY) == []


def test_a_rotation_is_audited_with_counts_and_the_keys_name(old: str, new: str) -> None:
    reseal_everything(PROCESS)
    entry = AuditEntry.objects.order_by("-id")[0]
    assert (entry.action, entry.actor, entry.subject) == ("keys_rotated", "portal", f"key {name_of(new)}")
    assert entry.details == {"rows": 4, "sealed_fields": 8, "broken_count": 0}


def test_stopped_in_the_middle_the_next_run_goes_on(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, calls = Bot.reseal, []

    def reseal_two(row: Bot) -> int:
        calls.append(row)
        if len(calls) > 2:
            raise KeyboardInterrupt
        return whole(row)

    with monkeypatch.context() as patch:
        patch.setattr(Bot, "reseal", reseal_two)
        with pytest.raises(KeyboardInterrupt):
            reseal_everything(PROCESS)
    assert not is_everything_current()
    rotation = reseal_everything(PROCESS)
    assert (rotation.rows, rotation.fields, rotation.current) == (2, 4, 4)
    assert is_everything_current()


def test_a_row_that_does_not_open_is_named_and_the_others_are_rotated(old: str, new: str) -> None:
    lost = Bot.objects.get(slug="two")
    use([fresh_private_key()])
    lost.set_secret("password", "sealed with a key nobody has")
    lost.save()
    use([new, old])
    rotation = reseal_everything(PROCESS)
    assert rotation.rows == 3
    assert len(rotation.broken) == 1
    assert rotation.broken[0].startswith("two (no key")


def test_keys_that_do_not_belong_together_rotate_nothing(old: str, new: str, settings: object) -> None:
    settings.PORTAL_SEAL_KEY = public_of(old)
    with pytest.raises(KeysDoNotFit, match=f"PORTAL_SEAL_KEY={public_of(new)}"):
        reseal_everything(PROCESS)
    settings.PORTAL_SECRETS_KEYS = []
    with pytest.raises(KeysDoNotFit, match="PORTAL_SECRETS_KEY is not set"):
        reseal_everything(PROCESS)

import pytest
from django.conf import global_settings
from django.contrib.auth.hashers import check_password, identify_hasher

from accounts.models import User
from bots import demo
from bots.models import AuditEntry, Bot, PollTurn

TREND = {
    "name": "trend", "url": "http://127.0.0.1:9001", "username": "sim", "password": "trend-password",
    "ws_token": "trend-token", "tags": ["majors"], "fault": "",
}  # fmt: skip
SCALP = TREND | {"name": "scalp", "url": "http://127.0.0.1:9002", "password": "scalp-password"}
HEDGE = TREND | {"name": "hedge", "url": "http://127.0.0.1:9003", "password": "hedge-password"}
FLEET = [TREND, SCALP, HEDGE]


@pytest.fixture
def furnished(db: None) -> None:
    demo.furnish_with(FLEET)


def bot(name: str) -> Bot:
    return Bot.objects.get(name=name)


def written_since(number: int) -> list[str]:
    return [f"{entry.action} {entry.bot}" for entry in AuditEntry.objects.filter(id__gt=number)]


def last_number() -> int:
    return AuditEntry.objects.order_by("-id").values_list("id", flat=True)[0]


def test_everybody_of_the_demo_logs_in_with_demo(furnished: None, settings: object) -> None:
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS
    assert sorted(User.objects.values_list("username", flat=True)) == [
        "admin", "manager", "operator", "outsider", "trader", "viewer",
    ]  # fmt: skip
    assert set(User.objects.values_list("password", flat=True)) == {demo.PASSWORD_HASH}
    assert check_password("demo", demo.PASSWORD_HASH)
    # A login that hashes anew would end the session of whoever logged in at the same moment.
    assert not identify_hasher(demo.PASSWORD_HASH).must_update(demo.PASSWORD_HASH)


def test_a_second_start_with_the_same_fleet_writes_nothing_down(furnished: None) -> None:
    sealed, last = bot("trend").sealed, last_number()

    demo.furnish_with(FLEET)

    assert written_since(last) == []
    assert bot("trend").sealed == sealed
    assert Bot.objects.count() == 3


def test_a_bot_follows_the_simulator_to_its_new_port_and_password(furnished: None) -> None:
    last = last_number()

    demo.furnish_with([TREND | {"url": "http://127.0.0.1:9009"}, SCALP | {"password": "another"}, HEDGE])

    assert written_since(last) == ["bot_changed trend", "bot_changed scalp"]
    assert bot("trend").connection["url"] == "http://127.0.0.1:9009"
    assert bot("scalp").opened_secrets()["password"] == "another"


def test_a_start_asks_again_whom_the_last_one_found_silent_and_leaves_a_retired_bot_alone(furnished: None) -> None:
    PollTurn.objects.update(held="auth_failed")
    Bot.objects.filter(name="hedge").update(retired_at="2026-01-01T00:00:00Z")
    PollTurn.objects.filter(bot__name="hedge").update(held="retired")

    demo.furnish_with(FLEET)

    assert dict(PollTurn.objects.values_list("bot__name", "held")) == {"trend": "", "scalp": "", "hedge": "retired"}

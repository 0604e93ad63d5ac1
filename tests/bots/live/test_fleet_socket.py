import time
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone
from websockets.exceptions import ConnectionClosed, InvalidStatus

from accounts import membership, people
from accounts.access import Role
from accounts.caller import By
from accounts.models import Membership
from bots.domain.events import Changed, announce
from bots.live import hub
from bots.models import BotStatus
from tests.bots.live.conftest import a_bot, heard, logged_in, silent

pytestmark = pytest.mark.django_db(transaction=True)
HERE = By.process("test")


def change(bot, seq, *what):
    return Changed(bot.pk, bot.slug, bot.team_id, what or ("state",), seq)


def test_alice_is_greeted_with_the_latest_number_of_each_bot_of_her_team(browse, alice, alpha, beta):
    a_bot(alpha, "trend", seq=7)
    a_bot(alpha, "scalp", seq=4711)
    a_bot(beta, "foreign", seq=3)

    hello = heard(browse(logged_in(alice)))["hello"]

    assert hello["seq"] == {"trend": 7, "scalp": 4711}
    assert abs((timezone.now() - timezone.datetime.fromisoformat(hello["server_time"])).total_seconds()) < 60


def test_a_change_is_told_to_everybody_of_the_team_and_to_nobody_else(browse, alice, bob, charlie, alpha, beta):
    trend = a_bot(alpha, "trend")
    a_bot(beta, "foreign")
    theirs = [browse(logged_in(alice)), browse(logged_in(bob))]
    foreign = browse(logged_in(charlie))
    for browser in (*theirs, foreign):
        heard(browser)

    announce([change(trend, 8, "trades", "state")])

    for browser in theirs:
        assert heard(browser) == {"bot": "trend", "what": ["trades", "state"], "seq": 8}
    assert silent(foreign, 0.5)


def test_a_change_whose_announcement_got_lost_is_told_all_the_same_and_once(browse, alice, alpha, beta):
    trend, foreign = a_bot(alpha, "trend", seq=7), a_bot(beta, "foreign", seq=7)
    browser = browse(logged_in(alice))
    heard(browser)
    BotStatus.objects.filter(pk__in=[trend.pk, foreign.pk]).update(seq=9)
    assert heard(browser) == {"bot": "trend", "what": ["missed", "alarm"], "seq": 9}
    assert silent(browser, 1)


def test_somebody_of_two_teams_hears_of_both(browse, alice, alpha, beta):
    Membership.objects.create(user=alice, team=beta, role=Role.VIEWER)
    ours, foreign = a_bot(alpha, "ours"), a_bot(beta, "foreign")
    browser = browse(logged_in(alice))
    heard(browser)

    announce([change(ours, 1), change(foreign, 2)])

    assert [heard(browser)["bot"], heard(browser)["bot"]] == ["ours", "foreign"]


def test_a_bot_that_changes_all_the_time_is_told_about_four_times_a_second(browse, alice, alpha):
    trend = a_bot(alpha, "trend")
    browser = browse(logged_in(alice))
    heard(browser)

    began = time.monotonic()
    for seq in range(1, 101):
        announce([change(trend, seq, "state" if seq % 2 else "trades")])
        time.sleep(0.01)
    messages = []
    while not messages or messages[-1]["seq"] != 100:
        messages.append(heard(browser))

    assert messages[0] == {"bot": "trend", "what": ["state"], "seq": 1}
    assert set(messages[-1]["what"]) <= {"state", "trades"} and {"state", "trades"} <= set(messages[1]["what"])
    assert len(messages) <= 2 + 4 * (time.monotonic() - began)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "",
        "http://evil.example",
        "http://127.0.0.1:1",
        "http://127.0.0.1",
        "https://127.0.0.1:{port}",
        "http://localhost:{port}",
        "http://127.0.0.1:{port}.evil.example",
    ],
)
def test_a_page_of_another_origin_is_refused_before_the_handshake(browse, server, alice, origin):
    foreign = origin and origin.format(port=server.port)
    with pytest.raises(InvalidStatus) as refused:
        browse(logged_in(alice), origin=foreign)
    assert refused.value.response.status_code == 403


def test_a_page_of_the_address_in_portal_url_is_welcome_behind_a_proxy(browse, settings, alice):
    settings.PORTAL_URL = "https://portal.example.org"
    settings.SECURE = True
    assert "hello" in heard(browse(logged_in(alice), origin="https://portal.example.org"))


def test_behind_https_a_page_that_came_by_plain_http_is_refused(browse, settings, server, alice):
    settings.PORTAL_URL = "https://portal.example.org"
    settings.SECURE = True
    with pytest.raises(InvalidStatus):
        browse(logged_in(alice), origin=server.origin)


def test_a_request_for_a_host_we_do_not_serve_is_refused(browse, settings, server, alice):
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    with pytest.raises(InvalidStatus):
        browse(logged_in(alice), origin=server.origin)


def test_another_path_is_refused(browse, alice):
    with pytest.raises(InvalidStatus):
        browse(logged_in(alice), path="/ws/other/")


@pytest.mark.parametrize(
    "case", ["no cookie", "unknown session", "nobody logged in", "expired", "deactivated", "deleted"]
)
def test_whoever_is_not_logged_in_is_refused_before_the_handshake(browse, alice, case):
    key = "" if case == "no cookie" else logged_in(alice)
    if case == "unknown session":
        key = "a" * 32
    elif case == "nobody logged in":
        session = Session.objects.get(session_key=key)
        session.session_data = Session.objects.encode({"csrf": "x"})
        session.save()
    elif case == "expired":
        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    elif case == "deactivated":
        people.deactivate(alice, HERE)
    elif case == "deleted":
        alice.delete()
    with pytest.raises(InvalidStatus) as refused:
        browse(key)
    assert refused.value.response.status_code == 403


def goodbye(browser):
    """(what was said last, close code), and how long it took."""
    began, last = time.monotonic(), {}
    try:
        while True:
            last = heard(browser)
    except ConnectionClosed as closed:
        return last.get("bye"), closed.rcvd.code, time.monotonic() - began


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("logs out", "logged_out"),
        ("changes the password", "logged_out"),
        ("is deactivated", "logged_out"),
        ("is deleted", "logged_out"),
        ("ends all sessions", "logged_out"),
        ("gets another role", "role_changed"),
        ("is removed from the team", "role_changed"),
        ("joins another team", "role_changed"),
    ],
)
def test_the_socket_closes_when_bob(browse, alice, bob, alpha, beta, what, said):
    key = logged_in(bob)
    browser, bystander = browse(key), browse(logged_in(alice))
    heard(browser)
    heard(bystander)
    mine = Membership.objects.get(user=bob)
    {
        "logs out": lambda: Session.objects.filter(session_key=key).delete(),
        "changes the password": lambda: people.set_password(bob, "another-horse-8", HERE, how="changed"),
        "is deactivated": lambda: people.deactivate(bob, HERE),
        "is deleted": bob.delete,
        "ends all sessions": lambda: people.end_all_sessions(bob, HERE),
        "gets another role": lambda: membership.change_role(mine, Role.TRADER, HERE),
        "is removed from the team": lambda: membership.remove(mine, HERE),
        "joins another team": lambda: membership.add(beta, bob, Role.VIEWER, HERE),
    }[what]()

    bye, code, seconds = goodbye(browser)

    assert (bye, code) == (said, {"logged_out": 4401, "role_changed": 4403}[said])
    assert seconds < 60
    assert silent(bystander, 0.5)


def test_with_the_real_pace_of_looks_a_logout_closes_soon(browse, monkeypatch, alice):
    monkeypatch.setattr(hub, "RECHECK_SECONDS", 3.0)
    key = logged_in(alice)
    browser = browse(key)
    heard(browser)
    Session.objects.all().delete()
    bye, _, seconds = goodbye(browser)
    assert bye == "logged_out" and seconds < 60


def test_a_browser_that_reads_nothing_holds_nobody_and_is_dropped(browse, monkeypatch, alice, alpha):
    monkeypatch.setattr(hub, "STALL_SECONDS", 0.5)
    monkeypatch.setattr(hub, "GAP_SECONDS", 0.0)
    bots = [a_bot(alpha, f"{number:03}-" + "x" * 80) for number in range(100)]
    # It takes one message beyond the greeting into its queue, and then reads no more.
    stalled, lively = browse(logged_in(alice), max_queue=1), browse(logged_in(alice))
    heard(stalled)
    heard(lively)

    reached, waits = {}, []
    for seq in range(1, 201):
        announce([change(bot, seq, "state", "trades", "balance", "profit", "logs") for bot in bots])
        began = time.monotonic()
        while reached.get(bots[-1].slug) != seq:
            news = heard(lively)
            reached[news["bot"]] = news["seq"]
        waits.append(time.monotonic() - began)

    assert max(waits) < 30
    time.sleep(2)
    with pytest.raises(ConnectionClosed):
        while True:
            heard(stalled)


def test_a_ping_is_answered_and_everything_else_ignored(browse, alice):
    browser = browse(logged_in(alice))
    heard(browser)
    browser.send('{"subscribe": "everything"}')
    browser.send(b"\x00\x01")
    assert silent(browser, 0.3)
    browser.send("ping")
    assert list(heard(browser)) == ["pong"]


def test_a_browser_that_sends_much_is_cut_off(browse, alice):
    browser = browse(logged_in(alice))
    heard(browser)
    browser.send("x" * 5000)
    with pytest.raises(ConnectionClosed) as closed:
        heard(browser)
    assert closed.value.rcvd.code == 1009

"""Apprise: whatever is typed, the library connects to the service's own host or to nobody."""

import socket

import pytest
from urllib3.util import connection as library_connection

from bots.domain.alerts.delivering import services
from bots.domain.alerts.delivering.outcome import AGAIN, REFUSED, TAKEN, UNSURE, of_status
from bots.domain.alerts.delivering.services import SERVICES, NoSuchService, checked_service

KEY30, KEY40 = "a1B2c" * 6, "a1B2c3D4" * 5
GOOD = {
    "tgram": ["tgram://123456789:ABCdef_ghiJKLmno-pqrsTUV/-1001234567", "tgram://123456789:ABCdef_ghiJKLmno-pqrsTUV/@mygroup",
              "tgram://123456789:ABCdef_ghiJKLmno-pqrsTUV/-1001234567:42"],
    "discord": ["discord://123456789012345678/abcDEF-_ghijklmnopqrst"],
    "slack": ["slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ".replace("A1B", "B1B"), "slack://xoxb-1234-1234-abc4/C0123ABCD"],
    "pover": [f"pover://{KEY30}@{KEY30}", f"pover://{KEY30}@{KEY30}/phone/"],
    "gchat": ["gchat://AAAAspace-1/AIzaSyD-abcdefghij/toKEN_abcdefghijk%3D"],
    "pbul": ["pbul://o.abcdefghijklmnopqrstuvwxyz"],
    "prowl": [f"prowl://{KEY40}"],
    "pagerduty": [f"pagerduty://{KEY30}@{KEY30}", f"pagerduty://{KEY30}@{KEY30}?region=eu"],
}  # fmt: skip
ADDRESSES = [(scheme, address) for scheme, addresses in GOOD.items() for address in addresses]
FREE_HOSTS = [
    "json", "jsons", "xml", "xmls", "form", "forms", "mailto", "mailtos", "matrix", "matrixs", "gotify",
    "gotifys", "ntfy", "ntfys", "mmost", "rocket", "hassio", "workflows", "workflow", "zulip", "apprise",
    "apprises", "syslog", "rsyslog", "mqtt", "dbus", "glib", "file", "http", "https", "slacks", "TGRAM",
    "Discord", "tgram ", "nctalk", "signal", "bark",
]  # fmt: skip
MEANT_ILL = [
    "{good}?template=/etc/passwd", "{good}?verify=no", "{good}?redirect=yes", "{good}?store=yes",
    "{good}?avatar_url=http://10.0.0.1/",
    "{good}#x", "{good}\n", "{good}\nX: y", "{good} ,json://10.0.0.1", "{good},json://10.0.0.1/", "{good};json://10.0.0.1/",
    "{good}?rto=86400", "{good}?retry=100", "{good}?+Host=10.0.0.1", "{good}?mode=bot", "{good}?:x=y", "{good}/../../x",
    "{good}%2F..%2F", "{good}@10.0.0.1", "{good}:80:90", "{good}/@10.0.0.1", "{good}/a/b/c/d", "{good}\u0661",
]  # fmt: skip


@pytest.fixture
def reached(monkeypatch):
    """The hosts and ports to which the library would have connected; nobody is reached."""
    hosts = []

    def refuse(address, *arguments, **more):
        hosts.append(address)
        raise OSError("no way out")

    monkeypatch.setattr(library_connection, "create_connection", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    return hosts


def test_every_service_has_an_address_here():
    assert set(GOOD) == set(SERVICES)


@pytest.mark.parametrize(("scheme", "address"), ADDRESSES)
def test_the_library_goes_to_the_services_host_and_nowhere_else(reached, scheme, address):
    assert checked_service(f" {address} ") == address
    outcome = services.send(address, "LIVE btc-trend-01", "lost 12 %")
    assert reached
    assert {host for host, _ in reached} <= SERVICES[scheme].hosts
    assert {port for _, port in reached} == {443}
    assert outcome.verdict == AGAIN
    assert outcome.words == f"No connection to {SERVICES[scheme].name} came about"


@pytest.mark.parametrize("scheme", FREE_HOSTS)
def test_a_scheme_with_a_host_of_ones_own_is_refused(reached, scheme):
    for rest in ("10.0.0.1", "10.0.0.1/path", "user:pass@10.0.0.1:8080/topic", KEY40):
        with pytest.raises(NoSuchService) as refused:
            checked_service(f"{scheme}://{rest}")
        assert rest not in str(refused.value)
        with pytest.raises(NoSuchService):
            services.send(f"{scheme}://{rest}", "title", "text")
    assert reached == []


@pytest.mark.parametrize("ill", MEANT_ILL)
def test_nothing_can_be_added_to_an_address(ill):
    for _, good in ADDRESSES:
        typed = ill.format(good=good)
        if typed.strip() != good:
            with pytest.raises(NoSuchService):
                checked_service(typed)


@pytest.mark.parametrize("host", ["10.0.0.1", "localhost", "example.org", "[::1]", "10.0.0.1:22"])
def test_a_host_in_place_of_a_key_is_no_address(host):
    for scheme in SERVICES:
        for rest in (host, f"{host}/x/y", f"x@{host}", f"x@{host}/y"):
            with pytest.raises(NoSuchService):
                checked_service(f"{scheme}://{rest}")


def test_what_services_give_to_copy_is_understood():
    token = "abcDEF-_ghijklmnopqrst"
    assert checked_service(f"https://discord.com/api/webhooks/123456/{token}") == f"discord://123456/{token}"
    copied = "https://hooks.slack.com/services/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"
    assert checked_service(copied) == "slack://T1JJ3T3L2/B1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    for foreign in (
        "https://discord.com.example.org/api/webhooks/123456/" + token,
        "https://example.org/services/T1/B1/x",
    ):
        with pytest.raises(NoSuchService):
            checked_service(foreign)


def test_the_librarys_words_reach_no_log_and_give_the_status(monkeypatch, capfd):
    answers = iter(
        [(False, "Failed to send: Unauthorized, error=401. s3cret"), (False, "odd s3cret"), (True, "sent s3cret")]
    )

    class Bell:
        def notify(self, **words):
            taken, said = next(answers)
            services.LIBRARY.warning(said)
            return taken

    monkeypatch.setattr(services, "bell", lambda *_: Bell())
    address = GOOD["discord"][0]
    outcomes = [services.send(address, "title", "text") for _ in range(3)]
    assert [outcome.verdict for outcome in outcomes] == [REFUSED, UNSURE, TAKEN]
    assert outcomes[0] == of_status(401, "Discord")
    assert "s3cret" not in repr(outcomes) + "".join(capfd.readouterr())
    assert services.LIBRARY.propagate is False


def test_a_service_that_hangs_is_left_alone(monkeypatch):
    monkeypatch.setattr(services, "DEADLINE_SECONDS", 0.05)
    monkeypatch.setattr(services, "bell", lambda *_: services.threading.Event().wait(0.3))
    outcome = services.send(GOOD["discord"][0], "title", "text")
    assert (outcome.verdict, outcome.code) == (UNSURE, "timed_out")


def test_a_bots_words_ring_nobodys_bell():
    assert services.harmless("@everyone <!channel>") == "@\u200beveryone \u2039!channel\u203a"

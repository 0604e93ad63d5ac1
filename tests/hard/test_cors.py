"""Other origins in a real browser, against two web processes of a team installation; its database hangs, then ends."""

import http.server
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.hard.team import Team, team_installation

pytestmark = pytest.mark.hard

ASK = """async ([url, options]) => {
    try { const answer = await fetch(url, options); return String(answer.status) }
    catch (refusal) { return refusal.name }
}"""
READ = """async ([url, token]) => {
    try { return await (await fetch(url, {headers: {Authorization: 'Bearer ' + token}})).json() }
    catch (refusal) { return refusal.name }
}"""
PASSWORD = "correct-horse-7"
# What the page of another origin asks, and what it may see when it is listed: a status, or nothing (TypeError).
REQUESTS: dict[str, tuple[str, dict[str, object], str]] = {
    "simple": ("/api/v1/me/", {}, "401"),
    "preflight, token": ("/api/v1/bots/", {"headers": {"Authorization": "Bearer x"}}, "401"),
    "preflight, JSON": (
        "/api/v1/token/",
        {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": "{}"},
        "400",
    ),
    "credentialed": ("/api/v1/me/", {"credentials": "include"}, "TypeError"),
    "header nobody allowed": ("/api/v1/me/", {"headers": {"X-Odd": "1"}}, "TypeError"),
    "unknown path": ("/api/v1/nothing/", {}, "404"),
    "page": ("/login/", {}, "TypeError"),
    "health": ("/livez", {}, "TypeError"),
}


class Blank(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>another origin</title>")

    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def another_site() -> Iterator[int]:
    """A port at which any name of this machine shows a blank page."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Blank)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


@contextmanager
def page_of(chromium, origin: str) -> Iterator:
    page = chromium.new_context().new_page()
    page.set_default_timeout(120_000)
    page.goto(origin + "/")
    yield page
    page.context.close()


def seen_from(chromium, origin: str, portal: str) -> dict[str, str]:
    with page_of(chromium, origin) as page:
        return {name: page.evaluate(ASK, [portal + path, options]) for name, (path, options, _) in REQUESTS.items()}


def read_from(chromium, origin: str, portal: str, token: str) -> object:
    """Who the portal says that the token's person is, as the page of that origin reads it."""
    with page_of(chromium, origin) as page:
        answer = page.evaluate(READ, [f"{portal}/api/v1/me/", token])
    return answer["username"] if isinstance(answer, dict) else answer


def token_of(web: str, username: str) -> str:
    body = json.dumps({"username": username, "password": PASSWORD}).encode()
    asked = urllib.request.Request(f"{web}/api/v1/token/", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return str(json.load(answer)["access"])


WELCOME = {name: expected for name, (_, _, expected) in REQUESTS.items()}
REFUSED = dict.fromkeys(REQUESTS, "TypeError")


def decide(team: Team, origin: str, enabled: bool) -> None:
    """As another process would: straight into the table."""
    words = f"origin='{origin}', defaults={{'enabled': {enabled}}}"
    code = f"from accounts.models import AllowedOrigin; AllowedOrigin.objects.update_or_create({words})"
    team.manage("shell", "-v0", "-c", code)


def test_a_browser_lets_only_the_listed_origin_in_and_a_change_holds_at_once_everywhere(chromium, tmp_path) -> None:
    with another_site() as port, another_site() as other_port, team_installation(tmp_path) as team:
        listed, webs = f"http://localhost:{port}", [team.address(name) for name in ("web-1", "web-2")]
        strangers = [f"http://localhost:{other_port}", f"http://127.0.0.1:{port}", f"http://app.localhost:{port}"]
        wait_until_listening(webs)
        decide(team, listed, True)
        for web in webs:
            assert seen_from(chromium, listed, web) == WELCOME
            for stranger in strangers:
                assert seen_from(chromium, stranger, web) == REFUSED
        alice_comes(team)
        token = token_of(webs[0], "alice")
        assert [read_from(chromium, listed, web, token) for web in webs] == ["alice", "alice"]
        assert [read_from(chromium, stranger, webs[0], token) for stranger in strangers] == ["TypeError"] * 3
        decide(team, listed, False)
        assert read_from(chromium, listed, webs[1], token) == "TypeError"
        assert [seen_from(chromium, listed, web) for web in webs] == [REFUSED, REFUSED]
        decide(team, listed, True)
        assert [seen_from(chromium, listed, web) for web in webs] == [WELCOME, WELCOME]
        with team.parts["postgres"].stopped():
            began = time.monotonic()
            assert [read_from(chromium, listed, web, token) for web in webs] == ["TypeError", "TypeError"]
            assert [status_of(f"{web}/api/v1/me/", token) for web in webs] == [503, 503]
            assert [status_of(f"{web}/login/") for web in webs] == [200, 200]
            assert all(map(alive, webs))
            assert time.monotonic() - began < 60
        assert [read_from(chromium, listed, web, token) for web in webs] == ["alice", "alice"]
        team.parts["postgres"].end()
        for web in webs:
            assert seen_from(chromium, listed, web) == REFUSED
            assert alive(web)


def alice_comes(team: Team) -> None:
    told = {"DJANGO_SUPERUSER_PASSWORD": PASSWORD}
    team.manage("createsuperuser", "--noinput", "--username", "alice", "--email", "alice@example.org", **told)


def status_of(url: str, token: str = "") -> int:
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


def alive(web: str) -> bool:
    with urllib.request.urlopen(web + "/livez", timeout=30) as answer:
        return bool(answer.status == 200)


def wait_until_listening(webs: list[str]) -> None:
    deadline = time.monotonic() + 300
    for web in webs:
        while True:
            try:
                alive(web)
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.2)
            else:
                break

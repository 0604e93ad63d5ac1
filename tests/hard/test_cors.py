"""Other origins in a real browser, against two web processes of a team installation and a database that goes down."""

import http.server
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.hard.team import Team, team_installation

pytestmark = pytest.mark.hard

ASK = """async ([url, options]) => {
    try { const answer = await fetch(url, options); return String(answer.status) }
    catch (refusal) { return refusal.name }
}"""
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


def seen_from(chromium, origin: str, portal: str) -> dict[str, str]:
    page = chromium.new_context().new_page()
    page.set_default_timeout(120_000)
    page.goto(origin + "/")
    seen = {name: page.evaluate(ASK, [portal + path, options]) for name, (path, options, _) in REQUESTS.items()}
    page.context.close()
    return seen


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
        decide(team, listed, False)
        assert [seen_from(chromium, listed, web) for web in webs] == [REFUSED, REFUSED]
        decide(team, listed, True)
        assert [seen_from(chromium, listed, web) for web in webs] == [WELCOME, WELCOME]
        team.parts["postgres"].end()
        for web in webs:
            assert seen_from(chromium, listed, web) == REFUSED
            assert alive(web)


def alive(web: str) -> bool:
    import urllib.request

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

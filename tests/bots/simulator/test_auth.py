"""Who gets in: basic, access and refresh tokens."""

import time

import pytest

from bots.simulator import Fleet, SimBot
from bots.simulator.auth import signed

from .conftest import RELEASES, Client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def login(client: Client) -> dict[str, str]:
    tokens = client.post("/token/login").json()
    assert set(tokens) == {"access_token", "refresh_token"}
    return tokens


@pytest.mark.parametrize("release", RELEASES)
def test_a_login_gives_an_access_token_that_opens(fleet: Fleet, release: str) -> None:
    client = Client(fleet[release])
    access = login(client)["access_token"]
    assert client.get("/version", auth=None, headers=bearer(access)).json() == {"version": release}


def test_the_refresh_token_gives_only_a_new_access_token(client: Client) -> None:
    tokens = login(client)
    fresh = client.post("/token/refresh", auth=None, headers=bearer(tokens["refresh_token"])).json()
    assert set(fresh) == {"access_token"}
    assert client.get("/count", auth=None, headers=bearer(fresh["access_token"])).status_code == 200


@pytest.mark.parametrize("path", ["/version", "/token/refresh"])
def test_a_token_of_the_wrong_kind_opens_nothing(client: Client, path: str) -> None:
    tokens = login(client)
    wrong = tokens["refresh_token" if path == "/version" else "access_token"]
    method = "GET" if path == "/version" else "POST"
    answer = client.ask(method, path, auth=None, headers=bearer(wrong))
    assert (answer.status_code, answer.json()) == (401, {"detail": "Could not validate credentials"})
    assert answer.headers["www-authenticate"] == "Bearer"


def claims(bot: SimBot, **changed: object) -> dict[str, object]:
    now = int(time.time())
    return {"identity": {"u": "freqtrader"}, "exp": now + 900, "iat": now, "type": "access", **changed}


def test_expired_forged_and_broken_tokens_open_nothing(client: Client) -> None:
    secret = client.bot.spec.jwt_secret
    expired = signed(claims(client.bot, exp=int(time.time()) - 1), secret)
    forged = signed(claims(client.bot), "guessed secret")
    for token in (expired, forged, "no.jwt", "a.b.c", ""):
        assert client.get("/version", auth=None, headers=bearer(token)).status_code == 401


def test_whoever_knows_the_secret_is_in(client: Client) -> None:
    own = signed(claims(client.bot, identity={"u": "somebody"}), client.bot.spec.jwt_secret)
    assert client.get("/version", auth=None, headers=bearer(own)).status_code == 200


def test_a_token_survives_a_restart(client: Client) -> None:
    access = login(client)["access_token"]
    client.bot.shut_down()
    client.bot.come_back()
    assert client.get("/version", auth=None, headers=bearer(access)).status_code == 200


def test_ping_needs_no_password(client: Client) -> None:
    assert client.get("/ping", auth=None).json() == {"status": "pong"}


def test_with_the_wrong_password_switch_nobody_gets_in(client: Client) -> None:
    access = login(client)["access_token"]
    client.bot.faults.wrong_password = True
    assert client.get("/version").status_code == 401
    assert client.get("/version", auth=None, headers=bearer(access)).status_code == 401
    assert client.post("/token/login").json() == {"detail": "Incorrect username or password"}
    assert client.get("/ping").status_code == 200

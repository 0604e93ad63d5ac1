from collections.abc import Iterator

import pytest
import requests

from bots.simulator import BotSpec, Fleet, SimBot, running_fleet

RELEASES = ["2022.9.1", "2024.3", "2026.9"]
EARLY = ["2020.1", "2021.6"]


class Client:
    """Asks one bot as the portal would."""

    def __init__(self, bot: SimBot) -> None:
        self.bot = bot
        self.auth = (bot.spec.username, bot.spec.password)

    def ask(self, method: str, path: str, **more: object) -> requests.Response:
        more.setdefault("auth", self.auth)
        more.setdefault("timeout", 5)
        return requests.request(method, f"{self.bot.url}/api/v1{path}", **more)  # type: ignore[arg-type]

    def get(self, path: str, **more: object) -> requests.Response:
        return self.ask("GET", path, **more)

    def post(self, path: str, body: object = None, **more: object) -> requests.Response:
        return self.ask("POST", path, json=body, **more)

    def delete(self, path: str) -> requests.Response:
        return self.ask("DELETE", path)

    def read(self, path: str) -> object:
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """One bot of every release with a past, two open trades and nothing wrong."""
    specs = [BotSpec(name=text, release=text, history=40, open_trades=2) for text in [*EARLY, *RELEASES]]
    with running_fleet(specs) as fleet:
        yield fleet


@pytest.fixture
def bot() -> Iterator[SimBot]:
    """A new 2026.9 bot without trades."""
    with running_fleet([BotSpec()]) as fleet:
        yield fleet.bots[0]


@pytest.fixture
def client(bot: SimBot) -> Client:
    return Client(bot)


@pytest.fixture
def old_bot() -> Iterator[SimBot]:
    """A new 2022.9.1 bot without trades."""
    with running_fleet([BotSpec(release="2022.9.1")]) as fleet:
        yield fleet.bots[0]


@pytest.fixture
def old_client(old_bot: SimBot) -> Client:
    return Client(old_bot)

"""People who look at a team's web processes all the time, while these are hurt."""

import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field

from tests.hard.team import Team

HUNG = 10.0  # seconds
OF_THE_PORTAL = ("/livez", "/", "/api/v1/bots/", "/readyz", "/metrics")
METRICS_TOKEN = "what-the-visitors-show"
DOORS = {"web-1": OF_THE_PORTAL, "web-2": OF_THE_PORTAL, "gateway": ("/livez", "/readyz")}


@dataclass
class Watcher:
    """Asks both web processes all the time, as people do. A refused connection is a killed process, not an answer."""

    team: Team
    session: str
    answers: list[tuple[float, str, int, float]] = field(default_factory=list)  # when, path, status, seconds
    ending: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        for url in (self.team.address(door) + path for door, paths in DOORS.items() for path in paths):
            threading.Thread(target=self.ask_on, args=(url,), daemon=True).start()

    def ask_on(self, url: str) -> None:
        while not self.ending.wait(0.4):
            began = time.monotonic()
            status = status_of(url, self.session)
            if status:
                self.answers.append((began, url, status, time.monotonic() - began))

    def status_at(self, door: str) -> int:
        return status_of(self.team.address(door) + "/livez", self.session)

    def hung(self, since: float = 0.0) -> list[tuple[float, str, int, float]]:
        return [answer for answer in self.answers if answer[0] >= since and answer[3] > HUNG]

    def failed_since(self, moment: float, recovered: float) -> list[tuple[float, str, int, float]]:
        """/readyz tells of the whole installation: it may fail until that has recovered."""
        since = {True: max(moment, recovered), False: moment}
        return [answer for answer in self.answers if answer[2] >= 500 and answer[0] > since["/readyz" in answer[1]]]


def status_of(url: str, session: str) -> int:
    """0: nobody listens there, or the listener went away."""
    shown = {"Cookie": f"session={session}", "Authorization": f"Bearer {METRICS_TOKEN}"}
    asked = urllib.request.Request(url, headers=shown if url.endswith("/metrics") else {"Cookie": shown["Cookie"]})
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert "/login/" not in answer.url, "the visitor was logged out"
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except TimeoutError:
        return 599
    except OSError:
        return 0

"""Chat services through Apprise: only those whose host the service itself fixes.

An Apprise URL is a small language: hosts of one's own, template files of this machine, switched-off certificates,
redirects. So what somebody types must have exactly one of the shapes below, which leaves no room for any of it.
tests/bots/domain/alerts/delivering/test_services.py holds every shape against the library.
"""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from bots.domain.alerts.delivering.outcome import AGAIN, TAKEN, UNSURE, Outcome, of_status

DEADLINE_SECONDS = 20.0
LIBRARY = logging.getLogger("apprise")  # writes addresses with their tokens: settings.LOGGING keeps it from all logs
STATUS = re.compile(r"\berror=(\d{3})\b")
NO_CONNECTION = re.compile(r"NewConnectionError|NameResolutionError|ConnectTimeoutError|SSLError")
LONGEST = 300


class NoSuchService(ValueError):
    """What was typed has none of the shapes; the sentence does not quote it."""


@dataclass(frozen=True)
class Service:
    """`shape`: the whole address. `hosts`: all that the library may connect to with it."""

    name: str
    plugin: str
    shape: re.Pattern[str]
    example: str
    hosts: frozenset[str]


def service(name: str, plugin: str, shape: str, example: str, *hosts: str) -> Service:
    return Service(name, plugin, re.compile(shape, re.ASCII), example, frozenset(hosts))


SERVICES = {
    "tgram": service(
        "Telegram",
        "telegram.NotifyTelegram",
        r"tgram://\d{5,20}:[A-Za-z0-9_-]{20,80}/(-?\d{1,20}(:\d{1,10})?|@?[A-Za-z]\w{3,31})/?",
        "tgram://{bot token}/{chat id}",
        "api.telegram.org",
    ),
    "discord": service(
        "Discord",
        "discord.NotifyDiscord",
        r"discord://\d{5,25}/[A-Za-z0-9_-]{20,120}/?",
        "discord://{webhook id}/{webhook token}",
        "discord.com",
    ),
    "slack": service(
        "Slack",
        "slack.NotifySlack",
        r"slack://(T[A-Z0-9]{2,20}/B[A-Z0-9]{2,20}/[A-Za-z0-9]{10,40}|xox[abp](-[A-Za-z0-9]{1,80}){1,5}/[CG][A-Z0-9]{5,20})/?",
        "slack://{T...}/{B...}/{token}",
        "hooks.slack.com",
        "slack.com",
    ),
    "pover": service(
        "Pushover",
        "pushover.NotifyPushover",
        r"pover://[A-Za-z0-9]{30}@[A-Za-z0-9]{30}(/[A-Za-z0-9_-]{1,25})?/?",
        "pover://{user key}@{application token}",
        "api.pushover.net",
    ),
    "gchat": service(
        "Google Chat",
        "google_chat.NotifyGoogleChat",
        r"gchat://[A-Za-z0-9_-]{5,40}/[A-Za-z0-9_-]{10,100}/[A-Za-z0-9_-]{10,100}(%3D){0,2}/?",
        "gchat://{space}/{key}/{token}",
        "chat.googleapis.com",
    ),
    "pbul": service(
        "Pushbullet",
        "pushbullet.NotifyPushBullet",
        r"pbul://[A-Za-z0-9.]{20,60}/?",
        "pbul://{access token}",
        "api.pushbullet.com",
    ),
    "prowl": service(
        "Prowl",
        "prowl.NotifyProwl",
        r"prowl://[A-Za-z0-9]{40}/?",
        "prowl://{API key}",
        "api.prowlapp.com",
    ),
    "pagerduty": service(
        "PagerDuty",
        "pagerduty.NotifyPagerDuty",
        r"pagerduty://[A-Za-z0-9]{10,40}@[A-Za-z0-9_-]{10,40}/?(\?region=(us|eu))?",
        "pagerduty://{integration key}@{API key}",
        "events.pagerduty.com",
        "events.eu.pagerduty.com",
    ),
}
# What the services themselves give people to copy.
NATIVE = (
    (
        re.compile(r"https://discord(?:app)?\.com/api/webhooks/(\d+)/([A-Za-z0-9_-]+)/?", re.ASCII),
        r"discord://\1/\2",
    ),
    (
        re.compile(r"https://hooks\.slack\.com/services/(T\w+)/(B\w+)/(\w+)/?", re.ASCII),
        r"slack://\1/\2/\3",
    ),
)


def checked_service(text: str) -> str:
    """The address as the library takes it. Raises NoSuchService."""
    text = text.strip()
    for pattern, rewritten in NATIVE:
        if found := pattern.fullmatch(text):
            text = found.expand(rewritten)
    known = SERVICES.get(text.partition("://")[0])
    if known is None:
        names = ", ".join(f"{scheme}:// ({one.name})" for scheme, one in SERVICES.items())
        raise NoSuchService(f"Only services whose host is fixed: {names}")
    if len(text) > LONGEST or not known.shape.fullmatch(text):
        raise NoSuchService(f"An address of {known.name} looks like {known.example}, without anything after it")
    return text


def service_of(address: str) -> Service:
    """Of a checked address. Raises NoSuchService."""
    return SERVICES[checked_service(address).partition("://")[0]]


def send(address: str, title: str, text: str, grave: bool = True) -> Outcome:
    """`address`: as stored; it is checked again, because a row may come from anywhere. Raises NoSuchService."""
    chosen, checked = service_of(address), checked_service(address)
    told: list[Outcome] = []
    thread = threading.Thread(
        target=lambda: told.append(handed_over(chosen, checked, title, text, grave)), name="apprise", daemon=True
    )
    thread.start()
    thread.join(DEADLINE_SECONDS)
    return told[0] if told else Outcome(UNSURE, "timed_out", f"{chosen.name} did not answer in time")


def handed_over(chosen: Service, address: str, title: str, text: str, grave: bool) -> Outcome:
    try:
        with heard() as complaints:
            taken = bell(chosen, address).notify(
                body=harmless(text), title=harmless(title), notify_type="warning" if grave else "info"
            )
    except Exception as bug:  # noqa: BLE001  a library's surprise, in a thread of its own: an outcome like any other
        return Outcome(UNSURE, "library_failed", f"Apprise failed ({type(bug).__name__})")
    if taken:
        return Outcome(TAKEN, "", f"{chosen.name} took it")
    if complaints.statuses:
        return of_status(complaints.statuses[-1], chosen.name)
    if complaints.no_connection:
        return Outcome(AGAIN, "unreachable", f"No connection to {chosen.name} came about")
    return Outcome(UNSURE, "no_answer", f"{chosen.name} did not answer")


def bell(chosen: Service, address: str) -> Any:
    """Imported when it is needed: many portals never do, and it costs a second and 25 MB."""
    apprise = import_module("apprise")
    module, _, name = chosen.plugin.partition(".")
    plugin = getattr(import_module(f"apprise.plugins.{module}"), name)
    asset = apprise.AppriseAsset(
        app_id="Portal", app_desc="Alerts", app_url="", http_redirects=False, async_mode=False, secure_logging=True
    )
    described = plugin.parse_url(address)
    if not described:
        raise NoSuchService(f"An address of {chosen.name} looks like {chosen.example}")
    bell = apprise.Apprise(asset=asset)
    bell.add(plugin(**{**described, "asset": asset, "overflow": "truncate"}))
    return bell


@contextmanager
def heard() -> Iterator["Complaints"]:
    """What the library complains of while it works for us: all it says of a failure goes to its log."""
    complaints = Complaints()
    before = OURS.set(complaints)
    LIBRARY.addHandler(EAR)  # once, however often
    try:
        yield complaints
    finally:
        OURS.reset(before)


class Complaints:
    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.no_connection = False


class Ear(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        complaints = OURS.get()
        if complaints is not None:
            said = record.getMessage()
            complaints.statuses += [int(status) for status in STATUS.findall(said)]
            complaints.no_connection |= bool(NO_CONNECTION.search(said))


OURS: ContextVar[Complaints | None] = ContextVar("complaints", default=None)  # the library's threads inherit it
EAR = Ear()


def harmless(text: str) -> str:
    """A bot's words ring nobody's bell (@everyone, <!channel>) and link nowhere."""
    return text.replace("@", "@\u200b").replace("<", "\u2039").replace(">", "\u203a")

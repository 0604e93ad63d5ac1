"""Which paths exist in which release, and what answers them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from . import commands, flask, readings
from .answers import groups, pairs, periods, profit, settings
from .auth import Refused
from .releases import Release
from .wire import API, Answer, Refusal, Request, detail, encoded, refused, said

if TYPE_CHECKING:
    from .bot import SimBot

Handler = Callable[..., Any]
WRONG_STATE = "Bot is not in the correct state"
UI = b"<!DOCTYPE html><html><head><title>FreqUI</title></head></html>"
# /freqaimodels where the packages of FreqAI are not installed.
BROKEN = Answer(500, b"Internal Server Error", "text/plain; charset=utf-8")
NO_DATA = {"length": 0, "pairs": [], "pair_interval": []}
NOT_STARTED = {
    "status": "not_started",
    "running": False,
    "status_msg": "Backtest not yet executed",
    "step": "",
    "progress": 0.0,
    "trade_count": None,
    "backtest_result": None,
}


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    answer: Handler
    since: str = "2019.6"
    until: str = ""
    mode: str = "trade"  # trade: not in webserver mode; web: only there; any
    web_since: str = ""  # first release in which only a webserver answers
    moving: bool = False  # changes with the price and the clock, not only with the bot
    protected: bool = True

    def exists(self, release: Release) -> bool:
        return release.since(self.since) and not (self.until and release.since(self.until))


def reads(path: str, answer: Handler, since: str = "2019.6", **more: Any) -> Route:
    return Route("GET", path, answer, since, **more)


def tells(make: Handler) -> Handler:
    """For answers that look at the bot alone."""

    def tell(bot: SimBot, request: Request) -> Any:
        return make(bot)

    return tell


def of_pair(make: Handler) -> Handler:
    return lambda bot, request: make(bot, request.last("pair") or None)


def always(value: Any) -> Handler:
    def tell(bot: SimBot, request: Request) -> Any:
        return value

    return tell


READING = [
    reads("/ping", always({"status": "pong"}), protected=False, mode="any"),
    reads("/version", tells(settings.version), mode="any"),
    reads("/show_config", tells(settings.show_config), mode="any"),
    reads("/status", readings.status, moving=True),
    reads("/count", readings.count),
    reads("/balance", readings.wallet, moving=True),
    reads("/profit", readings.show_profit, moving=True),
    reads("/profit_all", tells(profit.profit_all), "2025.7", moving=True),
    reads("/daily", readings.daily, moving=True),
    reads("/weekly", readings.weekly, "2023.9", moving=True),
    reads("/monthly", readings.monthly, "2023.9", moving=True),
    reads("/performance", tells(groups.performance)),
    reads("/entries", of_pair(groups.entries), "2023.11"),
    reads("/exits", of_pair(groups.exits), "2023.11"),
    reads("/mix_tags", of_pair(groups.mix_tags), "2023.11"),
    reads("/stats", tells(groups.stats), "2020.12"),
    reads("/trades", readings.list_trades, "2020.4"),
    reads("/trade/{id}", readings.trade, "2021.4", moving=True),
    reads("/trades/open/custom-data", readings.open_custom_data, "2025.3"),
    reads("/trades/{id}/custom-data", readings.custom_data, "2025.3"),
    reads("/locks", tells(pairs.locks), "2020.10", moving=True),
    reads("/logs", readings.logs, "2020.8", mode="any"),
    reads("/whitelist", tells(pairs.whitelist)),
    reads("/blacklist", tells(pairs.blacklist)),
    reads("/health", readings.health, "2022.2", mode="any", moving=True),
    reads("/sysinfo", tells(settings.sysinfo), "2021.10", mode="any"),
    reads("/edge", readings.edge, until="2025.6"),
    reads("/historic_balance", tells(periods.historic_balance), "2026.4", moving=True),
    reads("/pair_candles", readings.pair_candles, "2020.10", moving=True),
    Route("POST", "/pair_candles", readings.chosen_pair_candles, "2024.4"),
    reads("/pair_history", readings.pair_history, "2020.10", mode="any", web_since="2025.2"),
    reads("/plot_config", readings.plot_config, "2020.10", mode="any"),
    reads("/strategies", tells(settings.strategies), "2020.10", mode="any", web_since="2025.7"),
    reads("/strategy/{id}", readings.strategy, "2020.10", mode="any"),
    reads("/available_pairs", always(NO_DATA), "2020.10", mode="any", web_since="2025.7"),
    reads("/markets", tells(settings.markets), "2025.2", mode="any"),
    reads("/exchanges", always({"exchanges": []}), "2023.6", mode="any", web_since="2025.7"),
    reads("/hyperoptloss", always({"loss_functions": []}), "2024.10", mode="web"),
    reads("/freqaimodels", always(BROKEN), "2022.12", mode="any", web_since="2025.7"),
    reads("/pairlists/available", always({"pairlists": []}), "2023.6", mode="web"),
    reads("/background", always([]), "2024.5", mode="web"),
    reads("/backtest", always(NOT_STARTED), "2021.7", mode="web"),
    reads("/backtest/history", always([]), "2022.4.1", mode="web"),
]

COMMANDS = [
    Route("POST", "/start", commands.start),
    Route("POST", "/stop", commands.stop),
    Route("POST", "/stopbuy", commands.pause),
    Route("POST", "/stopentry", commands.pause, "2022.8"),
    Route("POST", "/pause", commands.pause, "2025.4"),
    Route("POST", "/reload_conf", commands.reload_config, until="2020.6"),
    Route("POST", "/reload_config", commands.reload_config, "2020.6"),
    Route("POST", "/forcesell", commands.force_exit),
    Route("POST", "/forceexit", commands.force_exit, "2022.4.1"),
    Route("POST", "/forcebuy", commands.force_enter),
    Route("POST", "/forceenter", commands.force_enter, "2022.4.1"),
    Route("DELETE", "/trades/{id}", commands.delete_trade, "2020.8"),
    Route("DELETE", "/trades/{id}/open-order", commands.cancel_order, "2023.2"),
    Route("POST", "/trades/{id}/reload", commands.reload_trade, "2023.5"),
    Route("POST", "/locks", commands.add_locks, "2024.4"),
    Route("DELETE", "/locks/{id}", commands.delete_lock, "2021.3"),
    Route("POST", "/locks/delete", commands.delete_locks, "2021.3"),
    Route("POST", "/blacklist", commands.add_to_blacklist),
    Route("DELETE", "/blacklist", commands.take_from_blacklist, "2021.12"),
]

EXACT = {(route.method, route.path): route for route in [*READING, *COMMANDS] if "{" not in route.path}
PATTERNS = [
    (route, re.compile(re.escape(route.path).replace(r"\{id\}", "([^/]+)") + "$"))
    for route in [*READING, *COMMANDS]
    if "{" in route.path
]


def answer(bot: SimBot, request: Request) -> Answer:
    """What the bot says to `request`; never raises for what a client may send."""
    try:
        return _answer(bot, request)
    except Refusal as refusal:
        return refusal.answer
    except Refused as refusal:
        if bot.release.flask:
            return flask.denied(refusal)
        challenge = {"www-authenticate": refusal.challenge} if refusal.challenge else {}
        return said(401, {"detail": refusal.detail}, **challenge)


def _answer(bot: SimBot, request: Request) -> Answer:
    if not request.path.startswith(API + "/"):
        return Answer(200, UI, "text/html; charset=utf-8")
    if request.endpoint.startswith("/token/") and request.method == "POST" and bot.release.since("2020.5"):
        return _token(bot, request)
    try:
        route, words = _find(bot.release, request)
    except Refusal:
        if bot.release.flask:
            return _not_in_flask(bot, request)
        raise
    if route.protected:
        _admit(bot, request)
    _check_mode(bot, route, request)
    return _fresh(bot, route, request, words) if route.method != "GET" else _kept(bot, route, request, words)


def _token(bot: SimBot, request: Request) -> Answer:
    given = request.headers.get("authorization", "")
    if bot.faults.wrong_password:
        given = "Basic wrong" if given.lower().startswith("basic") else given
    if request.endpoint == "/token/login":
        return said(200, bot.doorkeeper.login(given))
    if request.endpoint == "/token/refresh":
        return said(200, bot.doorkeeper.refresh(given))
    raise _unknown(bot.release, "POST")


def _admit(bot: SimBot, request: Request) -> None:
    if bot.faults.wrong_password:
        raise Refused("Unauthorized")
    bot.doorkeeper.admit(request.headers.get("authorization", ""))


def _not_in_flask(bot: SimBot, request: Request) -> Answer:
    """405 where the path has another method, else a 404 that only those who are in get to see."""
    methods = [route.method for route in (*READING, *COMMANDS) if _fits(route, request) and route.exists(bot.release)]
    if methods:
        return flask.wrong_method(methods)
    _admit(bot, request)
    return flask.no_call(request)


def _fits(route: Route, request: Request) -> bool:
    return re.fullmatch(re.escape(route.path).replace(r"\{id\}", "[^/]+"), request.endpoint) is not None


def _find(release: Release, request: Request) -> tuple[Route, tuple[str, ...]]:
    """Raises Refusal: 404 for an unknown GET, 405 for any other unknown method."""
    exact = EXACT.get((request.method, request.endpoint))
    if exact and exact.exists(release):
        return exact, ()
    for route, pattern in PATTERNS:
        found = route.method == request.method and pattern.match(request.endpoint)
        if found and route.exists(release):
            return route, found.groups()
    raise _unknown(release, request.method)


def _unknown(release: Release, method: str) -> Refusal:
    if method == "GET":
        return detail(404, "Not Found")
    allowed = {"allow": "GET"} if release.since("2022.1") else {}
    return Refusal(said(405, {"detail": "Method Not Allowed"}, **allowed))


def _check_mode(bot: SimBot, route: Route, request: Request) -> None:
    only_web = route.mode == "web" or (route.web_since and bot.release.since(route.web_since))
    if bot.faults.webserver_mode:
        if route.mode == "trade":
            raise _wrong_state(bot, request, "2026.1")
    elif only_web:
        raise _wrong_state(bot, request, "2023.1")


def _wrong_state(bot: SimBot, request: Request, since: str) -> Refusal:
    """503 in newer releases, a 502 before."""
    return detail(503, f"{WRONG_STATE}.") if bot.release.since(since) else refused(request, WRONG_STATE)


# --- encoded answers are kept until what they tell has changed

LARGEST_KEPT = 40_000  # bytes
MOST_KEPT = 64


@cache
def _literal_by_habit(release: Release) -> bool:
    return not release.since("2022.4.1")


def _kept(bot: SimBot, route: Route, request: Request, words: tuple[str, ...]) -> Answer:
    faults = bot.faults
    tick = bot.market.tick(bot.now()) if route.moving else 0
    stamp = (bot.revision, tick, faults.exchange_down, faults.literal_nan, faults.webserver_mode)
    key = (request.path, request.query_text)
    held = bot.answers.get(key)
    if held and held[0] == stamp:
        return held[1]
    fresh = _fresh(bot, route, request, words)
    if len(fresh.body) <= LARGEST_KEPT:
        if len(bot.answers) >= MOST_KEPT:
            bot.answers.clear()
        bot.answers[key] = (stamp, fresh)
    return fresh


def _fresh(bot: SimBot, route: Route, request: Request, words: tuple[str, ...]) -> Answer:
    value = route.answer(bot, request, *words)
    if isinstance(value, Answer):
        return value
    literal = bot.faults.exchange_down and (bot.faults.literal_nan or _literal_by_habit(bot.release))
    return Answer(200, encoded(value, literal))

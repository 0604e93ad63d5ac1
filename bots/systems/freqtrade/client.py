"""Freqtrade's endpoints, and a conversation with one bot."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.json import Decoder

from bots.systems import contract
from bots.systems.contract import ClosedTrades, Kind, KnownHistory
from bots.systems.decoding import decode
from bots.systems.errors import (
    BadAnswer,
    BotError,
    NoSuchTrade,
    NotOffered,
    NotRunning,
    NotThisSystem,
    Refused,
    TimedOut,
)
from bots.systems.freqtrade import answers, commands, listing, mapping, releases, trades
from bots.systems.freqtrade.early import stamped
from bots.systems.freqtrade.refusals import refusal, what_answered
from bots.systems.headers import NO_HEADERS, basic_authorization
from bots.systems.http import MIB, Answer, HttpDoor
from bots.systems.instructions import PREPARING_SECONDS, answer_seconds

PAGE = 500  # trades; 0 would mean all of them in one answer, and is refused from 2025.3 on
PAGES_PER_CALL = 10
ROWS_PER_CALL = 10_000  # trades and their orders; one writer writes what all bots bring
PAGE_DEADLINE = 20.0  # seconds: a page can be 2 MB from a small machine
PARTS_SECONDS = 20.0  # after which a long reading pauses and says where it goes on
LOG_LINES = 100
SHORT = MIB  # bytes, of an answer that is no list: many bots may send too much in the same moment
LISTS = frozenset({"status", "trades", "trade", "balance", "performance", "whitelist", "blacklist", "locks", "logs"})
REMEMBERED = 2 * 1024  # bytes of an answer; there may be 10,000 bots
DAYS = 30


class Endpoint(NamedTuple):
    """How one kind of reading is fetched and mapped. `takes_currency`: the answer does not name its own."""

    path: str
    decoder: Decoder[Any]
    value: Callable[..., contract.Value]
    query: str = ""
    takes_currency: bool = False
    since: releases.Release = releases.OLDEST


READINGS: dict[Kind, Endpoint] = {
    Kind.PROFIT: Endpoint("profit", answers.profit, mapping.profit, takes_currency=True),
    Kind.BALANCE: Endpoint("balance", answers.balance, mapping.balance),
    Kind.HEALTH: Endpoint("health", answers.health, mapping.health, since=releases.HEALTH),
    Kind.LOCKS: Endpoint("locks", answers.locks, mapping.locks, since=releases.LOCKS),
    Kind.LOGS: Endpoint("logs", answers.logs, mapping.logs, f"?limit={LOG_LINES}", since=releases.LOGS),
    Kind.PERFORMANCE: Endpoint("performance", answers.performance, mapping.performance, takes_currency=True),
    Kind.DAILY: Endpoint("daily", answers.daily, mapping.daily, f"?timescale={DAYS}", takes_currency=True),
    Kind.WHITELIST: Endpoint("whitelist", answers.whitelist, mapping.whitelist),
    Kind.BLACKLIST: Endpoint("blacklist", answers.blacklist, mapping.blacklist),
}
# A build whose name tells nothing is taken for the first of these releases whose endpoint it has.
PROBES = (("trade/0", releases.PAGES), ("logs?limit=1", releases.LOGS), ("trades?limit=1", releases.LISTS_TRADES))
NO_CLOSED_TRADES = "Freqtrade before 2020.4 tells nothing of closed trades"


class Session:
    """One bot, spoken to with basic authentication: it works in every release and never expires."""

    def __init__(self, address: str, username: str, password: str, door: HttpDoor, release: str = "") -> None:
        self.requests = 0
        self._base = f"{address}/api/v1/"
        self._credentials = basic_authorization(username, password)
        self._door = door
        self._about: mapping.About | None = None
        self._asking_about = asyncio.Lock()
        self._release = releases.parse(release)  # as last seen, until the state is read
        self._open_trades_known = trades.KnownTrades()
        self._last: dict[str, tuple[bytes, str, contract.Value]] = {}  # endpoint -> answer, currency, as it was read
        self._probed: tuple[str, releases.Release] | None = None  # of the version of this name

    async def test(self) -> contract.BotState:
        """The password is not sent before ping has shown that a Freqtrade may be listening."""
        answer = await self._fetch("ping", credentials=False)
        if answer.status not in (401, 403):  # a proxy in front may ask for the password even here
            self._prove_freqtrade(answer)
        return await self._state()

    async def read(self, kind: Kind) -> contract.Value:
        if kind is Kind.STATE:
            return await self._state()
        if kind is Kind.OPEN_TRADES:
            return await self._open_trades()
        if kind is Kind.CONFIG:
            return await self._config()
        return await self._reading(READINGS[kind])

    async def closed_trades(self, known: KnownHistory) -> ClosedTrades:
        """Raises NotOffered before 2020.4."""
        release = await self._known_release()
        if release < releases.LISTS_TRADES:
            raise NotOffered(NO_CLOSED_TRADES, endpoint="trades")
        if release < releases.PAGES:
            return await listing.history(self._newest_trades, known, self._known_currency())
        return await self._pages_of_trades(known)

    async def trade(self, trade_id: str) -> contract.Trade:
        """Raises NoSuchTrade; NotOffered for one that is not open, before 2020.4."""
        if not (trade_id.isascii() and trade_id.isdigit() and len(trade_id) < 20):
            raise NoSuchTrade("Freqtrade's trades are numbered", endpoint="trade")
        if await self._known_release() < releases.PAGES:
            return await self._trade_in_lists(str(int(trade_id)))
        answer = await self._get(f"trade/{trade_id}", answers.trade, name="trade")
        if str(answer.trade_id) != trade_id.lstrip("0"):
            raise BadAnswer(f"Asked for trade {trade_id}, the bot answered with another", endpoint="trade")
        return trades.trade(answer, self._known_currency(), "trade")

    async def perform(self, instruction: contract.Instruction) -> contract.Accepted:
        """Raises any BotError; NotOffered or Refused also for what was not sent because no bot could do it."""
        call, release = await self._prepared(instruction)
        answer = await self._send(call, answer_seconds(instruction.action))
        error = refusal(answer, call.endpoint, command=True)
        if error:
            raise error
        return call.accepted(answer.body, instruction, release)

    # --- commands

    async def _prepared(self, instruction: contract.Instruction) -> tuple[commands.Call, releases.Release]:
        """Whatever goes wrong here, nothing has been sent."""
        try:
            async with asyncio.timeout(PREPARING_SECONDS):
                release = await self._release_for(instruction)
            return commands.call(instruction, release), release
        except TimeoutError:
            error: BotError = TimedOut(f"Not sent: the bot did not tell its release within {PREPARING_SECONDS:g} s")
        except BotError as stopped:
            error = stopped
        error.may_have_happened = False
        raise error

    async def _release_for(self, instruction: contract.Instruction) -> releases.Release:
        release = await self._known_release()
        if commands.stops_entries(instruction, release):
            if (await self._state()).state == "stopped":
                raise Refused("Not sent: a stopped bot of this release forgets it; start it first")
        elif commands.depends_on_release(instruction) or commands.came_later(instruction, release):
            await self._state()
        return await self._known_release()

    async def _send(self, call: commands.Call, seconds: float) -> Answer:
        self.requests += 1
        body = call.encoded()
        more = () if body is None else ("Content-Type: application/json",)
        try:
            return await self._door.request(
                call.method,
                self._base + call.path,
                body=body,
                headers=self._credentials,
                more=more,
                deadline=seconds,
            )
        except BotError as error:
            error.endpoint = call.endpoint
            raise

    # --- which release, and what it says of itself

    async def _state(self) -> contract.BotState:
        body = await self._body("show_config")
        same = self._same_as_last("show_config", body)
        if isinstance(same, contract.BotState):
            return same
        self._last.pop("show_config", None)  # whatever comes of this one, the last is no longer what the bot says
        answer = decode(body, answers.config, "show_config")
        mapping.must_trade(answer)
        alone = bool(answer.version and answer.state)  # nothing else has to be asked for
        if not answer.version:  # before 2021.11
            answer.version = (await self._get("version", answers.version)).version
        self._about = mapping.about(answer, await self._release_of(answer))
        self._release = self._about.release
        if answer.state is None and self._release < releases.STAMPS:
            await self._complete(answer)
        state = mapping.state(answer, self._about)
        if alone:
            self._remember("show_config", body, state)
        return state

    async def _complete(self, answer: answers.ConfigAnswer) -> None:
        """Until 2020.4 the state shows only in whether the bot counts its trades."""
        try:
            answer.max_open_trades = (await self._get("count", answers.count)).max
            answer.state = "running"
        except NotRunning:
            answer.state = "stopped"

    async def _release_of(self, answer: answers.ConfigAnswer) -> releases.Release:
        """By its name, else by its api_version, else by what it answers to."""
        release = releases.parse(answer.version, answer.api_version)
        if release is not None:
            return release
        if self._probed is None or self._probed[0] != answer.version:
            self._probed = answer.version, await self._probe()
        return self._probed[1]

    async def _probe(self) -> releases.Release:
        for path, release in PROBES:
            error = refusal(await self._fetch(path), path)
            if error is None or isinstance(error, NoSuchTrade):
                return release
            if not isinstance(error, NotOffered):
                raise error
        return releases.OLDEST

    async def _known_release(self) -> releases.Release:
        if self._release is None:
            async with self._asking_about:
                if self._release is None:
                    await self._state()
        assert self._release is not None
        return self._release

    async def _stake_currency(self) -> str:
        if self._about is None:
            async with self._asking_about:
                if self._about is None:
                    await self._state()
        return self._known_currency()

    def _known_currency(self) -> str:
        return self._about.stake_currency if self._about else ""

    # --- readings

    async def _reading(self, endpoint: Endpoint) -> contract.Value:
        if self._release is not None and self._release < endpoint.since:
            raise NotOffered(f"This bot's release has no {endpoint.path}", endpoint=endpoint.path)
        currency = (await self._stake_currency(),) if endpoint.takes_currency else ()
        try:
            body = await self._body(endpoint.path, endpoint.query)
        except Refused as refused:
            if endpoint.path == "profit" and str(refused) == "no closed trade":
                return mapping.profit_of_nothing(*currency)
            raise
        same = self._same_as_last(endpoint.path, body)
        if same is not None:
            return same
        value = endpoint.value(decode(body, endpoint.decoder, endpoint.path), *currency)
        self._remember(endpoint.path, body, value)
        return value

    def _same_as_last(self, path: str, body: bytes) -> contract.Value | None:
        """What the very same answer was read as; the objects are frozen."""
        last = self._last.get(path)
        return last[2] if last is not None and last[:2] == (body, self._known_currency()) else None

    def _remember(self, path: str, body: bytes, value: contract.Value) -> None:
        if len(body) <= REMEMBERED:
            self._last[path] = (body, self._known_currency(), value)

    async def _config(self) -> contract.Config:
        """Out of the answer that told the state, where it is remembered."""
        state = self._last.get("show_config")
        body = state[0] if state else await self._body("show_config")
        settings = decode(body, answers.settings, "show_config")
        return mapping.config(settings, self._about.version if self._about else "")

    async def _open_trades(self) -> contract.OpenTrades:
        if await self._known_release() < releases.STAMPS_IN_UTC:
            early = await self._get("status", answers.early_status)
            return trades.open_trades([stamped(trade, "status") for trade in early], self._known_currency())
        return trades.open_trades_in(await self._body("status"), self._known_currency(), self._open_trades_known)

    # --- one trade, and the closed ones

    async def _trade_in_lists(self, trade_id: str) -> contract.Trade:
        for each in (await self._open_trades()).trades:
            if each.trade.trade_id == trade_id:
                return each.trade
        release = await self._known_release()
        if release < releases.LISTS_TRADES:
            raise NotOffered(NO_CLOSED_TRADES, endpoint="trade")
        return await listing.trade(self._newest_trades, trade_id, self._known_currency(), release)

    async def _newest_trades(self, limit: int) -> listing.Listed:
        early = await self._known_release() < releases.STAMPS_IN_UTC
        decoder: Decoder[Any] = answers.early_trades if early else answers.trades
        query, most = f"?limit={limit}", listing.LARGEST
        found: listing.Listed = await self._get("trades", decoder, query, deadline=PAGE_DEADLINE, max_bytes=most)
        return found

    async def _pages_of_trades(self, known: KnownHistory) -> ClosedTrades:
        """Ascending by trade id. A trade that closes late stands in the middle: it is not among the new ones, but makes
        `total` differ from what the mirror holds."""
        offset = known.offset if known.full else known.closed_count
        found: list[contract.Trade] = []
        rows = 0
        started = time.monotonic()
        for _ in range(PAGES_PER_CALL):
            page, total = await self._page_of_trades(offset)
            found.extend(page)
            offset += len(page)
            if _is_last_page(len(page), offset, total):
                return ClosedTrades(tuple(found), total)
            rows += len(page) + sum(len(trade.orders) for trade in page)
            if rows > ROWS_PER_CALL or time.monotonic() - started > PARTS_SECONDS:
                break
        return ClosedTrades(tuple(found), total, next_offset=offset)

    async def _page_of_trades(self, offset: int) -> tuple[list[contract.Trade], int | None]:
        query = f"?limit={PAGE}&offset={offset}"
        answer = await self._get("trades", answers.trades, query, deadline=PAGE_DEADLINE)
        if len(answer.trades) > PAGE:
            raise BadAnswer(f"trades gave {len(answer.trades)} trades where {PAGE} were asked for", endpoint="trades")
        return trades.closed_trades(answer, self._known_currency()), answer.total_trades

    # --- asking

    async def _get(self, path: str, decoder: Decoder[Any], query: str = "", *, name: str = "", **limits: Any) -> Any:
        """`limits`: deadline in seconds, max_bytes."""
        return decode(await self._body(path, query, name=name, **limits), decoder, name or path)

    async def _body(
        self,
        path: str,
        query: str = "",
        *,
        name: str = "",
        deadline: float | None = None,
        max_bytes: int | None = None,
    ) -> bytes:
        endpoint = name or path
        answer = await self._fetch(path + query, endpoint, deadline=deadline, max_bytes=max_bytes)
        error = refusal(answer, endpoint)
        if error:
            raise error
        return answer.body

    async def _fetch(
        self,
        path: str,
        endpoint: str = "",
        *,
        credentials: bool = True,
        deadline: float | None = None,
        max_bytes: int | None = None,
    ) -> Answer:
        self.requests += 1
        headers = self._credentials if credentials else NO_HEADERS
        endpoint = endpoint or path
        if max_bytes is None and endpoint not in LISTS:
            max_bytes = SHORT
        try:
            return await self._door.get(self._base + path, headers=headers, deadline=deadline, max_bytes=max_bytes)
        except BotError as error:
            error.endpoint = endpoint
            raise

    def _prove_freqtrade(self, answer: Answer) -> None:
        """Raises NotThisSystem, or what a Freqtrade's own refusal stands for."""
        error = refusal(answer, "ping")
        if error and not isinstance(error, NotOffered):
            raise error
        try:
            pong = decode(answer.body, answers.ping, "ping").status == "pong"
        except BadAnswer:
            pong = False
        if error or not pong:
            raise NotThisSystem(f"No Freqtrade answers here: ping gave {what_answered(answer)}", endpoint="ping")


def _is_last_page(length: int, offset: int, total: int | None) -> bool:
    """A page may be short although more follow: the bot may cap what it gives."""
    return length == 0 or (offset >= total if total is not None else length < PAGE)

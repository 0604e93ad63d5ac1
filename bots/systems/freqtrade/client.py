"""Freqtrade's endpoints, and a conversation with one bot."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec.json import Decoder

from bots.systems import contract
from bots.systems.contract import ClosedTrades, Kind, KnownHistory
from bots.systems.decoding import decode
from bots.systems.errors import BadAnswer, BotError, NoSuchTrade, NotOffered, NotThisSystem
from bots.systems.freqtrade import answers, mapping, trades
from bots.systems.freqtrade.refusals import refusal, what_answered
from bots.systems.http import Answer, HttpDoor, basic_authorization

PAGE = 500  # trades; 0 would mean all of them in one answer, and is refused from 2025.3 on
PAGES_PER_CALL = 10
ROWS_PER_CALL = 10_000  # trades and their orders; one writer writes what all bots bring
PAGE_DEADLINE = 20.0  # seconds: a page can be 2 MB from a small machine
PARTS_SECONDS = 20.0  # after which a long reading pauses and says where it goes on
LOG_LINES = 100


class Endpoint(NamedTuple):
    """How one kind of reading is fetched and mapped. `takes_currency`: the answer does not name its own."""

    path: str
    decoder: Decoder[Any]
    value: Callable[..., contract.Value]
    query: str = ""
    takes_currency: bool = False


READINGS: dict[Kind, Endpoint] = {
    Kind.COUNT: Endpoint("count", answers.count, mapping.count),
    Kind.PROFIT: Endpoint("profit", answers.profit, mapping.profit, takes_currency=True),
    Kind.BALANCE: Endpoint("balance", answers.balance, mapping.balance),
    Kind.HEALTH: Endpoint("health", answers.health, mapping.health),
    Kind.LOCKS: Endpoint("locks", answers.locks, mapping.locks),
    Kind.LOGS: Endpoint("logs", answers.logs, mapping.logs, query=f"?limit={LOG_LINES}"),
    Kind.PERFORMANCE: Endpoint("performance", answers.performance, mapping.performance, takes_currency=True),
    Kind.WHITELIST: Endpoint("whitelist", answers.whitelist, mapping.whitelist),
    Kind.BLACKLIST: Endpoint("blacklist", answers.blacklist, mapping.blacklist),
    Kind.CONFIG: Endpoint("show_config", answers.settings, mapping.config),
}


class Session:
    """One bot, spoken to with basic authentication: it works in every release and never expires."""

    def __init__(self, address: str, username: str, password: str, door: HttpDoor) -> None:
        self.requests = 0
        self._base = f"{address}/api/v1/"
        self._credentials = [basic_authorization(username, password)]
        self._door = door
        self._about: mapping.About | None = None
        self._asking_about = asyncio.Lock()

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
            answer = await self._get("status", answers.status)
            return trades.open_trades(answer, self._known_currency())
        endpoint = READINGS[kind]
        answer = await self._get(endpoint.path, endpoint.decoder, endpoint.query)
        if endpoint.takes_currency:
            return endpoint.value(answer, await self._stake_currency())
        return endpoint.value(answer)

    async def closed_trades(self, known: KnownHistory) -> ClosedTrades:
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

    async def trade(self, trade_id: str) -> contract.Trade:
        if not (trade_id.isascii() and trade_id.isdigit() and len(trade_id) < 20):
            raise NoSuchTrade("Freqtrade's trades are numbered", endpoint="trade")
        answer = await self._get(f"trade/{trade_id}", answers.trade, name="trade")
        if str(answer.trade_id) != trade_id.lstrip("0"):
            raise BadAnswer(f"Asked for trade {trade_id}, the bot answered with another", endpoint="trade")
        return trades.trade(answer, self._known_currency(), "trade")

    async def _state(self) -> contract.BotState:
        answer = await self._get("show_config", answers.config)
        self._about = mapping.about(answer)
        return mapping.state(answer)

    async def _stake_currency(self) -> str:
        async with self._asking_about:
            if self._about is None:
                await self._state()
        return self._known_currency()

    def _known_currency(self) -> str:
        return self._about.stake_currency if self._about else ""

    async def _page_of_trades(self, offset: int) -> tuple[list[contract.Trade], int | None]:
        query = f"?limit={PAGE}&offset={offset}"
        answer = await self._get("trades", answers.trades, query, deadline=PAGE_DEADLINE)
        if len(answer.trades) > PAGE:
            raise BadAnswer(f"trades gave {len(answer.trades)} trades where {PAGE} were asked for", endpoint="trades")
        return trades.closed_trades(answer, self._known_currency()), answer.total_trades

    async def _get(
        self, path: str, decoder: Decoder[Any], query: str = "", *, deadline: float | None = None, name: str = ""
    ) -> Any:
        answer = await self._fetch(path + query, endpoint=name or path, deadline=deadline)
        error = refusal(answer, name or path)
        if error:
            raise error
        return decode(answer.body, decoder, name or path)

    async def _fetch(
        self, path: str, *, endpoint: str = "", credentials: bool = True, deadline: float | None = None
    ) -> Answer:
        self.requests += 1
        headers = self._credentials if credentials else ()
        try:
            return await self._door.get(self._base + path, headers=headers, deadline=deadline)
        except BotError as error:
            error.endpoint = endpoint or path
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

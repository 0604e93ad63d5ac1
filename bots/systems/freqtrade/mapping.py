"""Freqtrade's answers -> value objects of the contract. Where Freqtrade's units differ, it is said here."""

import re
from datetime import date
from decimal import Decimal

from msgspec import Struct

from bots.systems import contract
from bots.systems.decoding import Figures, name, prose, ratio_of, tag, usable
from bots.systems.errors import BadAnswer, ReleaseTooOld, WebserverMode
from bots.systems.freqtrade import answers, releases

NO_PRICE = "the bot gave no figure, as it does when it cannot get a price from its exchange"
BOTS_PART_UNKNOWN = "Freqtrade before 2023.5 does not tell the bot's part from the rest of the account"

STATES = {
    "running": "running",
    "stopped": "stopped",
    "paused": "paused",
    "reload_config": "starting",
    "reload_conf": "starting",
}
TRADING_RUNMODES = frozenset({"live", "dry_run", ""})


class About(Struct, frozen=True):
    """What of the bot's settings is needed to read its other answers."""

    stake_currency: str
    release: releases.Release
    version: str


def must_trade(answer: answers.ConfigAnswer) -> None:
    """Raises WebserverMode."""
    if answer.runmode not in TRADING_RUNMODES:
        raise WebserverMode(f"This Freqtrade runs in {name(answer.runmode, 40)} mode: it does not trade")


def about(answer: answers.ConfigAnswer, release: releases.Release) -> About:
    """Raises ReleaseTooOld, BadAnswer."""
    if release < releases.OLDEST:
        oldest = releases.spelled(releases.OLDEST)
        raise ReleaseTooOld(f"Freqtrade {name(answer.version, 60)} is older than {oldest}, the oldest read here")
    return About(name(answer.stake_currency, 50), release, name(answer.version, 60))


def state(answer: answers.ConfigAnswer, known: About) -> contract.BotState:
    """Raises BadAnswer."""
    if answer.state not in STATES:
        raise BadAnswer(f"show_config reports the state {name(answer.state, 40)!r}, which no known release has")
    return contract.BotState(
        state=STATES[answer.state],  # type: ignore[arg-type]
        mode="dry" if _is_dry(answer.dry_run) else "live",
        version=known.version,
        stake_currency=known.stake_currency,
        stake_currency_decimals=places(answer.stake_currency_decimals),
        strategy=name(answer.strategy),
        exchange=name(answer.exchange, 100),
        trading_mode=name(answer.trading_mode, 20),
        timeframe=name(answer.timeframe or answer.ticker_interval, 20),
        bot_name=name(answer.bot_name),
        max_open_trades=slots(answer.max_open_trades),
        capabilities=releases.capabilities(
            known.release, force_entry=_allows_force_entry(answer), spot=answer.trading_mode == "spot"
        ),
        tells_closed_trades=known.release >= releases.LISTS_TRADES,
    )


def _is_dry(told: bool | str) -> bool:
    """Raises BadAnswer: a bot that may be live is never taken for a dry one."""
    if isinstance(told, bool):
        return told
    if told not in ("True", "False"):
        raise BadAnswer("show_config says neither True nor False of dry_run", endpoint="show_config")
    return told == "True"


def _allows_force_entry(answer: answers.ConfigAnswer) -> bool:
    """Until 2020.4 show_config does not say: the bot itself refuses."""
    told = (answer.force_entry_enable, answer.forcebuy_enabled)
    return any(told) or told == (None, None)


def slots(limit: Decimal | None) -> int | None:
    """-1, null and infinity all say: unlimited."""
    limit = usable(limit)
    return None if limit is None or limit < 0 else int(limit)


def places(told: int | None) -> int | None:
    """Decimals of a currency. No figure has more than 18, and no column holds any number: as good as not told."""
    return told if told is not None and 0 <= told <= 18 else None


# What show_config tells of the moment, not of the settings.
_MOVES_BY_ITSELF = frozenset({"state", "available_capital"})
_MOST_SETTINGS = 2000
_DEEPEST_SETTING = 12


def config(settings: dict[str, object], version: str = "") -> contract.Config:
    """`version`: of a release whose settings do not name it (before 2021.11).

    Raises BadAnswer when there are more settings, or deeper ones, than any configuration has."""
    flat: dict[str, object] = {"version": version} if version else {}
    _flatten("", {key: value for key, value in settings.items() if key not in _MOVES_BY_ITSELF}, flat, 0)
    return contract.Config(dict(sorted(flat.items())))


def _flatten(prefix: str, value: object, flat: dict[str, object], depth: int) -> None:
    if depth > _DEEPEST_SETTING or len(flat) > _MOST_SETTINGS:
        raise BadAnswer("show_config holds more settings than any configuration has", endpoint="show_config")
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            _flatten(f"{prefix}.{name(key, 100)}" if prefix else name(key, 100), inner, flat, depth + 1)
    else:
        flat[prefix] = _harmless_setting(value, depth)


def _harmless_setting(value: object, depth: int) -> object:
    if isinstance(value, str):
        return prose(value)
    if isinstance(value, list) and depth <= _DEEPEST_SETTING:
        return [_harmless_setting(inner, depth + 1) for inner in value[:_MOST_SETTINGS]]
    if isinstance(value, dict) and depth <= _DEEPEST_SETTING:
        return {name(key, 100): _harmless_setting(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, bool | int | float) or value is None:
        return value
    raise BadAnswer("show_config holds settings nested too deeply", endpoint="show_config")


def profit(answer: answers.ProfitAnswer, currency: str) -> contract.Profit:
    """One pair without a price makes Freqtrade lose every figure over all trades; the closed ones stand."""
    figures = Figures()
    take = figures.take
    return contract.Profit(
        currency=currency,
        closed_abs=take("closed_abs", answer.profit_closed_coin, if_null=NO_PRICE),
        closed_ratio=take("closed_ratio", answer.profit_closed_ratio),
        all_abs=take("all_abs", answer.profit_all_coin, if_null=NO_PRICE),
        closed_count=answer.closed_trade_count,
        trade_count=answer.trade_count,
        winning=answer.winning_trades,
        losing=answer.losing_trades,
        max_drawdown_ratio=take("max_drawdown_ratio", answer.max_drawdown),
        max_drawdown_abs=take("max_drawdown_abs", answer.max_drawdown_abs),
        current_drawdown_ratio=take("current_drawdown_ratio", answer.current_drawdown),
        profit_factor=take("profit_factor", answer.profit_factor),
        expectancy=take("expectancy", answer.expectancy),
        trading_volume=take("trading_volume", answer.trading_volume),
        first_trade_ms=answer.first_trade_timestamp or None,
        latest_trade_ms=answer.latest_trade_timestamp or None,
        average_duration_seconds=duration_seconds(answer.avg_duration or ""),
        best_pair=tag(answer.best_pair),
        missing=figures.missing,
    )


def profit_of_nothing(currency: str) -> contract.Profit:
    """Until 2020.5 a bot without a closed trade refuses: "no closed trade"."""
    figures = Figures()
    figures.miss("all_abs", "Freqtrade before 2020.6 gives no profit before the first trade is closed")
    return contract.Profit(currency, Decimal(0), None, None, 0, None, None, None, missing=figures.missing)


_DURATION = re.compile(r"(?:(\d{1,6}) days?, )?(\d{1,2}):(\d\d):(\d\d)(?:\.\d+)?")


def duration_seconds(text: str) -> int | None:
    """5099 of "1:24:59"; days as Python writes them ("2 days, 1:24:59"); None when there is none."""
    match = _DURATION.fullmatch(text)
    if not match:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def balance(answer: answers.BalanceAnswer) -> contract.Balance:
    """Freqtrade counts a coin without a price as 0: here its value is missing, the totals too if it is the bot's."""
    figures = Figures()
    unpriced = [coin for coin in answer.currencies if _lacks_price(coin)]
    for coin in unpriced:
        figures.miss(f"value of {name(coin.currency, 50)}", "the bot has no price for it")
        coin.est_stake = coin.est_stake_bot = None
    of_the_bot = [coin.currency for coin in unpriced if coin.is_bot_managed is not False]
    total, bot_total = answer.total, answer.total_bot
    if of_the_bot:
        total = bot_total = None
    reason = f"the bot has no price for {name(', '.join(of_the_bot), 200)}" if of_the_bot else ""
    return contract.Balance(
        currency=name(answer.stake, 50),
        total=figures.take("total", total, if_null=reason or NO_PRICE),
        bot_total=figures.take("bot_total", bot_total, if_null=reason or BOTS_PART_UNKNOWN),
        starting_capital=figures.take("starting_capital", answer.starting_capital),
        currencies=tuple(map(_coin, answer.currencies)),
        note=prose(answer.note or "", 500),
        missing=figures.missing,
    )


def _lacks_price(coin: answers.CoinAnswer) -> bool:
    return bool(coin.est_stake is not None and coin.est_stake.is_zero() and usable(coin.balance))


def _coin(coin: answers.CoinAnswer) -> contract.CurrencyBalance:
    return contract.CurrencyBalance(
        currency=name(coin.currency, 50),
        free=usable(coin.free),
        used=usable(coin.used),
        total=usable(coin.balance),
        value=usable(coin.est_stake),
        bot_value=usable(coin.est_stake_bot),
        bot_managed=coin.is_bot_managed,
    )


def health(answer: answers.HealthAnswer) -> contract.Health:
    return contract.Health(
        last_process_ms=_from_seconds(answer.last_process_ts),
        started_ms=_from_seconds(answer.bot_startup_ts),
        first_started_ms=_from_seconds(answer.bot_start_ts),
    )


def _from_seconds(moment: int | None) -> int | None:
    return moment * 1000 if moment else None


def locks(answer: answers.LocksAnswer) -> contract.Locks:
    return contract.Locks(tuple(_lock(lock) for lock in answer.locks))


def _lock(lock: answers.LockAnswer) -> contract.Lock:
    return contract.Lock(
        lock_id=None if lock.id is None else str(lock.id),
        pair=name(lock.pair, 100),
        side=name(lock.side, 20),
        reason=name(lock.reason),
        from_ms=lock.lock_timestamp,
        until_ms=lock.lock_end_timestamp,
        active=lock.active,
    )


def logs(answer: answers.LogsAnswer) -> contract.Logs:
    return contract.Logs(tuple(_log_line(line) for line in answer.logs))


def _log_line(line: answers.LogAnswer) -> contract.LogLine:
    at_ms = usable(line.at)
    if at_ms is None or not 0 <= at_ms < 253402300800000:
        raise BadAnswer("logs holds a line without a usable time", endpoint="logs")
    return contract.LogLine(int(at_ms), name(line.logger, 200), name(line.level, 20), prose(line.message))


def performance(answer: list[answers.PerformanceAnswer], currency: str) -> contract.Performance:
    return contract.Performance(currency, tuple(_pair(entry) for entry in answer))


def _pair(entry: answers.PerformanceAnswer) -> contract.PairPerformance:
    """Before 2021.11 only `profit`, in percent."""
    ratio = ratio_of(entry.profit) if entry.profit_ratio is None and entry.profit is not None else entry.profit_ratio
    return contract.PairPerformance(name(entry.pair, 100), entry.count, usable(entry.profit_abs), usable(ratio))


def daily(answer: answers.DailyAnswer | list[list[str]], currency: str) -> contract.Daily:
    """Raises BadAnswer."""
    if isinstance(answer, list):
        return contract.Daily(currency, tuple(_day_in_words(row, currency) for row in answer))
    days = (contract.DayProfit(_day(row.date), usable(row.abs_profit), _number(row.trade_count)) for row in answer.data)
    return contract.Daily(name(answer.stake_currency, 50), tuple(days))


def _day_in_words(row: list[str], currency: str) -> contract.DayProfit:
    """["2020-01-31", "-1.89125212 USDT", "0.000 USD", "12 trades"], until 2020.4."""
    if len(row) != 4:
        raise _no_day()
    amount, _, in_currency = row[1].partition(" ")
    if in_currency != currency:
        raise _no_day()
    try:
        profit = Decimal(amount)
    except ArithmeticError:
        raise _no_day() from None
    return contract.DayProfit(_day(row[0]), usable(profit), _number(row[3].partition(" ")[0]))


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise _no_day() from None


def _number(told: int | str) -> int:
    if isinstance(told, int):
        return told
    if not (told.isascii() and told.isdigit() and len(told) < 10):
        raise _no_day()
    return int(told)


def _no_day() -> BadAnswer:
    return BadAnswer("daily holds a row that is no day's profit", endpoint="daily")


def whitelist(answer: answers.WhitelistAnswer) -> contract.PairList:
    """Any method but the static one, filters too, chooses pairs anew every few minutes."""
    return _pair_list(answer.whitelist, answer.method, fixed=answer.method == ["StaticPairList"])


def blacklist(answer: answers.BlacklistAnswer) -> contract.PairList:
    """Entries may be patterns: ".*BULL/.*"."""
    return _pair_list(answer.blacklist, answer.method, fixed=True)


def _pair_list(pairs: list[str], methods: list[str], *, fixed: bool) -> contract.PairList:
    listed, by = tuple(name(pair, 100) for pair in pairs), tuple(name(method, 100) for method in methods)
    return contract.PairList(listed, by, fixed)

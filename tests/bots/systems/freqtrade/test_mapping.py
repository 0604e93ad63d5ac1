"""Recorded answers of genuine releases -> exact value objects."""

from decimal import Decimal

import pytest

from bots.systems.contract import CurrencyBalance, Health, LogLine, Missing, PairPerformance
from bots.systems.decoding import decode
from bots.systems.errors import BadAnswer, ReleaseTooOld, WebserverMode
from bots.systems.freqtrade import answers, mapping
from bots.systems.freqtrade.releases import parse
from tests.bots.systems.freqtrade.recorded import body, read, read_down

RELEASES = ("2022.9.1", "2024.3", "2026.9")
D = Decimal


def state_of(answer):
    return mapping.state(answer, mapping.about(answer, parse(answer.version, answer.api_version)))


# --- state and settings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", RELEASES)
def test_the_state(release):
    state = state_of(read(release, "show_config"))
    assert (state.state, state.mode, state.version) == ("running", "dry", release)
    assert (state.stake_currency, state.stake_currency_decimals, state.max_open_trades) == ("USDT", 3, 5)
    assert (state.strategy, state.exchange, state.trading_mode) == ("RealbotStrategy", "binance", "spot")
    assert (state.timeframe, state.bot_name) == ("1m", {"2022.9.1": "beta", "2024.3": "i", "2026.9": "alpha"}[release])


def test_capabilities_follow_the_release():
    assert set(state_of(read("2022.9.1", "show_config")).capabilities) == {
        "start",
        "stop",
        "reload_config",
        "force_exit",
        "force_exit_all",
        "force_exit_order_type",
        "force_exit_partial",
        "force_enter",
        "force_enter_order_type",
        "force_enter_stake_amount",
        "force_enter_tag",
        "blacklist_add",
        "blacklist_remove",
        "closed_trades",
        "delete_trade",
        "unlock",
        "websocket",
        "stop_entry",
    }
    new = state_of(read("2026.9", "show_config")).capabilities
    assert {"pause", "cancel_order", "reload_trade", "lock_pair", "force_enter"} < set(new)


def config(**fields):
    answer = read("2026.9", "show_config")
    for field, value in fields.items():
        setattr(answer, field, value)
    return answer


@pytest.mark.parametrize(
    ("told", "state"), [("stopped", "stopped"), ("paused", "paused"), ("reload_config", "starting")]
)
def test_states_of_a_bot(told, state):
    assert state_of(config(state=told)).state == state


@pytest.mark.parametrize(("told", "kept"), [(0, 0), (8, 8), (18, 18), (19, None), (-1, None), (40_000, None)])
def test_a_currency_has_as_many_decimals_as_a_figure_can_have(told, kept):
    assert state_of(config(stake_currency_decimals=told)).stake_currency_decimals == kept


@pytest.mark.parametrize("told", ["", "sleeping"])
def test_a_state_no_release_has_is_a_bad_answer(told):
    with pytest.raises(BadAnswer, match="reports the state"):
        state_of(config(state=told))


def test_a_live_bot_is_live():
    assert state_of(config(dry_run=False, runmode="live")).mode == "live"


@pytest.mark.parametrize(("told", "slots"), [(D("7.0"), 7), (D(0), 0), (D(-1), None), (None, None), (D("Inf"), None)])
def test_open_trades_may_be_unlimited(told, slots):
    assert state_of(config(max_open_trades=told)).max_open_trades == slots


def test_webserver_mode_is_told_apart():
    with pytest.raises(WebserverMode, match="runs in webserver mode: it does not trade"):
        mapping.must_trade(read("2026.9-webserver", "show_config"))


def test_a_release_too_old_is_named():
    with pytest.raises(ReleaseTooOld, match=r"^Freqtrade 2019\.12 is older than 2020\.1"):
        mapping.about(config(version="2019.12"), (2019, 12))


@pytest.mark.parametrize("release", RELEASES)
def test_settings_are_flat_and_without_what_moves(release):
    settings = mapping.config(decode(body(release, "show_config"), answers.settings, "show_config")).settings
    assert settings["stake_amount"] == "100.0"
    assert settings["minimal_roi.0"] == 0.006
    assert settings["entry_pricing.check_depth_of_market.bids_to_ask_delta"] == 1
    assert settings["order_types.stoploss_on_exchange"] is False
    assert settings["version"] == release
    assert not {"state", "available_capital", "entry_pricing"} & set(settings)


def test_settings_nested_or_many_beyond_reason_are_a_bad_answer():
    deep: dict[str, object] = {}
    for _ in range(20):
        deep = {"a": deep or 1}
    for hostile in (deep, {str(number): 1 for number in range(5000)}):
        with pytest.raises(BadAnswer):
            mapping.config(hostile)


def test_a_setting_no_double_can_hold_is_null():
    settings = decode(b'{"stoploss": 1e400, "a": {"b": [1.5, -Infinity]}}', answers.settings, "show_config")
    assert mapping.config(settings).settings == {"stoploss": None, "a.b": [1.5, "-Infinity"]}


# --- figures ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "closed_abs", "closed_ratio", "all_abs", "closed", "winning", "drawdown", "seconds", "best"),
    [
        ("2022.9.1", "5.83247393", "0.000583247393", "4.27263564", 108, 49, "0.00468322647643969", 2662, "XRP/USDT"),
        (
            "2024.3",
            "-23.03330155",
            "-0.002303330155",
            "-22.92561793",
            40,
            15,
            "0.003361067282478689",
            2652,
            "ATOM/USDT",
        ),
        (
            "2026.9",
            "-18.56249199",
            "-0.001874999190909091",
            "-19.26279259",
            157,
            71,
            "0.005688187433377247",
            2699,
            "ALGO/USDT",
        ),
    ],
)
def test_the_profit(release, closed_abs, closed_ratio, all_abs, closed, winning, drawdown, seconds, best):
    profit = mapping.profit(read(release, "profit"), "USDT")
    assert (profit.currency, profit.closed_abs, profit.all_abs) == ("USDT", D(closed_abs), D(all_abs))
    assert (profit.closed_ratio, profit.max_drawdown_ratio) == (D(closed_ratio), D(drawdown))
    assert (profit.closed_count, profit.trade_count) == (closed, closed + 5)
    assert (profit.winning, profit.losing) == (winning, closed - winning)
    assert (profit.average_duration_seconds, profit.best_pair, profit.missing) == (seconds, best, ())


def test_what_only_newer_releases_know_is_none_at_older_ones():
    old, new = (mapping.profit(read(release, "profit"), "USDT") for release in ("2022.9.1", "2026.9"))
    assert (old.current_drawdown_ratio, old.expectancy) == (None, None)
    assert (new.current_drawdown_ratio, new.expectancy) == (D("0.004069591692221615"), D("-0.11823243305399578"))
    assert (new.first_trade_ms, new.latest_trade_ms) == (1790073408000, 1795243699088)


@pytest.mark.parametrize("release", ["2022.9.1", "2026.9"])
def test_a_profit_lost_with_the_exchange_is_missing_and_the_closed_one_stands(release):
    profit = mapping.profit(read_down(release, "profit"), "USDT")
    assert profit.closed_abs == D({"2022.9.1": "-26.65991621", "2026.9": "-55.55899153"}[release])
    assert (profit.all_abs, profit.missing) == (None, (Missing("all_abs", mapping.NO_PRICE),))


def test_a_nan_of_old_releases_is_missing_with_its_reason():
    profit = mapping.profit(read_down("2021.6", "profit"), "USDT")
    assert (profit.closed_abs, profit.all_abs) == (D("-630.4007913"), None)
    assert profit.missing == (Missing("all_abs", "the bot sent NaN"),)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0:44:59", 2699),
        ("2 days, 1:00:01", 176401),
        ("1 day, 0:00:00", 86400),
        ("0:00:01.5", 1),
        ("", None),
        ("x", None),
    ],
)
def test_durations(text, seconds):
    assert mapping.duration_seconds(text) == seconds


def test_the_balance_of_a_bot_that_shares_its_account():
    balance = mapping.balance(read("2026.9", "balance"))
    assert (balance.currency, balance.total, balance.bot_total) == (
        "USDT",
        D("9977.224662058521"),
        D("9777.410404778417"),
    )
    assert (balance.starting_capital, balance.note, balance.missing) == (D("9900.0"), "Simulated balances", ())
    assert balance.currencies[-1] == CurrencyBalance(
        currency="USDT",
        free=D("9481.438614096522"),
        used=D("99.9998822"),
        total=D("9581.438496296521"),
        value=D("9581.438496296521"),
        bot_value=D("9381.624239016417"),
        bot_managed=True,
    )


def test_an_old_release_does_not_tell_the_bots_part():
    balance = mapping.balance(read("2022.9.1", "balance"))
    assert (balance.total, balance.bot_total) == (D("10001.331144744077"), None)
    assert balance.missing == (Missing("bot_total", mapping.BOTS_PART_UNKNOWN),)


def test_a_coin_without_a_price_is_not_worth_zero():
    balance = mapping.balance(read_down("2026.9", "balance"))
    assert [(coin.currency, coin.value) for coin in balance.currencies] == [
        ("LINK", None),
        ("ADA", None),
        ("AVAX", None),
        ("USDT", D("9644.441056376103")),
    ]
    assert (balance.total, balance.bot_total) == (None, None)
    assert Missing("bot_total", "the bot has no price for LINK, ADA, AVAX") in balance.missing


def test_a_strangers_worthless_coin_takes_no_total_away():
    answer = read("2026.9", "balance")
    answer.currencies.append(
        answers.CoinAnswer(
            "LDBNB", free=D(3), balance=D(3), est_stake=D("0.0"), est_stake_bot=D(0), is_bot_managed=False
        )
    )
    balance = mapping.balance(answer)
    assert balance.bot_total == D("9777.410404778417")
    assert balance.currencies[-1].value is None


# --- health, locks, logs, lists ---------------------------------------------------------------------------------------


def test_health_counts_in_milliseconds():
    assert mapping.health(read("2026.9", "health")) == Health(1795243709000, 1795243010000, 1790073408000)
    assert mapping.health(read("2022.9.1", "health")) == Health(1795243786000, None, None)


def test_a_loop_that_has_not_turned_yet_has_no_time():
    assert mapping.health(read_down("2022.9.1", "health")).last_process_ms is None


@pytest.mark.parametrize(
    ("release", "number", "side"), [("2022.9.1", 5, "*"), ("2024.3", 4, "*"), ("2026.9", 2, "long")]
)
def test_locks(release, number, side):
    locks = mapping.locks(read(release, "locks")).locks
    assert (len(locks), locks[0].side, locks[0].reason, locks[0].active) == (number, side, "Auto lock", True)
    assert locks[0].until_ms % 1000 == 0
    assert locks[0].until_ms > locks[0].from_ms > 1795243000000


def test_logs_come_oldest_first_in_whole_milliseconds():
    lines = mapping.logs(read("2026.9", "logs")).lines
    assert lines[0] == LogLine(1795243699092, "freqtrade.wallets", "INFO", "Wallets synced.")
    assert [line.at_ms for line in lines] == sorted(line.at_ms for line in lines)
    assert len(lines) == 20


@pytest.mark.parametrize(
    ("release", "pair", "number", "profit", "ratio"),
    [
        ("2022.9.1", "XLM/USDT", 6, "13.239599398160678", "0.11396916884417785"),
        ("2024.3", "ATOM/USDT", 3, "5.530539159130092", "0.06132359387613317"),
        ("2026.9", "ALGO/USDT", 10, "14.792083415104344", "0.015176704404532487"),
    ],
)
def test_performance_is_a_ratio_not_a_percentage(release, pair, number, profit, ratio):
    performance = mapping.performance(read(release, "performance"), "USDT")
    assert performance.pairs[0] == PairPerformance(pair, number, D(profit), D(ratio))
    assert performance.currency == "USDT"


@pytest.mark.parametrize("release", RELEASES)
def test_pair_lists(release):
    white, black = mapping.whitelist(read(release, "whitelist")), mapping.blacklist(read(release, "blacklist"))
    assert (len(white.pairs), white.pairs[0], white.methods) == (20, "BTC/USDT", ("StaticPairList",))
    assert black.pairs == ()

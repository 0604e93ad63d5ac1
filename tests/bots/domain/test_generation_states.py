"""What bots of every generation are in the portal while they stop, pause, reload, lose their exchange or only serve."""

import time
from collections.abc import Callable, Iterator

import pytest
import requests

from accounts.models import Team
from bots.models import Bot, BotReading
from bots.simulator import BotSpec, SimBot, running_fleet
from tests.fleets import at_the_bot, known, mirrored, polled, settled

Start = Callable[..., tuple[SimBot, Bot]]
GENERATIONS = ["2020.1", "2020.4", "2020.6", "2021.1", "2021.6", "2022.9.1", "2024.3", "2026.9"]
every_generation = pytest.mark.parametrize("release", GENERATIONS)


@pytest.fixture
def start(alpha: Team) -> Iterator[Start]:
    fleets = []

    def started(release: str, **spec: object) -> tuple[SimBot, Bot]:
        more = {"history": 8, "open_trades": 2, **spec}
        fleets.append(running_fleet([BotSpec(name="stately", release=release, **more)]))  # type: ignore[arg-type]
        sim = fleets[-1].__enter__().bots[0]
        bot = known(sim, alpha)
        polled(bot)
        return sim, bot

    yield started
    for fleet in fleets:
        fleet.__exit__(None, None, None)


def tell(sim: SimBot, command: str) -> int:
    address = f"{sim.url}/api/v1/{command}"
    return requests.post(address, auth=(sim.spec.username, sim.spec.password), timeout=60).status_code


@every_generation
def test_a_stopped_bot_is_stopped_and_everything_else_is_read(start: Start, release: str) -> None:
    sim, bot = start(release)
    sim.stop()
    result = polled(bot)
    assert (bot.status.state, bot.status.error_code) == ("stopped", "")
    assert bot.status.open_count == 2
    assert result.failed == {}


def test_a_paused_bot_is_paused(start: Start) -> None:
    sim, bot = start("2026.9")
    sim.pause()
    polled(bot)
    assert bot.status.state == "paused"


@pytest.mark.parametrize(("release", "shown"), [("2020.1", 20), ("2020.6", 0), ("2021.6", 0), ("2024.3", 0)])
def test_stopbuy_before_2025_4_leaves_the_bot_running_and_no_slot(start: Start, release: str, shown: int) -> None:
    """The state says running; that no entry will come shows in max_open_trades alone, and /start does not undo it."""
    sim, bot = start(release, max_open_trades=20)
    assert tell(sim, "stopbuy") == 200
    assert tell(sim, "start") == 200
    polled(bot)
    assert bot.status.state == "running"
    assert sim.max_open_trades == 0
    config = BotReading.objects.get(bot=bot, kind="config").data["settings"]
    assert config.get("max_open_trades", shown) == shown


@pytest.mark.parametrize(("release", "command"), [("2020.1", "reload_conf"), ("2021.6", "reload_config")])
def test_a_reload_refuses_connections_for_a_moment_and_is_no_outage(start: Start, release: str, command: str) -> None:
    sim, bot = start(release, reload_seconds=(0.0, 0.5))
    assert tell(sim, command) == 200
    refused = []
    until = time.monotonic() + 60
    while not refused and time.monotonic() < until:
        refused = [error] if (error := polled(bot).error) else []
    assert [error.code for error in refused] == ["connection_refused"]
    assert bot.status.state in ("running", "starting", "stopped")  # one lost request is no news
    time.sleep(0.7)
    settled(bot, 2)
    assert (bot.status.state, bot.status.failures) == ("running", 0)


@pytest.mark.parametrize("release", ["2021.6", "2026.9"])
def test_a_bot_that_reloads_is_starting(start: Start, release: str) -> None:
    sim, bot = start(release)
    sim.enter_state("reload_config")
    polled(bot)
    assert bot.status.state == "starting"


@every_generation
def test_a_dead_exchange_costs_the_moving_figures_and_no_trade(start: Start, release: str) -> None:
    sim, bot = start(release)
    before = mirrored(bot)
    sim.faults.exchange_down = True
    polled(bot)
    status = bot.status
    assert mirrored(bot) == before
    assert (status.unrealized, status.open_count) == (None, 2)
    assert {gap["figure"].split()[-1] for gap in status.missing} >= {"current_rate", "profit_ratio", "profit_abs"}
    profit = BotReading.objects.get(bot=bot, kind="profit").data
    assert profit["all_abs"] is None
    assert profit["closed_abs"] is not None


@pytest.mark.parametrize("release", ["2022.9.1", "2026.9"])
def test_a_webserver_is_no_broken_bot(start: Start, release: str) -> None:
    sim, bot = start(release)
    sim.faults.webserver_mode = True
    result = polled(bot)
    assert result.error is not None
    assert (result.error.code, bot.status.state) == ("webserver_mode", "unsupported")


@every_generation
def test_an_open_trade_that_is_being_sold_stays_open(start: Start, release: str) -> None:
    sim, bot = start(release)
    trade = sim.book.open[0]
    sim.place_exit(trade.trade_id, rate=trade.open_rate * 2)
    settled(bot, 2)
    row = bot.trades.get(trade_id=str(trade.trade_id))
    assert (row.is_open, row.close_rate, row.profit_abs) == (True, None, None)
    assert any(order["is_open"] and order["side"] == "sell" for order in row.orders)


@pytest.mark.parametrize("release", GENERATIONS[2:])
def test_a_bot_killed_and_started_again_goes_on_with_its_trades(start: Start, release: str) -> None:
    sim, bot = start(release)
    sim.shut_down()
    polled(bot)
    sim.come_back()
    sim.close_trade(sim.book.open[0].trade_id)
    settled(bot, 2)
    assert mirrored(bot) == at_the_bot(sim)
    assert bot.runs.count() == 1


@every_generation
def test_zero_in_a_fiat_currency_is_in_no_figure(start: Start, release: str) -> None:
    """Without a fiat currency every worth is 0.0: what the portal keeps is in the stake currency alone."""
    _, bot = start(release, fiat="")
    profit = BotReading.objects.get(bot=bot, kind="profit").data
    assert profit["currency"] == "USDT"
    assert not any("fiat" in name for name in profit)
    assert bot.status.balance is not None and bot.status.balance > 5000

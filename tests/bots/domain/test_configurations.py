"""The history of a bot's settings: every change once, and nothing that is none."""

import msgspec
import pytest
from django.utils import timezone

from accounts.models import Team
from bots.domain.polling import configurations
from bots.domain.polling.asking import PollResult, became_another
from bots.domain.polling.configurations import keep_configurations
from bots.domain.polling.orders import PollOrder
from bots.models import Bot, ConfigVersion
from bots.simulator import BotSpec, SimBot, running_fleet
from bots.systems.contract import BotState, Config, Kind, PairList
from tests.builders import a_bot
from tests.fleets import known, polled

STATE = BotState(
    state="running",
    mode="dry",
    version="2026.9",
    stake_currency="USDT",
    stake_currency_decimals=3,
    strategy="TrendRider",
    exchange="binance",
    trading_mode="spot",
    timeframe="1h",
    bot_name="trend",
    max_open_trades=5,
)
STATIC = PairList(("BTC/USDT", "ETH/USDT"), ("StaticPairList",), fixed=True)
VOLUME = PairList(("BTC/USDT", "ETH/USDT"), ("VolumePairList", "AgeFilter"))
BLACK = PairList(("DOGE/USDT",), ("VolumePairList",), fixed=True)
SETTINGS = Config({"max_open_trades": 5.0, "stoploss": -0.1})


@pytest.fixture
def bot(alpha: Team) -> Bot:
    return a_bot(alpha, "trend", status={"mode": "dry"})


def told(bot: Bot, state: BotState = STATE, **values: object) -> None:
    """One poll of the bot that brought these."""
    order = PollOrder(bot, bot.status, bot.turn, None, frozenset())
    result = PollResult(order, state=state, values={Kind[name.upper()]: value for name, value in values.items()})
    keep_configurations([result], timezone.now())


def result_of(bot: Bot, config: Config) -> PollResult:
    order = PollOrder(bot, bot.status, bot.turn, None, frozenset())
    return PollResult(order, state=STATE, values={Kind.CONFIG: config})


def versions(bot: Bot) -> list[ConfigVersion]:
    return list(ConfigVersion.objects.filter(bot=bot).order_by("pk"))


def changes(bot: Bot) -> list[tuple[str, object, object]]:
    newest = versions(bot)[-1]
    return [(change["name"], change["before"], change["after"]) for change in newest.changes]


def test_the_first_version_holds_settings_release_strategy_mode_and_pairs(bot: Bot) -> None:
    told(bot, config=SETTINGS, whitelist=STATIC, blacklist=BLACK)

    (first,) = versions(bot)
    assert (first.changes, first.settings) == (
        [],
        {
            "dry_run": True,
            "max_open_trades": 5.0,
            "pairs.blacklist": ["DOGE/USDT"],
            "pairs.methods": "StaticPairList",
            "pairs.whitelist": ["BTC/USDT", "ETH/USDT"],
            "stoploss": -0.1,
            "strategy": "TrendRider",
            "version": "2026.9",
        },
    )


def test_the_same_settings_spelled_otherwise_make_no_version(bot: Bot) -> None:
    told(bot, config=SETTINGS, whitelist=STATIC, blacklist=BLACK)
    turned = msgspec.structs.replace(STATIC, pairs=("ETH/USDT", "BTC/USDT"))
    told(bot, config=Config({"stoploss": -0.1000000000000001, "max_open_trades": 5}), whitelist=turned, blacklist=BLACK)

    assert len(versions(bot)) == 1


@pytest.mark.parametrize(
    ("given", "change"),
    [
        ({"config": Config({"max_open_trades": 9, "stoploss": -0.1})}, ("max_open_trades", 5.0, 9)),
        ({"state": msgspec.structs.replace(STATE, mode="live"), "config": SETTINGS}, ("dry_run", True, False)),
        ({"state": msgspec.structs.replace(STATE, version="2026.10")}, ("version", "2026.9", "2026.10")),
        ({"state": msgspec.structs.replace(STATE, strategy="Grid")}, ("strategy", "TrendRider", "Grid")),
        (
            {"whitelist": PairList(("BTC/USDT",), ("StaticPairList",), fixed=True)},
            ("pairs.whitelist", ["BTC/USDT", "ETH/USDT"], ["BTC/USDT"]),
        ),
        ({"blacklist": PairList((), (), fixed=True)}, ("pairs.blacklist", ["DOGE/USDT"], [])),
    ],
)
def test_every_change_is_a_version_with_the_difference(bot: Bot, given: dict, change: tuple) -> None:
    told(bot, config=SETTINGS, whitelist=STATIC, blacklist=BLACK)
    told(bot, **{"blacklist": BLACK, **given})

    assert len(versions(bot)) == 2
    assert changes(bot) == [change]


def test_a_list_that_chooses_its_pairs_anew_floods_nothing(bot: Bot) -> None:
    told(bot, config=SETTINGS, whitelist=VOLUME, blacklist=BLACK)
    for number in range(20):
        told(bot, whitelist=msgspec.structs.replace(VOLUME, pairs=(f"C{number}/USDT",)))

    assert [version.settings["pairs.methods"] for version in versions(bot)] == ["VolumePairList → AgeFilter"]
    assert "pairs.whitelist" not in versions(bot)[0].settings

    told(bot, whitelist=msgspec.structs.replace(VOLUME, methods=("AgeFilter", "VolumePairList")))
    assert changes(bot) == [("pairs.methods", "VolumePairList → AgeFilter", "AgeFilter → VolumePairList")]


def test_a_fixed_list_that_becomes_a_moving_one_leaves_the_settings(bot: Bot) -> None:
    told(bot, config=SETTINGS, whitelist=STATIC, blacklist=BLACK)
    told(bot, whitelist=VOLUME)

    assert changes(bot) == [
        ("pairs.methods", "StaticPairList", "VolumePairList → AgeFilter"),
        ("pairs.whitelist", ["BTC/USDT", "ETH/USDT"], None),
    ]


def test_what_a_poll_did_not_bring_did_not_change(bot: Bot) -> None:
    told(bot, config=SETTINGS, whitelist=STATIC, blacklist=BLACK)
    for values in ({"config": SETTINGS}, {"whitelist": STATIC}, {"blacklist": BLACK}, {}):
        told(bot, **values)

    assert len(versions(bot)) == 1


def test_lists_alone_are_no_configuration(bot: Bot) -> None:
    told(bot, whitelist=STATIC, blacklist=BLACK)

    assert versions(bot) == []


def test_a_bot_that_reports_other_settings_at_every_poll_does_not_fill_the_disk(bot: Bot, monkeypatch) -> None:
    monkeypatch.setattr(configurations, "MOST_VERSIONS", 3)
    for number in range(6):
        told(bot, config=Config({"noise": number}))

    assert [version.settings["noise"] for version in versions(bot)] == [3, 4, 5]


@pytest.mark.parametrize("turned", [{"mode": "live"}, {"version": "2026.10"}, {"strategy": "Grid"}])
def test_a_bot_that_became_another_is_asked_for_its_settings_at_once(bot: Bot, turned: dict) -> None:
    order = PollOrder(bot, bot.status, bot.turn, None, frozenset())

    assert not became_another(PollResult(order, state=STATE))
    assert became_another(PollResult(order, state=msgspec.structs.replace(STATE, **turned)))


def test_a_strategy_with_a_name_longer_than_its_column_is_not_asked_for_at_every_poll(bot: Bot) -> None:
    bot.status.strategy = "x" * 200
    order = PollOrder(bot, bot.status, bot.turn, None, frozenset())

    assert not became_another(PollResult(order, state=msgspec.structs.replace(STATE, strategy="x" * 400)))


@pytest.mark.django_db
def test_a_simulated_bot_that_turns_live_has_a_version_that_says_so(alpha: Team) -> None:
    with running_fleet([BotSpec(name="trend")]) as fleet:
        sim: SimBot = fleet.bots[0]
        bot = known(sim, alpha)
        polled(bot)
        polled(bot)
        assert len(versions(bot)) == 1
        assert versions(bot)[0].settings["pairs.whitelist"] == sorted(sim.spec.whitelist)

        sim.dry_run = not sim.dry_run
        sim.changed()
        polled(bot)
        assert "dry_run" in [name for name, _, _ in changes(bot)]


def test_bots_written_together_are_compared_each_with_its_own_newest_version(alpha: Team) -> None:
    calm, bold, fresh = (a_bot(alpha, name, status={"mode": "dry"}) for name in ("calm", "bold", "fresh"))
    for stakes in ({calm: 1, bold: 7}, {calm: 2, bold: 8}, {calm: 2, bold: 9, fresh: 9}):
        results = [result_of(bot, Config({"stake_amount": stake})) for bot, stake in stakes.items()]
        keep_configurations(results, timezone.now())

    assert [version.settings["stake_amount"] for version in versions(calm)] == [1, 2]
    assert [version.settings["stake_amount"] for version in versions(bold)] == [7, 8, 9]
    assert [version.changes for version in versions(fresh)] == [[]]
    assert changes(bold) == [("stake_amount", 8, 9)]

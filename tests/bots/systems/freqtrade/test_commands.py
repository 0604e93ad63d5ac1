"""What is said to the bots of each generation, word by word, and what is never sent at all."""

import json
from decimal import Decimal

import pytest

from bots.systems.contract import Instruction
from bots.systems.errors import NotOffered, Refused, TimedOut, WrongPassword
from bots.systems.freqtrade import client
from bots.systems.instructions import CARRIES, NEEDS
from tests.bots.systems.freqtrade.commanding import ANSWERS, GENERATIONS, UNTIL_MS, session_with, told, unsent
from tests.bots.systems.freqtrade.recorded import changed, playing
from tests.bots.systems.raw_bots import http, serving, silent

# --- names by generation ----------------------------------------------------------------------------------------------

PATHS = {
    Instruction("start"): dict.fromkeys(GENERATIONS, "POST start"),
    Instruction("stop"): dict.fromkeys(GENERATIONS, "POST stop"),
    Instruction("pause"): {
        "2020.1": "POST stopbuy",
        "2021.6": "POST stopbuy",
        "2022.9.1": "POST stopentry",
        "2024.3": "POST stopentry",
        "2026.9": "POST pause",
    },
    Instruction("reload_config"): {**dict.fromkeys(GENERATIONS, "POST reload_config"), "2020.1": "POST reload_conf"},
    Instruction("force_exit", trade_id="12"): {
        **dict.fromkeys(GENERATIONS, "POST forceexit"),
        "2020.1": "POST forcesell",
        "2021.6": "POST forcesell",
    },
    Instruction("force_exit_all"): {
        **dict.fromkeys(GENERATIONS, "POST forceexit"),
        "2020.1": "POST forcesell",
        "2021.6": "POST forcesell",
    },
    Instruction("force_enter", pair="BTC/USDT"): {
        **dict.fromkeys(GENERATIONS, "POST forceenter"),
        "2020.1": "POST forcebuy",
        "2021.6": "POST forcebuy",
    },
    Instruction("cancel_order", trade_id="12"): dict.fromkeys(("2024.3", "2026.9"), "DELETE trades/12/open-order"),
    Instruction("delete_trade", trade_id="12"): dict.fromkeys(GENERATIONS[1:], "DELETE trades/12"),
    Instruction("reload_trade", trade_id="12"): dict.fromkeys(("2024.3", "2026.9"), "POST trades/12/reload"),
    Instruction("lock_pair", pair="BTC/USDT", until_ms=UNTIL_MS): {"2026.9": "POST locks"},
    Instruction("unlock", lock_id="7"): dict.fromkeys(GENERATIONS[1:], "DELETE locks/7"),
    Instruction("unlock", pair="BTC/USDT"): dict.fromkeys(GENERATIONS[1:], "POST locks/delete"),
    Instruction("blacklist_add", pairs=("BTC/USDT", "X/USDT")): dict.fromkeys(GENERATIONS, "POST blacklist"),
    Instruction("blacklist_remove", pairs=("BTC/USDT", "X/.*")): dict.fromkeys(
        GENERATIONS[2:], "DELETE blacklist?pairs_to_delete=BTC%2FUSDT&pairs_to_delete=X%2F.%2A"
    ),
}
EVERYWHERE = [(each, release) for each in PATHS for release in GENERATIONS]


def test_every_action_is_told():
    assert {each.action for each in PATHS} == set(NEEDS)


@pytest.mark.parametrize(("instruction", "release"), EVERYWHERE, ids=lambda value: getattr(value, "action", value))
async def test_each_generation_is_spoken_to_in_its_own_names(door, instruction, release):
    path = PATHS[instruction].get(release)
    if path is None:
        error = await unsent(door, release, instruction)
        assert (type(error), f"Freqtrade {'.'.join(release.split('.')[:2])} has no" in str(error)) == (NotOffered, True)
    else:
        assert (await told(door, release, instruction))[0] == path


# --- bodies -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instruction", "body"),
    [
        (Instruction("start"), ""),
        (Instruction("force_exit", trade_id="12", open_ms=1), '{"tradeid":"12"}'),
        (Instruction("force_exit", trade_id="0012"), '{"tradeid":"12"}'),
        (
            Instruction("force_exit", trade_id="12", amount=Decimal("0.30000000000000004"), order_type="market"),
            '{"tradeid":"12","ordertype":"market","amount":0.30000000000000004}',
        ),
        (
            Instruction("force_exit", trade_id="12", price=Decimal("1.2E-7")),
            '{"tradeid":"12","ordertype":"limit","price":0.00000012}',
        ),
        (Instruction("force_exit_all", order_type="market"), '{"tradeid":"all","ordertype":"market"}'),
        (
            Instruction(
                "force_enter",
                pair="BTC/USDT",
                side="short",
                price=Decimal("1E+5"),
                stake_amount=Decimal("50.10"),
                leverage=Decimal(3),
                enter_tag="portal",
            ),
            '{"pair":"BTC/USDT","side":"short","price":100000,"ordertype":"limit","stakeamount":50.10,'
            '"entry_tag":"portal","leverage":3}',
        ),
        (
            Instruction("lock_pair", pair="BTC/USDT", until_ms=UNTIL_MS, note='say "no"'),
            '[{"pair":"BTC/USDT","until":"2026-12-31T00:00:00.123000+00:00","reason":"say \\"no\\""}]',
        ),
        (Instruction("unlock", lock_id="7", pair="BTC/USDT"), ""),
        (Instruction("unlock", pair="BTC/USDT"), '{"pair":"BTC/USDT"}'),
        (
            Instruction("blacklist_add", pairs=("BTC/USDT", "X/USDT", "BTC/USDT")),
            '{"blacklist":["BTC/USDT","X/USDT"]}',
        ),
    ],
)
async def test_what_the_newest_are_told(door, instruction, body):
    assert (await told(door, "2026.9", instruction))[1] == body


async def test_a_figure_arrives_as_the_very_double_a_person_means(door):
    exact = Decimal("0.1")
    _, body, _ = await told(door, "2026.9", Instruction("force_exit", trade_id="12", amount=exact))
    assert json.loads(body)["amount"] == float(exact)
    assert json.loads(body, parse_float=Decimal)["amount"] == exact


async def test_an_early_entry_is_told_its_price_alone(door):
    instruction = Instruction("force_enter", pair="BTC/USDT", side="long", price=Decimal("0.5"))
    assert (await told(door, "2020.1", instruction))[1] == '{"pair":"BTC/USDT","price":0.5}'


# --- what is never sent -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "instruction"),
    [
        ("2021.6", Instruction("force_exit", trade_id="12", order_type="market")),
        ("2021.6", Instruction("force_exit", trade_id="12", amount=Decimal(1))),
        ("2024.3", Instruction("force_exit", trade_id="12", price=Decimal(1))),
        ("2021.6", Instruction("force_exit_all", order_type="limit")),
        ("2021.6", Instruction("force_enter", pair="BTC/USDT", side="short")),
        ("2021.6", Instruction("force_enter", pair="BTC/USDT", stake_amount=Decimal(50))),
        ("2021.6", Instruction("force_enter", pair="BTC/USDT", enter_tag="portal")),
        ("2021.6", Instruction("force_enter", pair="BTC/USDT", leverage=Decimal(2))),
        ("2026.9", Instruction("place_order", pair="BTC/USDT")),
    ],
)
async def test_what_a_release_would_pass_over_is_not_sent(door, release, instruction):
    assert type(await unsent(door, release, instruction)) is NotOffered


@pytest.mark.parametrize(
    "instruction",
    [
        Instruction("force_exit"),
        Instruction("force_exit", trade_id="all"),
        Instruction("force_exit", trade_id="12 "),
        Instruction("force_exit", trade_id="١٢"),
        Instruction("force_exit", trade_id="../start"),
        Instruction("force_exit", trade_id="12", amount=Decimal(0)),
        Instruction("force_exit", trade_id="12", amount=Decimal(-1)),
        Instruction("force_exit", trade_id="12", amount=Decimal("NaN")),
        Instruction("force_exit", trade_id="12", amount=Decimal("1e-400")),
        Instruction("force_exit", trade_id="12", amount=Decimal("1e400")),
        Instruction("force_exit", trade_id="12", order_type="stop"),
        Instruction("force_exit", trade_id="12", order_type="market", price=Decimal(1)),
        Instruction("force_exit", trade_id="12", pair="BTC/USDT"),
        Instruction("force_exit_all", trade_id="12"),
        Instruction("force_exit_all", amount=Decimal(1)),
        Instruction("force_enter"),
        Instruction("force_enter", pair="BTC/USDT", side="*"),
        Instruction("force_enter", pair="BTC/USDT\n"),
        Instruction("cancel_order", trade_id="open"),
        Instruction("delete_trade", trade_id="1/open-order"),
        Instruction("lock_pair", pair="BTC/USDT"),
        Instruction("lock_pair", pair="BTC/USDT", until_ms=10**17),
        Instruction("lock_pair", pair="BTC/USDT", until_ms=UNTIL_MS, side="up"),
        Instruction("unlock"),
        Instruction("unlock", lock_id="delete"),
        Instruction("blacklist_add"),
        Instruction("blacklist_add", pairs=("\ud800",)),
    ],
)
async def test_what_no_bot_could_be_asked_is_not_sent(door, instruction):
    error = await unsent(door, "2026.9", instruction)
    assert (type(error), str(error).startswith("Not sent: ")) == (Refused, True)


async def test_a_part_is_not_asked_of_a_bot_that_was_put_back_to_a_release_that_would_sell_all(door):
    """As last seen it was a 2022.9: the release is read again before."""
    part = Instruction("force_exit", trade_id="12", amount=Decimal(1))
    async with serving(playing("2021.6")) as bot:
        with pytest.raises(NotOffered, match=r"^Freqtrade 2021\.6 has no force exit partial; it came with 2022\.8$"):
            await session_with(bot, door, "2022.9.1").perform(part)
    assert {head.split()[0] for head in bot.requests} == {b"GET"}


async def test_the_release_is_asked_for_where_it_is_not_known(door):
    async with serving(playing("2021.6", http(ANSWERS["force_exit"]))) as bot:
        await session_with(bot, door, "").perform(Instruction("force_exit", trade_id="12"))
    assert [head.split()[1] for head in bot.requests] == [
        b"/api/v1/show_config",
        b"/api/v1/version",
        b"/api/v1/forcesell",
    ]


@pytest.mark.parametrize("release", ["2020.1", "2021.6", "2022.9.1", "2024.3"])
async def test_a_stopped_bot_is_not_asked_to_pause_where_it_says_yes_and_forgets(door, release):
    stopped = http(b'{"error":"Error querying _count: trader is not running"}', "502 Bad Gateway")
    changes = (
        {"count": stopped} if release == "2020.1" else {"show_config": changed(release, "show_config", state="stopped")}
    )
    error = await unsent(door, release, Instruction("pause"), **changes)
    assert "a stopped bot of this release forgets it" in str(error)


async def test_a_bot_that_does_not_tell_its_release_in_time_is_not_commanded(door, monkeypatch):
    monkeypatch.setattr(client, "PREPARING_SECONDS", 0.2)
    async with serving(silent) as bot:
        with pytest.raises(TimedOut, match=r"^Not sent: ") as caught:
            await session_with(bot, door, "").perform(Instruction("force_exit", trade_id="12"))
    assert (caught.value.may_have_happened, len(bot.requests)) == (False, 1)


async def test_a_wrong_password_found_before_is_no_act(door):
    denied = http(b'{"detail":"Unauthorized"}', "401 Unauthorized")
    part = Instruction("force_exit", trade_id="12", amount=Decimal(1))
    assert type(await unsent(door, "2026.9", part, show_config=denied)) is WrongPassword


def test_every_wish_has_a_capability_this_system_knows():
    known = set(client.releases.capabilities((2026, 9), force_entry=True, spot=False)) | {""}
    assert {capability for wishes in CARRIES.values() for capability in wishes.values()} <= known
    assert set(NEEDS) <= known

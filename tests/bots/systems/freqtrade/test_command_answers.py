"""What the bots' answers to commands say: taken, refused, or refused although it was done."""

import pytest

from bots.systems.contract import Accepted, Instruction
from bots.systems.errors import BadAnswer, BotFailed, Refused
from tests.bots.systems.freqtrade.commanding import ANSWERS, LOCKED, UNTIL_MS, answered, told
from tests.bots.systems.raw_bots import http

# --- what the bot says ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("release", "instruction", "answer", "accepted"),
    [
        ("2026.9", Instruction("start"), b'{"status":"already running"}', Accepted("already running")),
        (
            "2026.9",
            Instruction("force_exit", trade_id="12", open_ms=5),
            ANSWERS["force_exit"],
            Accepted("Created exit order for trade 12.", "12", 5),
        ),
        (
            "2026.9",
            Instruction("force_enter", pair="BTC/USDT"),
            ANSWERS["force_enter"],
            Accepted("Trade 13 of BTC/USDT", "13", 1795243891123),
        ),
        (  # in the zone of its machine, two hours east, as 2020.5 to 2020.7 tell it
            "2020.1",
            Instruction("force_enter", pair="BTC/USDT"),
            b'{"trade_id":13,"pair":"BTC/USDT","open_date":"2026-11-21 06:51:31","open_timestamp":1795251091123}',
            Accepted("Trade 13 of BTC/USDT", "13", 1795243891123),
        ),
        (
            "2020.1",
            Instruction("force_enter", pair="BTC/USDT"),
            b'{"trade_id":13,"pair":"BTC/USDT","open_date":"2026-11-21 06:51:31"}',
            Accepted("Trade 13 of BTC/USDT", "13", 1795243891000),
        ),
        (
            "2026.9",
            Instruction("delete_trade", trade_id="12"),
            ANSWERS["delete_trade"],
            Accepted("Deleted trade 12.", "12"),
        ),
        ("2026.9", Instruction("unlock", lock_id="4"), LOCKED, Accepted("1 lock left")),
        (
            "2026.9",
            Instruction("lock_pair", pair="BTC/USDT", until_ms=UNTIL_MS),
            LOCKED,
            Accepted("Lock 3 of BTC/USDT"),
        ),
        (
            "2026.9",
            Instruction("blacklist_add", pairs=("A/USDT", "B/USDT")),
            b'{"blacklist":["A/USDT"],"errors":{"B/USDT":{"error_msg":"Pair B/USDT is not a valid wildcard."}}}',
            Accepted("1 on the blacklist", problems={"B/USDT": "Pair B/USDT is not a valid wildcard."}),
        ),
        (
            "2020.1",
            Instruction("blacklist_add", pairs=("A/USDT", "B/BTC")),
            b'{"blacklist":["A/USDT"]}',
            Accepted("1 on the blacklist", problems={"B/BTC": "The bot's blacklist does not show it"}),
        ),
        (
            "2026.9",
            Instruction("blacklist_remove", pairs=("A/USDT", "B/USDT")),
            b'{"blacklist":["B/USDT"],"errors":{}}',
            Accepted("1 on the blacklist", problems={"B/USDT": "The bot's blacklist still shows it"}),
        ),
    ],
)
async def test_what_a_bot_took(door, release, instruction, answer, accepted):
    assert (await told(door, release, instruction, http(answer)))[2] == accepted


@pytest.mark.parametrize(
    ("instruction", "answer"),
    [
        (
            Instruction("blacklist_add", pairs=("A/USDT",)),
            b'{"blacklist":["A/USDT"],"errors":{"A/USDT":{"error_msg":"Pair A/USDT already in pairlist."}}}',
        ),
        (Instruction("lock_pair", pair="ETH/USDT", until_ms=UNTIL_MS), LOCKED),
        (Instruction("lock_pair", pair="BTC/USDT", until_ms=UNTIL_MS + 3_600_000), LOCKED),
        (Instruction("lock_pair", pair="BTC/USDT", until_ms=UNTIL_MS, side="long"), LOCKED),
        (Instruction("unlock", lock_id="3"), LOCKED),
        (Instruction("unlock", pair="BTC/USDT"), LOCKED),
    ],
)
async def test_a_yes_whose_list_says_otherwise_is_a_no(door, instruction, answer):
    error = await answered(door, instruction, answer)
    assert (type(error), error.may_have_happened) == (Refused, False)


@pytest.mark.parametrize(
    ("instruction", "answer", "kind"),
    [
        (
            Instruction("force_enter", pair="A/USDT"),
            b'{"status":"Error entering long trade for pair A/USDT."}',
            Refused,
        ),
        (Instruction("force_enter", pair="A/USDT"), b'{"trade_id":1,"pair":"B/USDT"}', BadAnswer),
        (Instruction("force_enter", pair="A/USDT"), b"{}", BadAnswer),
        (Instruction("force_exit", trade_id="12"), b"{}", BadAnswer),
        (Instruction("force_exit", trade_id="12"), b"[]", BadAnswer),
        (Instruction("force_exit", trade_id="12"), b"Created", BadAnswer),
        (Instruction("delete_trade", trade_id="12"), b'{"trade_id":13,"result_msg":"Deleted"}', BadAnswer),
        (Instruction("cancel_order", trade_id="12"), b'{"trade_id":13}', BadAnswer),
        (Instruction("start"), b'{"status":null}', BadAnswer),
        (Instruction("lock_pair", pair="BTC/USDT", until_ms=UNTIL_MS), b'{"locks":null}', BadAnswer),
    ],
)
async def test_a_yes_that_says_nothing_may_be_an_act(door, instruction, answer, kind):
    error = await answered(door, instruction, answer)
    assert (type(error), error.may_have_happened) == (kind, True)


# --- refusals ---------------------------------------------------------------------------------------------------------

EXIT = Instruction("force_exit", trade_id="12")


def refusing(words: str) -> bytes:
    return b'{"error":"Error querying /api/v1/forceexit: %s"}' % words.encode()


@pytest.mark.parametrize(
    ("words", "may_have_happened"),
    [
        ("invalid argument", False),
        ("trader is not running", False),
        ("Maximum number of trades is reached.", False),
        ("Bot is not in the correct state", False),
        ("Failed to exit trade.", True),
        ("no active trade", True),
        ("Order not found.", True),
    ],
)
async def test_a_refusal_of_the_bot_is_no_act_but_for_those_made_after_it(door, words, may_have_happened):
    error = await answered(door, EXIT, refusing(words), "502 Bad Gateway")
    assert error.may_have_happened is may_have_happened


@pytest.mark.parametrize(
    ("status", "body", "may_have_happened"),
    [
        ("400 Bad Request", b"<p>no</p>", False),
        ("401 Unauthorized", b'{"detail":"Unauthorized"}', False),
        ("403 Forbidden", b"<p>no</p>", False),
        ("404 Not Found", b'{"detail":"Not Found"}', False),
        ("405 Method Not Allowed", b'{"detail":"Method Not Allowed"}', False),
        ("422 Unprocessable Entity", b'{"detail":[{"msg":"field required"}]}', False),
        ("503 Service Unavailable", b'{"detail":"Bot is not in the correct state."}', False),
        ("408 Request Timeout", b"", True),
        ("429 Too Many Requests", b"{}", True),
        ("500 Internal Server Error", b"Internal Server Error", True),
        ("502 Bad Gateway", b"<h1>Bad Gateway</h1>", True),
        ("502 Bad Gateway", b'{"detail":"upstream"}', True),
        ("503 Service Unavailable", b"<h1>Busy</h1>", True),
        ("504 Gateway Timeout", b"", True),
        ("202 Accepted", b'{"result":"queued"}', True),
        ("204 No Content", b"", True),
    ],
)
async def test_which_status_says_that_nothing_happened(door, status, body, may_have_happened):
    error = await answered(door, EXIT, body, status)
    assert error.may_have_happened is may_have_happened
    assert (error.endpoint, "s3cret" in str(error)) == ("forceexit", False)


async def test_an_error_of_the_bot_itself_is_told_in_its_words(door):
    error = await answered(door, EXIT, b"Internal Server Error", "500 Internal Server Error")
    assert (type(error), str(error)) == (BotFailed, "forceexit answered with HTTP 500")

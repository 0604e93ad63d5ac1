"""Who said no: the bot, which then did nothing, or somebody before it, who cannot know."""

import pytest

from bots.systems.errors import BotError, BotFailed, Refused
from bots.systems.freqtrade.refusals import refusal
from bots.systems.http import Answer


def said(body: str, status: int = 502) -> BotError:
    error = refusal(Answer(status, (), body.encode(), 0.01), "forceexit", command=True)
    assert error is not None
    return error


def test_a_gateway_that_speaks_json_is_not_the_bot() -> None:
    error = said('{"error": "upstream timed out"}')
    assert (type(error), error.may_have_happened) == (BotFailed, True)


@pytest.mark.parametrize("asked", ["/api/v1/forceexit", "_forcesell"])
def test_the_bots_own_refusal_did_nothing(asked: str) -> None:
    error = said(f'{{"error": "Error querying {asked}: invalid argument"}}')
    assert (type(error), str(error), error.may_have_happened) == (Refused, "invalid argument", False)


@pytest.mark.parametrize(
    "words",
    ["Failed to exit trade.", "no active trade", "Order not found", "Remaining amount of 0.1 would be too small."],
)
def test_a_bot_that_cancels_its_orders_before_it_says_no_may_have_acted(words: str) -> None:
    error = said(f'{{"error": "Error querying /api/v1/forceexit: {words}"}}')
    assert (type(error), error.may_have_happened) == (Refused, True)

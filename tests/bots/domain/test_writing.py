"""What polls brought is written although writers stood in each other's way."""

import pytest
from django.db import OperationalError

from accounts.models import Team
from bots.domain.polling import writing
from bots.domain.polling.asking import PollResult
from bots.domain.polling.engine import portions
from bots.domain.polling.orders import PollOrder
from bots.models import BotRun, BotStatus
from bots.simulator import BotSpec, running_fleet
from bots.simulator.answers import settings
from tests.builders import a_bot
from tests.fleets import known, polled


def test_a_batch_that_the_database_ended_in_a_circle_of_waiting_is_written_again(
    alpha: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Deadlock(Exception):
        sqlstate = "40P01"

    real, tries = writing.write_together, []

    def ended_once(results, now, kept):
        tries.append(len(results))
        if len(tries) == 1:
            raise OperationalError("deadlock detected") from Deadlock()
        return real(results, now, kept)

    monkeypatch.setattr(writing, "write_together", ended_once)
    with running_fleet([BotSpec(name="majors")]) as fleet:
        bot = known(fleet.bots[0], alpha)
        polled(bot)
    assert tries == [1, 1]
    assert BotStatus.objects.get(bot=bot).seq >= 1


@pytest.mark.parametrize("decimals", [-1, 40_000])
def test_a_bot_whose_currency_has_impossible_decimals_is_read_all_the_same(
    alpha: Team, monkeypatch: pytest.MonkeyPatch, decimals: int
) -> None:
    money = settings._money
    monkeypatch.setattr(settings, "_money", lambda bot: {**money(bot), "stake_currency_decimals": decimals})
    with running_fleet([BotSpec(name="majors")]) as fleet:
        bot = known(fleet.bots[0], alpha)
        polled(bot)
    status = BotStatus.objects.get(bot=bot)
    assert (status.state, status.error_code, status.stake_currency_decimals) == ("running", "", None)


def test_first_readings_keep_the_database_from_others_no_longer_than_other_polls(alpha: Team) -> None:
    bot = a_bot(alpha)
    later = PollResult(PollOrder(bot, bot.status, bot.turn, BotRun(bot=bot), frozenset()))
    first = PollResult(PollOrder(bot, bot.status, bot.turn, None, frozenset()))

    assert [len(portion) for portion in portions([later] * 600)] == [250, 250, 100]
    assert [len(portion) for portion in portions([first] * 60)] == [10] * 6
    assert [len(portion) for portion in portions([*[later] * 245, first, *[later] * 3])] == [245, 4]
    assert list(portions([])) == []

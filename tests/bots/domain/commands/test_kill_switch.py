"""The kill switch reaches every bot of the team: however many there are, and whatever was asked of them before."""

import pytest

from accounts.models import Team, User
from bots.domain import commands
from bots.domain.commands import batches
from tests.bots.domain.commands.conftest import actor
from tests.builders import a_bot

pytestmark = pytest.mark.django_db
ALL = ["start", "stop", "pause", "reload_config", "force_exit", "force_exit_all"]


def test_a_team_of_any_size_is_reached_whole(
    dora: User, alpha: Team, handed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "MOST_BOTS", 2)
    bots = [a_bot(alpha, f"bot-{number}", status={"capabilities": ALL}) for number in range(3)]
    with pytest.raises(commands.WrongParams, match="Choose 1 to 2 bots"):
        commands.ask_many(actor(dora), dora, alpha, bots, "pause", {})
    batch = commands.pull(actor(dora), dora, alpha, "pause_all", typed="Alpha").batch
    assert {command.bot.slug for command in batch.commands.all()} == {"bot-0", "bot-1", "bot-2"}

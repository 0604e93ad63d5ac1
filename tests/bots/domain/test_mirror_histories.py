"""Random histories at a bot, with polls and missed polls between: in the end the mirror is the bot's book."""

import os
from unittest import mock

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.models import Team
from bots.domain import rollups
from bots.models import Bot, BotRun, PollTurn, Trade
from bots.simulator import BotSpec, running_fleet
from bots.systems.freqtrade import listing
from tests.fleets import at_the_bot, known, mirrored, polled

# Of each way to tell of closed trades: the newest by id, the newest by close, in pages.
RELEASES = ["2020.6", "2021.1", "2021.3", "2021.6", "2022.9.1", "2026.9"]
EXAMPLES = int(os.environ.get("MIRROR_HISTORIES", "12"))


class Histories(RuleBasedStateMachine):
    """What may happen at a bot between two polls, in any order."""

    @initialize(history=st.integers(0, 12), opened=st.integers(0, 3), release=st.sampled_from(RELEASES))
    def a_bot(self, history: int, opened: int, release: str) -> None:
        spec = BotSpec(name="random", release=release, history=history, open_trades=opened, max_open_trades=50)
        self.fleet_context = running_fleet([spec])
        self.sim = self.fleet_context.__enter__().bots[0]
        team = Team.objects.create(name="Alpha", slug="alpha")
        self.bot: Bot = known(self.sim, team)
        self.listening = True

    def teardown(self) -> None:
        if hasattr(self, "fleet_context"):
            self.fleet_context.__exit__(None, None, None)

    def pick(self, number: int, listed: list) -> int | None:
        return listed[number % len(listed)].trade_id if listed else None

    @rule(filled=st.booleans())
    @precondition(lambda self: hasattr(self, "sim") and len(self.sim.book.open) < 15)
    def open_trade(self, filled: bool) -> None:
        self.sim.open_trade(filled=filled)

    @rule(number=st.integers(0, 100))
    def close_trade(self, number: int) -> None:
        trade_id = self.pick(number, [trade for trade in self.sim.book.open if trade.is_filled])
        if trade_id is not None:
            self.sim.close_trade(trade_id)

    @rule(number=st.integers(0, 100))
    def cancel_unfilled(self, number: int) -> None:
        trade_id = self.pick(number, [trade for trade in self.sim.book.open if not trade.is_filled])
        if trade_id is not None:
            self.sim.cancel_unfilled(trade_id)

    @rule(number=st.integers(0, 100))
    def delete_trade(self, number: int) -> None:
        trade_id = self.pick(number, list(self.sim.book.trades.values()))
        if trade_id is not None:
            self.sim.delete_trade(trade_id)

    @rule()
    def wipe_database(self) -> None:
        self.sim.wipe_database()

    @rule(grown=st.integers(1, 15))
    def wipe_and_grow(self, grown: int) -> None:
        self.sim.wipe_database()
        for _ in range(grown):
            self.sim.close_trade(self.sim.open_trade().trade_id)

    @rule()
    def go_live_or_dry(self) -> None:
        """Another mode is another database."""
        self.sim.wipe_database()
        self.sim.go_live(self.sim.dry_run)

    @rule()
    def restart(self) -> None:
        if self.listening:
            self.sim.shut_down()
        else:
            self.sim.come_back()
        self.listening = not self.listening

    @rule()
    def stop_or_start(self) -> None:
        self.sim.stop() if self.sim.state == "running" else self.sim.start()

    @rule()
    def poll(self) -> None:
        polled(self.bot)

    @invariant()
    def closed_counts_are_the_rows(self) -> None:
        if not hasattr(self, "bot"):
            return
        for run in BotRun.objects.filter(bot=self.bot):
            assert run.closed_count == Trade.objects.filter(run=run).closed().count()

    @invariant()
    def rollups_are_the_sums(self) -> None:
        if hasattr(self, "bot"):
            assert rollups.differences(self.bot.team) == []

    def agree(self) -> None:
        """Given time, and with the ten minutes over, the mirror is exactly the bot's book."""
        if not self.listening:
            self.sim.come_back()
        for _ in range(6):
            PollTurn.objects.filter(bot=self.bot).update(full_reread_at=None)
            polled(self.bot)
        assert mirrored(self.bot) == at_the_bot(self.sim)
        assert rollups.differences(self.bot.team) == []


class AgreeingHistories(Histories):
    def teardown(self) -> None:
        try:
            if hasattr(self, "bot"):
                self.agree()
        finally:
            super().teardown()


class MirrorHistories(TestCase):
    def test_after_any_history_the_mirror_is_the_bots_book(self) -> None:
        self.enterContext(mock.patch.object(listing, "NEWEST", (2, 8, 0)))  # in small steps
        checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
        run_state_machine_as_test(
            InTransaction,
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=checks,
                database=None,
            ),
        )


class InTransaction(AgreeingHistories):
    """Each history in a transaction of its own, rolled back at its end."""

    def __init__(self) -> None:
        from django.db import transaction

        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        super().__init__()

    def teardown(self) -> None:
        from django.db import transaction

        try:
            super().teardown()
        finally:
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

"""The one place where a fresh intent leaves for the workers. Who carries it there is told from outside (bots.apps)."""

from collections.abc import Callable, Sequence

from django.db import transaction

HandOver = Callable[[Sequence[int]], None]

_carriers: list[HandOver] = []


def on_intent(carrier: HandOver) -> None:
    """From now on `carrier` is called with the ids of commands that may be sent, after the commit that says so."""
    if carrier not in _carriers:
        _carriers.append(carrier)


def hand_over(ids: Sequence[int]) -> None:
    """Losing it costs seconds: the tick announces unclaimed intents again."""
    for carrier in _carriers:
        carrier(ids)


def hand_over_on_commit(command_id: int) -> None:
    transaction.on_commit(lambda: hand_over([command_id]), robust=True)

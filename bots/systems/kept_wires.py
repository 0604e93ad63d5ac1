"""Connections that nobody uses this moment, for the next question to the same place."""

from collections import OrderedDict
from collections.abc import Callable, Hashable

from bots.systems.wire import Wire

IDLE_SECONDS = 110.0  # then a firewall in between may have forgotten it, and nobody would be told


class KeptWires:
    """One a place, at most so many; the one that was idle longest goes first."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._idle: OrderedDict[Hashable, tuple[Wire, float]] = OrderedDict()  # since when

    def take(self, place: Hashable) -> Wire | None:
        """The one that is kept, alive as far as is known."""
        wire, since = self._idle.pop(place, NOTHING)
        if wire is None or self._clock() - since < IDLE_SECONDS:
            return wire
        wire.drop()
        return None

    def keep(self, place: Hashable, wire: Wire) -> None:
        if place in self._idle:
            wire.drop()
            return
        self._idle[place] = wire, self._clock()
        if len(self._idle) > self._most:
            _, (oldest, _) = self._idle.popitem(last=False)
            oldest.drop()

    def forget(self, place: Hashable, wire: Wire) -> None:
        """It is over, or said something unasked. One that is not kept is left alone."""
        if self._idle.get(place, NOTHING)[0] is wire:
            del self._idle[place]
            wire.drop()

    def all(self) -> list[Wire]:
        return [wire for wire, _ in self._idle.values()]


NOTHING: tuple[None, float] = None, 0.0

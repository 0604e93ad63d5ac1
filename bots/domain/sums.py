"""Sums over closed trades, and the figures that follow from them: one implementation for every page, API and export."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from bots.models.money import PLACES, WIDE, plain

ZERO = Decimal(0)


@dataclass(slots=True)
class Sums:
    """Of closed trades of one mode and currency that their bots still have. Money in that currency."""

    trades: int = 0
    figures: int = 0  # trades whose profit the bot gives; the others are in no sum
    wins: int = 0
    losses: int = 0
    profit: Decimal = ZERO  # realized, net of fees
    lost: Decimal = ZERO  # the losing trades' part of it: zero or less
    stake: Decimal = ZERO  # staked in trades that give both profit and stake
    staked: int = 0
    held: int = 0
    held_seconds: int = 0

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Sums":
        """From a row that has the columns; a sum of nothing (None) is 0."""
        return cls(*(row[name] or empty for name, empty in EMPTY))

    @classmethod
    def read(cls, row: Sequence[Any]) -> "Sums":
        """From a rollup's columns in their order, as a driver gives them."""
        trades, figures, wins, losses, profit, lost, stake, staked, held, held_seconds = row
        money = Decimal(profit), Decimal(lost), Decimal(stake)
        return cls(trades, figures, wins, losses, *money, staked, held, held_seconds)

    def count(self, profit: Decimal | None, stake: Decimal | None, held_seconds: int | None) -> None:
        """Add one closed trade; None is what the bot does not tell."""
        self.trades += 1
        if profit is not None:
            self.figures += 1
            self.profit += profit
            if profit > ZERO:
                self.wins += 1
            elif profit:
                self.losses += 1
                self.lost += profit
            if stake is not None:
                self.staked += 1
                self.stake += stake
        if held_seconds is not None:
            self.held += 1
            self.held_seconds += held_seconds

    def add(self, other: "Sums") -> None:
        # Written out: reports add tens of thousands.
        self.trades += other.trades
        self.figures += other.figures
        self.wins += other.wins
        self.losses += other.losses
        self.profit += other.profit
        self.lost += other.lost
        self.stake += other.stake
        self.staked += other.staked
        self.held += other.held
        self.held_seconds += other.held_seconds

    def minus(self, other: "Sums") -> "Sums":
        return Sums(*(getattr(self, name) - getattr(other, name) for name, _ in EMPTY))

    @property
    def draws(self) -> int:
        return self.figures - self.wins - self.losses

    @property
    def without_figure(self) -> int:
        return self.trades - self.figures

    @property
    def win_rate(self) -> Decimal | None:
        return win_rate(self.wins, self.losses)

    @property
    def profit_ratio(self) -> Decimal | None:
        """Profit over all that was staked in these trades, one after another; None unless all of them give it."""
        return quotient(self.profit, self.stake) if self.stake > 0 and self.staked == self.figures else None

    @property
    def profit_factor(self) -> Decimal | None:
        """Won over lost money; None while nothing was lost."""
        return quotient(self.profit - self.lost, -self.lost) if self.lost else None

    @property
    def expectancy(self) -> Decimal | None:
        """Mean profit of a trade, in the currency."""
        return quotient(self.profit, self.figures) if self.figures else None

    @property
    def average_held_seconds(self) -> int | None:
        return round(Decimal(self.held_seconds) / self.held) if self.held else None


def quotient(whole: Decimal | int, part: Decimal | int) -> Decimal:
    """To 18 places, however far apart the two are."""
    divided = WIDE.divide(Decimal(whole), Decimal(part))
    return plain(divided.quantize(PLACES, context=WIDE))


EMPTY: tuple[tuple[str, Any], ...] = tuple((field.name, field.default) for field in fields(Sums))


def win_rate(wins: int, losses: int) -> Decimal | None:
    """Winning among decided trades, as a ratio; None before the first."""
    decided = wins + losses
    return quotient(wins, decided) if decided else None

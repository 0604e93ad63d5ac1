"""One form for the figures of both sides, and the count of what was compared.

Written apart from the adapter on purpose: one misunderstanding of ours shall not stand on both sides.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Context, Decimal

Answer = dict[str, object]
PLACES = Decimal(1).scaleb(-18)  # what a database keeps
EXACT = Context(prec=60)
MOST_SHOWN = 20
# What the mirror says where a release is silent, because there was nothing else at its time.
ASSUMED = {"leverage": 1, "side": "long", "trading_mode": "spot"}


@dataclass
class Comparison:
    """Of one bot. `not_given`: the figures that this release does not tell."""

    bot: str
    closed: int = 0
    open: int = 0
    figures: int = 0
    differences: list[str] = field(default_factory=list)
    not_given: set[str] = field(default_factory=set)

    @property
    def trades(self) -> int:
        return self.closed + self.open

    def same(self, what: str, ours: object, theirs: object) -> None:
        self.figures += 1
        if canonical(ours) != canonical(theirs):
            self.differences.append(f"{what}: the portal has {ours!r}, the bot {theirs!r}")

    def absent(self, figure: str, what: str, ours: object) -> None:
        """The bot does not tell the figure: nothing, or what could not be otherwise, is right; all else is made up."""
        self.not_given.add(figure)
        if canonical(ours) not in (None, canonical(ASSUMED.get(figure))):
            self.differences.append(f"{what}: the portal has {ours!r}, the bot tells nothing")


@dataclass(frozen=True)
class Told:
    """Where a bot's answer tells a figure: the first of these keys that it has; `form` makes it ours."""

    keys: Sequence[str]
    form: Callable[[object], object] = lambda value: value
    when: str = ""  # open or closed: the mirror holds it of such trades only

    def key_in(self, answer: Answer) -> str | None:
        return next((key for key in self.keys if key in answer), None)


def held_against(
    result: Comparison, name: str, ours: Answer, theirs: Answer, table: dict[str, Told], stage: str = ""
) -> None:
    """Every figure of the table. `stage`: whether this trade is open or closed."""
    for figure, told in table.items():
        key, what = told.key_in(theirs), f"{name} {figure}"
        if told.when and told.when != stage:
            result.same(what, ours[figure], None)
        elif key is None:
            result.absent(figure, what, ours[figure])
        else:
            result.same(what, ours[figure], told.form(theirs[key]))


# --- One form for both sides ----------------------------------------------------------------------------------------


def moment(epoch_ms: object) -> str | None:
    """As SQLite keeps a moment."""
    if epoch_ms is None:
        return None
    at = datetime.fromtimestamp(int(str(epoch_ms)) / 1000, UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S.%f").removesuffix(".000000")


def epoch_ms(date: object) -> int:
    """Of "2020-01-31 07:15:00" or "... 07:15:00.123456", which is UTC; whole milliseconds."""
    at = datetime.fromisoformat(str(date)).replace(tzinfo=UTC)
    return int(at.replace(microsecond=0).timestamp()) * 1000 + at.microsecond // 1000


def canonical(value: object) -> object:
    """Numbers as the database keeps them, whatever their type; an empty text is a missing one."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int | float | Decimal) or looks_like_number(value):
        number = Decimal(str(value))
        return number.quantize(PLACES, context=EXACT) if number.is_finite() else number
    return value or None if not isinstance(value, list) else value


def looks_like_number(value: object) -> bool:
    return isinstance(value, str) and value.lstrip("-").replace(".", "", 1).isdigit()


def hundredth(percent: object) -> object:
    return None if percent is None else Decimal(str(percent)) / 100


def seconds_of(duration: object) -> int | None:
    """Of "1:24:59", "1 day, 1:24:59" or "2 days, 1:24:59.123456"."""
    days, _, clock = str(duration).rpartition(", ")
    if clock.count(":") != 2:
        return None
    hours, minutes, seconds = clock.split(":")
    return (int(days.split()[0]) if days else 0) * 86400 + int(hours) * 3600 + int(minutes) * 60 + int(float(seconds))


# --- The table ------------------------------------------------------------------------------------------------------


def table(results: Sequence[Comparison]) -> str:
    """A row per release, then what each does not tell, then the differences."""
    head = f"{'bot':<20} {'closed':>7} {'open':>5} {'trades':>7} {'figures':>9} {'differences':>12} {'not given':>10}"
    lines = [
        f"{r.bot:<20} {r.closed:>7} {r.open:>5} {r.trades:>7} {r.figures:>9} {len(r.differences):>12}"
        f" {len(r.not_given):>10}"
        for r in results
    ]
    silent = [f"not given by {r.bot}: {', '.join(sorted(r.not_given))}" for r in results if r.not_given]
    examples = [f"  {r.bot} {line}" for r in results for line in r.differences[:MOST_SHOWN]]
    return "\n".join([head, *lines, *silent, *examples])

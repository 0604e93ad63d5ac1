"""The latest mapped answers of a bot's slow endpoints, typed as the contract gives them, each with its age."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

import msgspec

from bots.domain.freshness import freshness
from bots.models import Bot, BotReading
from bots.systems.contract import VALUE_OF, Kind, Value

Mapped = TypeVar("Mapped", bound=Value)


@dataclass(frozen=True)
class Latest(Generic[Mapped]):
    """`value` is None while the bot never gave this answer; `error`: why the latest try gave nothing newer."""

    kind: Kind
    value: Mapped | None
    read_at: datetime | None
    age_seconds: float | None
    late: bool
    stale: bool
    error: str


def latest(bot: Bot, kind: str, now: datetime) -> Latest[Any]:
    """kind: a word of the contract's Kind, for example "balance"."""
    return typed(bot, Kind(kind), BotReading.objects.filter(bot=bot, kind=kind).first(), now)


def typed(bot: Bot, kind: Kind, reading: BotReading | None, now: datetime) -> Latest[Any]:
    if reading is None:
        return Latest(kind, None, None, None, late=False, stale=True, error="")
    fresh = freshness(reading.read_at, bot.plan()[kind], now)
    value = msgspec.convert(reading.data, VALUE_OF[kind], strict=False)
    return Latest(kind, value, reading.read_at, fresh.age_seconds, fresh.late, fresh.stale, reading.error)


def plain_rows(structs: Iterable[msgspec.Struct]) -> list[dict[str, Any]]:
    """Each struct as a dict, its Decimals left as they are."""
    return [msgspec.to_builtins(struct, builtin_types=(Decimal,)) for struct in structs]

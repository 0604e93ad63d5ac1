"""What a bot's stream said, as events: the same words and keys as where a poll finds it out."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from bots.domain.events import Happened, subject_of
from bots.domain.happenings import readings, standing, trades
from bots.domain.happenings.wording import SENTENCES, about_trade, gain, joined, moment_of, order_detail
from bots.models import Event
from bots.systems.hearing import Heard

RELOAD_WITHIN = timedelta(minutes=3)
SAID = {"warning": "warns", "exception": "reports an error", "strategy_message": "says"}


class Told(NamedTuple):
    """One thing heard of a bot, and when."""

    bot_id: int
    team_id: int
    heard: Heard
    at: datetime


def happened(told: Told, trade_pks: Mapping[tuple[int, str], int]) -> Happened | None:
    """`trade_pks`: (bot, subject) -> the mirror's trade, where it has it. None: no event, only a sign of change."""
    heard = told.heard
    if not heard.kind:
        return None
    if heard.trade_id:
        return of_trade(told, trade_pks)
    if heard.lock is not None:
        return of_lock(told)
    if heard.kind in standing.BECAME.values() or heard.kind == "reloaded":
        return of_state(told)
    return of_words(told)


def subject_told(heard: Heard) -> str:
    return subject_of(heard.trade_id, heard.open_ms) if heard.trade_id and heard.open_ms is not None else ""


def of_trade(told: Told, trade_pks: Mapping[tuple[int, str], int]) -> Happened:
    heard, subject = told.heard, subject_told(told.heard)
    data: dict[str, Any] = {"amount": heard.amount, "rate": heard.rate, "side": heard.side, "tag": heard.tag}
    if heard.profit_abs is not None:
        data |= gain(heard.profit_abs, heard.profit_ratio, heard.currency)
    return event(
        told,
        about_trade(heard.kind, heard.pair, heard.side),
        f"heard {heard.kind} {subject} {heard.key}",
        at=moment_of(heard.at_ms, told.at),
        detail=joined(order_detail(heard.pair, heard.amount, heard.rate, heard.tag), heard.words),
        trade_pk=trade_pks.get((told.bot_id, subject)),
        subject=subject,
        told_within=trades.TOLD_WITHIN if subject else None,
        data=data,
    )


def of_lock(told: Told) -> Happened:
    assert told.heard.lock is not None
    lock = readings.as_dict(told.heard.lock)
    said = readings.words_of_lock(lock, told.at)
    key = f"lock {readings.key_of(lock)}"
    return event(told, said.text, key, at=said.at, detail=said.detail, data=said.data)


def of_state(told: Told) -> Happened:
    kind, reloads = told.heard.kind, told.heard.kind == "reloaded"
    subject = f"{standing.STATE} reload" if reloads else standing.STATE
    within = RELOAD_WITHIN if reloads else standing.TOLD_WITHIN
    detail = told.heard.words if told.heard.words not in (kind, "running", "reload_config") else ""
    key = f"heard {kind} {standing.moment(told.at)}"
    return event(told, SENTENCES[kind], key, subject=subject, told_within=within, detail=detail)


def of_words(told: Told) -> Happened:
    heard = told.heard
    if heard.kind == "strategy_message":
        key = f"heard {heard.key} {told.at.isoformat()}"
    else:
        key = f"log {readings.words_key(heard.words, told.at.timestamp() * 1000)}"
    return event(told, SAID[heard.kind], key, detail=heard.words)


def event(told: Told, text: str, key: str, *, at: datetime | None = None, **more: Any) -> Happened:
    return Happened(
        kind=told.heard.kind,
        team_id=told.team_id,
        bot_id=told.bot_id,
        at=at or told.at,
        key=key,
        text=text,
        pair=told.heard.pair,
        source=Event.WEBSOCKET,
        heard_at=told.at,
        **more,
    )

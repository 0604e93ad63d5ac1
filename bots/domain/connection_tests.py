"""Trying a connection without saving it. A page asks, a worker tries: only workers can open what was sealed."""

from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts.models import Team
from bots.domain.audit import Act, Actor, append
from bots.domain.connection_fields import require_complete, system_called, typed_apart
from bots.domain.connections import require_secrets_again
from bots.models import Bot, ConnectionTest
from bots.models.sealing import SealBroken
from bots.systems.contract import Door, Session
from bots.systems.errors import BotError

Run = Callable[[Coroutine[Any, Any, "Outcome"]], "Outcome"]


@dataclass(frozen=True)
class Outcome:
    """`sentence` is for a person; `code` and `state` are those of the error, or "ok" and the bot's own state."""

    ok: bool
    code: str
    sentence: str
    state: str = ""
    version: str = ""
    mode: str = ""
    bot_name: str = ""
    strategy: str = ""
    exchange: str = ""
    stake_currency: str = ""


UNFINISHED = Outcome(False, "portal_error", "The portal failed while it tried; its log says why", "unknown")


def ask_test(
    actor: Actor,
    team: Team,
    *,
    system: str,
    connection: Mapping[str, object],
    bot: Bot | None = None,
    forget: Collection[str] = (),
) -> ConnectionTest:
    """Write down what is to be tried; the caller then enqueues its uuid. `bot`: whose secrets stand in for empty ones.

    Raises ValidationError by field like add_bot and change_bot, AuditUnavailable, and ValueError for an actor who is
    nobody."""
    if actor.id is None:
        raise ValueError("a connection test belongs to the person who asked for it")
    chosen = system_called(system)
    typed = typed_apart(chosen, connection)
    kept = [name for name in (bot.sealed if bot is not None else ()) if name not in forget]
    merged = {**(bot.connection if bot is not None else {}), **typed.connection}
    require_complete(chosen, merged, [*typed.secrets, *kept])
    if bot is not None and merged != bot.connection:
        require_secrets_again(bot, typed.secrets, forget)
    # With every secret typed, the bot's own stay out of it.
    leans_on = bot if bot is not None and set(kept) - set(typed.secrets) else None
    test = ConnectionTest(requested_by_id=actor.id, team=team, bot=leans_on, system=system, connection=merged)
    for field, clear in typed.secrets.items():
        test.set_secret(field, clear)
    with transaction.atomic():
        ConnectionTest.objects.forgotten().delete()
        test.save(force_insert=True)
        subject = str(merged.get("url") or merged.get("server") or system)
        names = sorted([*typed.connection, *typed.secrets])
        details = {"system": system, "typed_fields": names}
        append(
            Act(
                "connection_tested",
                actor,
                subject,
                team.slug,
                team.pk,
                bot.slug if bot else "",
                bot.pk if bot else None,
                details,
            )
        )
    return test


def run_test(uuid: UUID, open_door: Callable[[], Door], run: Run) -> Outcome | None:
    """In a worker: try it once and write down what came of it. None: another worker took it, or it is forgotten.

    `open_door` is called inside the event loop that `run` runs a coroutine in (asyncio.run, or the worker's own loop).
    """
    if not ConnectionTest.objects.filter(uuid=uuid, state=ConnectionTest.ASKED).update(state=ConnectionTest.RUNNING):
        return None
    test = ConnectionTest.objects.select_related("bot").get(uuid=uuid)
    outcome = UNFINISHED
    try:
        outcome = opened_and_tried(test, open_door, run)
    finally:
        ConnectionTest.objects.filter(uuid=uuid).update(state=ConnectionTest.DONE, outcome=asdict(outcome), sealed={})
    return outcome


def opened_and_tried(test: ConnectionTest, open_door: Callable[[], Door], run: Run) -> Outcome:
    if test.bot is not None and test.bot.connection != test.connection:
        return Outcome(False, "changed_meanwhile", "The bot's connection was changed meanwhile; test again", "unknown")

    async def conversation() -> Outcome:
        return await tried(test.open(open_door()))

    try:
        return run(conversation())
    except SealBroken as broken:
        return Outcome(False, "seal_broken", f"The stored secret does not open: {broken}", "misconfigured")
    except BotError as error:
        return refusal(error)


async def tried(session: Session) -> Outcome:
    try:
        bot = await session.test()
    except BotError as error:
        return refusal(error)
    sentence = f"{bot.bot_name or 'The bot'} answers: release {bot.version}, {bot.mode}, {bot.state}"
    names = ("state", "version", "mode", "bot_name", "strategy", "exchange", "stake_currency")
    return Outcome(True, "ok", sentence, **{name: getattr(bot, name) for name in names})


def refusal(error: BotError) -> Outcome:
    return Outcome(False, error.code, str(error), error.state)


def forget_old_tests() -> int:
    """Removes those older than ten minutes; how many. For the tidy task."""
    return ConnectionTest.objects.forgotten().delete()[0]

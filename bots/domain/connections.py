"""Connections as acts: add, change, retire, pause. The one way in for pages, API, admin and commands.

Whether the person may do it is the caller's question, answered by fetching (`Team.objects.where(user, MANAGE)`,
`Bot.objects.commandable_by(user, MANAGE)`). Every act is one transaction with its audit row as the last statement; it
raises ValidationError by field, or AuditUnavailable, and then nothing has happened.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Team
from bots.domain.audit import Act, Actor, append
from bots.domain.audit.entry import Detail
from bots.domain.connection_fields import (
    checked_name,
    checked_plan,
    checked_tags,
    require_complete,
    require_once,
    system_called,
    typed_apart,
)
from bots.domain.events import Changed, announce
from bots.domain.polling.schedule import wake
from bots.models import Bot, BotRun, BotStatus, PollTurn

SLUG_TRIES = 20
RETIRED = "retired"


def add_bot(
    actor: Actor,
    team: Team,
    *,
    system: str,
    name: str,
    connection: Mapping[str, object],
    tags: Sequence[str] = (),
    enabled: bool = True,
    poll_plan: Mapping[str, float] | None = None,
) -> Bot:
    """`connection`: every field the system declares, secrets in clear among them; they are sealed here."""
    with transaction.atomic():
        one_at_a_time(team.pk)
        bot = drafted(team, system=system, name=name, connection=connection, tags=tags, poll_plan=poll_plan or {})
        bot.enabled = bool(enabled)
        insert_with_free_slug(bot)
        BotStatus.objects.create(bot=bot)
        PollTurn.objects.create(bot=bot)
        tell_pages(bot)
        append(bot_added(actor, bot))
    return bot


def bot_added(actor: Actor, bot: Bot) -> Act:
    fields = sorted([*bot.connection, *bot.sealed])
    return Act.on_bot("bot_added", actor, bot, system=bot.system, set_fields=fields, connection=bot.connection)


def drafted(
    team: Team,
    *,
    system: str,
    name: object,
    connection: Mapping[str, object],
    tags: object = (),
    poll_plan: object = MappingProxyType({}),
) -> Bot:
    """The bot as it would be added, not saved: for a form that wants to know beforehand. Raises ValidationError."""
    bot = shaped(team, system=system, name=name, connection=connection, tags=tags, poll_plan=poll_plan)
    require_once(bot.system_class, bot.connection, Bot.objects.active().filter(team=team, system=system))
    return bot


def shaped(
    team: Team, *, system: str, name: object, connection: Mapping[str, object], tags: object, poll_plan: object
) -> Bot:
    """As drafted, but another of the team may lead to the same bot: the caller must look. Raises ValidationError."""
    chosen = system_called(system)
    typed = typed_apart(chosen, connection)
    require_complete(chosen, typed.connection, typed.secrets)
    bot = Bot(team=team, system=system, name=checked_name(name), connection=typed.connection)
    bot.tags, bot.poll_plan = checked_tags(tags), checked_plan(poll_plan)
    set_secrets(bot, typed.secrets, forget=())
    return bot


@dataclass(frozen=True)
class Change:
    """What is None, or a field not in `connection`, stays. A secret left empty stays, one named in `forget` goes.

    When an open field changes (the address above all), the secrets must be typed again: else whoever may change a
    connection could have the password sent to a host of his own."""

    name: str | None = None
    connection: Mapping[str, object] | None = field(default=None, repr=False)
    forget: Collection[str] = ()
    tags: Sequence[str] | None = None
    enabled: bool | None = None
    poll_plan: Mapping[str, float] | None = None

    def make(self, bot: Bot) -> set[str]:
        """Change the bot in memory; the names of the secrets that changed. Raises ValidationError."""
        typed = typed_apart(bot.system_class, self.connection or {})
        stored = set(bot.sealed)
        merged = {**bot.connection, **typed.connection}
        if merged != bot.connection:
            require_secrets_again(bot, typed.secrets, self.forget)
        bot.connection = merged
        set_secrets(bot, typed.secrets, self.forget)
        require_complete(bot.system_class, bot.connection, bot.sealed)
        others = Bot.objects.active().filter(team=bot.team_id, system=bot.system).exclude(pk=bot.pk)
        require_once(bot.system_class, bot.connection, others)
        bot.name = bot.name if self.name is None else checked_name(self.name)
        bot.tags = bot.tags if self.tags is None else checked_tags(self.tags)
        bot.poll_plan = bot.poll_plan if self.poll_plan is None else checked_plan(self.poll_plan)
        bot.enabled = bot.enabled if self.enabled is None else bool(self.enabled)
        return {*typed.secrets, *(stored & set(self.forget))}


def change_bot(
    actor: Actor,
    bot: Bot,
    *,
    name: str | None = None,
    connection: Mapping[str, object] | None = None,
    forget: Collection[str] = (),
    tags: Sequence[str] | None = None,
    enabled: bool | None = None,
    poll_plan: Mapping[str, float] | None = None,
) -> Bot:
    """As Change says; the bot as it is now."""
    change = Change(name, connection, forget, tags, enabled, poll_plan)
    with transaction.atomic():
        one_at_a_time(bot.team_id)
        fresh = locked(bot)
        before = open_facts(fresh)
        record_change(actor, fresh, before, change.make(fresh))
    return fresh


def record_change(actor: Actor, bot: Bot, before: dict[str, Detail], secrets: Collection[str]) -> None:
    after = open_facts(bot)
    changed = [name for name in after if after[name] != before.get(name)] + sorted(set(before) - set(after))
    if not changed and not secrets:
        return
    bot.save(update_fields=["name", "connection", "sealed", "tags", "poll_plan", "enabled"])
    reconnect = bool(secrets) or any(declared.name in changed for declared in bot.fields)
    ask_anew(bot, again=reconnect)
    tell_pages(bot)
    old = {name: before.get(name) for name in changed}
    new = {name: after.get(name) for name in changed}
    append(Act.on_bot("bot_changed", actor, bot, changed=sorted({*changed, *secrets}), before=old, after=new))


def retire_bot(actor: Actor, bot: Bot) -> Bot:
    """The end of a connection: secrets erased, never asked again. Trades, reports and audit stay, so does the slug."""
    now = timezone.now()
    with transaction.atomic():
        fresh = locked(bot)
        erased = sorted(fresh.sealed)
        fresh.sealed, fresh.enabled, fresh.retired_at = {}, False, now
        fresh.save(update_fields=["sealed", "enabled", "retired_at"])
        PollTurn.objects.filter(bot=fresh).update(held=RETIRED, leased_until=None, fence=F("fence") + 1)
        BotRun.objects.filter(bot=fresh, ended_at=None).update(ended_at=now)
        tell_pages(fresh)
        append(Act.on_bot("bot_retired", actor, fresh, erased_fields=erased))
    return fresh


def pause_polling(actor: Actor, bot: Bot) -> Bot:
    """The portal stops asking; the bot itself goes on trading."""
    return switch(actor, bot, False, "bot_paused")


def resume_polling(actor: Actor, bot: Bot) -> Bot:
    """Also takes back the hold after wrong passwords: the next reading decides anew."""
    return switch(actor, bot, True, "bot_resumed")


def switch(actor: Actor, bot: Bot, enabled: bool, action: str) -> Bot:
    with transaction.atomic():
        fresh = locked(bot)
        held = PollTurn.objects.filter(bot=fresh).exclude(held="").exists()
        if fresh.enabled == enabled and not (enabled and held):
            return fresh
        fresh.enabled = enabled
        fresh.save(update_fields=["enabled"])
        ask_anew(fresh, again=enabled)
        tell_pages(fresh)
        append(Act.on_bot(action, actor, fresh))
    return fresh


def poll_now(bot: Bot) -> None:
    """Every reading is due at once, also after a hold. Nothing is changed at the bot or the portal: not audited."""
    with transaction.atomic():
        ask_anew(locked(bot), again=True)


def one_at_a_time(team_id: int) -> None:
    """Two adding the same bot to a team at once must see each other."""
    Team.objects.select_for_update(no_key=True).get(pk=team_id)


def locked(bot: Bot) -> Bot:
    """The row as it is now, held until the commit. Raises ValidationError when it was retired meanwhile."""
    # no_key: a poll that writes trades of this bot meanwhile needs its key only, and must not wait in a circle with us.
    fresh = Bot.objects.select_for_update(of=("self",), no_key=True).select_related("team").get(pk=bot.pk)
    if fresh.retired_at is not None:
        raise ValidationError(
            f"{fresh.name} was retired on {fresh.retired_at:%Y-%m-%d}; nothing about it changes any more"
        )
    return fresh


def set_secrets(bot: Bot, secrets: Mapping[str, str], forget: Collection[str]) -> None:
    for name in forget:
        bot.set_secret(name, "")
    for name, clear in secrets.items():
        bot.set_secret(name, clear)


def require_secrets_again(bot: Bot, secrets: Collection[str], forget: Collection[str]) -> None:
    labels = {declared.name: declared.label for declared in bot.fields}
    kept = [name for name in bot.sealed if name not in secrets and name not in forget]
    if kept:
        sentence = "The connection changes, so type {} again: it is sent to where the new one leads"
        raise ValidationError({name: sentence.format(labels.get(name, name)) for name in kept})


def open_facts(bot: Bot) -> dict[str, Detail]:
    """What may be written down of a bot as it is: everything but its secrets."""
    plan = {kind: str(seconds) for kind, seconds in bot.poll_plan.items()}
    return {**bot.connection, "name": bot.name, "tags": [*bot.tags], "poll_plan": plan, "enabled": bot.enabled}


def ask_anew(bot: Bot, *, again: bool) -> None:
    """Due now; a poll under way still knows the bot as it was, so what it brings is not written.

    `again`: also after a hold, and wrong passwords are counted from the beginning."""
    if not again:
        PollTurn.objects.filter(bot=bot).update(leased_until=None, fence=F("fence") + 1)
    wake([bot.pk], again=again)
    if again:  # after the turn: the writer of polls locks in this order too
        BotStatus.objects.filter(bot=bot).update(auth_failures=0)


def tell_pages(bot: Bot) -> None:
    BotStatus.objects.filter(bot=bot).update(seq=F("seq") + 1)
    seq = BotStatus.objects.values_list("seq", flat=True).get(bot=bot)
    changed = Changed(bot.pk, bot.slug, bot.team_id, ("connection", "state"), seq)
    transaction.on_commit(lambda: announce([changed]))


def insert_with_free_slug(bot: Bot) -> None:
    """Two at once may find the same slug free: the second takes the next. Raises IntegrityError for any other clash."""
    for _ in range(SLUG_TRIES):
        bot.slug = bot.free_slug()
        try:
            with transaction.atomic():
                bot.save(force_insert=True)
        except IntegrityError:
            if not Bot.objects.filter(slug=bot.slug).exists():
                raise
        else:
            return
    raise ValidationError({"name": "Too many bots of this name are being added at once; try again"})

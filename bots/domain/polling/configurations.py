"""The history of a bot's settings: a version at every change, with the difference.

A version holds what the bot's settings report says, its release, strategy and mode, and its pairs: the methods that
choose them, the blacklist, and the whitelist where no method changes it by itself. What a volume list chooses anew
every few minutes is no setting; its latest answer stands among the readings.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db.models import OuterRef, QuerySet, Subquery

from bots.domain.configuration import Settings, differences
from bots.domain.happenings.readings import configured
from bots.domain.polling.asking import PollResult
from bots.models import Bot, ConfigVersion
from bots.models.loading import all_built, columns_of
from bots.models.prepared import GivenKeys, Prepared
from bots.systems.contract import BotState, Config, Kind, PairList

PAIRS = "pairs."
METHODS, WHITELIST, BLACKLIST = f"{PAIRS}methods", f"{PAIRS}whitelist", f"{PAIRS}blacklist"
TELLING = frozenset({Kind.CONFIG, Kind.WHITELIST, Kind.BLACKLIST})
# A bot that reports other settings at every poll must not fill the disk.
MOST_VERSIONS = 500
encode = msgspec.json.Encoder(order="sorted").encode


def keep_configurations(results: Sequence[PollResult], now: datetime) -> None:
    telling = [result for result in results if TELLING & result.values.keys()]
    known = newest_of([result.order.bot.pk for result in telling])
    for result in telling:
        keep_configuration(result, known.get(result.order.bot.pk), now)


def newest_ids() -> "QuerySet[Bot, tuple[int | None]]":
    newest = ConfigVersion.objects.filter(bot=OuterRef("pk")).values("pk")[:1]
    return Bot.objects.filter(pk__in=GivenKeys("bots")).values_list(Subquery(newest))


NEWEST = Prepared(newest_ids)
VERSIONS = Prepared(
    lambda: ConfigVersion.objects.filter(pk__in=GivenKeys("versions")).values_list(*columns_of(ConfigVersion))
)


def newest_of(bots: Sequence[int]) -> dict[int, ConfigVersion]:
    """bot -> its newest version."""
    ids = [pk for (pk,) in NEWEST.rows(bots=list(bots)) if pk] if bots else []
    versions = all_built(ConfigVersion, VERSIONS.rows(versions=ids)) if ids else []
    return {version.bot_id: version for version in versions}


def keep_configuration(result: PollResult, last: ConfigVersion | None, now: datetime) -> None:
    bot = result.order.bot
    settings = settings_now(result, last.settings if last else {})
    if not settings or (last and encode(settings) == encode(last.settings)):  # nearly always: to the letter
        return
    changes = differences(last.settings, settings) if last else []
    if last is None or changes:
        version = ConfigVersion.objects.create(bot=bot, settings=settings, changes=changes, seen_at=now)
        result.happened += configured(bot, version)
    if last is not None and changes:
        kept = ConfigVersion.objects.filter(bot=bot).values_list("pk", flat=True)[:MOST_VERSIONS]
        ConfigVersion.objects.filter(bot=bot, pk__lt=min(kept)).delete()


def settings_now(result: PollResult, before: Settings) -> Settings:
    """What this poll did not bring is as it was; pair lists alone are no configuration, the rest is read soon."""
    told = result.values.get(Kind.CONFIG)
    own = dict(told.settings) if isinstance(told, Config) else without_pairs(before)
    if not own:
        return {}
    everything = {**own, **described(result.state), **pairs_told(result.values, before)}
    settings: Settings = msgspec.to_builtins(dict(sorted(everything.items())))
    return settings


def without_pairs(settings: Settings) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if not name.startswith(PAIRS)}


def described(state: BotState | None) -> dict[str, Any]:
    """Under the names the field knows, for systems and releases whose settings lack them."""
    if state is None:
        return {}
    words = {"version": state.version, "strategy": state.strategy}
    return {"dry_run": state.mode == "dry", **{name: word for name, word in words.items() if word}}


def pairs_told(values: Mapping[Kind, Any], before: Settings) -> dict[str, Any]:
    told = {name: value for name, value in before.items() if name.startswith(PAIRS)}
    white, black = values.get(Kind.WHITELIST), values.get(Kind.BLACKLIST)
    if isinstance(white, PairList):
        told.pop(WHITELIST, None)
        told |= {METHODS: " → ".join(white.methods)} | ({WHITELIST: sorted(white.pairs)} if white.fixed else {})
    if isinstance(black, PairList):
        told[BLACKLIST] = sorted(black.pairs)
    return told

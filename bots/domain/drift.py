"""Who runs which version, strategy and settings: what differs between the bots a person may see."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import OuterRef, Subquery
from django.utils import timezone

from accounts.models import User
from bots.domain.configuration import Settings, came_and_went, spelled, written
from bots.models import Bot, BotReading, ConfigVersion

# What people ask for first.
LEADING = ("version", "strategy", "strategy_version", "dry_run", "exchange", "pairs.methods")


@dataclass(frozen=True)
class DriftQuery:
    search: str = ""  # within the setting's name
    tag: str = ""
    strategy: str = ""
    system: str = ""
    team: str = ""
    mode: str = ""  # live, dry, "" both
    lacking: bool = False  # also what differs only in that some bots do not report it (another release, another system)

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "DriftQuery":
        """From a query string; what it does not understand falls back to the default."""
        words = {name: str(given.get(name, "")).strip()[:200] for name in ("tag", "strategy", "system", "team")}
        mode = given.get("mode", "")
        return cls(
            search=str(given.get("q", given.get("search", ""))).strip()[:100],
            mode=mode if mode in ("live", "dry") else "",
            lacking=given.get("lacking", "") in ("1", "true", "on"),
            **words,
        )


@dataclass
class Group:
    """The bots that have one value of a setting. Not `reported`: they do not tell it at all, and `value` is None."""

    value: object
    reported: bool = True
    bots: list[Bot] = field(default_factory=list)


@dataclass(frozen=True)
class SettingRow:
    """One setting, its values by the number of bots that have them, the most common first; not reported last."""

    name: str
    groups: list[Group]

    @property
    def common(self) -> Group:
        return self.groups[0]

    @property
    def others(self) -> list[tuple[Group, tuple[list[str], list[str]] | None]]:
        """With each, of lists only: what it has more and what it lacks, against the most common."""
        return [(group, came_and_went(self.common.value, group.value)) for group in self.groups[1:]]

    @property
    def each_its_own(self) -> bool:
        """A name or a port is no drift."""
        return len(self.groups) > 2 and all(len(group.bots) == 1 for group in self.groups)


@dataclass(frozen=True)
class Drift:
    rows: list[SettingRow]  # version, strategy and mode first, then by name
    settings: int  # compared, equal ones among them
    compared: list[Bot]
    unread: list[Bot]  # these have never told their settings
    oldest: tuple[Bot, datetime] | None  # whose settings were read the longest ago, and when
    tags: list[str]
    strategies: list[str]
    systems: list[str]
    now: datetime


def drift_for(user: User, query: DriftQuery | None = None) -> Drift:
    """Everything the drift page and `fleet/drift/` show, over the visible bots that fit the query."""
    query = query or DriftQuery()
    visible = list(Bot.objects.visible_to(user).active().select_related("team", "status").order_by("name", "pk"))
    bots = [bot for bot in visible if fits(bot, query)]
    told = latest_settings(bots)
    compared = [bot for bot in bots if bot.pk in told]
    names = {name for settings in told.values() for name in settings}
    rows = rows_of((name for name in names if query.search.lower() in name.lower()), compared, told)
    return Drift(
        rows=[row for row in rows if query.lacking or sum(group.reported for group in row.groups) > 1],
        settings=len(names),
        compared=compared,
        unread=[bot for bot in bots if bot.pk not in told],
        oldest=oldest_of(compared),
        tags=sorted({tag for bot in visible for tag in bot.tags}),
        strategies=sorted({bot.status.strategy for bot in visible if bot.status.strategy}),
        systems=sorted({bot.system for bot in visible}),
        now=timezone.now(),
    )


def fits(bot: Bot, query: DriftQuery) -> bool:
    wanted = [
        (bot.status.strategy, query.strategy),
        (bot.system, query.system),
        (bot.team.slug, query.team),
        (bot.status.mode, query.mode),
    ]
    return all(value in ("", have) for have, value in wanted) and (not query.tag or query.tag in bot.tags)


def latest_settings(bots: Iterable[Bot]) -> dict[int, Settings]:
    """By bot; a bot that never told its settings is not among them."""
    newest = ConfigVersion.objects.filter(bot=OuterRef("pk")).order_by("-seen_at", "-id").values("pk")[:1]
    ids = Bot.objects.filter(pk__in=[bot.pk for bot in bots]).annotate(newest=Subquery(newest)).values("newest")
    return dict(ConfigVersion.objects.filter(pk__in=ids).values_list("bot", "settings"))


def rows_of(names: Iterable[str], bots: list[Bot], told: Mapping[int, Settings]) -> list[SettingRow]:
    """A row for each setting that is not the same at all of them."""
    rows = (SettingRow(name, groups_of(name, bots, told)) for name in names)
    return sorted((row for row in rows if len(row.groups) > 1), key=lambda row: place_of(row.name))


def place_of(name: str) -> tuple[int, str]:
    return (LEADING.index(name) if name in LEADING else len(LEADING)), name


def groups_of(name: str, bots: list[Bot], told: Mapping[int, Settings]) -> list[Group]:
    """Spellings of one value are one group; its value is as the first bot wrote it."""
    groups: dict[str | None, Group] = {}
    for bot in bots:
        settings = told[bot.pk]
        key = spelled(settings[name]) if name in settings else None
        group = groups.setdefault(key, Group(settings.get(name), reported=key is not None))
        group.bots.append(bot)
    return sorted(groups.values(), key=lambda group: (not group.reported, -len(group.bots), written(group.value)))


def oldest_of(bots: list[Bot]) -> tuple[Bot, datetime] | None:
    by_id = {bot.pk: bot for bot in bots}
    readings = BotReading.objects.filter(bot__in=by_id, kind="config").order_by("read_at")
    first = readings.values_list("bot", "read_at").first()
    return (by_id[first[0]], first[1]) if first else None

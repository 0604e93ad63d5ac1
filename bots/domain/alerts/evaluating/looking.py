"""Everything the rules look at, read at once: a fixed number of queries, however many bots, teams and rules."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple

from django.db.models import Count, Max, Min, OuterRef, Q, QuerySet, Subquery

from accounts.models import Team
from bots.domain.alerts.kinds import KINDS
from bots.domain.freshness import SPEAKING
from bots.domain.profit import today_in
from bots.models import (
    AlertRule,
    Bot,
    BotDay,
    BotLifetime,
    BotReading,
    BotRun,
    BotStatus,
    Command,
    EquityPeak,
    Event,
    PollTurn,
    RelayProcess,
    Trade,
)
from bots.models.money import ExactSum
from bots.models.rollup import UNDATED
from bots.systems.contract import Kind

NOT_RUNNING = ("stopped", "paused")


class Watched(NamedTuple):
    """One bot the portal asks, as its rows have it. Money in `currency`."""

    bot_id: int
    team_id: int
    slug: str
    tags: list[str]
    state: str
    mode: str
    currency: str
    decimals: int | None
    failing_since: datetime | None
    seen_at: datetime | None
    answered_at: datetime | None
    last_process_at: datetime | None
    history_at: datetime | None
    balance_at: datetime | None
    open_count: int | None
    slots: int | None
    unrealized: Decimal | None
    unrealized_ratio: Decimal | None
    balance: Decimal | None
    last_error: str
    seq: int

    @property
    def speaks(self) -> bool:
        return self.state in SPEAKING and self.failing_since is None


COLUMNS = (
    "pk", "team_id", "slug", "tags", "status__state", "status__mode", "status__stake_currency",
    "status__stake_currency_decimals", "status__failing_since", "status__seen_at", "status__answered_at",
    "status__last_process_at", "status__history_at", "status__balance_at", "status__open_count", "status__slots",
    "status__unrealized", "status__unrealized_ratio", "status__balance", "status__last_error", "status__seq",
)  # fmt: skip


class Run(NamedTuple):
    """The bot's current run: what its closed trades made in all."""

    run_id: int
    closed_profit: Decimal
    began_at: datetime


class Habit(NamedTuple):
    """How often a bot trades: `trades` closed ones since its first day with one, the last of them when."""

    trades: int
    first_day: date | None
    last_close: datetime | None


class InTrades(NamedTuple):
    """Of the open trades: how many, what they have realized already, and the last entry."""

    trades: int
    realized: Decimal
    last_open: datetime | None


@dataclass
class Scene:
    """Read when first asked for; what no rule needs is not read."""

    now: datetime
    counts: dict[tuple[str, int], dict[int, int]] = field(default_factory=dict)

    @cached_property
    def bots(self) -> dict[int, list[Watched]]:
        """team -> its bots that are asked."""
        found: dict[int, list[Watched]] = {}
        for row in Bot.objects.polled().filter(status__isnull=False).order_by("pk").values_list(*COLUMNS):
            watched = Watched._make(row)
            found.setdefault(watched.team_id, []).append(watched)
        return found

    def where(self, *states: str) -> list[int]:
        return [bot.bot_id for bots in self.bots.values() for bot in bots if bot.state in states]

    @cached_property
    def health_read_at(self) -> dict[int, datetime]:
        mine = BotReading.objects.filter(bot__in=self.where("running"), kind=str(Kind.HEALTH))
        return dict(mine.values_list("bot", "read_at"))

    @cached_property
    def not_running_since(self) -> dict[int, datetime]:
        """As was told since it last ran. A bot that was found standing still after a silence stands since then."""
        told = Event.objects.filter(bot__in=self.where(*NOT_RUNNING)).order_by().values_list("bot")
        found, ran = Q(kind="connection_found"), ("running", "starting")
        moments = told.filter(found | Q(kind__in=("started", *NOT_RUNNING))).annotate(
            ran=Max("at", filter=Q(kind="started") | (found & Q(data__state__in=ran))),
            halted=Max("at", filter=Q(kind__in=NOT_RUNNING)),
            found=Max("at", filter=found & Q(data__state__in=NOT_RUNNING)),
        )
        later = {bot: [at for at in each if at and (ended is None or at > ended)] for bot, ended, *each in moments}
        return {bot: each[0] for bot, each in later.items() if each}

    @cached_property
    def today(self) -> dict[tuple[int, str, str], Decimal]:
        """(bot, mode, currency) -> what its trades that closed today made, by its team's day."""
        days = {team: today_in(zone, self.now) for team, zone in Team.objects.values_list("pk", "time_zone")}
        rows = BotDay.objects.filter(day__in=set(days.values())).values_list(
            "bot", "mode", "currency", "day", "profit", "bot__team"
        )
        return {(bot, mode, coin): profit for bot, mode, coin, day, profit, team in rows if days[team] == day}

    @cached_property
    def runs(self) -> dict[int, Run]:
        rows = BotRun.objects.filter(ended_at=None).values_list("bot", "pk", "closed_profit", "started_at")
        return {bot: Run(pk, profit, began) for bot, pk, profit, began in rows}

    @cached_property
    def peaks(self) -> dict[int, EquityPeak]:
        return EquityPeak.objects.in_bulk()

    @cached_property
    def in_trades(self) -> dict[int, InTrades]:
        rows = (
            Trade.objects.open()
            .order_by()
            .values("bot")
            .annotate(count=Count("pk"), last=Max("open_date"), sum=ExactSum("realized_profit"))
        )
        return {row["bot"]: InTrades(row["count"], row["sum"] or Decimal(0), row["last"]) for row in rows}

    @cached_property
    def torn(self) -> set[int]:
        """Bots that were written between the reading of `bots` and of their runs and trades: these do not belong
        together, and what is added up of them was never so."""
        before = {bot.bot_id: bot.seq for bots in self.bots.values() for bot in bots}
        _ = self.runs, self.in_trades
        after = dict(BotStatus.objects.filter(pk__in=before).values_list("pk", "seq"))
        return {bot for bot, seq in before.items() if after.get(bot) != seq}

    @cached_property
    def habits(self) -> dict[tuple[int, str, str], Habit]:
        own = {"bot": OuterRef("bot"), "mode": OuterRef("mode"), "currency": OuterRef("currency")}
        first = BotDay.objects.filter(day__gt=UNDATED, **own).order_by("day").values("day")[:1]
        last = Trade.objects.filter(close_date__isnull=False, gone_at=None, **own).order_by("-close_date")
        rows = BotLifetime.objects.filter(bot__in=self.where("running")).annotate(
            first_day=Subquery(first), last_close=Subquery(last.values("close_date")[:1])
        )
        listed = rows.values_list("bot", "mode", "currency", "trades", "first_day", "last_close")
        return {(bot, mode, coin): Habit(*habit) for bot, mode, coin, *habit in listed}

    @cached_property
    def unknown_commands(self) -> dict[int, list[Command]]:
        found: dict[int, list[Command]] = {}
        for command in Command.objects.unexplained().order_by("pk"):
            found.setdefault(command.bot_id, []).append(command)
        return found

    @cached_property
    def worker_lag(self) -> datetime | None:
        """Since when the bot that is due longest waits for a worker; None: none waits."""
        free = Q(leased_until=None) | Q(leased_until__lt=self.now)
        due = PollTurn.objects.filter(free, bot__in=Bot.objects.polled(), held="", next_poll_at__lt=self.now)
        since: datetime | None = due.aggregate(since=Min("next_poll_at"))["since"]
        return since

    @cached_property
    def relay_seen_at(self) -> datetime | None:
        """The relay that was seen last; None: none ran lately, or the last one ended in order."""
        seen: datetime | None = RelayProcess.objects.aggregate(seen=Max("seen_at"))["seen"]
        return seen

    def logged(self, kind: str, minutes: int) -> dict[int, int]:
        """bot -> how many events of this kind were heard of within so many minutes. One query for each such rule's."""
        if (kind, minutes) not in self.counts:
            since = self.now - timedelta(minutes=minutes)
            told = Event.objects.filter(kind=kind, heard_at__gt=since, bot__isnull=False).order_by()
            self.counts[kind, minutes] = dict(told.values_list("bot").annotate(Count("pk")))
        return self.counts[kind, minutes]


def rules_in_use() -> QuerySet[AlertRule]:
    return AlertRule.objects.filter(enabled=True, kind__in=list(KINDS)).order_by("pk")


def changed_since(rules: Iterable[AlertRule]) -> set[int]:
    """Those of `rules` that were changed, switched off or removed since they were read. Locks all in use until the
    commit: rules before alerts, as whoever changes a rule does."""
    locked = rules_in_use().select_for_update(no_key=True)
    now = dict(locked.values_list("pk", "changed_at"))
    return {rule.pk for rule in rules if now.get(rule.pk) != rule.changed_at}


def covers(rule: AlertRule, bot: Any) -> bool:
    """Whether the rule looks at this bot. What is not known to be dry may be live; what turned dry now was live."""
    if rule.mode == AlertRule.LIVE_ONLY and bot.mode == "dry" and rule.kind != "mode_changed":
        return False
    if rule.bot_id is not None:
        return bool(rule.bot_id == bot.bot_id)
    return not rule.tag or rule.tag in bot.tags

"""What Prometheus asks: figures of the whole installation, read from the database, so that any process gives the same.

Nothing here is counted in a process's memory: of several processes each would know a part. What belongs to one process
only is added by `portal.metrics` under names that say so.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Max, Min, Q, Sum
from django.utils import timezone

from bots.domain.events.kinds import SEVERITIES
from bots.domain.freshness import WORDS, freshness_of, shown_state
from bots.domain.relaying.standing import listening
from bots.models import (
    Alert,
    AlertClock,
    AuditEntry,
    Bot,
    BotLifetime,
    BotStatus,
    Command,
    Delivery,
    Event,
    PollTurn,
    Trade,
)

Labels = dict[str, str]
Value = float | int | None

POLL_SECONDS = "Time the good polls took, first request to last answer; by the good polls it is how long one takes"
MODES = ("live", "dry", "unknown")


@dataclass(frozen=True)
class Metric:
    """One name with its samples; a sample without a value is left out: not known is not zero."""

    name: str
    kind: str  # counter, gauge
    help: str
    samples: list[tuple[Labels, Value]]

    def lines(self) -> Iterator[str]:
        known = [(labels, value) for labels, value in self.samples if value is not None]
        if known:
            yield f"# HELP {self.name} {self.help}"
            yield f"# TYPE {self.name} {self.kind}"
        for labels, value in known:
            yield f"{self.name}{written(labels)} {value}"


def written(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{escaped(value)}"' for name, value in labels.items()) + "}"


def escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def gauge(name: str, text: str, *samples: tuple[Labels, Value]) -> Metric:
    return Metric(name, "gauge", text, list(samples))


def text_of(metrics: Iterable[Metric]) -> str:
    return "".join(f"{line}\n" for metric in metrics for line in metric.lines())


def installation() -> Iterator[Metric]:
    """Not twenty queries. Raises DatabaseError."""
    now = timezone.now()
    looks: tuple[Callable[[datetime], Iterator[Metric]], ...] = (
        polls,
        bots,
        turns,
        relays,
        trades,
        commands,
        alerts,
        deliveries,
        records,
        queues,
    )
    for look in looks:
        yield from look(now)


def polls(now: datetime) -> Iterator[Metric]:
    """Since a bot was added; retired bots keep theirs, so the counters never fall."""
    names = {"polls": "polls", "failed": "polls_failed", "requests": "requests", "good_ms": "good_poll_ms"}
    sums = BotStatus.objects.aggregate(**{name: Sum(column, default=0) for name, column in names.items()})
    done, failed = sums["polls"], sums["failed"]
    outcomes: list[tuple[Labels, Value]] = [({"outcome": "good"}, done - failed), ({"outcome": "failed"}, failed)]
    yield Metric("portal_polls_total", "counter", "Polls of bots, by outcome", outcomes)
    yield Metric("portal_poll_seconds_total", "counter", POLL_SECONDS, [({}, sums["good_ms"] / 1000)])
    yield Metric("portal_poll_requests_total", "counter", "Requests sent to bots", [({}, sums["requests"])])


def bots(now: datetime) -> Iterator[Metric]:
    listed = list(Bot.objects.active().select_related("status"))
    states = counted((shown_state(bot, bot.status, now) for bot in listed), WORDS)
    yield gauge("portal_bots", "Bots by the state the pages show", *(({"state": name}, n) for name, n in states))
    modes = counted((bot.status.mode or "unknown" for bot in listed), MODES)
    yield gauge("portal_bots_by_mode", "Bots by mode", *(({"mode": name}, n) for name, n in modes))
    codes = counted(bot.status.error_code for bot in listed if bot.enabled and bot.status.error_code)
    yield gauge(
        "portal_bots_failing", "Bots whose last poll had a problem, by code", *(({"code": c}, n) for c, n in codes)
    )
    asked = [bot for bot in listed if bot.enabled]
    fresh = [freshness_of(bot, bot.status, now) for bot in asked]
    ages = [one.age_seconds for one in fresh if one.age_seconds is not None]
    yield gauge("portal_bots_asked", "Bots that are asked: neither paused nor retired", ({}, len(asked)))
    yield gauge("portal_bots_fresh", "Bots asked whose figures are fresh", ({}, sum(one.fresh for one in fresh)))
    yield gauge("portal_bots_never_seen", "Bots asked that never answered", ({}, len(fresh) - len(ages)))
    oldest = max(ages, default=None)
    yield gauge("portal_bot_oldest_age_seconds", "Age of the oldest figures of a bot asked", ({}, oldest))
    answering = [bot.status for bot in asked if not bot.status.failures]  # the others' figure is of an older poll
    yield latencies([status.latency_ms for status in answering if status.latency_ms is not None])


def counted(words: Iterable[str], known: Iterable[str] = ()) -> list[tuple[str, int]]:
    """What is `known` is told when there is none of it, too: whoever watches for "none" must not find nothing."""
    found = dict.fromkeys(known, 0)
    for word in words:
        found[word] = found.get(word, 0) + 1
    return sorted(found.items())


def latencies(milliseconds: list[int]) -> Metric:
    """Over the bots, how long each took to tell its state: a histogram would need every process's memory."""
    ordered = sorted(milliseconds)
    shares = ("0.5", "0.9", "0.99", "1") if ordered else ()
    places = {share: min(int(float(share) * len(ordered)), len(ordered) - 1) for share in shares}
    samples: list[tuple[Labels, Value]] = [({"quantile": q}, ordered[place] / 1000) for q, place in places.items()]
    return gauge(
        "portal_bot_latency_seconds",
        "Time to the state, the first of a poll's requests, in the last poll: quantiles over the bots that answer",
        *samples,
    )


def turns(now: datetime) -> Iterator[Metric]:
    asked = PollTurn.objects.filter(bot__in=Bot.objects.polled())
    free = Q(leased_until=None) | Q(leased_until__lt=now)
    waiting = Q(held="", next_poll_at__lt=now) & free
    found = asked.aggregate(
        now_due=Count("pk", filter=waiting),
        now_leased=Count("pk", filter=Q(leased_until__gte=now)),
        now_held=Count("pk", filter=~Q(held="")),
        now_since=Min("next_poll_at", filter=waiting),
    )
    lag = (now - found["now_since"]).total_seconds() if found["now_since"] else 0.0
    yield gauge("portal_turns_due", "Bots due that no worker has taken yet", ({}, found["now_due"]))
    yield gauge("portal_turns_leased", "Bots being polled", ({}, found["now_leased"]))
    yield gauge("portal_turns_held", "Bots not asked any more until a person acts", ({}, found["now_held"]))
    yield gauge("portal_turn_lag_seconds", "How long the bot due longest waits for a worker", ({}, lag))


def relays(now: datetime) -> Iterator[Metric]:
    found = listening(now)
    yield gauge("portal_relays_alive", "Relays that gave a sign of life within their lease time", ({}, found.alive))
    yield gauge("portal_relay_lines_wanted", "Bots that speak by themselves and are asked", ({}, found.wanted))
    yield gauge("portal_relay_lines", "Of these, those a relay that lives is connected to", ({}, found.lines))
    yield gauge("portal_relay_sign_age_seconds", "Since a relay gave its last sign of life", ({}, found.sign_age))


def trades(now: datetime) -> Iterator[Metric]:
    closed = BotLifetime.objects.aggregate(closed=Sum("trades"))["closed"] or 0
    yield gauge("portal_trades_open", "Open trades", ({}, Trade.objects.open().count()))
    yield gauge("portal_trades_closed", "Closed trades in totals", ({}, closed))


def commands(now: datetime) -> Iterator[Metric]:
    states: dict[str, int] = dict(Command.objects.order_by().values_list("state").annotate(Count("pk")))
    names = [value for name, value in vars(Command).items() if name.isupper() and isinstance(value, str)]
    yield gauge("portal_commands", "Commands by state", *(({"state": name}, states.get(name, 0)) for name in names))


def alerts(now: datetime) -> Iterator[Metric]:
    standing = Alert.objects.open().order_by().values_list("severity", "acknowledged_at")
    found = {(severity, state): 0 for severity in SEVERITIES for state in (Alert.OPEN, Alert.ACKNOWLEDGED)}
    for severity, acknowledged_at in standing:
        found[severity, Alert.ACKNOWLEDGED if acknowledged_at else Alert.OPEN] += 1
    samples: list[tuple[Labels, Value]] = [({"severity": s, "state": state}, n) for (s, state), n in found.items()]
    yield gauge("portal_alerts", "Alerts that are not cleared, by severity and state", *samples)
    evaluated_at = AlertClock.objects.values_list("evaluated_at", flat=True).first()
    age = (now - evaluated_at).total_seconds() if evaluated_at else None
    yield gauge("portal_alerts_evaluated_age_seconds", "Since the rules of alerts were last evaluated", ({}, age))


def deliveries(now: datetime) -> Iterator[Metric]:
    """Of the kept ones. A part of a digest counts with its digest."""
    rows = Delivery.objects.order_by().values_list("state").annotate(Count("pk"), Min("created_at"))
    found = {state: (count, oldest) for state, count, oldest in rows}
    names = (Delivery.PENDING, Delivery.CLAIMED, Delivery.SENT, Delivery.GIVEN_UP)
    counts: list[tuple[Labels, Value]] = [({"state": n}, found[n][0] if n in found else 0) for n in names]
    yield gauge("portal_deliveries", "Messages about alerts by state", *counts)
    waiting = [found[state][1] for state in Delivery.UNDER_WAY if state in found]
    age = (now - min(waiting)).total_seconds() if waiting else 0.0
    yield gauge("portal_delivery_oldest_age_seconds", "How long the message waiting longest has waited", ({}, age))


def records(now: datetime) -> Iterator[Metric]:
    events = Event.objects.aggregate(last=Max("pk"))["last"] or 0
    yield gauge("portal_event_last_id", "Id of the newest event; PostgreSQL leaves gaps", ({}, events))
    head = AuditEntry.objects.order_by("-id").values_list("id", "at").first()
    yield gauge("portal_audit_head_id", "Id of the audit's newest entry", ({}, head[0] if head else 0))
    age = (now - head[1]).total_seconds() if head else None
    yield gauge("portal_audit_head_age_seconds", "Age of the audit's newest entry", ({}, age))
    polled = BotStatus.objects.filter(bot__in=Bot.objects.polled(), bot__turn__held="")
    since = polled.aggregate(oldest=Min("tried_at"))["oldest"]
    asked = (now - since).total_seconds() if since else None
    yield gauge("portal_poll_oldest_seconds", "Since the bot asked longest ago was asked", ({}, asked))


def queues(now: datetime) -> Iterator[Metric]:
    """Messages waiting in Redis; an embedded installation has its queues in memory and needs no figure."""
    if settings.EMBEDDED:
        return
    from redis import Redis  # an installation without Redis need not load it
    from redis.exceptions import RedisError

    try:
        with Redis.from_url(settings.REDIS_URL or "", socket_timeout=1, socket_connect_timeout=1) as redis:
            depths: list[tuple[Labels, Value]] = [
                ({"queue": queue.name}, int(redis.llen(queue.name)))  # type: ignore[arg-type]
                for queue in settings.CELERY_TASK_QUEUES
            ]
    except (RedisError, OSError):
        yield gauge("portal_broker_up", "Whether Redis answers", ({}, 0))
        return
    yield gauge("portal_broker_up", "Whether Redis answers", ({}, 1))
    yield gauge("portal_queue_depth", "Messages that no worker has taken yet", *depths)

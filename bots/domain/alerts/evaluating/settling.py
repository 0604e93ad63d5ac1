"""What a look found becomes alerts: opened once, kept while it stands, cleared when it is over, told when nobody wants
silence. Inside the transaction of whoever holds the turn."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count

from bots.domain.alerts.clearing import clear
from bots.domain.alerts.delivering import queue
from bots.domain.alerts.evaluating.judging import Finding, Look
from bots.domain.alerts.kinds import KINDS
from bots.domain.alerts.silence import Silences
from bots.domain.alerts.telling_pages import tell_pages
from bots.domain.events.recording import bounded
from bots.models import Alert, AlertRule, Delivery
from bots.models.rows import update_rows

# It has to be well for so long before it is said to be: what comes and goes is one alert. Each time it came back within
# the last hours makes that longer.
HOLD_SECONDS, MOST_HOLD_SECONDS = 120, 3600
FLAPS_WITHIN = timedelta(hours=2)
HOUR = timedelta(hours=1)
AT_ONCE = frozenset({"command_unknown"})  # what is resolved stays resolved
OVER, AGAIN = "It is over", "It happened again"
COLUMNS = [
    "text", "detail", "data", "last_at", "times", "event", "well_since", "silent", "announced_at",
    "reminders", "reminded_at", "cleared_at", "cleared_why",
]  # fmt: skip


@dataclass
class Settled:
    """What one look changed."""

    opened: list[Alert] = field(default_factory=list)
    touched: dict[int, Alert] = field(default_factory=dict)
    ended: list[Alert] = field(default_factory=list)


def settle(look: Look, now: datetime) -> Settled:
    standing = {alert.key: alert for alert in standing_alerts()}
    done = Settled()
    for alert in standing.values():
        finding = look.found.get(alert.key)
        if finding is not None:
            keep(alert, finding, now)
            done.touched[alert.pk] = alert
    again = [alert for alert in standing.values() if alert.cleared_at is not None]
    silences = Silences.at(now)
    known = standing.keys() - {alert.key for alert in again}
    fresh = [opened(finding, now) for key, finding in look.found.items() if key not in known]
    hush([*standing.values(), *fresh], silences, done)
    end_what_is_over([alert for key, alert in standing.items() if key not in look.found], look, now, done)
    save(done)
    done.opened = insert(fresh)
    told = tell([*standing.values(), *done.opened], now)
    # At the end and once: who raises a bot's number holds its row until the commit, and polls raise many.
    tell_pages([*done.opened, *again, *done.ended, *told])
    return done


def standing_alerts() -> Iterable[Alert]:
    rows = Alert.objects.open().select_for_update(of=("self",)).select_related("bot", "team", "rule")
    return rows.order_by("pk")


# --- one alert


def keep(alert: Alert, finding: Finding, now: datetime) -> None:
    """It is still so, or happened again: what somebody has taken on already ends here, and another one follows."""
    found, kind = finding.found, KINDS[finding.rule.kind]
    if alert.acknowledged_at is not None and (kind.anew or (not kind.lasting and outlasted(alert, finding.rule, now))):
        alert.cleared_at, alert.cleared_why = now, AGAIN
        return
    alert.text, alert.detail = bounded_text(finding)
    alert.data, alert.last_at, alert.well_since = dict(found.figures), now, None
    if not kind.lasting:
        alert.times += found.times
        alert.event_id = found.event_id


def outlasted(alert: Alert, rule: AlertRule, now: datetime) -> bool:
    """Taken on so long ago that what goes on happening is news."""
    return alert.acknowledged_at is not None and now - alert.acknowledged_at >= kept_for(rule)


def opened(finding: Finding, now: datetime) -> Alert:
    rule, bot, found = finding
    text, detail = bounded_text(finding)
    return Alert(
        team_id=rule.team_id,
        rule=rule,
        bot_id=bot.bot_id if bot else None,
        kind=rule.kind,
        key=finding.key,
        severity=rule.severity,
        mode=bot.mode if bot else "",
        text=text,
        detail=detail,
        data=dict(found.figures),
        since=min(found.since, now),
        opened_at=now,
        last_at=now,
        times=found.times,
        event_id=found.event_id,
    )


def bounded_text(finding: Finding) -> tuple[str, str]:
    return bounded("text", finding.found.text), bounded("detail", finding.found.detail)


def insert(alerts: Sequence[Alert]) -> list[Alert]:
    if not alerts:
        return []
    since = min(alert.opened_at for alert in alerts) - FLAPS_WITHIN
    before = Alert.objects.filter(key__in=[alert.key for alert in alerts], cleared_at__gt=since).order_by()
    flaps: dict[str, int] = dict(before.values_list("key").annotate(Count("pk")))
    for alert in alerts:
        if KINDS[alert.kind].lasting and alert.kind not in AT_ONCE:
            alert.hold_seconds = min(HOLD_SECONDS * 4 ** min(flaps.get(alert.key, 0), 9), MOST_HOLD_SECONDS)
    made = Alert.objects.bulk_create(alerts)
    return list(Alert.objects.filter(pk__in=[alert.pk for alert in made]).select_related("bot", "team", "rule"))


# --- the end


def end_what_is_over(alerts: Iterable[Alert], look: Look, now: datetime, done: Settled) -> None:
    ending: dict[str, list[Alert]] = {}
    for alert in alerts:
        why = why_over(alert, look, now, done)
        if why:
            ending.setdefault(why, []).append(alert)
    for why, ended in ending.items():
        done.ended += clear(ended, why, now)


def why_over(alert: Alert, look: Look, now: datetime, done: Settled) -> str:
    """A sentence, or "" while it stands."""
    rule = alert.rule
    if rule is None or not rule.enabled or rule.kind not in KINDS:
        return "The rule was switched off"
    if not KINDS[rule.kind].lasting:
        kept = kept_for(rule)
        return f"Nothing more within {kept // HOUR} h" if now - alert.last_at >= kept else ""
    pair = (rule.pk, alert.bot_id or 0)
    if pair not in look.judged:
        gone = alert.bot_id is not None and alert.bot_id not in look.asked
        return "The portal does not ask this bot" if gone else "The rule does not look at this bot any more"
    return "" if pair in look.unsure else why_well(alert, now, done)


def kept_for(rule: AlertRule) -> timedelta:
    """How long after its last event an alert ends that nobody closed."""
    return int(rule.params.get("keep_hours", 24)) * HOUR


def why_well(alert: Alert, now: datetime, done: Settled) -> str:
    if (alert.well_since is None or alert.well_since > now) and alert.hold_seconds:
        alert.well_since = now
        done.touched[alert.pk] = alert
        return ""
    held = timedelta(seconds=alert.hold_seconds)
    return OVER if alert.well_since is None or now - alert.well_since >= held else ""


# --- telling


def hush(alerts: Iterable[Alert], silences: Silences, done: Settled) -> None:
    for alert in alerts:
        silent = silences.of(alert)
        if silent != alert.silent:
            alert.silent = silent
            if alert.pk:
                done.touched[alert.pk] = alert


def save(done: Settled) -> None:
    update_rows(list(done.touched.values()), COLUMNS)


def tell(alerts: Iterable[Alert], now: datetime) -> list[Alert]:
    """Hand openings and reminders to the destinations. Returns the alerts that were told of."""
    waiting = [alert for alert in alerts if wants_telling(alert)]
    first = [alert for alert in waiting if alert.announced_at is None]
    later = [alert for alert in waiting if alert.announced_at is not None and wants_reminding(alert, now)]
    for alert in first:
        alert.announced_at = now
    for alert in later:
        alert.reminders, alert.reminded_at = alert.reminders + 1, now
    update_rows([*first, *later], ["announced_at", "reminders", "reminded_at"])
    queue(first, Delivery.OPENED)
    queue(later, Delivery.REMINDER)
    return [*first, *later]


def wants_telling(alert: Alert) -> bool:
    """What is just becoming well is not told of as news."""
    standing = alert.cleared_at is None and alert.acknowledged_at is None and alert.well_since is None
    return standing and not alert.silent


def wants_reminding(alert: Alert, now: datetime) -> bool:
    if alert.rule is None or alert.rule.remind_hours is None or alert.announced_at is None:
        return False
    return now - (alert.reminded_at or alert.announced_at) >= timedelta(hours=alert.rule.remind_hours)

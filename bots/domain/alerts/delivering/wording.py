"""What people read: one alert, a digest of many, or a test. The same facts as text and as JSON."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import Team
from bots.models import Alert, Delivery

# Control signs and marks that turn the direction of writing: a bot's words neither forge lines nor hide their ends.
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+")
LINES_OF_A_DIGEST = 30
IN_A_DIGESTS_PAYLOAD = 200
BEGINNINGS = {Delivery.OPENED: "", Delivery.CLEARED: "Cleared: ", Delivery.REMINDER: "Still: "}
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Letter:
    """`number` stays the same when the same delivery is sent again; `payload` is JSON (for webhooks)."""

    number: str
    title: str
    text: str
    payload: dict[str, Any]
    grave: bool = True


def letter_of(delivery: Delivery) -> Letter:
    """`delivery` comes with its destination, team, alert and bot."""
    team = delivery.destination.team
    if delivery.what == Delivery.TEST:
        return letter_of_trial(delivery, team)
    if delivery.what == Delivery.DIGEST:
        parts = delivery.parts.select_related("alert__bot", "alert__team").order_by("id")
        return digest_letter(delivery, team, list(parts))
    return alert_letter(delivery, team)


def alert_letter(delivery: Delivery, team: Team) -> Letter:
    alert = told_alert(delivery)
    title = one_line(f"{BEGINNINGS[delivery.what]}{place(alert)} {alert.text}")
    facts = {
        "what": delivery.what,
        "team": one_line(team.name),
        "said": one_line(f"{place(alert)} {alert.text}", 400),
        "detail": one_line(alert.detail, 500),
        "severity": alert.severity,
        "figure": figure(alert.data),
        "limit": figure(alert.data, "limit"),
        "as_of": one_line(str(alert.data.get("as_of") or "")),
        "age": age_of(alert),
        "cleared_by": one_line(alert.cleared_by_name),
        "cleared_why": one_line(alert.cleared_why),
        "lasted": span((alert.cleared_at - alert.since).total_seconds()) if alert.cleared_at else "",
        "moments": {name: moment(getattr(alert, name)) for name in ("since", "opened_at", "cleared_at")},
        "links": links(alert),
    }
    payload = {**head(delivery, team, title), "alert": written(alert)}
    clearing = delivery.what == Delivery.CLEARED
    return Letter(number(delivery), title, text_of("mail", facts), payload, grave=not clearing)


def digest_letter(delivery: Delivery, team: Team, parts: Sequence[Delivery]) -> Letter:
    alerts = [told_alert(part) for part in parts]
    bots = len({alert.bot_id for alert in alerts if alert.bot_id})
    counts = Counter(part.what for part in parts)
    title = f"{len(parts)} alerts, {bots} bot{'' if bots == 1 else 's'} of {one_line(team.name)}: {counted(counts)}"
    lines = [f"{BEGINNINGS[part.what]}{place(alert)} {alert.text}" for part, alert in zip(parts, alerts, strict=True)]
    facts = {
        "title": title,
        "lines": [one_line(line) for line in lines[:LINES_OF_A_DIGEST]],
        "more": max(len(lines) - LINES_OF_A_DIGEST, 0),
        "kinds": Counter(alert.kind.replace("_", " ") for alert in alerts).most_common(),
        "links": [f"{portal()}/alerts/"],
    }
    shown = list(zip(parts, alerts, strict=True))[:IN_A_DIGESTS_PAYLOAD]
    payload = {
        **head(delivery, team, title),
        "counts": {"alerts": len(parts), "bots": bots, **counts},
        "alerts": [{"what": part.what, **written(alert)} for part, alert in shown],
    }
    return Letter(number(delivery), title, text_of("mail_digest", facts), payload, Delivery.OPENED in counts)


def letter_of_trial(delivery: Delivery, team: Team) -> Letter:
    title = f"Test of {one_line(delivery.destination.name)}"
    facts = {
        "title": title,
        "team": one_line(team.name),
        "asked_by": one_line(delivery.asked_by_name),
        "asked_at": moment(delivery.created_at),
        "links": [f"{portal()}/alerts/"],
    }
    payload = {**head(delivery, team, title), "asked_by": delivery.asked_by_name}
    return Letter(number(delivery), title, text_of("mail_test", facts), payload, grave=False)


def head(delivery: Delivery, team: Team, title: str) -> dict[str, Any]:
    return {
        "what": delivery.what,
        "delivery": number(delivery),
        "sent_at": timezone.now().isoformat(),
        "portal": portal(),
        "team": team.slug,
        "title": title,
    }


def written(alert: Alert) -> dict[str, Any]:
    return {
        "id": str(alert.uuid),
        "kind": alert.kind,
        "severity": alert.severity,
        "state": alert.state,
        "bot": alert.bot.slug if alert.bot else None,
        "bot_name": alert.bot.name if alert.bot else None,
        "mode": alert.mode,
        "text": alert.text,
        "detail": alert.detail,
        "data": alert.data,
        "since": alert.since.isoformat(),
        "opened_at": alert.opened_at.isoformat(),
        "cleared_at": alert.cleared_at.isoformat() if alert.cleared_at else None,
        "cleared_why": alert.cleared_why,
        "url": links(alert)[0],
    }


def told_alert(delivery: Delivery) -> Alert:
    if delivery.alert is None:
        raise ValueError(f"delivery {delivery.pk} tells of no alert")
    return delivery.alert


def place(alert: Alert) -> str:
    """'LIVE btc-trend-01'; what is no bot's is the portal's own."""
    if alert.bot is None:
        return "The portal"
    return f"{alert.mode.upper()} {alert.bot.name}".strip()


def number(delivery: Delivery) -> str:
    return f"delivery-{delivery.pk}"


def links(alert: Alert) -> list[str]:
    bots = [f"{portal()}/bots/{alert.bot.slug}/"] if alert.bot else []
    return [*bots, f"{portal()}/alerts/"]


def portal() -> str:
    return str(settings.PORTAL_URL).rstrip("/")


def text_of(template: str, facts: dict[str, Any]) -> str:
    """The template's lines, with at most one empty one between two; whatever a bot said is kept on one of them."""
    return re.sub(r"\n{3,}", "\n\n", render_to_string(f"bots/alerts/{template}.txt", facts)).strip() + "\n"


def one_line(text: str, most: int = 200) -> str:
    clean = UNPRINTABLE.sub(" ", text).strip()
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def counted(counts: Counter[str]) -> str:
    words = {Delivery.OPENED: "new", Delivery.CLEARED: "cleared", Delivery.REMINDER: "still open"}
    return ", ".join(f"{counts[what]} {word}" for what, word in words.items() if counts[what])


def figure(data: dict[str, Any], name: str = "figure") -> str:
    """'−12.30 %', '−31.5 USDT', '45 minutes'; "" where the alert names none."""
    value = data.get(name)
    if value in (None, ""):
        return ""
    unit, currency = str(data.get("unit") or ""), str(data.get("currency") or "")
    try:
        exact = Decimal(str(value))
    except InvalidOperation:
        return one_line(f"{value} {unit}")
    if unit == "ratio":
        return f"{exact * 100:.2f} %".replace("-", MINUS)
    return one_line(f"{exact:f} {currency if unit in ('money', '') else unit}".replace("-", MINUS))


def age_of(alert: Alert) -> str:
    """How old the figure was when the alert was raised."""
    seconds = alert.data.get("age_seconds")
    return span(float(seconds)) if isinstance(seconds, int | float) else ""


def moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else ""


def span(seconds: float) -> str:
    """'40 s', '12 min', '3 h 5 min', '2 d 3 h'."""
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86400)
    if minutes < 1:
        return f"{max(int(seconds), 0)} s"
    if hours < 1:
        return f"{minutes} min"
    return f"{hours} h {minutes % 60} min" if days < 1 else f"{days} d {hours % 24} h"

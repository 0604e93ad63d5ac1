"""How an alert and a rule are written: severity, the figure with its unit, what a rule looks at, whom it watches."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django import template
from django.utils import timezone

from bots.domain.alerts import KINDS, Param
from bots.domain.fleet import decimals_of
from bots.models import Alert, AlertRule, Delivery
from bots.models.money import plain
from bots.templatetags.figures import rounded, signed, span, unsigned

register = template.Library()

SEVERITIES = {"error": "Error", "warning": "Warning", "info": "Note"}
SILENCES = {
    Alert.MUTED: "muted: nobody is told",
    Alert.MAINTENANCE: "maintenance: nobody is told",
    Alert.SAFE_MODE: "safe mode: nobody is told",
}
SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}
TELLINGS = {
    Delivery.OPENED: "opened",
    Delivery.CLEARED: "cleared",
    Delivery.REMINDER: "reminder",
    Delivery.DIGEST: "digest",
    Delivery.TEST: "test",
}
# state -> (word, mark of templates/bots/commands/_steps.html)
OUTCOMES = {
    Delivery.PENDING: ("waits", "now"),
    Delivery.CLAIMED: ("is being sent", "now"),
    Delivery.SENT: ("sent", "ok"),
    Delivery.GIVEN_UP: ("not delivered", "no"),
    Delivery.DIGESTED: ("in a digest that is forgotten by now", ""),
    Delivery.DROPPED: ("not told any more", ""),
}


@register.filter
def severity_word(severity: str) -> str:
    return SEVERITIES.get(severity, severity)


@register.filter
def silence_word(silent: str) -> str:
    return SILENCES.get(silent, "")


@register.filter
def kind_word(kind: str) -> str:
    return KINDS[kind].label if kind in KINDS else kind


@register.filter
def stood(alert: Alert) -> str:
    """How long it has been so, or was."""
    return span(((alert.cleared_at or timezone.now()) - alert.since).total_seconds())


@register.filter
def telling_word(what: str) -> str:
    return TELLINGS.get(what, what)


@register.filter
def outcome_word(delivery: Delivery) -> str:
    """Of one that failed once and is tried again: that it waits for that. Of a part of a digest: the digest's."""
    if delivery.state == Delivery.DIGESTED and delivery.part_of is not None:
        return f"in a digest: {outcome_word(delivery.part_of)}"
    word = OUTCOMES.get(delivery.state, (delivery.state, ""))[0]
    return f"{word} to be tried again" if delivery.state == Delivery.PENDING and delivery.attempts else word


@register.filter
def outcome_mark(delivery: Delivery) -> str:
    told = delivery.part_of if delivery.state == Delivery.DIGESTED and delivery.part_of is not None else delivery
    return OUTCOMES.get(told.state, ("", ""))[1]


@register.filter
def figure(data: Mapping[str, Any]) -> str:
    return measured(data.get("figure"), str(data.get("unit", "")), str(data.get("currency", "")))


@register.filter
def limit(data: Mapping[str, Any]) -> str:
    return measured(data.get("limit"), str(data.get("unit", "")), str(data.get("currency", "")))


def measured(value: object, unit: str, currency: str = "") -> str:
    """'12.3 %', '-31.50 USDT', '45 min', '7'; "" where there is none."""
    if value in (None, ""):
        return ""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return f"{value} {unit}".strip()
    if unit == "ratio":
        return f"{unsigned(plain(rounded(number * 100, 2)))} %"
    if unit in SECONDS:
        return span(float(number * SECONDS[unit])).removesuffix(" 0 min").removesuffix(" 0 h")
    if unit in ("money", "") and currency:
        return f"{signed(rounded(number, decimals_of(currency)))} {currency}"
    return f"{unsigned(number)} {unit}".strip()


@register.filter
def looks_at(rule: AlertRule) -> list[tuple[str, str]]:
    """(label, value with its unit) of each of the rule's parameters."""
    params = KINDS[rule.kind].params if rule.kind in KINDS else ()
    return [(param.label, of_param(param, rule.params.get(param.name, param.default))) for param in params]


def of_param(param: Param, value: object) -> str:
    return str(value) if param.unit in ("choice", "times") else measured(value, param.unit)


@register.filter
def watched(rule: AlertRule) -> str:
    """Which bots it is about."""
    if rule.kind in KINDS and KINDS[rule.kind].of_portal:
        return "the portal itself"
    if rule.bot is not None:
        return rule.bot.name
    return (
        f"bots with \N{LEFT DOUBLE QUOTATION MARK}{rule.tag}\N{RIGHT DOUBLE QUOTATION MARK}" if rule.tag else "all bots"
    )

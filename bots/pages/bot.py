"""The page of one bot: its figures above, one tab below. Tabs are links."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import HANDLE_ALERTS, MANAGE
from accounts.models import Team
from accounts.views import person
from bots.domain.alerts import maintenance_of, mutes_of, open_alerts
from bots.domain.commands import offers
from bots.domain.commands.listing import CommandQuery, commands_for, latest_of_bots
from bots.domain.events.listing import EventQuery, events_for, newest_for
from bots.domain.fleet import BotRow, rows_of
from bots.domain.profit import OwnSums, Purse, own_sums
from bots.domain.trade_sums import grouped
from bots.domain.trades import TradeQuery, open_trade_rows, trades_for
from bots.models import Bot, BotReading, ConfigVersion, RelayLease
from bots.pages.equity import PERIODS, daily_of, equity_of, period_of
from bots.pages.showing import show
from bots.pages.trades import acts_of, open_rows, page_of

TABS = {
    "overview": "Overview",
    "open": "Open trades",
    "closed": "Closed trades",
    "performance": "Performance",
    "balance": "Balance",
    "locks": "Locks",
    "pairlists": "Pairlists",
    "logs": "Logs",
    "commands": "Commands",
    "events": "Events",
    "configuration": "Configuration",
    "connection": "Connection",
}
LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
OFFERED_LEVELS = LEVELS[:-1]
LOG_LINES = 200
NEWS = 6  # events beside the curve
MOST_ALARMS = 8  # above the figures


@login_required
@require_safe
def bot(request: HttpRequest, slug: str) -> HttpResponse:
    visible = Bot.objects.visible_to(person(request)).select_related("team", "status", "turn")
    found = get_object_or_404(visible, slug=slug)
    tab = request.GET.get("tab", "overview")
    if tab not in TABS:
        raise Http404
    (row,) = rows_of([found], timezone.now())
    context = head_of(request, found, row) | {"tab": tab, "tab_template": f"bots/tabs/_{tab}.html"}
    return show(request, "bot", context | CONTENTS[tab](request, row))


def head_of(request: HttpRequest, found: Bot, row: BotRow) -> dict[str, Any]:
    """What stands above every tab."""
    may_manage = Bot.objects.commandable_by(person(request), MANAGE).filter(pk=found.pk).exists()
    own = own_sums(found, timezone.now())
    counts = {"open": None if found.retired_at else row.open_count, "closed": row.realized.trades}
    return {
        "bot": found,
        "row": row,
        "own": own,
        "own_days": own_days_of(own),
        "page_title": found.name,
        "line": RelayLease.objects.filter(bot=found).first(),
        "may_manage": may_manage and found.retired_at is None,
        "offers": (offered := offers(person(request), found)),
        "may_ask": {offer.action for offer in offered},
        **alarms_of(request, found),
        "command": latest_of_bots(person(request)).get(found.pk),
        "tabs": [(name, label, counts.get(name)) for name, label in TABS.items()],
    }


def alarms_of(request: HttpRequest, found: Bot) -> dict[str, Any]:
    """What is wrong at the bot now, and whether anybody is told of it."""
    user, now = person(request), timezone.now()
    here = Q(bot=found) | Q(bot=None)
    return {
        "alarms": open_alerts(user, bot=found)[:MOST_ALARMS],
        "windows": maintenance_of(user, found.team).filter(here, starts_at__lte=now),
        "mutes": mutes_of(user, found.team).filter(bot=found),
        "may_handle": Team.objects.where(user, HANDLE_ALERTS).filter(pk=found.team_id).exists(),
    }


def own_days_of(own: OwnSums | None) -> list[tuple[date, Decimal]]:
    """Oldest first, as a chart takes them."""
    told = own.days.value.days if own and own.days.value else ()
    return [(date.fromisoformat(day.day), day.profit_abs) for day in reversed(told) if day.profit_abs is not None]


def reading(row: BotRow, kind: str) -> BotReading | None:
    return BotReading.objects.filter(bot=row.bot, kind=kind).first()


def overview(request: HttpRequest, row: BotRow) -> dict[str, Any]:
    purse = Purse(row.mode, row.currency)
    closed = trades_for(person(request), TradeQuery(status="closed", bot=row.bot.slug))
    listed = trades_for(person(request), TradeQuery(status="open", bot=row.bot.slug))
    period = period_of(request.GET.get("period"))
    rows = open_trade_rows(listed, timezone.now())
    return {
        **acts_of(person(request), rows),
        "period": period,
        "periods": [(word, label) for word, (label, _) in PERIODS.items()],
        "equity": equity_of(row.bot, period),
        "daily": daily_of(row),
        "rows": rows,
        "news": newest_for(person(request), NEWS, bot=row.bot),
        "pairs": grouped(closed, "pair", purse)[:6],
        "reasons": grouped(closed, "exit_reason", purse)[:6],
    }


def open_trades(request: HttpRequest, row: BotRow) -> dict[str, Any]:
    ordering = request.GET.get("sort", "")
    query = query_of(TradeQuery(status="open", bot=row.bot.slug), ordering)
    page = page_of(request, open_rows(person(request), query))
    return {"page": page, "sort": query.ordering or "-open_date", **acts_of(person(request), page.object_list)}


def closed_trades(request: HttpRequest, row: BotRow) -> dict[str, Any]:
    query = query_of(TradeQuery(status="closed", bot=row.bot.slug), request.GET.get("sort", ""))
    return {"page": page_of(request, trades_for(person(request), query)), "sort": query.ordering or "-close_date"}


def query_of(base: TradeQuery, ordering: str) -> TradeQuery:
    """The same with the ordering, if it is one."""
    try:
        return TradeQuery.parse({"status": base.status, "bot": base.bot, "sort": ordering})
    except ValueError:
        return base


def performance(request: HttpRequest, row: BotRow) -> dict[str, Any]:
    closed = trades_for(person(request), TradeQuery(status="closed", bot=row.bot.slug))
    purse = Purse(row.mode, row.currency)
    return {
        "tables": [
            ("By pair", "Pair", grouped(closed, "pair", purse)),
            ("By enter tag", "Enter tag", grouped(closed, "enter_tag", purse)),
            ("By exit reason", "Exit reason", grouped(closed, "exit_reason", purse)),
        ],
        "reading": reading(row, "performance"),
        "profit_reading": reading(row, "profit"),
    }


def balance(request: HttpRequest, row: BotRow) -> dict[str, Any]:
    return {"reading": reading(row, "balance")}


def locks(request: HttpRequest, row: BotRow) -> dict[str, Any]:
    return {"reading": reading(row, "locks")}


def pairlists(request: HttpRequest, row: BotRow) -> dict[str, Any]:
    return {"lists": [("Whitelist", reading(row, "whitelist")), ("Blacklist", reading(row, "blacklist"))]}


def logs(request: HttpRequest, row: BotRow) -> dict[str, Any]:
    """Newest first, from a level on."""
    least = request.GET.get("level", "DEBUG")
    found = reading(row, "logs")
    wanted = LEVELS[LEVELS.index(least) :] if least in LEVELS else LEVELS
    everything = found.data["lines"] if found else []
    lines = [line for line in reversed(everything) if line["level"] in wanted or least == "DEBUG"]
    return {"reading": found, "lines": lines[:LOG_LINES], "level": least, "levels": OFFERED_LEVELS}


def commands(request: HttpRequest, row: BotRow) -> dict[str, Any]:
    return {"page": page_of(request, commands_for(person(request), CommandQuery(bot=row.bot.slug)))}


def events(request: HttpRequest, row: BotRow) -> dict[str, Any]:
    return {"page": page_of(request, events_for(person(request), EventQuery(bot=row.bot.slug)))}


def configuration(request: HttpRequest, row: BotRow) -> dict[str, Any]:
    versions = ConfigVersion.objects.filter(bot=row.bot)
    newest = versions.first()
    settings = sorted(newest.settings.items()) if newest else []
    return {"newest": newest, "page": page_of(request, versions), "settings": settings}


def connection(request: HttpRequest, row: BotRow) -> dict[str, Any]:
    read_at: dict[str, datetime | None] = dict(BotReading.objects.filter(bot=row.bot).values_list("kind", "read_at"))
    read_at |= {"state": row.status.answered_at, "open_trades": row.status.seen_at}
    read_at["closed_trades"] = row.status.history_at
    errors = dict(BotReading.objects.filter(bot=row.bot).exclude(error="").values_list("kind", "error"))
    plan = [(kind, seconds, read_at.get(kind), errors.get(kind, "")) for kind, seconds in row.bot.plan().items()]
    return {"plan": plan, "error_ratio": error_ratio(row), "given": given(row.bot)}


def error_ratio(row: BotRow) -> Decimal | None:
    return Decimal(row.status.polls_failed) / row.status.polls if row.status.polls else None


def given(found: Bot) -> list[tuple[str, str]]:
    """The connection's fields as anybody of the team may see them: of a secret only that it is there."""
    texts = found.connection | dict.fromkeys(found.sealed, "set")
    return [(field.label, str(texts.get(field.name, "")) or "not set") for field in found.fields]


CONTENTS: dict[str, Callable[[HttpRequest, BotRow], dict[str, Any]]] = {
    "overview": overview,
    "open": open_trades,
    "closed": closed_trades,
    "performance": performance,
    "balance": balance,
    "locks": locks,
    "pairlists": pairlists,
    "logs": logs,
    "commands": commands,
    "events": events,
    "configuration": configuration,
    "connection": connection,
}

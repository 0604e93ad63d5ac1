"""Trades of all bots, and the page of one trade."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Page, Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.views import person
from bots.domain.commands import trade_offers, trade_offers_for
from bots.domain.commands.listing import CommandQuery, commands_for, latest_of_trades
from bots.domain.events.listing import EventQuery, events_for
from bots.domain.trade_sums import realized_of, unrealized_of
from bots.domain.trades import OpenRow, TradeQuery, open_trade_rows, trades_for
from bots.models import Bot, Trade
from bots.pages.showing import show

PAGE_SIZE = 50
MOST_EVENTS = 50  # on the page of one trade
WITH = ("bot__team", "bot__status", "run")
# An open trade's profit moves: it is not in the trade's row, so these are sorted here.
MOVING_SORTS = {"profit_ratio", "profit_abs"}


@login_required
@require_safe
def trades(request: HttpRequest) -> HttpResponse:
    try:
        query, mistake = TradeQuery.parse(request.GET), ""
    except ValueError as problem:
        query, mistake = TradeQuery(), str(problem)
    query = replace(query, status=query.status or "open")
    context = common_context(request, query, mistake)
    context |= open_context(request, query) if query.status == "open" else closed_context(request, query)
    return show(request, "trades", context, status=400 if mistake else 200)


def common_context(request: HttpRequest, query: TradeQuery, mistake: str) -> dict[str, Any]:
    bots = Bot.objects.visible_to(person(request)).order_by("name")
    plain = TradeQuery(status=query.status, ordering=query.ordering)
    return {
        "query": query,
        "mistake": mistake,
        "is_filtered": query != plain,
        "filters": filters_of(query, bots.values_list("slug", "name")),
        "open_count": trades_for(person(request), replace(query, status="open")).count(),
        "closed_count": trades_for(person(request), replace(query, status="closed")).count(),
    }


def filters_of(query: TradeQuery, bots: Iterable[tuple[str, str]]) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """(parameter, words for "any", chosen, choices) of each drop-down."""
    return [
        ("bot", "Any bot", query.bot, [*bots]),
        ("side", "Any side", query.side, [("long", "Long"), ("short", "Short")]),
    ]


def open_context(request: HttpRequest, query: TradeQuery) -> dict[str, Any]:
    rows = open_rows(person(request), query)
    page = page_of(request, rows)
    return {
        "sums": unrealized_of(rows),
        "sort": query.ordering or "-open_date",
        "page": page,
        **acts_of(person(request), page.object_list),
    }


def acts_of(user: User, rows: Iterable[OpenRow]) -> dict[str, Any]:
    """What may be asked of each of these trades, and how the latest command about it stands."""
    trades = [row.trade for row in rows]
    offered = trade_offers_for(user, trades)
    latest = latest_of_trades(user, [trade.pk for trade in trades])
    return {"offered": offered, "latest": latest, "may_act": bool(latest) or any(offered.values())}


def open_rows(user: User, query: TradeQuery) -> list[OpenRow]:
    """Open trades with their moving figures, sorted; trades without the figure stand last either way."""
    name, down = query.ordering.lstrip("-"), query.ordering.startswith("-")
    moving = name in MOVING_SORTS
    listed = trades_for(user, replace(query, ordering="" if moving else query.ordering))
    rows = open_trade_rows(listed, timezone.now())
    if not moving:
        return rows
    have = [row for row in rows if getattr(row, name) is not None]
    have.sort(key=lambda row: getattr(row, name), reverse=down)
    return have + [row for row in rows if getattr(row, name) is None]


def closed_context(request: HttpRequest, query: TradeQuery) -> dict[str, Any]:
    listed = trades_for(person(request), query)
    return {
        "sums": realized_of(listed),
        "sort": query.ordering or "-close_date",
        "page": page_of(request, listed),
    }


def page_of(request: HttpRequest, listed: Any) -> Page:
    """Fifty rows; a page that does not exist is the nearest one that does."""
    return Paginator(listed, PAGE_SIZE).get_page(request.GET.get("page"))


@login_required
@require_safe
def trade(request: HttpRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(Trade.objects.visible_to(person(request)).select_related(*WITH), pk=pk)
    moving = open_trade_rows([found], timezone.now())[0] if found.is_open else None
    context = {
        "trade": found,
        "moving": moving,
        "fees": fees_of(found),
        "page_title": f"{found.pair} {found.trade_id}",
        "offers": trade_offers(person(request), found),
        "commands": commands_for(person(request), CommandQuery(bot=found.bot.slug)).filter(trade=found)[:20],
        "events": events_for(person(request), EventQuery(trade=found.pk))[:MOST_EVENTS],
    }
    return show(request, "trade", context)


def fees_of(found: Trade) -> list[tuple[str, Any]]:
    return [("Fee at entry", found.fee_open_ratio), ("Fee at exit", found.fee_close_ratio)]

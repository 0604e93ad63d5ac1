"""`trades/`, `trades/{id}/` and `bots/{slug}/trades/`."""

from collections.abc import Iterable
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from bots.api.doors import View, asked
from bots.api.moments import from_ms
from bots.api.offers import written_offers
from bots.api.shapes import TradeDetailShape, TradeShape
from bots.domain.commands import trade_offers
from bots.domain.trades import ORDERINGS, OpenRow, TradeQuery, open_trade_rows, trades_for
from bots.models import Trade

COMPUTED = {"bot", "current_rate", "stop_rate", "unrealized_abs", "unrealized_ratio", "age_seconds", "stale", "missing"}
PLAIN = [name for name in map(str, TradeShape().fields) if name not in COMPUTED]
FILTERS = [
    OpenApiParameter("status", enum=["open", "closed"]),
    OpenApiParameter("bot_tag"),
    OpenApiParameter("pair"),
    OpenApiParameter("side", enum=["long", "short"]),
    OpenApiParameter("mode", enum=["live", "dry"]),
    OpenApiParameter("currency"),
    OpenApiParameter("enter_tag"),
    OpenApiParameter("exit_reason"),
    OpenApiParameter("from", description="ISO date or date-time: closed (with status=open: opened) at or after"),
    OpenApiParameter("to", description="... at or before"),
    OpenApiParameter("ordering", enum=sorted({*ORDERINGS, *(f"-{name}" for name in ORDERINGS)})),
]
BOT_FILTER = OpenApiParameter("bot", description="The bot's slug")


class Trades(View):
    @extend_schema(operation_id="trades_list", parameters=[BOT_FILTER, *FILTERS], responses=TradeShape(many=True))
    def get(self, request: Request) -> Response:
        """Mirrored trades of every bot you may see, newest close first, open ones before all."""
        return self.paged(trades_for(self.user, asked(TradeQuery.parse, request)), written_trades)


class BotTrades(View):
    @extend_schema(operation_id="bots_trades_list", parameters=FILTERS, responses=TradeShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """Mirrored trades of one bot, over all its runs."""
        bot = self.visible_bot(slug)
        trades = trades_for(self.user, asked(TradeQuery.parse, request)).filter(bot=bot)
        return self.paged(trades, written_trades)


class OneTrade(View):
    @extend_schema(operation_id="trades_read", responses=TradeDetailShape)
    def get(self, request: Request, pk: int) -> Response:
        """One trade with its orders; also one the bot no longer has."""
        trades = Trade.objects.visible_to(self.user).select_related("bot__status", "run")
        trade = get_object_or_404(trades, pk=pk)
        (row,) = written_trades([trade])
        return Response(row | details(trade) | {"offers": written_offers(trade_offers(self.user, trade))})


def written_trades(trades: list[Trade]) -> Iterable[dict[str, Any]]:
    moving = {row.trade.pk: row for row in open_trade_rows([t for t in trades if t.is_open], timezone.now())}
    return (written_trade(trade, moving.get(trade.pk)) for trade in trades)


def written_trade(trade: Trade, moving: OpenRow | None) -> dict[str, Any]:
    row = {name: getattr(trade, name) for name in PLAIN}
    return {
        **row,
        "bot": trade.bot.slug,
        "current_rate": moving and moving.current_rate,
        "stop_rate": moving and moving.stop_rate,
        "unrealized_abs": moving and moving.profit_abs,
        "unrealized_ratio": moving and moving.profit_ratio,
        "age_seconds": moving and moving.age_seconds,
        "stale": bool(moving and moving.stale),
        "missing": [*trade.missing, *gaps(moving)],
    }


def gaps(moving: OpenRow | None) -> list[dict[str, str]]:
    return [{"figure": figure, "reason": reason} for figure, reason in (moving.missing if moving else ())]


def details(trade: Trade) -> dict[str, Any]:
    return {
        "run": trade.run.number,
        "seen_at": trade.seen_at,
        "changed_at": trade.changed_at,
        "gone_at": trade.gone_at,
        "orders": [written_order(order) for order in trade.orders],
    }


def written_order(order: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in order.items() if name not in ("placed_ms", "filled_ms")}
    return {**kept, "placed_at": from_ms(order.get("placed_ms")), "filled_at": from_ms(order.get("filled_ms"))}

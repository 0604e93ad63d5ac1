"""`bots/` and `bots/{slug}/`: connections with the figures of the Fleet page, changed through the domain."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import MANAGE
from accounts.models import User
from bots.api.doors import View, acting, asked, checked
from bots.api.fleet import FILTERS
from bots.api.offers import written_offers
from bots.api.shapes import BotChange, BotDetailShape, BotInput, BotShape
from bots.domain.commands import offers
from bots.domain.connections import add_bot, change_bot, retire_bot
from bots.domain.fleet import BotRow, FleetQuery, fleet_for, rows_of
from bots.models import Bot


class Bots(View):
    serializer_class = BotInput

    @extend_schema(operation_id="bots_list", parameters=FILTERS, responses=BotShape(many=True))
    def get(self, request: Request) -> Response:
        """Every bot you may see, retired ones left out."""
        return self.paged(fleet_for(self.user, asked(FleetQuery.parse, request)).rows, written_rows)

    @extend_schema(operation_id="bots_create", request=BotInput, responses={201: BotDetailShape})
    def post(self, request: Request) -> Response:
        """Adds a connection to a team you manage; it is polled at once. The slug follows from the name."""
        given = checked(BotInput(data=request.data))
        team = self.managed_team(given.pop("team"))
        with acting():
            bot = add_bot(self.actor_in(team), team, **given)
        return Response(self.written(bot), status=201)

    def written(self, bot: Bot) -> dict[str, Any]:
        return written_bot(self.user, Bot.objects.select_related("team", "status").get(pk=bot.pk), manages=True)


class OneBot(View):
    serializer_class = BotChange

    @extend_schema(operation_id="bots_read", responses=BotDetailShape)
    def get(self, request: Request, slug: str) -> Response:
        """One bot; also a retired one, whose trades stay."""
        bot = self.visible_bot(slug)
        return Response(written_bot(self.user, bot, manages=self.manages(bot)))

    @extend_schema(operation_id="bots_change", request=BotChange, responses=BotDetailShape)
    def patch(self, request: Request, slug: str) -> Response:
        """Changes what is given. `enabled`: false pauses the portal's asking, not the bot."""
        bot = self.managed_bot(slug)
        given = checked(BotChange(data=request.data))
        with acting():
            change_bot(self.actor_in(bot.team), bot, **given)
        return Response(written_bot(self.user, self.visible_bot(slug), manages=True))

    @extend_schema(operation_id="bots_retire", responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        """Retires the bot: its secrets are erased, it is asked no more; trades, reports and audit stay."""
        bot = self.managed_bot(slug)
        with acting():
            retire_bot(self.actor_in(bot.team), bot)
        return Response(status=204)

    def manages(self, bot: Bot) -> bool:
        return Bot.objects.commandable_by(self.user, MANAGE).filter(pk=bot.pk).exists()


def written_rows(rows: list[BotRow]) -> Iterable[dict[str, Any]]:
    return (written_row(row) for row in rows)


def written_row(row: BotRow) -> dict[str, Any]:
    return connection_facts(row) | figures(row)


def connection_facts(row: BotRow) -> dict[str, Any]:
    bot, status = row.bot, row.status
    return {
        "slug": bot.slug,
        "name": bot.name,
        "team": bot.team.slug,
        "system": bot.system,
        "tags": bot.tags,
        "enabled": bot.enabled,
        "mode": row.mode,
        "state": row.state,
        "stake_currency": row.currency,
        "version": status.version,
        "strategy": status.strategy,
        "exchange": status.exchange,
        "capabilities": status.capabilities,
        "seen_at": status.seen_at,
        "age_seconds": row.age_seconds,
        "late": row.late,
        "stale": row.stale,
        "last_error": row.last_error,
        "error_code": status.error_code,
    }


FIGURES = ("slots", "unrealized", "unrealized_ratio", "today", "d7", "d30", "all", "wins", "losses", "win_rate")


def figures(row: BotRow) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in (*FIGURES, "balance", "drawdown_ratio")}
    return {"open_trades": row.open_count, **plain}


def written_bot(user: User, bot: Bot, *, manages: bool) -> dict[str, Any]:
    """Where a bot is reached, and as whom, is the managers' business; secrets are nobody's."""
    (row,) = rows_of([bot], timezone.now())
    return written_row(row) | {
        "created_at": bot.created_at,
        "retired_at": bot.retired_at,
        "connection": bot.connection if manages else None,
        "secrets_set": sorted(bot.sealed) if manages else None,
        "poll_plan": {str(kind): seconds for kind, seconds in bot.plan().items()},
        "missing": bot.status.missing,
        "offers": written_offers(offers(user, bot)),
    }

"""`events/` and `bots/{slug}/events/`: what the bots and the portal reported."""

from collections.abc import Iterable
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from bots.api.doors import View, asked
from bots.api.shapes import EventShape
from bots.domain.events.kinds import GROUPS, KINDS, SEVERITIES
from bots.domain.events.listing import SOURCES, EventQuery, events_for
from bots.models import Event

FILTERS = [
    OpenApiParameter("kind", description=f"One or several, with commas: {', '.join(KINDS)}"),
    OpenApiParameter("group", enum=list(GROUPS)),
    OpenApiParameter("severity", enum=list(SEVERITIES), description="This one or a graver one"),
    OpenApiParameter("source", enum=list(SOURCES)),
    OpenApiParameter("bot_tag"),
    OpenApiParameter("pair"),
    OpenApiParameter("trade", int, description="The portal's own id of the trade"),
    OpenApiParameter("from", description="ISO date or date-time: happened at or after"),
    OpenApiParameter("to", description="... at or before"),
    OpenApiParameter("search", description="Within the bot's name and the words"),
    OpenApiParameter("after", int, description="Only events with a higher id: what is new since the last call"),
]
BOT_FILTER = OpenApiParameter("bot", description="The bot's slug")


class Events(View):
    @extend_schema(operation_id="events_list", parameters=[BOT_FILTER, *FILTERS], responses=EventShape(many=True))
    def get(self, request: Request) -> Response:
        """What happened at every bot you may see, newest first."""
        return self.paged(events_for(self.user, asked(EventQuery.parse, request)), written_events)


class BotEvents(View):
    @extend_schema(operation_id="bots_events_list", parameters=FILTERS, responses=EventShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """What happened at one bot, newest first."""
        bot = self.visible_bot(slug)
        return self.paged(events_for(self.user, asked(EventQuery.parse, request)).filter(bot=bot), written_events)


def written_events(events: list[Event]) -> Iterable[dict[str, Any]]:
    return map(written_event, events)


def written_event(event: Event) -> dict[str, Any]:
    return {
        "id": event.pk,
        "kind": event.kind,
        "severity": event.severity,
        "bot": event.bot.slug if event.bot else None,
        "team": event.team.slug,
        "at": event.at,
        "heard_at": event.heard_at,
        "source": event.source,
        "pair": event.pair,
        "trade": event.trade_id,
        "trade_id": event.subject.partition("@")[0] if "@" in event.subject else None,
        "text": event.text,
        "detail": event.detail,
        "data": event.data,
    }

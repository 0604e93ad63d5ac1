"""`commands/` and `bots/{slug}/commands/`: what was asked of bots, asking it, and the acts on what was asked."""

from collections.abc import Callable, Iterable
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from bots.api.command_shapes import CommandInput, CommandShape, FourEyesInput, FourEyesShape, RemarkInput
from bots.api.doors import View, acting, asked, checked
from bots.domain import commands as acts
from bots.domain.audit import Actor
from bots.domain.commands.listing import ACTIONS, STATES, CommandQuery, commands_for
from bots.models import Command, FourEyes

KEY = OpenApiParameter(
    "Idempotency-Key",
    location=OpenApiParameter.HEADER,
    description="Up to 100 characters of your own: the same key with the same body gives the same command",
)
FILTERS = [
    OpenApiParameter("action", enum=ACTIONS),
    OpenApiParameter("state", enum=STATES, description="under_way: without an end; attention: waits for a person"),
    OpenApiParameter("actor", description="User name of who asked"),
    OpenApiParameter("mode", enum=["live", "dry"], description="When it was asked"),
    OpenApiParameter("batch", int),
    OpenApiParameter("from", description="ISO date or date-time: asked at or after"),
    OpenApiParameter("to", description="... at or before"),
    OpenApiParameter("q", description="Within bot, pair, person, reason"),
]
BOT_FILTER = OpenApiParameter("bot", description="The bot's slug")
PLAIN = (
    *("id", "state", "code", "action", "params", "reason", "role", "requested_at", "address", "client", "session"),
    *("before", "expires_at", "approved_at", "sent_at", "answered_at", "ended_at", "effect", "outcome", "remark"),
)
RENAMED = {
    "requested_by": "requested_by_name",
    "approved_by": "approved_by_name",
    "closed_by": "closed_by_name",
    "trade": "trade_id",
    "insists_on": "insists_on_id",
    "batch": "batch_id",
}


class CommandsView(View):
    def listed(self, found: QuerySet[Command]) -> Response:
        return self.paged(found, self.written)

    def written(self, commands: Iterable[Command]) -> list[dict[str, Any]]:
        """With what this person may do with each."""
        listed = list(commands)
        offers = acts.acts_on(self.user, listed)
        return [written_command(command) | {"offers": offers[command.pk]} for command in listed]

    def answer(self, command: Command, status: int = 200, **headers: str) -> Response:
        fresh = commands_for(self.user).get(pk=command.pk)
        return Response(self.written([fresh])[0], status=status, headers=headers)


class Commands(CommandsView):
    @extend_schema(operation_id="commands_list", parameters=[BOT_FILTER, *FILTERS], responses=CommandShape(many=True))
    def get(self, request: Request) -> Response:
        """Everything that was asked of the bots you may see, newest first."""
        return self.listed(commands_for(self.user, asked(CommandQuery.parse, request)))


class BotCommands(CommandsView):
    serializer_class = CommandInput

    @extend_schema(operation_id="bots_commands_list", parameters=FILTERS, responses=CommandShape(many=True))
    def get(self, request: Request, slug: str) -> Response:
        """What was asked of one bot, newest first."""
        bot = self.visible_bot(slug)
        return self.listed(commands_for(self.user, asked(CommandQuery.parse, request)).filter(bot=bot))

    @extend_schema(
        operation_id="bots_commands_create", parameters=[KEY], request=CommandInput, responses={202: CommandShape}
    )
    def post(self, request: Request, slug: str) -> Response:
        """Asks for it: written down now, sent within seconds. Its `state` says what became of it.

        400 wrong_params; 403 role_too_low; 409 bot_retired, bot_paused_in_portal, trade_changed (with `differences`),
        duplicate (with `first`: repeat it on purpose with `insists_on`), key_used; 422 reason_missing,
        capability_missing; 503 audit_unavailable, safe_mode. Nothing is written down then."""
        bot = self.visible_bot(slug)
        given = checked(CommandInput(data=request.data))
        key = request.headers.get("Idempotency-Key", "").strip()
        with acting():
            found = acts.ask(
                self.actor_in(bot.team),
                self.user,
                bot,
                given["action"],
                given["params"],
                given["reason"],
                key=key,
                insists_on=given["insists_on"],
            )
        replayed = {"Idempotent-Replayed": "true"} if found.replayed else {}
        return self.answer(found.command, 202, **replayed)


class OnCommand(CommandsView):
    """What is done with one command."""

    def command(self, number: int) -> Command:
        return get_object_or_404(commands_for(self.user), pk=number)

    def act(self, number: int, act: Callable[[Actor, Command], Command]) -> Response:
        command = self.command(number)
        with acting():
            act(self.actor_in(command.bot.team), command)
        return self.answer(command)


class OneCommand(OnCommand):
    @extend_schema(operation_id="commands_read", responses=CommandShape)
    def get(self, request: Request, number: int) -> Response:
        """One command: how it stands, what was confirmed, what the bot answered, what it brought."""
        return self.answer(self.command(number))


class CancelCommand(OnCommand):
    @extend_schema(operation_id="commands_cancel", request=None, responses=CommandShape)
    def post(self, request: Request, number: int) -> Response:
        """Ends what has not been sent. 409 wrong_state when it is too late."""
        return self.act(number, lambda actor, command: acts.cancel(actor, self.user, command))


class CloseCommand(OnCommand):
    serializer_class = RemarkInput

    @extend_schema(operation_id="commands_close", request=RemarkInput, responses=CommandShape)
    def post(self, request: Request, number: int) -> Response:
        """Closes an unknown outcome with a remark on what you found at the bot."""
        remark = checked(RemarkInput(data=request.data))["remark"]
        return self.act(number, lambda actor, command: acts.close(actor, self.user, command, remark))


class ApproveCommand(OnCommand):
    @extend_schema(operation_id="commands_approve", request=None, responses=CommandShape)
    def post(self, request: Request, number: int) -> Response:
        """As the second person: from now on it is sent within 60 s. 403 second_person_needed to who asked."""
        return self.act(number, lambda actor, command: acts.approve(actor, self.user, command))


class DeclineCommand(OnCommand):
    serializer_class = RemarkInput

    @extend_schema(operation_id="commands_decline", request=RemarkInput, responses=CommandShape)
    def post(self, request: Request, number: int) -> Response:
        """As the second person: it ends, unsent."""
        remark = checked(RemarkInput(data=request.data))["remark"]
        return self.act(number, lambda actor, command: acts.decline(actor, self.user, command, remark))


class TeamFourEyes(View):
    serializer_class = FourEyesInput

    @extend_schema(operation_id="teams_four_eyes_read", responses=FourEyesShape)
    def get(self, request: Request, team: str) -> Response:
        """Which actions on LIVE bots of the team wait for a second person."""
        return Response(written_rule(acts.four_eyes_of(self.visible_team(team))))

    @extend_schema(operation_id="teams_four_eyes_change", request=FourEyesInput, responses=FourEyesShape)
    def put(self, request: Request, team: str) -> Response:
        """For managers of the team; an empty list ends it."""
        managed = self.managed_team(team)
        given = checked(FourEyesInput(data=request.data))
        with acting():
            rule = acts.set_four_eyes(self.actor_in(managed), managed, given["actions"], given["wait_minutes"])
        return Response(written_rule(rule))


def written_rule(rule: FourEyes) -> dict[str, Any]:
    return {
        "team": rule.team.slug,
        "actions": rule.actions,
        "wait_minutes": rule.wait_minutes,
        "possible_actions": list(acts.FOUR_EYES_ACTIONS),
    }


def written_command(command: Command) -> dict[str, Any]:
    plain = {name: getattr(command, name) for name in PLAIN}
    renamed = {name: getattr(command, attribute) for name, attribute in RENAMED.items()}
    place = {"bot": command.bot.slug, "team": command.bot.team.slug, "mode": command.before.get("mode", "")}
    return {**plain, **renamed, **place}

"""`batches/`: one wish for many bots, and the kill switch of a team."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Team, User
from bots.api.batch_shapes import (
    ApprovedShape,
    BatchDetailShape,
    BatchInput,
    BatchShape,
    ChoiceInput,
    PreviewShape,
    PreviewTradeShape,
    RepeatInput,
)
from bots.api.commands import KEY, CommandsView
from bots.api.doors import acting, checked
from bots.domain import commands as acts
from bots.models import Bot, CommandBatch

TRADE = list(PreviewTradeShape().fields)
LINE = ("possible", "code", "sentence", "mode", "state", "age_seconds", "note", "waits")
FILTERS = [OpenApiParameter("team", description="Slug"), OpenApiParameter("kind", enum=["bulk", *acts.KILLS])]


@dataclass(frozen=True)
class Choice:
    """Which bots of which team, and what of them."""

    team: Team
    kind: str
    bots: list[Bot]
    action: str
    params: Any

    @classmethod
    def of(cls, user: User, team: Team, given: dict[str, Any]) -> "Choice":
        """Raises ValidationError by field."""
        kind = given["kind"]
        if kind != CommandBatch.BULK:
            require_nothing_chosen(given)
            return cls(team, kind, acts.bots_of(user, team), acts.KILLS[kind], {})
        if "action" not in given:
            raise ValidationError({"action": ["Required"]})
        return cls(team, kind, named_bots(user, team, given), given["action"], given["params"])


def require_nothing_chosen(given: dict[str, Any]) -> None:
    """Raises ValidationError: who names bots does not mean all of them."""
    named = [name for name in ("bots", "tag", "action") if name in given] + ["params"] * bool(given["params"])
    if named:
        raise ValidationError({name: ["The kill switch takes every bot of the team: leave it out"] for name in named})


def named_bots(user: User, team: Team, given: dict[str, Any]) -> list[Bot]:
    """Raises ValidationError for a bot that is not there, also when it is another team's."""
    mine = acts.bots_of(user, team)
    if ("bots" in given) == ("tag" in given):
        raise ValidationError({"bots": ["Name the bots, or a tag"]})
    if "tag" in given:
        return [bot for bot in mine if given["tag"] in bot.tags]
    by_slug = {bot.slug: bot for bot in mine}
    if strange := [slug for slug in given["bots"] if slug not in by_slug]:
        raise ValidationError({"bots": [f"No bot of {team.slug} is called {strange[0]}"]})
    return [by_slug[slug] for slug in given["bots"]]


class BatchesView(CommandsView):
    def choice(self, given: dict[str, Any]) -> Choice:
        return Choice.of(self.user, self.visible_team(given["team"]), given)

    def found(self, batch: int) -> CommandBatch:
        mine = CommandBatch.objects.visible_to(self.user).select_related("team")
        return get_object_or_404(mine, pk=batch)

    def batch_answer(self, batch: CommandBatch, status: int = 200, **headers: str) -> Response:
        fresh = self.found(batch.pk)
        standing = acts.progress(fresh)
        commands = {"commands": self.written(standing.commands)}
        return Response(written_batch(fresh, standing) | commands, status=status, headers=headers)

    def asked_answer(self, found: acts.AskedMany) -> Response:
        replayed = {"Idempotent-Replayed": "true"} if found.replayed else {}
        return self.batch_answer(found.batch, 202, **replayed)

    def key(self) -> str:
        return self.request.headers.get("Idempotency-Key", "").strip()


class Batches(BatchesView):
    serializer_class = BatchInput

    @extend_schema(operation_id="batches_list", parameters=FILTERS, responses=BatchShape(many=True))
    def get(self, request: Request) -> Response:
        """The batches of your teams, newest first."""
        names = {"team__slug": "team", "kind": "kind"}
        if wrong := [name for name in names.values() if "\x00" in request.query_params.get(name, "")]:
            raise ValidationError({wrong[0]: ["A sign no text has"]})
        wanted = {field: request.query_params[name] for field, name in names.items() if name in request.query_params}
        return self.paged(CommandBatch.objects.visible_to(self.user).filter(**wanted).select_related("team"), written)

    @extend_schema(
        operation_id="batches_create", parameters=[KEY], request=BatchInput, responses={202: BatchDetailShape}
    )
    def post(self, request: Request) -> Response:
        """One command at each bot, LIVE ones first. Refusals as for one command; a bot that is refused is left out, and
        `left_out` says why. Where LIVE bots exit everything, and for the kill switch, `typed` is the team's name."""
        given = checked(BatchInput(data=request.data))
        choice = self.choice(given)
        with acting():
            found = acts.ask_many(
                self.actor_in(choice.team),
                self.user,
                choice.team,
                choice.bots,
                choice.action,
                choice.params,
                given["reason"],
                key=self.key(),
                kind=choice.kind,
                typed=given["typed"],
            )
        return self.asked_answer(found)


class PreviewBatch(BatchesView):
    serializer_class = ChoiceInput

    @extend_schema(operation_id="batches_preview", request=ChoiceInput, responses=PreviewShape)
    def post(self, request: Request) -> Response:
        """What each bot would get, who is LIVE, what is impossible and why. Nothing is written."""
        choice = self.choice(checked(ChoiceInput(data=request.data)))
        with acting():
            lines = acts.preview(self.user, choice.bots, choice.action, choice.params)
        possible = [line for line in lines if line.possible]
        typed = acts.must_be_typed(choice.team, choice.bots, choice.action, choice.kind)
        return Response(
            {
                "bots": len(lines),
                "possible": len(possible),
                "live": sum(line.is_live for line in possible),
                "type_to_confirm": typed,
                "lines": [written_line(line) for line in lines],
            }
        )


class OneBatch(BatchesView):
    @extend_schema(operation_id="batches_read", responses=BatchDetailShape)
    def get(self, request: Request, batch: int) -> Response:
        """Its progress, bot by bot, and what looking afterwards showed."""
        return self.batch_answer(self.found(batch))


class StopBatch(BatchesView):
    @extend_schema(operation_id="batches_stop", request=None, responses=BatchDetailShape)
    def post(self, request: Request, batch: int) -> Response:
        """Ends what has not been sent."""
        found = self.found(batch)
        with acting():
            acts.stop(self.actor_in(found.team), self.user, found)
        return self.batch_answer(found)


class RepeatBatch(BatchesView):
    serializer_class = RepeatInput

    @extend_schema(
        operation_id="batches_repeat", parameters=[KEY], request=RepeatInput, responses={202: BatchDetailShape}
    )
    def post(self, request: Request, batch: int) -> Response:
        """A new batch for the bots where nothing was done: refused, expired or left out."""
        found = self.found(batch)
        given = checked(RepeatInput(data=request.data))
        with acting():
            again = acts.repeat_refused(self.actor_in(found.team), self.user, found, key=self.key(), **given)
        return self.asked_answer(again)


class ApproveBatch(BatchesView):
    @extend_schema(operation_id="batches_approve", request=None, responses=ApprovedShape)
    def post(self, request: Request, batch: int) -> Response:
        """As the second person, all of its commands that wait."""
        found = self.found(batch)
        with acting():
            return Response(acts.approve_all(self.actor_in(found.team), self.user, found))


def written(batches: Iterable[CommandBatch]) -> list[dict[str, Any]]:
    listed = list(batches)
    return [written_batch(*pair) for pair in zip(listed, acts.progress_of_each(listed), strict=True)]


def written_batch(batch: CommandBatch, standing: acts.Progress) -> dict[str, Any]:
    plain = ("id", "kind", "action", "params", "reason", "requested_at", "stopped_at", "post_check", "checked_at")
    return {name: getattr(batch, name) for name in plain} | {
        "team": batch.team.slug,
        "requested_by": batch.requested_by_name,
        "stopped_by": batch.stopped_by_name,
        "bots": standing.total,
        "by_state": standing.by_state,
        "unsent": standing.unsent,
        "repeatable": standing.repeatable,
        "ended": standing.has_ended,
        "left_out": standing.left_out,
    }


def written_line(line: acts.PreviewLine) -> dict[str, Any]:
    trades = [{name: trade[name] for name in TRADE} for trade in line.trades]
    own = {"bot": line.bot.slug, "name": line.bot.name, "live": line.is_live, "trades": trades}
    return {name: getattr(line, name) for name in LINE} | own

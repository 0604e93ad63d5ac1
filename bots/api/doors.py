"""What every view of the API shares. Fetching is the permission: foreign or unknown is 404, a role too low 403."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.exceptions import ValidationError as WrongInput
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from accounts.access import MANAGE, SEE
from accounts.caller import by
from accounts.models import Team, User
from bots.api.rendering import Json
from bots.domain.alerts import WrongValues
from bots.domain.audit import Actor, AuditUnavailable
from bots.domain.commands import (
    ActRefused,
    BatchKeyUsed,
    CapabilityMissing,
    Duplicate,
    KeyUsedOtherwise,
    TradeChanged,
    WrongParams,
)
from bots.models import Bot

OF_THE_BOT = {"name", "team", "system", "tags", "enabled", "poll_plan", "bot", "actions", "wait_minutes"}
OF_A_COMMAND = {"action", "params", "reason", "key", "remark", "bots", "typed", "kind"}
Query = TypeVar("Query")


class CannotBeRecorded(APIException):
    """Nothing is done that cannot be written into the audit."""

    status_code = 503
    default_code = "audit_unavailable"
    default_detail = "The audit cannot be written at this moment, so nothing was done. Try again."


class NotTaken(APIException):
    """A command, or an act on one or on an alert, that the domain refused: nothing was done."""

    def __init__(self, refusal: ActRefused) -> None:
        super().__init__(str(refusal), refusal.code)
        self.status_code = refusal.status
        about: dict[str, Any] = {"detail": str(refusal), "code": refusal.code, **more_about(refusal)}
        self.detail = about  # set here, because APIException makes every value a text

    def get_codes(self) -> str:
        return str(self.detail["code"])  # type: ignore[index,call-overload]


def more_about(refusal: ActRefused) -> dict[str, Any]:
    """What a program needs to go on: the fields that are wrong, what differs, the command that was first."""
    if isinstance(refusal, WrongValues):
        return {"fields": {name: [words] for name, words in refusal.fields.items()}}
    if isinstance(refusal, WrongParams):
        return {"fields": fields_of(refusal)}
    if isinstance(refusal, TradeChanged):
        changed = {name: {"confirmed": was, "now": now} for name, (was, now) in refusal.differences.items()}
        return {"differences": changed}
    if isinstance(refusal, Duplicate | KeyUsedOtherwise | BatchKeyUsed):
        return {"first": refusal.first.pk}
    if isinstance(refusal, CapabilityMissing):
        return {"capability": refusal.capability}
    return {}


def fields_of(refusal: WrongParams) -> dict[str, Any]:
    """The problems of the action's own params stand below `params`."""
    own = {name: [words] for name, words in refusal.fields.items() if name in OF_A_COMMAND}
    params = {name: [words] for name, words in refusal.fields.items() if name not in OF_A_COMMAND}
    return {**own, "params": params} if params else own


class View(GenericAPIView[Any]):
    renderer_classes: tuple[type[BaseRenderer], ...] = (Json,)

    @property
    def user(self) -> User:
        """The person who asks; anonymous requests ended at the door."""
        return cast(User, self.request.user)

    def visible_bot(self, slug: str) -> Bot:
        return get_object_or_404(Bot.objects.visible_to(self.user).select_related("team", "status"), slug=slug)

    def actor_in(self, team: Team) -> Actor:
        """The person who asks, with the role held in the team."""
        return Actor.of(by(self.request), team)

    def managed_bot(self, slug: str) -> Bot:
        bot = self.visible_bot(slug)
        if not Bot.objects.commandable_by(self.user, MANAGE).filter(pk=bot.pk).exists():
            raise PermissionDenied("Only a manager of the bot's team may do this.")
        return bot

    def visible_team(self, slug: str) -> Team:
        return get_object_or_404(Team.objects.where(self.user, SEE), slug=slug)

    def managed_team(self, slug: str) -> Team:
        self.visible_team(slug)
        team = Team.objects.where(self.user, MANAGE).filter(slug=slug).first()
        if team is None:
            raise PermissionDenied("Only a manager of the team may do this.")
        return team

    def paged(
        self,
        rows: "QuerySet[Any] | list[Any]",
        written: Callable[[list[Any]], Iterable[dict[str, Any]]] = list,
        **beside: object,
    ) -> Response:
        """One page of the rows, each written as a dict; `beside` stands next to `results`."""
        page = self.paginate_queryset(rows)  # type: ignore[arg-type]  # lists are paged alike
        response = self.get_paginated_response(list(written(list(page or []))))
        response.data.update(beside)
        return response


def asked(parse: Callable[[Mapping[str, str]], Query], request: Request) -> Query:
    """The query string, understood; "name: problem" of a ValueError becomes the problem of that parameter."""
    try:
        return parse(request.query_params)
    except ValueError as problem:
        name, _, words = str(problem).partition(": ")
        raise ValidationError({name: [words or str(problem)]}) from None


def checked(shape: "Serializer[Any]") -> dict[str, Any]:
    """The request's body as its shape says. Raises ValidationError."""
    shape.is_valid(raise_exception=True)
    return shape.validated_data


@contextmanager
def acting() -> Iterator[None]:
    """Around an act of the domain: its refusals in the words of the API."""
    try:
        yield
    except WrongInput as problem:
        raise ValidationError(by_field(problem)) from None
    except ActRefused as refusal:
        raise NotTaken(refusal) from None
    except AuditUnavailable:
        raise CannotBeRecorded from None


def by_field(problem: WrongInput) -> dict[str, Any]:
    """The problems of the connection's own fields stand below `connection`."""
    if not hasattr(problem, "error_dict"):
        return {"non_field_errors": problem.messages}
    fields: dict[str, Any] = {}
    for name, words in problem.message_dict.items():
        if name in OF_THE_BOT:
            fields[name] = words
        elif name == NON_FIELD_ERRORS:
            fields["non_field_errors"] = words
        else:
            fields.setdefault("connection", {})[name] = words
    return fields

"""What was asked of the bots, what became of it, and the acts on one command: take back, approve, decline, close."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from accounts.caller import by
from accounts.models import User
from accounts.views import person
from bots.domain import commands as acts
from bots.domain.audit import Actor, AuditQuery, AuditUnavailable, entries_for
from bots.domain.commands import approving
from bots.domain.commands.listing import ACTIONS, STATES, CommandQuery, commands_for, wanting_attention
from bots.models import Bot, Command
from bots.pages.connections import AUDIT_DOWN
from bots.pages.showing import show
from bots.pages.trades import page_of
from bots.templatetags.commands import action_word, state_word


@login_required
@require_safe
def commands(request: HttpRequest) -> HttpResponse:
    user = person(request)
    try:
        query, mistake = CommandQuery.parse(request.GET), ""
    except ValueError as problem:
        query, mistake = CommandQuery(), str(problem)
    context = {
        "query": query,
        "mistake": mistake,
        "is_filtered": query != CommandQuery(),
        "attention": wanting_attention(user),
        "awaiting": list(approving.awaiting(user).select_related("bot__team", "bot__status", "trade")[:20]),
        "filters": filters_of(user, query),
        "page": page_of(request, commands_for(user, query)),
    }
    return show(request, "commands/list", context, status=400 if mistake else 200)


def filters_of(user: User, query: CommandQuery) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """(parameter, words for "any", chosen, choices) of each drop-down."""
    bots = Bot.objects.visible_to(user).order_by("name").values_list("slug", "name")
    people = Command.objects.visible_to(user).order_by("requested_by_name").values_list("requested_by_name", flat=True)
    return [
        ("action", "Any action", query.action, [(action, action_word(action)) for action in ACTIONS]),
        ("state", "Any state", query.state, [(state, state_word(state)) for state in STATES]),
        ("bot", "Any bot", query.bot, [*bots]),
        ("actor", "Any person", query.actor, [(name, name) for name in people.distinct()]),
    ]


def command_of(request: HttpRequest, pk: int) -> Command:
    """Raises Http404 for a command at a bot the person may not see."""
    return get_object_or_404(commands_for(person(request)), pk=pk)


@login_required
@require_safe
def command(request: HttpRequest, pk: int) -> HttpResponse:
    found = command_of(request, pk)
    user = person(request)
    may_do = Bot.objects.commandable_by(user, found.action).filter(pk=found.bot_id).exists()
    own = found.requested_by_id == user.pk
    context = {
        "command": found,
        "page_title": f"{action_word(found.action)} · {found.bot.name}",
        "history": history_of(user, found),
        "asked_params": params_shown(found),
        "may_cancel": may_do and found.state in Command.UNSENT,
        "may_decide": approving.may_decide(user, found),
        "waits_for_others": own and found.state == Command.WAITING,
        "may_close": may_do and found.state == Command.UNKNOWN,
    }
    return show(request, "commands/command", context)


def history_of(user: User, found: Command) -> list[Any]:
    """The audit's rows about it, oldest first, as far as the person may read them."""
    query = AuditQuery(bot=found.bot.slug, action="command_", since=found.requested_at.replace(microsecond=0))
    rows = entries_for(user, query).filter(details__command=found.pk)
    return [*rows.order_by("id")]


def params_shown(found: Command) -> list[tuple[str, str]]:
    """What it was asked with, besides the trade, which stands in its head."""
    hidden = ("trade_id", "expected")
    named = [(name, value) for name, value in found.params.items() if name not in hidden]
    return [(name, ", ".join(value) if isinstance(value, list) else str(value)) for name, value in named]


# --- Acts on one command ---


def act_on(request: HttpRequest, pk: int, act: Callable[[Actor, User, Command], Command], done: str) -> HttpResponse:
    """Do it and go back to the command; what is in the way is said there in words. Raises PermissionDenied."""
    found = command_of(request, pk)
    try:
        act(Actor.of(by(request), found.bot.team), person(request), found)
    except acts.RoleTooLow as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    except acts.ActRefused as refusal:
        messages.error(request, f"{found.bot.name}: {refusal}")
    except AuditUnavailable:
        messages.error(request, AUDIT_DOWN)
    else:
        messages.success(request, f"{found.bot.name}: {action_word(found.action)} {done}.")
    return redirect("command", found.pk)


@login_required
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    return act_on(request, pk, acts.cancel, "taken back")


@login_required
@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    return act_on(request, pk, approving.approve, "approved")


@login_required
@require_POST
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    remark = request.POST.get("remark", "")
    return act_on(request, pk, lambda actor, user, found: approving.decline(actor, user, found, remark), "declined")


@login_required
@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    remark = request.POST.get("remark", "").strip()
    return act_on(
        request, pk, lambda actor, user, found: acts.close(actor, user, found, remark), "closed with your remark"
    )

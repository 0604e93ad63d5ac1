"""Asking something of a bot: what may be asked, the page that names the victim, and the asking itself.

Each confirmation is a page of its own. With JavaScript the same partial (`?fragment=confirm`) stands in a dialog over
the page it was asked from.
"""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.access import LOWEST_ROLE
from accounts.caller import by
from accounts.views import person
from bots.domain import commands as acts
from bots.domain.audit import Actor, AuditUnavailable
from bots.domain.commands.asking import waiting_time
from bots.domain.fleet import rows_of
from bots.domain.trades import TradeQuery, open_trade_rows, trades_for
from bots.models import Bot, Command, Trade
from bots.pages.confirming import AT_BOTS, AT_TRADES, Confirmation, parts_of
from bots.pages.connections import AUDIT_DOWN
from bots.pages.showing import draw, show
from bots.templatetags.commands import action_word

FRAGMENT = "confirm"


@login_required
@require_safe
def bot_acts(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything that may be asked of one bot now, and of its open trades."""
    user = person(request)
    found = visible_bot(request, slug)
    (row,) = rows_of([found], timezone.now())
    listed = open_trade_rows(trades_for(user, TradeQuery(status="open", bot=slug)), timezone.now())
    context = {
        "bot": found,
        "row": row,
        "offers": acts.offers(user, found),
        "trades": [(each, acts.trade_offers(user, each.trade)) for each in listed],
    }
    return show(request, "commands/acts", context)


def visible_bot(request: HttpRequest, slug: str) -> Bot:
    return get_object_or_404(Bot.objects.visible_to(person(request)).select_related("team", "status"), slug=slug)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def at_bot(request: HttpRequest, slug: str, action: str) -> HttpResponse:
    found = visible_bot(request, slug)
    if action not in AT_BOTS:
        raise Http404
    return confirm(request, found, action, None)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def at_trade(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    trades = Trade.objects.visible_to(person(request)).select_related("bot__team", "bot__status", "run")
    found = get_object_or_404(trades, pk=pk)
    if action not in AT_TRADES:
        raise Http404
    return confirm(request, found.bot, action, found)


def confirm(request: HttpRequest, bot: Bot, action: str, trade: Trade | None) -> HttpResponse:
    user = person(request)
    if not Bot.objects.commandable_by(user, action).filter(pk=bot.pk).exists():
        raise PermissionDenied(f"Your role does not allow this at {bot.name}: {action_word(action)}.")
    if request.method == "POST":
        return post(request, Confirmation.posted(bot, action, user.time_zone, trade, request.POST.dict()))
    return draw_form(request, Confirmation.fresh(bot, action, user.time_zone, trade, request.GET.dict()))


def post(request: HttpRequest, form: Confirmation) -> HttpResponse:
    if form.must_type and form.typed != form.must_type and not form.is_other_mode:
        form.mistakes = {"typed": f"Type the name exactly as it stands: {form.must_type}"}
        return draw_form(request, form, 422)
    try:
        command = ask(request, form)
    except acts.ActRefused as refusal:
        form.refuse(refusal)
        return draw_form(request, form, refusal.status)
    except AuditUnavailable:
        form.mistakes = {"": AUDIT_DOWN}
        return draw_form(request, form, 503)
    if wants_dialog(request):
        return draw(request, "bots/commands/_asked.html", {"command": command}, 201)
    messages.success(request, f"{command.bot.name}: {action_word(command.action)} is asked.")
    return redirect("command", command.pk)


def ask(request: HttpRequest, form: Confirmation) -> Command:
    asked = acts.ask(
        Actor.of(by(request), form.bot.team),
        person(request),
        form.bot,
        form.action,
        form.params(),
        form.reason,
        key=form.key,
        insists_on=form.insists_on,
        mode=form.confirmed_mode,
    )
    return asked.command


def wants_dialog(request: HttpRequest) -> bool:
    return request.GET.get("fragment") == FRAGMENT


def draw_form(request: HttpRequest, form: Confirmation, status: int = 200) -> HttpResponse:
    (row,) = rows_of([form.bot], timezone.now())
    form.offer = offer_of(request, form)
    context: dict[str, Any] = {"form": form, "bot": form.bot, "row": row, "trade": form.trade, "offer": form.offer}
    context["lowest_role"] = LOWEST_ROLE[form.action]
    context["waits"] = waiting_time(form.bot, form.action)
    if form.trade is not None and form.trade.is_open:
        (context["moving"],) = open_trade_rows([form.trade], timezone.now())
        context["parts"] = parts_of(form.trade.amount)
    if form.action == "force_exit_all":
        listed = trades_for(person(request), TradeQuery(status="open", bot=form.bot.slug))
        context["victims"] = open_trade_rows(listed, timezone.now())
    return show(request, "commands/confirm", context, status)


def offer_of(request: HttpRequest, form: Confirmation) -> acts.Offer | None:
    """None: the bot does not offer it now; the page then says so instead of asking."""
    user = person(request)
    offers = acts.trade_offers(user, form.trade) if form.trade else acts.offers(user, form.bot)
    return next((offer for offer in offers if offer.action == form.action), None)

"""Adding a bot, changing, retiring, pausing it, asking it now, trying its connection: acts of bots.domain."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST
from kombu.exceptions import OperationalError

from accounts.access import MANAGE
from accounts.caller import by
from accounts.models import Team
from accounts.views import person
from bots import tasks
from bots.domain.audit import Actor, AuditUnavailable
from bots.domain.connection_tests import ask_test
from bots.domain.connections import add_bot, change_bot, pause_polling, poll_now, resume_polling, retire_bot
from bots.models import Bot, ConnectionTest
from bots.pages.connection_form import ConnectionForm, errors_of, prefilled, system_choices
from bots.pages.showing import draw

AUDIT_DOWN = "Nothing was done: the audit cannot be written at the moment. Try again, then tell an administrator."
NO_WORKER = "Nothing was tried: the workers cannot be reached at the moment. Try again, then tell an administrator."


def bot_to_manage(request: HttpRequest, slug: str) -> Bot:
    """Raises Http404 for a bot the person may not see, PermissionDenied for one he may only look at."""
    bot = get_object_or_404(Bot.objects.visible_to(person(request)).select_related("team"), slug=slug)
    if not Bot.objects.commandable_by(person(request), MANAGE).filter(pk=bot.pk).exists():
        raise PermissionDenied("Only managers of the team may do this.")
    return bot


def actor_of(request: HttpRequest, team: Team) -> Actor:
    return Actor.of(by(request), team)


# --- Adding and changing ---


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest) -> HttpResponse:
    teams = list(Team.objects.where(person(request), MANAGE))
    if not teams:
        raise PermissionDenied("Only managers of a team may add bots.")
    system = chosen_system(request)
    form = ConnectionForm.typed(request.POST, system) if request.method == "POST" else ConnectionForm(system)
    if request.method != "POST":
        return draw_form(request, form, teams)
    team = next((team for team in teams if team.slug == form.team), None)
    if team is None:
        raise Http404
    return answer(request, form, team, teams)


def chosen_system(request: HttpRequest) -> str:
    keys = [key for key, _ in system_choices()]
    asked = request.POST.get("system") or request.GET.get("system") or keys[0]
    if asked not in keys:
        raise Http404
    return asked


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, slug: str) -> HttpResponse:
    bot = bot_to_manage(request, slug)
    if bot.retired_at is not None:
        raise Http404
    if request.method != "POST":
        return draw_form(request, ConnectionForm.of_bot(bot), [bot.team])
    return answer(request, ConnectionForm.typed(request.POST, bot.system, bot), bot.team, [bot.team])


def answer(request: HttpRequest, form: ConnectionForm, team: Team, teams: list[Team]) -> HttpResponse:
    """Do what was asked; a mistake brings the form back with the cause beside its field."""
    act = save if request.POST.get("act") == "save" else try_it
    try:
        return act(request, form, team)
    except ValidationError as problem:
        form.refuse(problem)
        status = 422
    except AuditUnavailable:
        form.refuse(ValidationError(AUDIT_DOWN))
        status = 503
    except OperationalError:
        form.refuse(ValidationError(NO_WORKER))
        status = 503
    return draw_form(request, form, teams, status=status)


def save(request: HttpRequest, form: ConnectionForm, team: Team) -> HttpResponse:
    actor = actor_of(request, team)
    if form.bot is None:
        bot = add_bot(
            actor, team, system=form.system, name=form.name, connection=form.connection, tags=form.tag_list,
            poll_plan=form.poll_plan,
        )  # fmt: skip
        messages.success(request, f"{bot.name} is added and asked now.")
    else:
        bot = change_bot(
            actor, form.bot, name=form.name, connection=form.connection, forget=form.forget, tags=form.tag_list,
            poll_plan=form.poll_plan,
        )  # fmt: skip
        messages.success(request, f"{bot.name}: saved.")
    return redirect("bot", bot.slug)


def try_it(request: HttpRequest, form: ConnectionForm, team: Team) -> HttpResponse:
    test = ask_test(
        actor_of(request, team), team, system=form.system, connection=form.connection, bot=form.bot, forget=form.forget
    )
    tasks.test_connection.delay(str(test.uuid))
    typed = {"test": test.uuid, "name": form.name, "tags": form.tags, "team": team.slug, "system": form.system}
    return redirect(f"{request.path}?{urlencode(typed)}")


def draw_form(request: HttpRequest, form: ConnectionForm, teams: list[Team], status: int = 200) -> HttpResponse:
    test = asked_test(request)
    if test is not None and request.method == "GET":
        form.team = request.GET.get("team", form.team)
        prefilled(form, request.GET, test.connection)
    context: dict[str, Any] = {
        "form": form,
        "bot": form.bot,
        "teams": teams,
        "systems": system_choices(),
        "test": test,
        "test_pending": test is not None and test.state != ConnectionTest.DONE,
    }
    return draw(request, "bots/connection.html", context, status)


def asked_test(request: HttpRequest) -> ConnectionTest | None:
    """The test that this person asked for; a mistyped or forgotten one is none."""
    asked = request.GET.get("test", "")
    try:
        return ConnectionTest.objects.asked_by(person(request)).filter(uuid=asked).first() if asked else None
    except ValidationError:
        return None


# --- Retiring, pausing, asking now ---


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def retire(request: HttpRequest, slug: str) -> HttpResponse:
    bot = bot_to_manage(request, slug)
    if bot.retired_at is not None:
        raise Http404
    mistake = ""
    if request.method == "POST":
        if request.POST.get("typed", "").strip() == bot.name:
            actor = actor_of(request, bot.team)
            return carry_out(request, bot, lambda: retire_bot(actor, bot), "retired", reverse("team"))
        mistake = f"Type the name exactly as it stands: {bot.name}"
    return draw(request, "bots/retire.html", {"bot": bot, "mistake": mistake}, 422 if mistake else 200)


@login_required
@require_POST
def pause(request: HttpRequest, slug: str) -> HttpResponse:
    bot = bot_to_manage(request, slug)
    return carry_out(request, bot, lambda: pause_polling(actor_of(request, bot.team), bot), "no longer asked")


@login_required
@require_POST
def resume(request: HttpRequest, slug: str) -> HttpResponse:
    bot = bot_to_manage(request, slug)
    return carry_out(request, bot, lambda: resume_polling(actor_of(request, bot.team), bot), "asked again")


@login_required
@require_POST
def ask_now(request: HttpRequest, slug: str) -> HttpResponse:
    bot = bot_to_manage(request, slug)
    return carry_out(request, bot, lambda: poll_now(bot), "asked now")


def carry_out(request: HttpRequest, bot: Bot, act: Any, done: str, then: str = "") -> HttpResponse:
    """Do it, say so in words that name the bot, and go on."""
    try:
        act()
    except ValidationError as problem:
        messages.error(request, " ".join(text for texts in errors_of(problem).values() for text in texts))
    except AuditUnavailable:
        messages.error(request, AUDIT_DOWN)
    else:
        messages.success(request, f"{bot.name}: {done}.")
    return redirect(then or reverse("bot", args=[bot.slug]))

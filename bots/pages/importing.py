"""Many bots at once: give a list, look at what would become of each line, confirm. And the list of what is there.

Between looking and confirming the browser keeps the drafts, signed and with every secret sealed (what no page can
open): so the list need not be given twice, what is confirmed is what was looked at, and no secret stands in a page.
"""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core import signing
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Team, User
from accounts.team_views import team_managed
from accounts.views import person
from bots.domain.bot_lists import MOST_BYTES, MOST_LINES, Unreadable, read_list, written_list
from bots.domain.importing import Result, Verdict, counted, import_bots, judged
from bots.models import Bot
from bots.pages.connections import actor_of
from bots.pages.showing import draw

DRAFTED = ("name", "system", "connection", "sealed", "tags", "poll_plan", "enabled")
DRAFT_SECONDS = 30 * 60
MOST_DRAFT_BYTES = 2 * 1024 * 1024  # Django takes 2.5 MB of form fields
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "yaml": "application/yaml; charset=utf-8"}


class NotConfirmed(ValueError):
    """What came back is not what this person was shown, or too old."""


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def import_list(request: HttpRequest, slug: str) -> HttpResponse:
    team = team_managed(request, slug)
    if request.method != "POST":
        return draw_form(request, team)
    act = confirm if "draft" in request.POST else look
    try:
        return act(request, team)
    except (Unreadable, NotConfirmed) as problem:
        return draw_form(request, team, str(problem))


def draw_form(request: HttpRequest, team: Team, mistake: str = "") -> HttpResponse:
    """Never with what was typed: secrets stand in it."""
    systems = [Bot(system=key) for key, _ in Bot._meta.get_field("system").flatchoices]
    limits = {"most_lines": MOST_LINES, "most_kilobytes": MOST_BYTES // 1024}
    context = {"team": team, "mistake": mistake, "systems": systems, **limits}
    return draw(request, "bots/import.html", context, 422 if mistake else 200)


def look(request: HttpRequest, team: Team) -> HttpResponse:
    """Raises Unreadable."""
    whole = "whole" in request.POST
    verdicts = judged(team, read_list(*given_list(request)))
    counts = counted(verdicts)
    ready = counts[Result.READY]
    may_confirm = ready and not (whole and counts[Result.REFUSED])
    context = {
        "team": team,
        "verdicts": sorted(verdicts, key=lambda verdict: verdict.result is not Result.REFUSED),
        "ready": ready,
        "refused": counts[Result.REFUSED],
        "already_there": counts[Result.ALREADY_THERE],
        "whole": whole,
        "draft": packed(verdicts, person(request), team) if may_confirm else "",
    }
    return draw(request, "bots/import_preview.html", context)


def given_list(request: HttpRequest) -> tuple[bytes, str]:
    """(the list, the name of its file): the file, else what was pasted. Raises Unreadable."""
    upload = request.FILES.get("file")
    if upload is None:
        return request.POST.get("list", "").encode(), ""
    if (upload.size or 0) > MOST_BYTES:
        raise Unreadable(f"A list may have at most {MOST_BYTES // 1024} kB")
    return upload.read(), upload.name or ""


def confirm(request: HttpRequest, team: Team) -> HttpResponse:
    """Raises NotConfirmed."""
    verdicts = unpacked(request.POST["draft"], person(request), team)
    try:
        counts = counted(import_bots(actor_of(request, team), team, verdicts))
    except ValidationError as problem:
        raise NotConfirmed(" ".join(problem.messages)) from None
    messages.success(request, f"{bots_of(counts[Result.ADDED])} added to {team.name}{left_out(counts)}.")
    return redirect("team")


def bots_of(number: int) -> str:
    return f"{number} bot" if number == 1 else f"{number} bots"


def left_out(counts: dict[Result, int]) -> str:
    words = ((Result.ALREADY_THERE, "there already"), (Result.REFUSED, "refused"))
    told = [f"{counts[result]} {word}" for result, word in words if counts[result]]
    return f"; {', '.join(told)}" if told else ""


# --- What the browser keeps between looking and confirming ---


def packed(verdicts: list[Verdict], user: User, team: Team) -> str:
    """Raises Unreadable when it is more than a form may bring back."""
    rows = [[verdict.line, verdict.name, verdict.result.value, draft_of(verdict.bot)] for verdict in verdicts]
    text = signing.dumps(rows, salt=salt_of(user, team), compress=True)
    if len(text) > MOST_DRAFT_BYTES:
        raise Unreadable("The list is too long for a page: split it, or use the command import_bots")
    return text


def unpacked(text: str, user: User, team: Team) -> list[Verdict]:
    """Raises NotConfirmed."""
    try:
        rows = signing.loads(text, salt=salt_of(user, team), max_age=DRAFT_SECONDS)
    except signing.BadSignature:
        minutes = DRAFT_SECONDS // 60
        raise NotConfirmed(
            f"What you looked at is older than {minutes} minutes, or not yours: give the list again"
        ) from None
    return [Verdict(line, name, Result(result), bot=bot_from(draft, team)) for line, name, result, draft in rows]


def salt_of(user: User, team: Team) -> str:
    return f"bots.import.{user.pk}.{team.pk}"


def draft_of(bot: Bot | None) -> dict[str, Any] | None:
    if bot is None:
        return None
    return {"uuid": str(bot.uuid), **{name: getattr(bot, name) for name in DRAFTED}}


def bot_from(draft: dict[str, Any] | None, team: Team) -> Bot | None:
    return None if draft is None else Bot(team=team, **{**draft, "uuid": UUID(draft["uuid"])})


# --- The list of what is there ---


@login_required
@require_safe
def export_list(request: HttpRequest, slug: str, form: str) -> HttpResponse:
    team = team_managed(request, slug)
    name = f"bots-{team.slug}-{timezone.now():%Y-%m-%d}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return HttpResponse(written_list(team, form), content_type=CONTENT_TYPES[form], headers=headers)

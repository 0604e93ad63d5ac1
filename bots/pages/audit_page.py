"""The audit as people read it: every act, who, from where; whether the chain is whole; and files to take along."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import SEE
from accounts.models import Team, User
from accounts.views import person
from bots.domain.audit import AuditQuery, entries_for, may_verify, verify
from bots.models import Bot
from bots.pages.showing import draw
from bots.pages.trades import page_of

KINDS = (
    ("command_", "Commands"),
    ("batch_", "Batches"),
    ("forced_outside", "Forced from outside"),
    ("bot_", "Bots"),
    ("member_", "Members"),
    ("login", "Logins"),
)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def audit(request: HttpRequest) -> HttpResponse:
    """GET reads; POST verifies the whole chain (about a minute for a million rows)."""
    user = person(request)
    try:
        query, mistake = AuditQuery.parse(request.GET), ""
    except ValueError as problem:
        query, mistake = AuditQuery(), str(problem)
    context = common(request, user, query) | {"mistake": mistake}
    if request.method == "POST":
        context |= verified(user)
    return draw(request, "bots/commands/audit.html", context, 400 if mistake else 200)


def common(request: HttpRequest, user: User, query: AuditQuery) -> dict[str, Any]:
    asked = request.GET.copy()
    for passing in ("page", "theme"):
        asked.pop(passing, None)
    files = [("CSV", reverse("api-audit-csv")), ("JSON lines", reverse("api-audit-jsonl"))]
    return {
        "query": query,
        "is_filtered": query != AuditQuery(),
        "page": page_of(request, entries_for(user, query)),
        "filters": filters_of(user, query),
        "may_verify": may_verify(user),
        "files": [(label, f"{address}?{asked.urlencode()}" if asked else address) for label, address in files],
    }


def filters_of(user: User, query: AuditQuery) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    bots = Bot.objects.visible_to(user).order_by("name").values_list("slug", "name")
    teams = Team.objects.all() if user.is_superuser else Team.objects.where(user, SEE)
    return [
        ("action", "Any act", query.action, [*KINDS]),
        ("bot", "Any bot", query.bot, [*bots]),
        ("team", "Any team", query.team, [*teams.values_list("slug", "name")]),
    ]


def verified(user: User) -> dict[str, Any]:
    """Raises PermissionDenied. What a wrong row claims to be is told only to who may read it."""
    if not may_verify(user):
        raise PermissionDenied("Only managers of a team may verify the audit.")
    report = verify()
    readable = set(
        entries_for(user).filter(pk__in=[finding.id for finding in report.findings]).values_list("pk", flat=True)
    )
    findings = [(finding, finding.about if finding.id in readable else "") for finding in report.findings]
    return {"report": report, "findings": findings, "verified_at": timezone.now()}

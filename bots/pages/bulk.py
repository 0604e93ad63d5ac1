"""One wish for many bots: what each would get, the asking, and how far the batch has come."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.caller import by
from accounts.models import Team, User
from accounts.views import person
from bots.domain import commands as acts
from bots.domain.audit import Actor, AuditUnavailable
from bots.domain.commands.wording import REASON_REQUIRED
from bots.models import Bot, Command, CommandBatch
from bots.pages.connections import AUDIT_DOWN
from bots.pages.showing import draw, show
from bots.templatetags.commands import action_word

# Of what may be asked of many bots, what needs no more words than a reason.
OFFERED = ("pause", "start", "stop", "reload_config", "force_exit_all")


@dataclass
class Wish:
    """One team's part of what is wished for many bots, as it stands on the page. Who presses the button waits for no
    preview: it is made where it is drawn."""

    user: User
    team: Team
    bots: list[Bot]
    action: str
    kind: str = CommandBatch.BULK
    key: str = field(default_factory=lambda: f"form-{uuid4()}")
    reason: str = ""
    typed: str = ""
    confirmed_modes: dict[str, str] = field(default_factory=dict)  # slug -> as it stood on the form that was posted
    mistakes: dict[str, str] = field(default_factory=dict)
    first: CommandBatch | None = None

    @cached_property
    def lines(self) -> list[acts.PreviewLine]:
        return acts.preview(self.user, self.bots, self.action, {})

    @property
    def must_type(self) -> list[str]:
        return acts.must_be_typed(self.team, self.bots, self.action, self.kind) if self.possible else []

    @property
    def modes(self) -> str:
        """Travels with the form: what is carried out is what was shown."""
        return modes_written(self.bots)

    @property
    def possible(self) -> list[acts.PreviewLine]:
        return [line for line in self.lines if line.possible]

    @property
    def live(self) -> int:
        return sum(line.is_live for line in self.possible)

    @property
    def trades(self) -> int:
        return sum(len(line.trades) for line in self.possible)

    @property
    def oldest(self) -> float | None:
        """Age of the oldest figures, in seconds; None: some bot was never seen."""
        ages = [line.age_seconds for line in self.possible]
        return None if not ages or None in ages else max(age for age in ages if age is not None)

    @property
    def needs_reason(self) -> bool:
        return self.action in REASON_REQUIRED

    @property
    def is_dangerous(self) -> bool:
        return self.action in ("force_exit_all", "stop")

    @property
    def title(self) -> str:
        count = len(self.possible)
        return f"{action_word(self.action)} on {count} bot{'' if count == 1 else 's'} of {self.team}"

    def take(self, given: Mapping[str, str]) -> None:
        """What was typed."""
        self.key = given.get("key", "")[:100] or self.key
        self.reason = given.get("reason", "").strip()[:500]
        self.typed = given.get("typed", "").strip()
        self.confirmed_modes = modes_read(given.get("confirmed_modes", ""))

    def refuse(self, refusal: acts.ActRefused) -> None:
        self.mistakes = dict(refusal.fields) if isinstance(refusal, acts.WrongParams) else {"": str(refusal)}
        if isinstance(refusal, acts.ReasonMissing):
            self.mistakes = {"reason": str(refusal)}
        if isinstance(refusal, acts.BatchKeyUsed):
            self.first = refusal.first


def modes_written(bots: Iterable[Bot]) -> str:
    """In one field of the form, however many they are: slug=mode, with blanks between."""
    return " ".join(f"{bot.slug}={bot.status.mode}" for bot in bots)


def modes_read(written: str) -> dict[str, str]:
    parted = (each.partition("=") for each in written.split())
    return {slug: mode for slug, _, mode in parted}


# --- Asking ---


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    if any("\x00" in slug for slug in given.getlist("bot")):
        raise SuspiciousOperation("bot: a sign no text has")
    bots, action = chosen_bots(request), given.get("action", "")
    if action and action not in OFFERED:
        raise Http404
    if request.method == "POST" and not bots:
        raise Http404
    if not action or not bots:
        return draw(request, "bots/commands/batch_new.html", {"bots": bots, "offered": OFFERED})
    if request.method != "POST":
        return draw_wishes(request, wishes_of(request, bots, action), bots)
    team = next((bot.team for bot in bots if bot.team.slug == given.get("team")), None)
    if team is None:
        raise Http404
    mine = [bot for bot in bots if bot.team_id == team.pk]
    wish = Wish(person(request), team, mine, action)
    wish.take(request.POST.dict())
    return carry_out(
        request, wish, lambda: ask(request, wish, mine), lambda status: draw_wishes(request, [wish], mine, status)
    )


def chosen_bots(request: HttpRequest) -> list[Bot]:
    """Those named one by one, or all with a tag, that are not retired. Foreign ones are as if they did not exist."""
    given = request.POST if request.method == "POST" else request.GET
    visible = Bot.objects.visible_to(person(request)).active().select_related("team", "status").order_by("name")
    if tag := given.get("tag", ""):
        return [bot for bot in visible if tag in bot.tags]
    return list(visible.filter(slug__in=given.getlist("bot")))


def wishes_of(request: HttpRequest, bots: list[Bot], action: str) -> list[Wish]:
    """A batch belongs to one team: bots of two teams are two wishes, each with its own button."""
    teams = {bot.team_id: bot.team for bot in bots}
    by_team = [(team, [bot for bot in bots if bot.team_id == team.pk]) for team in teams.values()]
    return [Wish(person(request), team, theirs, action) for team, theirs in by_team]


def ask(request: HttpRequest, wish: Wish, bots: list[Bot]) -> CommandBatch:
    actor = Actor.of(by(request), wish.team)
    more = {"key": wish.key, "typed": wish.typed}
    return acts.ask_many(
        actor, person(request), wish.team, bots, wish.action, {}, wish.reason, modes=wish.confirmed_modes, **more
    ).batch


def carry_out(
    request: HttpRequest, wish: Wish, asking: Callable[[], CommandBatch], draw_again: Callable[[int], HttpResponse]
) -> HttpResponse:
    """To the batch's page, or back to the form with the cause."""
    try:
        batch = asking()
    except acts.ActRefused as refusal:
        wish.refuse(refusal)
        return draw_again(refusal.status)
    except AuditUnavailable:
        wish.mistakes = {"": AUDIT_DOWN}
        return draw_again(503)
    return redirect("batch", batch.pk)


def draw_wishes(request: HttpRequest, wishes: list[Wish], bots: list[Bot], status: int = 200) -> HttpResponse:
    context = {"wishes": wishes, "bots": bots, "offered": OFFERED}
    return draw(request, "bots/commands/batch_new.html", context, status)


# --- One batch ---


def batch_of(request: HttpRequest, pk: int) -> CommandBatch:
    return get_object_or_404(CommandBatch.objects.visible_to(person(request)).select_related("team"), pk=pk)


@login_required
@require_safe
def batch(request: HttpRequest, pk: int) -> HttpResponse:
    found = batch_of(request, pk)
    user = person(request)
    done = acts.progress(found)
    may_do = Team.objects.where(user, found.action).filter(pk=found.team_id).exists()
    waiting = sum(command.state == Command.WAITING for command in done.commands)
    context = {
        "batch": found,
        "progress": done,
        "parts": parts_of(done),
        "names": names_of(done),
        "page_title": f"Batch {found.pk}",
        "may_stop": may_do and done.unsent,
        "may_repeat": may_do and done.has_ended and done.repeatable,
        "may_approve": may_do and waiting and found.requested_by_id != user.pk,
        "waiting": waiting,
        **again_at(user, found, done),
        "needs_reason": found.action in REASON_REQUIRED,
        "fresh_key": f"form-{uuid4()}",
    }
    return show(request, "commands/batch", context)


KIND_OF_STATE = {
    Command.DONE: "ok",
    Command.REFUSED: "no",
    Command.EXPIRED: "no",
    Command.CANCELLED: "no",
    Command.UNKNOWN: "what",
    Command.CLOSED: "what",
}


def parts_of(done: acts.Progress) -> list[tuple[str, str, str]]:
    """(kind, begin, width) in percent, for the bar: done, refused, unknown, under way, left out."""
    counts = dict.fromkeys(("ok", "no", "what", "now", "out"), 0)
    for state, count in done.by_state.items():
        counts[KIND_OF_STATE.get(state, "now")] += count
    counts["out"] = len(done.left_out)
    begun = 0.0
    parts = []
    for kind, count in counts.items():
        width = 100 * count / max(done.total, 1)
        parts.append((kind, f"{begun:.2f}", f"{width:.2f}"))
        begun += width
    return parts


def names_of(done: acts.Progress) -> dict[str, str]:
    """Slug -> name of the bots that were left out."""
    return dict(Bot.objects.filter(slug__in=[line["bot"] for line in done.left_out]).values_list("slug", "name"))


def again_at(user: User, found: CommandBatch, done: acts.Progress) -> dict[str, Any]:
    """What the form needs that asks once more."""
    slugs = [command.bot.slug for command in done.commands] + [line["bot"] for line in done.left_out]
    bots = list(Bot.objects.visible_to(user).filter(slug__in=slugs).select_related("status"))
    must_type = acts.must_be_typed(found.team, bots, found.action, found.kind) if bots else []
    return {"must_type": must_type, "modes": modes_written(bots)}


@login_required
@require_POST
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    found = batch_of(request, pk)
    return act_on(request, found, lambda actor, user: acts.stop(actor, user, found).pk, "stopped")


@login_required
@require_POST
def repeat(request: HttpRequest, pk: int) -> HttpResponse:
    """Once more where nothing was done: a new batch."""
    found = batch_of(request, pk)
    typed, reason = request.POST.get("typed", "").strip(), request.POST.get("reason", "").strip()
    key, modes = request.POST.get("key", "")[:100], modes_read(request.POST.get("confirmed_modes", ""))

    def again(actor: Actor, user: User) -> int:
        return acts.repeat_refused(actor, user, found, key=key, typed=typed, reason=reason, modes=modes).batch.pk

    return act_on(request, found, again, "asked once more")


@login_required
@require_POST
def approve(request: HttpRequest, pk: int) -> HttpResponse:
    found = batch_of(request, pk)

    def approved(actor: Actor, user: User) -> int:
        outcome = acts.approve_all(actor, user, found)
        for slug, sentence in outcome["refused"].items():
            messages.error(request, f"{slug}: {sentence}")
        return found.pk

    return act_on(request, found, approved, "approved")


def act_on(request: HttpRequest, found: CommandBatch, act: Callable[[Actor, User], int], done: str) -> HttpResponse:
    """Do it and go to the batch it is about then. Raises PermissionDenied."""
    then = found.pk
    try:
        then = act(Actor.of(by(request), found.team), person(request))
    except acts.RoleTooLow as refusal:
        raise PermissionDenied(str(refusal)) from refusal
    except acts.ActRefused as refusal:
        messages.error(request, f"Batch {found.pk}: {refusal}")
    except AuditUnavailable:
        messages.error(request, AUDIT_DOWN)
    else:
        messages.success(request, f"Batch {found.pk}: {action_word(found.action)} {done}.")
    return redirect("batch", then)

"""Acts on the members of a team, asked from its page; and the page an invitation leads to."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST
from django.views.generic import FormView

from accounts import forms, invitations, login, membership
from accounts.access import MANAGE, SEE, Role
from accounts.caller import by, caller_of
from accounts.models import Invitation, Team, User
from accounts.views import never_kept, person


def team_managed(request: HttpRequest, slug: str) -> Team:
    """Raises Http404 for a team the person does not belong to, PermissionDenied where he may only look."""
    user = person(request)
    team = get_object_or_404(Team.objects.where(user, SEE), slug=slug)
    if not Team.objects.where(user, MANAGE).filter(pk=team.pk).exists():
        raise PermissionDenied("Only managers of the team may do this.")
    return team


def members_of(team: Team, user: User) -> dict[str, object]:
    """What accounts/_members.html needs."""
    may_manage = Team.objects.where(user, MANAGE).filter(pk=team.pk).exists()
    return {
        "team": team,
        "memberships": team.memberships.select_related("user"),
        "invitations": team.invitations.open().select_related("invited_by") if may_manage else [],
        "may_manage": may_manage,
        "roles": Role.choices,
        # A person may see several teams on one page: their fields need ids of their own.
        "invite_form": forms.InviteForm(auto_id=f"{team.slug}_%s"),
    }


@login_required
@require_POST
def change_role(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    member = get_object_or_404(team_managed(request, slug).memberships.select_related("user"), pk=member_id)
    form = forms.RoleForm(request.POST)
    if not form.is_valid():
        messages.error(request, "There is no such role.")
        return redirect("team")
    try:
        membership.change_role(member, form.cleaned_data["role"], by(request))
    except (membership.LastManager, membership.NotMember) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{member.user.username} is now {form.cleaned_data['role']} of {member.team}.")
    return redirect("team")


@login_required
@require_POST
def remove_member(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    member = get_object_or_404(team_managed(request, slug).memberships.select_related("user"), pk=member_id)
    try:
        membership.remove(member, by(request))
    except (membership.LastManager, membership.NotMember) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{member.user.username} no longer belongs to {member.team}.")
    return redirect("team")


@login_required
@require_POST
def invite(request: HttpRequest, slug: str) -> HttpResponse:
    """Answers with a page that shows the link this once."""
    team = team_managed(request, slug)
    form = forms.InviteForm(request.POST)
    if not form.is_valid():
        return render(request, "accounts/invite.html", {"team": team, "form": form})
    given = form.cleaned_data
    invitation, token = invitations.invite(team, given["email"], given["role"], person(request), by(request))
    link = invitations.link_to(token)
    context = {"team": team, "invitation": invitation, "link": link, "mail_error": mail_error(invitation, token)}
    return render(request, "accounts/invited.html", context)


def mail_error(invitation: Invitation, token: str) -> str:
    try:
        invitations.send_link(invitation, token)
    except OSError as error:
        return str(error) or type(error).__name__
    return ""


@login_required
@require_POST
def withdraw_invitation(request: HttpRequest, slug: str, invitation_id: int) -> HttpResponse:
    invitation = get_object_or_404(team_managed(request, slug).invitations.open(), pk=invitation_id)
    invitations.withdraw(invitation, by(request))
    messages.success(request, f"The invitation of {invitation.email} is withdrawn.")
    return redirect("team")


@never_kept
class Invited(FormView):
    """Where the link of an invitation leads: join as who you are, or choose a name and a password."""

    template_name = "accounts/invitation.html"
    form_class = forms.NewPersonForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.invitation = invitations.find(kwargs["token"])
            return super().dispatch(request, *args, **kwargs)
        except invitations.InvitationGone as error:
            return render(request, "accounts/invitation_gone.html", {"cause": error}, status=410)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(invitation=self.invitation, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.join() if request.user.is_authenticated else super().post(request, *args, **kwargs)

    def join(self) -> HttpResponse:
        try:
            team = invitations.join(self.kwargs["token"], person(self.request), by(self.request))
        except membership.AlreadyMember as error:
            messages.error(self.request, str(error))
        else:
            messages.success(self.request, f"You now belong to {team}.")
        return redirect(settings.LOGIN_REDIRECT_URL)

    def form_valid(self, form: BaseForm) -> HttpResponse:
        newcomer = form.save(commit=False)  # type: ignore[attr-defined]
        try:
            invitations.join_as_new(self.kwargs["token"], newcomer, caller_of(self.request))
        except IntegrityError:
            form.add_error("username", "That name is taken.")  # type: ignore[attr-defined]
            return self.form_invalid(form)
        login.log_in(self.request, newcomer)
        return redirect(settings.LOGIN_REDIRECT_URL)

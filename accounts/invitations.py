"""Inviting somebody into a team by a link: seven days, once, and only while its author may manage the team."""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts import announcements, membership, people
from accounts.access import MANAGE, Role, roles_for
from accounts.announcements import announce
from accounts.caller import By, Caller
from accounts.models import Invitation, Membership, Team, User

LIFETIME = timedelta(days=7)


class InvitationGone(Exception):
    """Ask a manager of the team for a new one."""

    def __init__(self) -> None:
        super().__init__("This invitation was used, withdrawn or is older than seven days. Ask for a new one.")


@transaction.atomic
def invite(team: Team, email: str, role: str, author: User, by: By) -> tuple[Invitation, str]:
    """The invitation and its token, which is kept nowhere. An older invitation of the same address ends."""
    Invitation.objects.open().filter(team=team, email__iexact=email).delete()
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        team=team,
        email=email,
        role=Role(role),
        invited_by=author,
        token_hash=hash_of(token),
        expires_at=timezone.now() + LIFETIME,
    )
    announce(announcements.invited, by, email, team, role=invitation.role)
    return invitation, token


def link_to(token: str) -> str:
    return str(settings.PORTAL_URL).rstrip("/") + reverse("invitation", args=[token])


def send_link(invitation: Invitation, token: str) -> None:
    """Raises OSError (SMTPException is one) when the mail could not be handed over."""
    context = {"invitation": invitation, "link": link_to(token)}
    body = render_to_string("accounts/invitation_mail.txt", context)
    send_mail(f"Invitation to {invitation.team} on the portal", body, None, [invitation.email])


@transaction.atomic
def withdraw(invitation: Invitation, by: By) -> None:
    invitation.delete()
    announce(announcements.invitation_withdrawn, by, invitation.email, invitation.team, role=invitation.role)


def find(token: str) -> Invitation:
    """The invitation this token opens. Raises InvitationGone."""
    found = Invitation.objects.open().select_related("team", "invited_by").filter(token_hash=hash_of(token)).first()
    if found is None or not may_still_invite(found):
        raise InvitationGone
    return found


@transaction.atomic
def join(token: str, user: User, by: By) -> Team:
    """Makes the person a member. Raises InvitationGone or membership.AlreadyMember (the invitation then stays)."""
    invitation = use_up(token)
    admit(invitation, user, by)
    return invitation.team


@transaction.atomic
def join_as_new(token: str, newcomer: User, caller: Caller) -> Team:
    """Saves the new person (password set, not saved yet) with the invited address.

    Raises InvitationGone, or IntegrityError for a name that is taken."""
    invitation = use_up(token)
    newcomer.email = invitation.email
    people.register(newcomer, By(None, caller))
    admit(invitation, newcomer, By(newcomer, caller))
    return invitation.team


def use_up(token: str) -> Invitation:
    """Of two who click at once one joins: the update is conditional. Raises InvitationGone."""
    invitation = find(token)
    if not Invitation.objects.open().filter(pk=invitation.pk).update(accepted_at=timezone.now()):
        raise InvitationGone
    return invitation


def admit(invitation: Invitation, user: User, by: By) -> None:
    membership.add(invitation.team, user, invitation.role, by)
    announce(announcements.invitation_accepted, by, user.username, invitation.team, invited=invitation.email)


def may_still_invite(invitation: Invitation) -> bool:
    author = invitation.invited_by
    memberships = Membership.objects.filter(user=author, team=invitation.team, role__in=roles_for(MANAGE))
    return author.is_active and (author.is_superuser or memberships.exists())


def forget_old() -> int:
    """Removes invitations that ended a while ago; how many rows."""
    return Invitation.objects.filter(expires_at__lt=timezone.now() - LIFETIME).delete()[0]


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

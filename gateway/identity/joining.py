"""Brings people into a workspace, changes their role, and lets them go."""

import secrets
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db import transaction

from gateway.audit import trail
from gateway.audit.trail import Actor
from gateway.errors import Refused
from gateway.identity.editing import hold
from gateway.identity.models import Membership, Profile, Workspace
from gateway.identity.roles import Role


class LastAdmin(Refused):
    """A workspace keeps at least one admin."""

    code = "last_admin"

    def __init__(self) -> None:
        super().__init__(
            "This is the workspace's only admin. Make somebody else an admin first."
        )


class BelongsElsewhere(Refused):
    """A sign-in belongs to one account."""

    code = "belongs_elsewhere"


class AlreadyMember(Refused):
    """The person is here already."""

    code = "already_member"


@dataclass(frozen=True, kw_only=True)
class Joined:
    """A member, and the first password of a sign-in that was made for them; nobody can read it again."""

    membership: Membership
    password: str = field(default="", repr=False)


@transaction.atomic
def add_member(
    workspace: Workspace, *, email: str, name: str, role: str, actor: Actor
) -> Joined:
    """Give the person with this e-mail address a place in the workspace, and a sign-in if they have none.

    Raises:
        AlreadyMember, BelongsElsewhere
    """
    user = User.objects.filter(username__iexact=email).first()
    password = "" if user else secrets.token_urlsafe(12)
    if user is None:
        user = User.objects.create_user(
            email, email=email, password=password, is_staff=True
        )
    User.objects.filter(pk=user.pk, is_staff=False).update(is_staff=True)
    profile = _profile(workspace, user, name)
    membership, created = Membership.objects.get_or_create(
        workspace=workspace, profile=profile, defaults={"role": role}
    )
    if not created:
        raise AlreadyMember(f"{profile} is a member of this workspace already.")
    trail.record(
        actor, "membership.created", subject=membership, changes={"role": [None, role]}
    )
    return Joined(membership=membership, password=password)


@transaction.atomic
def change_role(membership: Membership, role: str, *, actor: Actor) -> Membership:
    """Give a member another role.

    Raises:
        ChangedMeanwhile: somebody else did since `membership` was read.
        LastAdmin: nobody else could manage the workspace.
    """
    before = membership.role
    if role != Role.ADMIN:
        _check_other_admin(membership)
    hold(membership, ["role"])
    rows = Membership.objects.in_workspace(membership.workspace_id)
    if rows.filter(pk=membership.pk, role=before).exclude(role=role).update(role=role):
        changes = {"role": [before, role]}
        trail.record(actor, "membership.updated", subject=membership, changes=changes)
    membership.refresh_from_db()
    return membership


@transaction.atomic
def remove_member(membership: Membership, *, actor: Actor) -> None:
    """Take a member's place in the workspace away; their sign-in stays.

    Raises:
        LastAdmin: nobody else could manage the workspace.
    """
    _check_other_admin(membership)
    trail.record(actor, "membership.deleted", subject=membership)
    Membership.objects.in_workspace(membership.workspace_id).filter(
        pk=membership.pk
    ).delete()


def _profile(workspace: Workspace, user: User, name: str) -> Profile:
    profile, _ = Profile.objects.get_or_create(
        user=user,
        defaults={
            "account_id": workspace.account_id,
            "type": Profile.Type.USER,
            "name": name or user.get_full_name() or user.username,
            "email": user.email,
        },
    )
    if profile.account_id != workspace.account_id:
        raise BelongsElsewhere(
            f"The sign-in {user.username} belongs to another account. Use another e-mail address."
        )
    return profile


def _check_other_admin(membership: Membership) -> None:
    """Within a transaction, before anything else is held: the admins are, in one order, so that two cannot leave at once."""
    admins = Membership.objects.select_for_update(of=["self"], no_key=True).filter(
        workspace_id=membership.workspace_id,
        role=Role.ADMIN,
        profile__type=Profile.Type.USER,
    )
    if [admin.pk for admin in admins.order_by("pk")] == [membership.pk]:
        raise LastAdmin

"""Gives registered users packs, and takes them back."""

from django.core.exceptions import ValidationError
from django.db import transaction

from gateway.audit import trail
from gateway.audit.trail import Actor
from gateway.identity.models import RegisteredUser
from toolpacks.models import Grant, ToolPack


@transaction.atomic
def grant(pack: ToolPack, user: RegisteredUser, *, actor: Actor) -> tuple[Grant, bool]:
    """The user has the pack from now on; the second value says whether that is new.

    Raises:
        ValidationError: the two belong to different workspaces.
    """
    if user.workspace_id != pack.workspace_id:
        raise ValidationError(
            {"registered_user": "This workspace has no such registered user."}
        )
    given, created = Grant.objects.get_or_create(
        pack=pack,
        registered_user=user,
        defaults={
            "workspace_id": pack.workspace_id,
            "created_by_id": actor.profile_id,
        },
    )
    if created:
        trail.record(actor, "grant.created", subject=given)
    return given, created


@transaction.atomic
def withdraw(pack: ToolPack, user: RegisteredUser, *, actor: Actor) -> bool:
    """The user no longer has the pack; whether they had it."""
    given = (
        Grant.objects.in_workspace(pack.workspace_id)
        .filter(pack=pack, registered_user=user)
        .first()
    )
    if given is None:
        return False
    trail.record(actor, "grant.withdrawn", subject=given)
    given.delete()
    return True

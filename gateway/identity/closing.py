"""Takes a workspace away, with everything in it."""

from graphlib import TopologicalSorter

from django.apps import apps
from django.db import transaction
from django.utils import timezone

from gateway.audit import trail
from gateway.audit.trail import Actor
from gateway.identity.models import ApiKey, Membership, Profile, Workspace
from gateway.identity.ownership import WorkspaceOwned, WorkspaceQuerySet


def delete_workspace(workspace: Workspace, *, actor: Actor) -> None:
    """Shut its doors, delete what it owns in short transactions, and the workspace last; what was recorded stays.

    When that is interrupted, a workspace without members and keys is left, and deleting it again goes on.
    """
    _shut(workspace, actor)
    for model in owned_models():
        WorkspaceQuerySet(model).in_workspace(workspace).delete_in_portions()
    with transaction.atomic():
        trail.record(actor, "workspace.deleted", subject=workspace)
        workspace.delete()
        Profile.objects.filter(
            account=workspace.account_id, type=Profile.Type.API_KEY, api_key=None
        ).delete()


def owned_models() -> list[type[WorkspaceOwned]]:
    """The models of what a workspace owns, each before those that it refers to."""
    models = [model for model in apps.get_models() if issubclass(model, WorkspaceOwned)]
    referring = {
        model: {other for other in models if _refers(other, model)} for model in models
    }
    return list(TopologicalSorter(referring).static_order())


def _refers(model: type[WorkspaceOwned], other: type[WorkspaceOwned]) -> bool:
    return model is not other and any(
        field.related_model is other for field in model._meta.concrete_fields
    )


@transaction.atomic
def _shut(workspace: Workspace, actor: Actor) -> None:
    trail.record(actor, "workspace.closed", subject=workspace)
    ApiKey.objects.in_workspace(workspace).filter(revoked_at=None).update(
        revoked_at=timezone.now()
    )
    Membership.objects.in_workspace(workspace).delete()

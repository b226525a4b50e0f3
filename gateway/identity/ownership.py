"""What every row of a workspace has in common, and how a table says that it shapes surfaces."""

import time
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.apps import apps
from django.db import models

if TYPE_CHECKING:
    from gateway.identity.models import Workspace


_PORTION = 250
_PAUSE_SECONDS = 0.01


class WorkspaceQuerySet(models.QuerySet[Any]):
    """Rows that belong to workspaces. Nothing is fetched without naming one."""

    def in_workspace(self, workspace: "Workspace | str") -> Self:
        return self.filter(
            workspace_id=workspace if isinstance(workspace, str) else workspace.pk
        )

    def delete_in_portions(self) -> None:
        """Delete the rows in short transactions, with a pause after each, so that other writers get their turn."""
        while ids := list(self.order_by("pk").values_list("pk", flat=True)[:_PORTION]):
            self.model._base_manager.filter(pk__in=ids).delete()
            time.sleep(_PAUSE_SECONDS)


class WorkspaceOwned(models.Model):
    """A row that belongs to one workspace."""

    workspace = models.ForeignKey(
        "identity.Workspace", on_delete=models.CASCADE, related_name="+", editable=False
    )

    class Meta:
        abstract = True


class ShapesSurfaces(models.Model):
    """A table of which every write raises a revision: it holds only what a surface is made of.

    `revision_workspace` is the column with the workspace. `revision_subject` is the column with the registered user, or
    the tool set, whose surfaces alone the row shapes; empty when it shapes every surface of the workspace.
    """

    revision_workspace: ClassVar[str] = "workspace_id"
    revision_subject: ClassVar[str] = ""

    class Meta:
        abstract = True


def shaping_models() -> list[type[ShapesSurfaces]]:
    """Every concrete model whose table shapes surfaces, in a stable order."""
    return sorted(
        (model for model in apps.get_models() if issubclass(model, ShapesSurfaces)),
        key=lambda m: m._meta.db_table,
    )

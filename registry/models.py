"""The memory of tool definitions: every version that an upstream has shown."""

from typing import Any

from django.db import models
from django.db.models import Q

from gateway.identity.ownership import WorkspaceOwned, WorkspaceQuerySet
from toolsets.models import Tool


class ToolVersion(WorkspaceOwned):
    """One definition of a tool, from when it was first seen until another took its place."""

    tool = models.ForeignKey(Tool, on_delete=models.CASCADE, related_name="versions")
    fingerprint = models.CharField(max_length=64)
    definition = models.JSONField(default=dict)
    first_seen_at = models.DateTimeField()
    replaced_at = models.DateTimeField(null=True, blank=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tool"],
                condition=Q(replaced_at__isnull=True),
                name="tool_version_one_current",
            )
        ]

    def __str__(self) -> str:
        return f"{self.tool_id} {self.fingerprint[:12]}"

    def __repr__(self) -> str:
        return f"<ToolVersion {self}>"


def current_fingerprints(tool_ids: list[str]) -> dict[str, Any]:
    """The fingerprint of each tool's current version, by tool id."""
    current = ToolVersion.objects.filter(tool_id__in=tool_ids, replaced_at__isnull=True)
    return dict(current.values_list("tool_id", "fingerprint"))

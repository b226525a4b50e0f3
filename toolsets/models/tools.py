"""Tools: the operations of a tool set, as their upstream defines them and as people decide about them."""

from typing import Any, Self

from django.db import models
from django.db.models import Q

from gateway.identity.models import Profile
from gateway.identity.ownership import ShapesSurfaces, WorkspaceOwned, WorkspaceQuerySet
from gateway.identity.validation import validate_external_id, validate_labels
from gateway.ids import PrefixedULIDField
from toolsets.models.sets import ToolSet


class ToolQuerySet(WorkspaceQuerySet):
    def available(self) -> Self:
        """Tools that may be listed and called: available themselves, in an active set."""
        return self.filter(
            status=Tool.Status.AVAILABLE, tool_set__state=ToolSet.State.ACTIVE
        )


class Tool(WorkspaceOwned, ShapesSurfaces):
    """One operation of a tool set."""

    revision_subject = "tool_set_id"

    class Status(models.TextChoices):
        AVAILABLE = "TOOL_STATUS_AVAILABLE", "Available"
        FILTERED = "TOOL_STATUS_FILTERED", "Filtered"
        OMITTED = "TOOL_STATUS_OMITTED", "Omitted"
        ARCHIVED = "TOOL_STATUS_ARCHIVED", "Archived"

    id = PrefixedULIDField(prefix="tool")
    tool_set = models.ForeignKey(
        ToolSet, on_delete=models.CASCADE, related_name="tools"
    )
    name = models.CharField(max_length=255)
    external_id = models.CharField(
        max_length=128, blank=True, validators=[validate_external_id]
    )
    labels = models.JSONField(default=dict, blank=True, validators=[validate_labels])
    bundle_key = models.CharField(max_length=128, blank=True, editable=False)
    title = models.TextField(blank=True)
    description = models.TextField(blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    output_schema = models.JSONField(null=True, blank=True)
    annotations = models.JSONField(default=dict, blank=True)
    config = models.JSONField(default=dict, blank=True, editable=False)
    status = models.CharField(max_length=24, choices=Status, default=Status.AVAILABLE)
    status_reason = models.CharField(max_length=300, blank=True)
    requires_approval = models.BooleanField(default=False)
    is_approval_set_by_hand = models.BooleanField(default=False, editable=False)
    created_by = models.ForeignKey(
        Profile, on_delete=models.PROTECT, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ToolQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tool_set", "name"], name="tool_name_unique"
            ),
            models.UniqueConstraint(
                fields=["tool_set", "external_id"],
                condition=~Q(external_id=""),
                name="tool_external_id_unique",
            ),
        ]
        indexes = [models.Index(fields=["tool_set", "status"], name="tool_status")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_available(self) -> bool:
        """Whether its own status lets it be called; its set must be active too."""
        return self.status == self.Status.AVAILABLE

    @property
    def definition(self) -> dict[str, Any]:
        """What the upstream says about the tool, in one fixed order: what a fingerprint is taken of."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.parameters,
            "outputSchema": self.output_schema,
            "annotations": self.annotations,
        }

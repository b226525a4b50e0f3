"""Tool sets: connections to upstreams, what their syncs do now, and what they did."""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from gateway.identity.models import Profile
from gateway.identity.ownership import ShapesSurfaces, WorkspaceOwned, WorkspaceQuerySet
from gateway.identity.validation import (
    validate_external_id,
    validate_labels,
    validate_slug,
    validate_tags,
)
from gateway.ids import PrefixedULIDField
from toolsets.networks import validate_networks

if TYPE_CHECKING:
    from toolsets.models.secrets import Secret  # noqa: F401 - names a reverse relation


class ToolSetQuerySet(WorkspaceQuerySet):
    def active(self) -> Self:
        return self.filter(state=ToolSet.State.ACTIVE)

    def due(self, *, at: datetime) -> Self:
        """Active sets whose sync is due and which an adapter can sync."""
        return self.active().filter(
            adapter_type__in=ToolSet.SYNCABLE, sync__due_at__lte=at
        )


class ToolSet(WorkspaceOwned, ShapesSurfaces):
    """One connection to an upstream, and its tools."""

    class AdapterType(models.TextChoices):
        MCP = "mcp", "MCP server"
        HTTP = "http", "HTTP API"
        OPENAPI = "openapi", "OpenAPI document"

    class State(models.TextChoices):
        ACTIVE = "STATE_ACTIVE", "Active"
        ARCHIVED = "STATE_ARCHIVED", "Archived"

    SYNCABLE = (AdapterType.MCP, AdapterType.OPENAPI)

    id = PrefixedULIDField(prefix="ts")
    name = models.CharField(
        max_length=200, help_text="What people call this upstream, such as GitHub."
    )
    slug = models.CharField(
        max_length=40,
        validators=[validate_slug],
        help_text="Names this tool set on the wire: it is the default prefix of its tools. "
        "Changing it renames tools in every pack that does not choose a prefix of its own.",
    )
    external_id = models.CharField(
        max_length=128, blank=True, validators=[validate_external_id]
    )
    labels = models.JSONField(default=dict, blank=True, validators=[validate_labels])
    bundle_key = models.CharField(max_length=128, blank=True, editable=False)
    description = models.TextField(
        blank=True,
        help_text="What this upstream is for, for the people who build packs.",
    )
    adapter_type = models.CharField(
        "adapter", max_length=8, choices=AdapterType, default=AdapterType.MCP
    )
    adapter = models.JSONField(default=dict, editable=False)
    adapter_version = models.PositiveIntegerField(default=1, editable=False)
    allowed_networks = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_networks],
        help_text="Private networks that this upstream may be reached in, such as 10.20.0.0/16. Public addresses need "
        "no entry; an entry lets this tool set, and no other, connect to machines inside.",
    )
    tags = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_tags],
        help_text="Agents whose scope tags meet these list this set's tools by themselves.",
    )
    interactions = models.JSONField(default=dict, blank=True, editable=False)
    sync_interval_seconds = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Seconds between scheduled syncs; empty for the installation's default.",
    )
    is_managed = models.BooleanField(
        "managed",
        default=False,
        help_text="Only API keys may change the tools of a managed set.",
    )
    state = models.CharField(
        max_length=16, choices=State, default=State.ACTIVE, editable=False
    )
    created_by = models.ForeignKey(
        Profile, on_delete=models.PROTECT, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ToolSetQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "slug"], name="tool_set_slug_unique"
            ),
            models.UniqueConstraint(
                fields=["workspace", "external_id"],
                condition=~Q(external_id=""),
                name="tool_set_external_id_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.state == self.State.ACTIVE

    @property
    def is_syncable(self) -> bool:
        """Whether its tools come from its upstream; otherwise people write them."""
        return self.adapter_type in self.SYNCABLE

    @property
    def address(self) -> str:
        """Where its upstream is, as its settings say; empty where they do not."""
        return str(self.adapter.get("url") or self.adapter.get("baseUrl") or "")

    @property
    def reachable_networks(self) -> tuple[str, ...]:
        """The networks beside the public ones that it may connect to: the installation's and its own."""
        return (*map(str, settings.UPSTREAM_NETWORKS), *self.allowed_networks)

    def relays(self, interaction: str) -> bool:
        """Whether what this upstream asks (`elicitation`, `sampling` or `roots`) may reach a caller."""
        return bool(self.interactions.get(interaction, interaction == "elicitation"))


class SyncStateQuerySet(models.QuerySet["SyncState"]):
    def make_due(self, *, at: datetime, requested_by_id: str) -> int:
        """Make the syncs due of those sets that have an upstream to sync from; how many."""
        syncable = self.filter(tool_set__adapter_type__in=ToolSet.SYNCABLE)
        return syncable.update(due_at=at, requested_by_id=requested_by_id)


class SyncState(models.Model):
    """What the sync of one tool set is doing and when it is due; a row of its own, because it shapes nothing."""

    LACKS_CREDENTIAL = "missing_secret"

    tool_set = models.OneToOneField(
        ToolSet, on_delete=models.CASCADE, related_name="sync", primary_key=True
    )
    due_at = models.DateTimeField(null=True, blank=True, db_index=True)
    requested_by = models.ForeignKey(
        Profile, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    claimed_by = models.CharField(max_length=40, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    tools_seen = models.PositiveIntegerField(default=0)
    tools_written = models.PositiveIntegerField(default=0)
    protocol_version = models.CharField(max_length=16, blank=True)
    transport = models.CharField(max_length=24, blank=True)
    last_succeeded_at = models.DateTimeField(null=True, blank=True)
    last_failed_at = models.DateTimeField(null=True, blank=True)
    last_error_type = models.CharField(max_length=64, blank=True)
    failures_in_a_row = models.PositiveIntegerField(default=0)

    objects = SyncStateQuerySet.as_manager()

    def __str__(self) -> str:
        return f"sync of {self.tool_set_id}"

    @property
    def health(self) -> str:
        """`new`, `syncing`, `healthy`, `stale` (the last good tools are served), `failing` (it never succeeded) or
        `needs_credential` (its headers name a secret that is not there).

        A set whose tools are written by hand has no sync that could fail: it is `healthy`.
        """
        if not self.tool_set.is_syncable:
            return "healthy"
        if self.claimed_at is not None:
            return "syncing"
        if self.last_error_type == self.LACKS_CREDENTIAL:
            return "needs_credential"
        if self.failures_in_a_row:
            return "stale" if self.last_succeeded_at else "failing"
        return "healthy" if self.last_succeeded_at else "new"


class ToolSetEvent(WorkspaceOwned):
    """One line of the history of a tool set's syncs."""

    class Type(models.TextChoices):
        STARTED = "sync_started", "Sync started"
        COMPLETED = "sync_completed", "Sync completed"
        FAILED = "sync_failed", "Sync failed"

    id = PrefixedULIDField(prefix="tsevent")
    tool_set = models.ForeignKey(
        ToolSet, on_delete=models.CASCADE, related_name="events"
    )
    type = models.CharField(max_length=16, choices=Type)
    message = models.TextField(blank=True)
    tools_synced = models.PositiveIntegerField(null=True, blank=True)
    error_type = models.CharField(max_length=64, blank=True)
    created_by = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                F("tool_set"),
                F("created_at").desc(),
                name="tool_set_event_newest_first",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} of {self.tool_set_id}"

    @property
    def payload(self) -> dict[str, Any]:
        """The event's own part, as REST shows it."""
        match self.type:
            case self.Type.COMPLETED:
                return {"message": self.message, "toolsSynced": self.tools_synced or 0}
            case self.Type.FAILED:
                return {
                    "error": True,
                    "errorType": self.error_type,
                    "message": self.message,
                }
            case _:
                return {"message": self.message}

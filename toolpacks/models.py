"""Tool packs: which connectors and tools one agent surface may use, and who has it."""

import uuid
from typing import Self

from django.core.validators import RegexValidator
from django.db import models

from gateway.audit.models import AuditEvent
from gateway.audit.trail import Actor
from gateway.identity.models import ApiKey, Profile, RegisteredUser
from gateway.identity.ownership import ShapesSurfaces, WorkspaceOwned, WorkspaceQuerySet
from gateway.identity.validation import validate_external_id, validate_slug
from gateway.ids import PrefixedULIDField
from toolsets.models import Tool, ToolSet

validate_prefix = RegexValidator(
    r"^[A-Za-z0-9_-]{0,40}\Z",
    "A prefix is at most 40 letters, digits, underscores or hyphens; it may be empty.",
)


class ToolPackQuerySet(WorkspaceQuerySet):
    def referred_to_as(self, reference: str) -> Self:
        """The pack whose id or slug is `reference`."""
        try:
            return self.filter(pk=uuid.UUID(reference))
        except ValueError:
            return self.filter(slug=reference)


class ToolPack(WorkspaceOwned, ShapesSurfaces):
    """The bundle of connectors and tools that one agent surface may use."""

    class Access(models.TextChoices):
        OPEN = "OPEN", "Open: any registered user of the workspace that the key allows"
        GRANTED = "GRANTED", "Granted: only registered users who were given this pack"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(
        max_length=200,
        help_text="What people call this surface, such as Support agent.",
    )
    slug = models.CharField(
        max_length=40,
        validators=[validate_slug],
        help_text="Stands for the id in URLs. Changing it changes MCP URLs.",
    )
    external_id = models.CharField(
        max_length=128, blank=True, validators=[validate_external_id]
    )
    bundle_key = models.CharField(max_length=128, blank=True, editable=False)
    description = models.TextField(blank=True)
    access = models.CharField(max_length=8, choices=Access, default=Access.OPEN)
    default_for_new_users = models.BooleanField(
        default=False,
        help_text="Every registered user that is created from now on gets this pack.",
    )
    is_enabled = models.BooleanField(
        "enabled",
        default=True,
        help_text="A disabled pack answers agents as if it were not there. Its tools, users and keys stay as they are.",
    )
    tool_sets = models.ManyToManyField(
        ToolSet, through="Connector", related_name="packs"
    )
    created_by = models.ForeignKey(
        Profile, on_delete=models.PROTECT, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    objects = ToolPackQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "slug"], name="tool_pack_slug_unique"
            ),
            models.UniqueConstraint(
                fields=["workspace", "external_id"],
                condition=~models.Q(external_id=""),
                name="tool_pack_external_id_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Connector(WorkspaceOwned, ShapesSurfaces):
    """A tool set as attached to a pack."""

    class Mode(models.TextChoices):
        CHOSEN = "CHOSEN", "Chosen: exactly these tools"
        ALL = "ALL", "All: follows the tool set"

    pack = models.ForeignKey(
        ToolPack, on_delete=models.CASCADE, related_name="connectors"
    )
    tool_set = models.ForeignKey(
        ToolSet, on_delete=models.PROTECT, related_name="connectors"
    )
    prefix = models.CharField(  # noqa: DJ001 - not given and empty differ here
        max_length=40,
        null=True,
        blank=True,
        validators=[validate_prefix],
        help_text="What stands before each tool's name. Not given: the tool set's slug. It may be empty.",
    )
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.CHOSEN)
    tools = models.ManyToManyField(
        Tool, through="ConnectorTool", related_name="connectors"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pack", "tool_set"], name="connector_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.tool_set} in {self.pack}"

    @property
    def wire_prefix(self) -> str:
        return self.tool_set.slug if self.prefix is None else self.prefix


class ConnectorTool(WorkspaceOwned, ShapesSurfaces):
    """A tool that a connector in mode CHOSEN holds."""

    connector = models.ForeignKey(
        Connector, on_delete=models.CASCADE, related_name="chosen"
    )
    tool = models.ForeignKey(Tool, on_delete=models.CASCADE, related_name="chosen_in")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["connector", "tool"], name="connector_tool_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.tool_id} in {self.connector_id}"


class Grant(WorkspaceOwned, ShapesSurfaces):
    """A registered user has a pack."""

    revision_subject = "registered_user_id"

    pack = models.ForeignKey(ToolPack, on_delete=models.CASCADE, related_name="grants")
    registered_user = models.ForeignKey(
        RegisteredUser, on_delete=models.CASCADE, related_name="grants"
    )
    created_by = models.ForeignKey(
        Profile, on_delete=models.PROTECT, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pack", "registered_user"], name="grant_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.pack} for {self.registered_user}"


class ApiKeyPack(WorkspaceOwned, ShapesSurfaces):
    """A key may reach this pack."""

    api_key = models.ForeignKey(
        ApiKey, on_delete=models.CASCADE, related_name="pack_limits"
    )
    pack = models.ForeignKey(
        ToolPack, on_delete=models.CASCADE, related_name="limited_keys"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["api_key", "pack"], name="api_key_pack_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.api_key_id} for {self.pack_id}"


class BundleRun(WorkspaceOwned):
    """One application of a bundle: what it wants, how far it is, and who holds it until when."""

    class State(models.TextChoices):
        PENDING = "PENDING", "Waiting"
        RUNNING = "RUNNING", "Running"
        SUCCEEDED = "SUCCEEDED", "Succeeded"
        PARTIALLY_APPLIED = "PARTIALLY_APPLIED", "Applied in part"
        FAILED = "FAILED", "Failed"
        CANCELLED = "CANCELLED", "Cancelled"

    UNFINISHED = (State.PENDING, State.RUNNING)

    id = PrefixedULIDField(prefix="bundlerun")
    bundle_key = models.CharField(max_length=128)
    document = models.JSONField(null=True)
    state = models.CharField(max_length=20, choices=State, default=State.PENDING)
    message = models.TextField(blank=True)
    total = models.PositiveIntegerField(null=True)
    unchanged = models.PositiveIntegerField(default=0)
    applied = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(db_index=True)
    claimed_by = models.CharField(max_length=40, blank=True)
    claimed_until = models.DateTimeField(null=True)
    created_by = models.ForeignKey(Profile, on_delete=models.PROTECT, related_name="+")
    created_by_label = models.CharField(max_length=200, blank=True)
    created_by_role = models.CharField(max_length=16, blank=True)
    is_by_person = models.BooleanField(default=False)
    source = models.CharField(max_length=16, choices=AuditEvent.Source)
    address = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "bundle_key"],
                condition=models.Q(state__in=["PENDING", "RUNNING"]),
                name="bundle_run_one_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.bundle_key} ({self.pk})"

    @property
    def is_finished(self) -> bool:
        return self.state not in self.UNFINISHED

    @property
    def done(self) -> int:
        return self.applied + self.refused + self.failed

    @property
    def actor(self) -> Actor:
        """Who asked for it, as the audit trail names them."""
        return Actor(
            account_id=self.workspace.account_id,
            workspace_id=self.workspace_id,
            profile_id=self.created_by_id,
            label=self.created_by_label,
            is_person=self.is_by_person,
            role=self.created_by_role,
            source=AuditEvent.Source(self.source),
            address=self.address,
        )


class BundleOutcome(WorkspaceOwned):
    """What became of one resource in a run; resources that were as wanted have none."""

    class State(models.TextChoices):
        APPLIED = "APPLIED", "Applied"
        REFUSED = "REFUSED", "Refused"
        FAILED = "FAILED", "Failed"

    run = models.ForeignKey(
        BundleRun, on_delete=models.CASCADE, related_name="outcomes"
    )
    kind = models.CharField(max_length=8)
    key = models.CharField(max_length=400)
    action = models.CharField(max_length=12)
    state = models.CharField(max_length=8, choices=State)
    code = models.CharField(max_length=40, blank=True)
    message = models.TextField(blank=True)
    resource_id = models.CharField(max_length=40, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["run", "kind", "key"], name="bundle_outcome_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.key}: {self.state}"

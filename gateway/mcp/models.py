"""What is recorded of agents' work: each tool call, and the processes that carry them."""

from django.db import models
from django.db.models import F

from gateway.identity.ownership import WorkspaceQuerySet
from gateway.ids import PrefixedULIDField


class Process(models.Model):
    """A web process that carries calls, alive as long as it renews its heartbeat."""

    id = PrefixedULIDField(prefix="process")
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    is_embedded = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class ToolCall(models.Model):
    """One recorded attempt to call a tool: plain ids and labels, so that it outlives its subjects."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        WAITING = "waiting", "Waiting"
        SUCCEEDED = "succeeded", "Succeeded"
        REFUSED = "refused", "Refused"
        FAILED = "failed", "Failed"
        INTERRUPTED = "interrupted", "Interrupted"

    id = PrefixedULIDField(prefix="call")
    workspace_id = models.CharField(max_length=40)
    process_id = models.CharField(max_length=40)
    api_key_id = models.CharField(max_length=40, blank=True)
    registered_user_id = models.CharField(max_length=40, blank=True)
    agent_profile_id = models.CharField(max_length=40, blank=True)
    pack_id = models.CharField(max_length=40, blank=True)
    tool_set_id = models.CharField(max_length=40, blank=True)
    tool_id = models.CharField(max_length=40, blank=True)
    tool_name = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=12, choices=State)
    code = models.CharField(max_length=48, blank=True)
    reached_upstream = models.BooleanField(default=False)
    rounds = models.PositiveSmallIntegerField(default=1)
    argument_bytes = models.PositiveIntegerField(default=0)
    result_bytes = models.PositiveIntegerField(default=0)
    upstream_ms = models.FloatField(null=True, blank=True)
    total_ms = models.FloatField(null=True, blank=True)
    protocol_version = models.CharField(max_length=16, blank=True)
    client = models.CharField(max_length=120, blank=True)
    headers = models.JSONField(default=dict, blank=True)
    amendment = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                F("workspace_id"), F("id").desc(), name="tool_call_newest_first"
            ),
            models.Index(
                fields=["process_id"],
                condition=models.Q(state="running"),
                name="tool_call_running",
            ),
            models.Index(
                fields=["started_at"],
                condition=models.Q(state="waiting"),
                name="tool_call_waiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tool_name} {self.state}"

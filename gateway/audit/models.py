"""The audit trail's rows: plain ids and labels, so a fact outlives its subject."""

from django.db import models
from django.db.models import F

from gateway.ids import PrefixedULIDField


class AuditEvent(models.Model):
    """One change that somebody made, with what it changed."""

    class Source(models.TextChoices):
        ADMIN = "admin", "Admin"
        API = "api", "API"
        COMMAND = "command", "Command"
        SYSTEM = "system", "System"

    id = PrefixedULIDField(prefix="audit")
    account_id = models.CharField(max_length=40)
    workspace_id = models.CharField(max_length=40, blank=True)
    actor_id = models.CharField(max_length=40, blank=True)
    actor_label = models.CharField(max_length=200, blank=True)
    action = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=80)
    subject_id = models.CharField(max_length=40)
    subject_label = models.CharField(max_length=200, blank=True)
    changes = models.JSONField(default=dict)
    source = models.CharField(max_length=16, choices=Source)
    address = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(
                F("workspace_id"), F("created_at").desc(), name="audit_newest_first"
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject_label or self.subject_id}"

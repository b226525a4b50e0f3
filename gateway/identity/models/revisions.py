"""What every process must agree on: the revision of each workspace, and the ring of keys."""

from django.db import models


class Revision(models.Model):
    """A number that the database raises whenever a row that shapes surfaces changes.

    `subject` is empty for what shapes every surface of the workspace, and a registered user's id for what shapes only
    theirs. It is a locked counter in one row, raised by triggers and by nothing else.
    """

    workspace_id = models.CharField(max_length=40)
    subject = models.CharField(max_length=40, default="", blank=True)
    number = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace_id", "subject"], name="revision_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.workspace_id}/{self.subject or '*'} at {self.number}"


class Installation(models.Model):
    """The one row that names the ring of keys with which secrets of this database are encrypted."""

    ring_fingerprint = models.CharField(max_length=500)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"ring {self.ring_fingerprint}"

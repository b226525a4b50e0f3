"""Secrets that headers name as `${NAME}`: their existence and version shape surfaces, their values live apart."""

from datetime import datetime

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from gateway.encryption import EncryptedTextField
from gateway.identity.models import Profile
from gateway.identity.ownership import ShapesSurfaces, WorkspaceOwned, WorkspaceQuerySet
from gateway.ids import PrefixedULIDField
from toolsets.models.sets import ToolSet

validate_secret_name = RegexValidator(
    r"^[A-Z][A-Z0-9_]{0,63}\Z",
    "A secret's name is 1 to 64 capital letters, digits and underscores.",
)


class Secret(WorkspaceOwned, ShapesSurfaces):
    """A named secret of a tool set or, without one, of the workspace. `version` rises with each new value."""

    id = PrefixedULIDField(prefix="secret")
    tool_set = models.ForeignKey(
        ToolSet, on_delete=models.CASCADE, null=True, blank=True, related_name="secrets"
    )
    name = models.CharField(
        max_length=64,
        validators=[validate_secret_name],
        help_text="Headers use it as ${NAME}.",
    )
    version = models.PositiveIntegerField(default=1, editable=False)
    created_by = models.ForeignKey(
        Profile, on_delete=models.PROTECT, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tool_set", "name"],
                condition=Q(tool_set__isnull=False),
                name="secret_of_set_unique",
            ),
            models.UniqueConstraint(
                fields=["workspace", "name"],
                condition=Q(tool_set__isnull=True),
                name="secret_of_workspace_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def last_used_at(self) -> datetime | None:
        """When it was last sent to an upstream, to within a minute or so; its `use` is loaded before."""
        use = getattr(self, "use", None)
        return use.last_used_at if use else None


class SecretUse(models.Model):
    """When a secret was last sent to an upstream; kept apart, because use shapes nothing."""

    secret = models.OneToOneField(
        Secret, on_delete=models.CASCADE, related_name="use", primary_key=True
    )
    last_used_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.secret_id} at {self.last_used_at:%Y-%m-%d %H:%M}"


class SecretValue(models.Model):
    """A secret's value, encrypted; never shown again."""

    secret = models.OneToOneField(
        Secret, on_delete=models.CASCADE, related_name="held", primary_key=True
    )
    value = EncryptedTextField()

    def __str__(self) -> str:
        return f"value of {self.secret_id}"

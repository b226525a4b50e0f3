"""API keys: what a bearer token stands for. The row keeps no secret."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from gateway.identity.models.accounts import Profile
from gateway.identity.models.users import AgentProfile, RegisteredUser
from gateway.identity.ownership import ShapesSurfaces, WorkspaceOwned, WorkspaceQuerySet
from gateway.ids import PrefixedULIDField


class ApiKey(WorkspaceOwned, ShapesSurfaces):
    """A bearer token's scopes, limits and life. The token itself is a JWT that is shown once."""

    class Scope(models.TextChoices):
        MANAGEMENT = "management:all", "Management (REST)"
        RUNTIME = "runtime:all", "Runtime (MCP)"

    id = PrefixedULIDField(prefix="apikey")
    profile = models.OneToOneField(
        Profile, on_delete=models.PROTECT, related_name="api_key", editable=False
    )
    name = models.CharField(max_length=200)
    scopes = models.JSONField(default=list)
    is_limited_to_packs = models.BooleanField(default=False)
    is_limited_to_users = models.BooleanField(default=False)
    limited_to_users = models.ManyToManyField(
        RegisteredUser,
        through="ApiKeyRegisteredUser",
        related_name="limited_keys",
        blank=True,
    )
    registered_user = models.ForeignKey(
        RegisteredUser,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="bound_keys",
        help_text="The only user this key acts for, when it is bound to one.",
    )
    agent_profile = models.ForeignKey(
        AgentProfile,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="bound_keys",
        help_text="The agent that uses this key, when it is bound to one.",
    )
    generation = models.PositiveIntegerField(default=1, editable=False)
    signed_with = models.CharField(max_length=8, blank=True, editable=False)
    created_by = models.ForeignKey(
        Profile, on_delete=models.PROTECT, related_name="+", editable=False
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                condition=Q(generation__gte=1), name="api_key_generation_positive"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def is_usable(self, *, at: datetime) -> bool:
        return self.revoked_at is None and (
            self.expires_at is None or at < self.expires_at
        )


class ApiKeyRegisteredUser(WorkspaceOwned, ShapesSurfaces):
    """A key may act for this registered user."""

    api_key = models.ForeignKey(
        ApiKey, on_delete=models.CASCADE, related_name="user_limits"
    )
    registered_user = models.ForeignKey(
        RegisteredUser, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["api_key", "registered_user"], name="api_key_user_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.api_key_id} for {self.registered_user_id}"


class ApiKeyUse(models.Model):
    """When a key was last used; kept apart, because use shapes nothing."""

    api_key = models.OneToOneField(
        ApiKey, on_delete=models.CASCADE, related_name="use", primary_key=True
    )
    last_used_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.api_key_id} at {self.last_used_at:%Y-%m-%d %H:%M}"

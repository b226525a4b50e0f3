"""Accounts, their workspaces, and the principals that work in them."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from gateway.identity.ownership import ShapesSurfaces, WorkspaceOwned, WorkspaceQuerySet
from gateway.identity.roles import Role
from gateway.identity.validation import (
    validate_external_id,
    validate_labels,
    validate_slug,
)
from gateway.ids import PrefixedULIDField


class Account(models.Model):
    """The owner of workspaces."""

    id = PrefixedULIDField(prefix="acct")
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    @property
    def system_profile(self) -> "Profile":
        """The principal of what no person asked for."""
        profile, _ = Profile.objects.get_or_create(
            account=self, type=Profile.Type.SYSTEM, defaults={"name": "Toolcrib"}
        )
        return profile


class Workspace(ShapesSurfaces):
    """The unit of isolation: every row below belongs to one."""

    revision_workspace = "id"

    id = PrefixedULIDField(prefix="ws")
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="workspaces"
    )
    name = models.CharField(max_length=200)
    slug = models.CharField(max_length=40, validators=[validate_slug])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "slug"], name="workspace_slug_unique"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Profile(models.Model):
    """A principal of an account: a person, an API key or the system."""

    class Type(models.TextChoices):
        USER = "PROFILE_TYPE_USER", "User"
        API_KEY = "PROFILE_TYPE_API_KEY", "API key"
        SYSTEM = "PROFILE_TYPE_SYSTEM", "System"

    id = PrefixedULIDField(prefix="prof")
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="profiles"
    )
    type = models.CharField(max_length=24, choices=Type)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="profile",
    )
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True)
    external_id = models.CharField(
        max_length=128, blank=True, validators=[validate_external_id]
    )
    labels = models.JSONField(default=dict, blank=True, validators=[validate_labels])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"],
                condition=Q(type="PROFILE_TYPE_SYSTEM"),
                name="profile_one_system_per_account",
            ),
            models.UniqueConstraint(
                fields=["account", "email"],
                condition=Q(type="PROFILE_TYPE_USER") & ~Q(email=""),
                name="profile_email_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.email or self.pk


class Membership(WorkspaceOwned):
    """A profile's place and role in a workspace."""

    workspace = models.ForeignKey(
        Workspace, on_delete=models.CASCADE, related_name="memberships"
    )
    profile = models.ForeignKey(
        Profile, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(
        max_length=16,
        choices=Role,
        help_text="What this profile may do here. Admins may do everything; developers connect upstreams and build "
        "packs; security decides rules and approvals; read-only looks.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "profile"], name="membership_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.profile} as {self.role}"

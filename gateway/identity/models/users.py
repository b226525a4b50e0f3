"""Those whom agents act for, and the agents."""

from django.db import models

from gateway.identity.models.accounts import Profile
from gateway.identity.ownership import ShapesSurfaces, WorkspaceOwned, WorkspaceQuerySet
from gateway.identity.validation import validate_external_id, validate_tags
from gateway.ids import PrefixedULIDField


class Company(WorkspaceOwned):
    """The registered users that share credentials."""

    id = PrefixedULIDField(prefix="co")
    origin_company_id = models.CharField(
        max_length=128, validators=[validate_external_id]
    )
    origin_company_name = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "companies"
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "origin_company_id"], name="company_origin_unique"
            )
        ]

    def __str__(self) -> str:
        return self.origin_company_name or self.origin_company_id


class RegisteredUser(WorkspaceOwned, ShapesSurfaces):
    """The person or system that an agent acts for; grants, calls and later credentials and pins hang on it."""

    revision_subject = "id"

    class Type(models.TextChoices):
        HUMAN = "HUMAN", "Human"
        SYSTEM = "SYSTEM", "System"

    id = PrefixedULIDField(prefix="ru")
    origin_user_id = models.CharField(
        "origin user id",
        max_length=128,
        validators=[validate_external_id],
        help_text="Your own stable id of this user. Creating a user twice with the same id gives the same user.",
    )
    name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    company = models.ForeignKey(
        Company,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="registered_users",
        help_text="Users of one company share the credentials of connectors whose scope is Shared.",
    )
    user_type = models.CharField(max_length=8, choices=Type, default=Type.HUMAN)
    is_test = models.BooleanField(
        default=False, help_text="Marks a user that exists to try things out."
    )
    profile = models.ForeignKey(
        Profile,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="registered_users",
        help_text="The person who signs in here as this user, if they do.",
    )
    created_by = models.ForeignKey(
        Profile, on_delete=models.PROTECT, related_name="+", editable=False
    )
    deactivated_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "origin_user_id"],
                name="registered_user_origin_unique",
            )
        ]

    def __str__(self) -> str:
        return self.name or self.origin_user_id

    @property
    def is_active(self) -> bool:
        return self.deactivated_at is None


class AgentProfile(WorkspaceOwned, ShapesSurfaces):
    """A named agent, with the tags that say which tools it wants in its context."""

    id = PrefixedULIDField(prefix="agent")
    name = models.CharField(max_length=200)
    external_id = models.CharField(
        max_length=128, blank=True, validators=[validate_external_id]
    )
    scope_tags = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_tags],
        help_text='Tags of tool sets whose tools this agent lists by itself. Empty means none, ["*"] means all.',
    )
    created_by = models.ForeignKey(
        Profile, on_delete=models.PROTECT, related_name="+", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WorkspaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "name"], name="agent_profile_name_unique"
            ),
            models.UniqueConstraint(
                fields=["workspace", "external_id"],
                condition=~models.Q(external_id=""),
                name="agent_profile_external_id_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.name

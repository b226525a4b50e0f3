"""What answers about tool packs, registered users and API keys look like."""

from rest_framework import serializers

from gateway.identity.models import ApiKey, RegisteredUser
from gateway.identity.roles import Role
from gateway.rest.shapes import (
    NamedMetadataShape,
    Shape,
    cursor_page_of,
    numbered_page_of,
)
from toolpacks.models import Connector, ToolPack


class ToolPackShape(Shape):
    """What one kind of agent may use."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    slug = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    connectors = serializers.ListField(
        child=serializers.CharField(), help_text="The slugs of its tool sets."
    )
    tool_count = serializers.IntegerField(min_value=0)
    access = serializers.ChoiceField(ToolPack.Access.values)
    default_for_new_users = serializers.BooleanField()
    security_rules = serializers.ListField(child=serializers.DictField())
    external_id = serializers.CharField(allow_blank=True)
    bundle_key = serializers.CharField(allow_blank=True)
    enabled = serializers.BooleanField(
        help_text="A disabled pack answers agents as if it were not there."
    )
    created_at = serializers.DateTimeField()
    modified_at = serializers.DateTimeField()


class ConnectorToolShape(Shape):
    name = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    input_schema = serializers.DictField()


class ConnectorShape(Shape):
    """A tool set as a pack holds it, and the tools that it exposes."""

    slug = serializers.CharField()
    name = serializers.CharField()
    mode = serializers.ChoiceField(Connector.Mode.values)
    prefix = serializers.CharField(allow_blank=True, allow_null=True)
    tool_names = serializers.ListField(child=serializers.CharField())
    tools = ConnectorToolShape(many=True)


class CompanyShape(Shape):
    origin_company_id = serializers.CharField()
    origin_company_name = serializers.CharField(allow_blank=True)


class RegisteredUserShape(Shape):
    """The person or system an agent acts for."""

    id = serializers.CharField()
    origin_user_id = serializers.CharField()
    origin_user_name = serializers.CharField(allow_blank=True)
    origin_user_email = serializers.CharField(allow_blank=True)
    shared_credential_group = CompanyShape(allow_null=True)
    user_type = serializers.ChoiceField(RegisteredUser.Type.values)
    is_test = serializers.BooleanField()
    is_active = serializers.BooleanField()
    deactivated_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class GrantShape(Shape):
    """A registered user has a pack."""

    tool_pack = serializers.UUIDField()
    registered_user = serializers.CharField()
    created_at = serializers.DateTimeField()


class ApiKeySpecShape(Shape):
    scopes = serializers.ListField(child=serializers.ChoiceField(ApiKey.Scope.values))
    role = serializers.ChoiceField(Role.values, allow_blank=True)
    expiresAt = serializers.DateTimeField(allow_null=True)
    toolPacks = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="The packs it is limited to; null when any.",
    )
    registeredUsers = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="The users it is limited to; null when any.",
    )
    registeredUserId = serializers.CharField(allow_blank=True)
    agentProfileId = serializers.CharField(allow_blank=True)


class ApiKeyShape(Shape):
    """An API key, without its token."""

    metadata = NamedMetadataShape()
    spec = ApiKeySpecShape()
    state = serializers.ChoiceField(["STATE_ACTIVE", "STATE_EXPIRED", "STATE_REVOKED"])
    createdById = serializers.CharField()
    revokedAt = serializers.DateTimeField(allow_null=True)
    lastUsedAt = serializers.DateTimeField(allow_null=True)


class IssuedApiKeyShape(ApiKeyShape):
    """An API key, with its token for the only time."""

    token = serializers.CharField()


ToolPackPage = numbered_page_of(ToolPackShape)
ConnectorPage = numbered_page_of(ConnectorShape)
RegisteredUserPage = numbered_page_of(RegisteredUserShape)
GrantPage = numbered_page_of(GrantShape)
ApiKeyPage = cursor_page_of(ApiKeyShape)

"""What answers about principals and agents look like."""

from rest_framework import serializers

from gateway.identity.models import ApiKey, Profile
from gateway.identity.roles import Right, Role
from gateway.rest.shapes import Labels, NamedMetadataShape, Shape, cursor_page_of


class ProfileMetadataShape(Shape):
    id = serializers.CharField()
    accountId = serializers.CharField()
    name = serializers.CharField(allow_blank=True)
    profileId = serializers.CharField()
    externalId = serializers.CharField(allow_blank=True)
    labels = Labels()


class ProfileSpecShape(Shape):
    type = serializers.ChoiceField(Profile.Type.values)
    name = serializers.CharField(allow_blank=True)
    email = serializers.CharField(required=False)


class ProfileShape(Shape):
    """A principal of the account: a person, an API key, or the system."""

    metadata = ProfileMetadataShape()
    spec = ProfileSpecShape()


class AgentProfileSpecShape(Shape):
    scopeTags = serializers.ListField(child=serializers.CharField())


class AgentProfileShape(Shape):
    """An agent, and the tags of the tool sets that it lists by itself."""

    metadata = NamedMetadataShape()
    spec = AgentProfileSpecShape()


AgentProfilePage = cursor_page_of(AgentProfileShape)


class WhoAmIShape(Shape):
    """Who the caller is, and what it may do."""

    accountId = serializers.CharField()
    workspaceId = serializers.CharField()
    profile = ProfileShape()
    role = serializers.ChoiceField(Role.values, allow_blank=True)
    rights = serializers.ListField(
        child=serializers.ChoiceField([right.name.lower() for right in Right])
    )
    isPerson = serializers.BooleanField()
    apiKeyId = serializers.CharField(allow_blank=True)
    scopes = serializers.ListField(child=serializers.ChoiceField(ApiKey.Scope.values))
    registeredUserId = serializers.CharField(allow_blank=True)
    agentProfileId = serializers.CharField(allow_blank=True)
    isLimitedToPacks = serializers.BooleanField()
    allowedRegisteredUserIds = serializers.ListField(
        child=serializers.CharField(),
        allow_null=True,
        help_text="null when any user is allowed.",
    )
    expiresAt = serializers.DateTimeField(allow_null=True)

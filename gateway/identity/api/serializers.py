"""Bodies of requests about agents."""

from rest_framework import serializers

from gateway.rest.bodies import StrictSerializer, StrictText, UpdateBody

ANSWERED_METADATA = frozenset(
    {"id", "accountId", "workspaceId", "profileId", "createdAt", "updatedAt"}
)


class AgentMetadata(StrictSerializer):
    answered = ANSWERED_METADATA | {"labels", "bundleKey"}
    are_nulls_absent = True

    name = StrictText(max_length=200)
    externalId = StrictText(required=False, allow_blank=True, source="external_id")


class AgentSpec(StrictSerializer):
    are_nulls_absent = True

    scopeTags = serializers.ListField(
        child=StrictText(max_length=64),
        required=False,
        source="scope_tags",
        max_length=64,
    )


class AgentProfileBody(StrictSerializer):
    answered = frozenset({"info"})
    are_nulls_absent = True

    metadata = AgentMetadata()
    spec = AgentSpec(required=False)


class AgentMetadataUpdate(AgentMetadata):
    name = StrictText(max_length=200, required=False)


class AgentProfileUpdate(UpdateBody):
    answered = AgentProfileBody.answered

    metadata = AgentMetadataUpdate(required=False)
    spec = AgentSpec(required=False)

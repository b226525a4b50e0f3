"""Bodies of requests about tool sets, tools and secrets."""

from rest_framework import serializers

from gateway.identity.api.serializers import ANSWERED_METADATA
from gateway.rest.bodies import StrictFlag, StrictSerializer, StrictText
from toolsets.models import Tool


class Metadata(StrictSerializer):
    answered = ANSWERED_METADATA

    name = StrictText(max_length=200)
    externalId = StrictText(required=False, allow_blank=True, source="external_id")
    labels = serializers.DictField(child=StrictText(allow_blank=True), required=False)
    bundleKey = StrictText(
        required=False, allow_blank=True, max_length=128, source="bundle_key"
    )


class ToolSetSpec(StrictSerializer):
    description = StrictText(
        required=False, allow_blank=True, max_length=20_000, trim_whitespace=False
    )
    adapter = serializers.DictField()
    tags = serializers.ListField(child=StrictText(max_length=64), required=False)
    interactions = serializers.DictField(child=StrictFlag(), required=False)
    allowedNetworks = serializers.ListField(
        child=StrictText(max_length=64), required=False, source="allowed_networks"
    )
    syncIntervalSeconds = serializers.IntegerField(
        required=False,
        min_value=10,
        max_value=31_536_000,
        source="sync_interval_seconds",
    )


class ToolSetBody(StrictSerializer):
    answered = frozenset({"info", "state", "slug", "health"})

    metadata = Metadata()
    spec = ToolSetSpec()
    managed = StrictFlag(required=False, source="is_managed")


class ToolSpec(StrictSerializer):
    config = serializers.DictField(required=False)
    description = StrictText(required=False, allow_blank=True, trim_whitespace=False)
    parameters = serializers.DictField(required=False)
    status = serializers.ChoiceField(
        [*Tool.Status.values, "TOOL_STATUS_UNSPECIFIED"], required=False
    )
    requiresApproval = StrictFlag(required=False, source="requires_approval")


class ToolBody(StrictSerializer):
    answered = frozenset(
        {"info", "title", "outputSchema", "annotations", "statusReason"}
    )

    metadata = Metadata()
    spec = ToolSpec(required=False)


class SecretBody(StrictSerializer):
    answered = frozenset({"id", "name", "version", "toolSetId", "createdAt"})

    value = StrictText(max_length=8192, trim_whitespace=False)

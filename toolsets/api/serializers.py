"""Bodies of requests about tool sets, tools and secrets."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from gateway.identity.api.serializers import ANSWERED_METADATA
from gateway.rest.bodies import (
    StrictFlag,
    StrictNumber,
    StrictSerializer,
    StrictText,
    UpdateBody,
)
from toolsets.api.shapes import PreviewedAdapterShape, ToolSetAdapterShape
from toolsets.models import Tool


class Metadata(StrictSerializer):
    answered = ANSWERED_METADATA
    are_nulls_absent = True

    name = StrictText(max_length=200)
    externalId = StrictText(required=False, allow_blank=True, source="external_id")
    labels = serializers.DictField(child=StrictText(allow_blank=True), required=False)
    bundleKey = StrictText(
        required=False, allow_blank=True, max_length=128, source="bundle_key"
    )


@extend_schema_field(ToolSetAdapterShape)
class AdapterField(serializers.DictField):
    """A union; `toolsets.api.unions` reads it."""


class ToolSetSpec(StrictSerializer):
    are_nulls_absent = True

    description = StrictText(
        required=False, allow_blank=True, max_length=20_000, trim_whitespace=False
    )
    adapter = AdapterField()
    tags = serializers.ListField(child=StrictText(max_length=64), required=False)
    interactions = serializers.DictField(child=StrictFlag(), required=False)
    allowedNetworks = serializers.ListField(
        child=StrictText(max_length=64), required=False, source="allowed_networks"
    )
    syncIntervalSeconds = StrictNumber(
        required=False,
        min_value=10,
        max_value=31_536_000,
        source="sync_interval_seconds",
    )


class ToolSetBody(StrictSerializer):
    answered = frozenset({"info", "state", "slug", "health"})
    are_nulls_absent = True

    metadata = Metadata()
    spec = ToolSetSpec()
    managed = StrictFlag(required=False, source="is_managed")


@extend_schema_field(PreviewedAdapterShape)
class PreviewedAdapterField(AdapterField):
    """A union that may leave out where the upstream is."""


class PreviewBody(StrictSerializer):
    """An adapter that is not saved; of it, only what decides about tools matters."""

    are_nulls_absent = True

    adapter = PreviewedAdapterField()


class ToolSpec(StrictSerializer):
    are_nulls_absent = True

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
    are_nulls_absent = True

    metadata = Metadata()
    spec = ToolSpec(required=False)


class SecretBody(StrictSerializer):
    answered = frozenset(
        {"id", "name", "version", "toolSetId", "createdAt", "lastUsedAt"}
    )

    value = StrictText(max_length=8192, trim_whitespace=False)


class MetadataUpdate(Metadata):
    name = StrictText(max_length=200, required=False)


class ToolSetSpecUpdate(ToolSetSpec):
    adapter = AdapterField(required=False)


class ToolSetUpdate(UpdateBody):
    answered = ToolSetBody.answered

    metadata = MetadataUpdate(required=False)
    spec = ToolSetSpecUpdate(required=False)
    managed = StrictFlag(required=False)


class ToolUpdate(UpdateBody):
    answered = ToolBody.answered

    metadata = MetadataUpdate(required=False)
    spec = ToolSpec(required=False)

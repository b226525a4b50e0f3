"""Bodies of requests about tool packs, registered users and API keys."""

from typing import Any

from rest_framework import serializers

from gateway.identity.api.serializers import ANSWERED_METADATA
from gateway.identity.models import ApiKey, RegisteredUser
from gateway.identity.roles import Role
from gateway.rest.bodies import StrictFlag, StrictSerializer, StrictText
from toolpacks.declaring import Declared
from toolpacks.models import Connector, ToolPack
from toolpacks.packing import UNSET

_ALL_HAS_NO_NAMES = "A connector in mode ALL follows its tool set. Leave tool_names out, or give mode CHOSEN."


class ConnectorItem(StrictSerializer):
    """A tool set as a pack is to hold it; its slug alone will do."""

    shorthand = {"type": "string"}
    answered = frozenset({"name", "tools", "source_url", "logo_url", "categories"})

    slug = StrictText(max_length=40)
    tool_names = serializers.ListField(
        child=StrictText(max_length=255, trim_whitespace=False),
        required=False,
        allow_null=True,
    )
    mode = serializers.ChoiceField(Connector.Mode.values, required=False)
    prefix = StrictText(
        required=False, allow_blank=True, allow_null=True, max_length=40
    )

    def to_internal_value(self, data: Any) -> Declared:
        if isinstance(data, str):
            data = {"slug": data}
        given = super().to_internal_value(data)
        names = given.get("tool_names", UNSET)
        if given.get("mode") == Connector.Mode.ALL:
            if not _follows(names, data.get("tools")):
                raise serializers.ValidationError({"mode": [_ALL_HAS_NO_NAMES]})
            names = None
        return Declared(
            slug=given["slug"], tool_names=names, prefix=given.get("prefix", UNSET)
        )


def _follows(names: Any, answered_tools: Any) -> bool:
    """Whether no names are given, or only those of an answer that is sent back as it came."""
    if names is UNSET or names is None:
        return True
    tools = answered_tools if isinstance(answered_tools, list) else []
    return sorted(names) == sorted(
        str(tool.get("name")) for tool in tools if isinstance(tool, dict)
    ) and bool(tools)


class PackBody(StrictSerializer):
    answered = frozenset(
        {"id", "tool_count", "security_rules", "created_at", "modified_at"}
    )

    name = StrictText(max_length=200)
    description = StrictText(
        required=False, allow_blank=True, max_length=20_000, trim_whitespace=False
    )
    slug = StrictText(required=False, max_length=40)
    external_id = StrictText(required=False, allow_blank=True)
    bundle_key = StrictText(required=False, allow_blank=True, max_length=128)
    access = serializers.ChoiceField(ToolPack.Access.values, required=False)
    default_for_new_users = StrictFlag(required=False)
    enabled = StrictFlag(required=False, source="is_enabled")
    connectors = serializers.ListField(child=ConnectorItem(), required=False)


class PackChanges(PackBody):
    name = StrictText(max_length=200, required=False)


class ConnectorsBody(StrictSerializer):
    """Connectors; the list alone will do."""

    shorthand = {
        "type": "array",
        "items": {"$ref": "#/components/schemas/ConnectorItemInput"},
    }

    connectors = serializers.ListField(child=ConnectorItem())


class CompanyBody(StrictSerializer):
    origin_company_id = StrictText(max_length=128)
    origin_company_name = StrictText(required=False, allow_blank=True, max_length=200)


class UserBody(StrictSerializer):
    answered = frozenset({"id", "is_active", "deactivated_at", "created_at"})

    origin_user_id = StrictText(max_length=128)
    origin_user_name = StrictText(
        required=False, allow_blank=True, max_length=200, source="name"
    )
    origin_user_email = StrictText(
        required=False, allow_blank=True, max_length=254, source="email"
    )
    shared_credential_group = CompanyBody(required=False, allow_null=True)
    user_type = serializers.ChoiceField(RegisteredUser.Type.values, required=False)
    is_test = StrictFlag(required=False)


class UserChanges(UserBody):
    origin_user_id = StrictText(required=False, max_length=128)
    is_active = StrictFlag(required=False)
    answered = frozenset({"id", "deactivated_at", "created_at"})


class KeyMetadata(StrictSerializer):
    answered = ANSWERED_METADATA | {"externalId", "labels", "bundleKey"}

    name = StrictText(max_length=200)


class KeySpec(StrictSerializer):
    scopes = serializers.ListField(
        child=serializers.ChoiceField(ApiKey.Scope.values), min_length=1
    )
    role = serializers.ChoiceField(Role.values, required=False)
    expiresAt = serializers.DateTimeField(
        required=False, allow_null=True, source="expires_at"
    )
    toolPacks = serializers.ListField(
        child=StrictText(), required=False, allow_null=True, source="packs"
    )
    registeredUsers = serializers.ListField(
        child=StrictText(), required=False, allow_null=True, source="limited_to_users"
    )
    registeredUserId = StrictText(
        required=False, allow_blank=True, source="registered_user"
    )
    agentProfileId = StrictText(
        required=False, allow_blank=True, source="agent_profile"
    )
    mayActAsAnyone = StrictFlag(required=False, source="may_act_as_anyone")


class KeyBody(StrictSerializer):
    answered = frozenset({"state", "createdById", "revokedAt", "lastUsedAt", "info"})

    metadata = KeyMetadata()
    spec = KeySpec()

"""What answers about tool calls look like."""

from rest_framework import serializers

from gateway.mcp.models import ToolCall
from gateway.rest.shapes import Shape, cursor_page_of


class ToolCallShape(Shape):
    """One recorded attempt to call a tool. Ids are empty where the call had no such thing."""

    id = serializers.CharField()
    workspaceId = serializers.CharField()
    state = serializers.ChoiceField(ToolCall.State.values)
    code = serializers.CharField(
        allow_blank=True, help_text="Why it was refused or failed."
    )
    toolName = serializers.CharField(allow_blank=True)
    toolId = serializers.CharField(allow_blank=True)
    fingerprint = serializers.CharField(
        allow_blank=True, help_text="Of the definition that was called."
    )
    toolSetId = serializers.CharField(allow_blank=True)
    toolPackId = serializers.CharField(allow_blank=True)
    registeredUserId = serializers.CharField(allow_blank=True)
    agentProfileId = serializers.CharField(allow_blank=True)
    apiKeyId = serializers.CharField(allow_blank=True)
    reachedUpstream = serializers.BooleanField()
    rounds = serializers.IntegerField()
    argumentBytes = serializers.IntegerField()
    resultBytes = serializers.IntegerField()
    upstreamMs = serializers.FloatField(allow_null=True)
    totalMs = serializers.FloatField(allow_null=True)
    protocolVersion = serializers.CharField(allow_blank=True)
    client = serializers.CharField(allow_blank=True)
    headers = serializers.DictField(child=serializers.CharField(allow_blank=True))
    amendment = serializers.CharField(
        allow_blank=True, help_text="What became known after the row was closed."
    )
    startedAt = serializers.DateTimeField()
    finishedAt = serializers.DateTimeField(allow_null=True)


ToolCallPage = cursor_page_of(ToolCallShape)

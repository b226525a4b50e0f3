"""What answers about tool sets, tools, events and secrets look like."""

from rest_framework import serializers

from gateway.identity.api.shapes import ProfileShape
from gateway.rest.shapes import (
    Choice,
    Labels,
    OperationMetadataShape,
    ResourceMetadataShape,
    Shape,
    cursor_page_of,
)
from toolsets.adapters.http.configs import METHODS
from toolsets.models import Tool, ToolSet, ToolSetEvent

_HEADERS = (
    "A value that looks like a credential and names no secret as ${NAME} is shown to the role admin only; others read ***, "
    "and *** sent back keeps the value."
)
_HEALTH = ["new", "syncing", "healthy", "stale", "failing", "needs_credential"]


class MatcherShape(Shape):
    """Compares one text; exactly one of its members beside `caseSensitive` is there."""

    is_tagged = True

    exact = serializers.CharField(required=False)
    startsWith = serializers.CharField(required=False)
    endsWith = serializers.CharField(required=False)
    contains = serializers.CharField(required=False)
    regex = serializers.CharField(required=False)
    caseSensitive = serializers.BooleanField(required=False)


class FilterShape(Shape):
    attribute = serializers.ChoiceField(
        ["ATTRIBUTE_NAME", "ATTRIBUTE_TITLE", "ATTRIBUTE_DESCRIPTION"]
    )
    matcher = MatcherShape()


class McpToolFilterShape(Shape):
    """Chooses tools. Without filters it matches every tool."""

    operator = Choice(
        ["OPERATOR_AND", "OPERATOR_OR"],
        unspecified="OPERATOR_UNSPECIFIED",
        required=False,
    )
    filters = FilterShape(many=True, required=False)


class ToolApprovalsShape(Shape):
    """Which tools a sync makes need approval: `always`, or `only` those that a filter matches."""

    is_tagged = True

    always = serializers.BooleanField(required=False)
    only = McpToolFilterShape(required=False)


class ToolSetAdapterMcpShape(Shape):
    """An MCP server."""

    url = serializers.CharField()
    headers = Labels(required=False, help_text=_HEADERS)
    includeTools = McpToolFilterShape(required=False)
    excludeTools = McpToolFilterShape(required=False)
    toolApprovals = ToolApprovalsShape(required=False)


class ToolSetAdapterHTTPShape(Shape):
    """An HTTP API, whose tools are written by hand."""

    baseUrl = serializers.CharField()
    headers = Labels(required=False, help_text=_HEADERS)


class ToolSetAdapterOpenAPIShape(Shape):
    """An HTTP API whose tools are the operations of an OpenAPI document: that at `url`, or `document` itself."""

    url = serializers.CharField(required=False)
    document = serializers.JSONField(
        required=False,
        help_text="The document, as text or as an object; answers hold its digest.",
    )
    baseUrl = serializers.CharField(
        required=False, help_text="Takes the place of the document's servers."
    )
    serverName = serializers.CharField(
        required=False, help_text="Which of the document's servers is called."
    )
    headers = Labels(required=False, help_text=_HEADERS)
    includeTools = McpToolFilterShape(required=False)
    excludeTools = McpToolFilterShape(required=False)
    toolApprovals = ToolApprovalsShape(required=False)


class ToolSetAdapterShape(Shape):
    """How the upstream is spoken to: exactly one of its members is there."""

    is_tagged = True

    mcp = ToolSetAdapterMcpShape(required=False)
    http = ToolSetAdapterHTTPShape(required=False)
    openapi = ToolSetAdapterOpenAPIShape(required=False)


class PreviewedMcpShape(ToolSetAdapterMcpShape):
    url = serializers.CharField(required=False)


class PreviewedHTTPShape(ToolSetAdapterHTTPShape):
    baseUrl = serializers.CharField(required=False)


class PreviewedAdapterShape(ToolSetAdapterShape):
    """An adapter of the set's own kind; what it leaves out stays as the set has it."""

    mcp = PreviewedMcpShape(required=False)
    http = PreviewedHTTPShape(required=False)


class InteractionsShape(Shape):
    """What the upstream may ask callers for."""

    elicitation = serializers.BooleanField(required=False)
    sampling = serializers.BooleanField(required=False)
    roots = serializers.BooleanField(required=False)


class ToolSetSpecShape(Shape):
    description = serializers.CharField(allow_blank=True)
    adapter = ToolSetAdapterShape()
    tags = serializers.ListField(child=serializers.CharField())
    interactions = InteractionsShape()
    allowedNetworks = serializers.ListField(
        child=serializers.CharField(),
        help_text="Private networks that this upstream may be reached in.",
    )
    syncIntervalSeconds = serializers.IntegerField(allow_null=True)


class ToolSetInfoShape(Shape):
    agentCount = serializers.IntegerField(
        help_text="How many agent profiles reach the set."
    )
    createdBy = ProfileShape()
    lastSync = serializers.DateTimeField(
        required=False, help_text="When it last succeeded; left out before that."
    )
    toolCount = serializers.IntegerField()


class ToolSetShape(Shape):
    """One connection to an upstream, and its tools."""

    metadata = ResourceMetadataShape()
    spec = ToolSetSpecShape()
    managed = serializers.BooleanField(
        help_text="Whether only API keys may change its tools."
    )
    state = serializers.ChoiceField(ToolSet.State.values)
    slug = serializers.CharField(help_text="The default prefix of its tools.")
    health = serializers.ChoiceField(_HEALTH)
    info = ToolSetInfoShape(required=False, help_text="Only with `includeInfo`.")


class ConfigMcpShape(Shape):
    toolName = serializers.CharField()
    toolTitle = serializers.CharField(allow_blank=True)
    toolDescription = serializers.CharField(allow_blank=True)


class ConfigOpenAPIShape(Shape):
    method = serializers.CharField()
    path = serializers.CharField()
    operationId = serializers.CharField(allow_blank=True)


class ConfigHTTPShape(Shape):
    """How the request of a hand-written tool is made; all but the method are Liquid templates over the arguments."""

    requestMethod = Choice(METHODS, unspecified="HTTP_METHOD_UNSPECIFIED")
    path = serializers.CharField(allow_blank=True)
    query = serializers.CharField(allow_blank=True)
    headers = Labels(help_text=_HEADERS)
    requestBodyContentType = serializers.CharField(allow_blank=True)
    requestBodyTemplate = serializers.CharField(
        allow_blank=True, help_text="Used with POST, PUT and PATCH."
    )
    toolName = serializers.CharField(
        help_text="Kept for clients, and without effect: the path and the method say what is called. "
        "The tool's own name where none is given."
    )


class ToolSpecConfigShape(Shape):
    """How the tool is called; its member is that of the set's adapter."""

    is_tagged = True

    http = ConfigHTTPShape(required=False)
    mcp = ConfigMcpShape(required=False)
    openapi = ConfigOpenAPIShape(required=False)


class ToolSpecShape(Shape):
    config = ToolSpecConfigShape()
    description = serializers.CharField(allow_blank=True)
    parameters = serializers.DictField(help_text="A JSON Schema of the arguments.")
    status = serializers.ChoiceField(Tool.Status.values)
    requiresApproval = serializers.BooleanField()


class InfoShape(Shape):
    createdBy = ProfileShape()
    toolSet = ResourceMetadataShape()


class ToolShape(Shape):
    """One operation of a tool set."""

    metadata = ResourceMetadataShape()
    spec = ToolSpecShape()
    title = serializers.CharField(allow_blank=True)
    outputSchema = serializers.DictField(allow_null=True)
    annotations = serializers.DictField(help_text="The upstream's hints.")
    statusReason = serializers.CharField(
        allow_blank=True, help_text="Why a sync left it out."
    )
    info = InfoShape(required=False, help_text="Only with `includeInfo`.")


class SyncStartedShape(Shape):
    message = serializers.CharField(allow_blank=True)


class SyncCompletedShape(Shape):
    message = serializers.CharField(allow_blank=True)
    toolsSynced = serializers.IntegerField()


class SyncFailedShape(Shape):
    error = serializers.BooleanField()
    errorType = serializers.CharField()
    message = serializers.CharField(allow_blank=True)


class ToolSetEventDataShape(Shape):
    """Beside `type`, the one member that it names."""

    type = serializers.ChoiceField(ToolSetEvent.Type.values)
    syncStarted = SyncStartedShape(required=False)
    syncCompleted = SyncCompletedShape(required=False)
    syncFailed = SyncFailedShape(required=False)


class ToolSetEventShape(Shape):
    """One line of the history of a set's syncs."""

    metadata = OperationMetadataShape()
    event = ToolSetEventDataShape()
    toolSetId = serializers.CharField()
    info = InfoShape(required=False, help_text="Only with `includeInfo`.")


class ToolOutcomeShape(Shape):
    """What a sync would make of one tool."""

    name = serializers.CharField()
    status = serializers.ChoiceField(Tool.Status.values)
    reason = serializers.CharField(allow_blank=True)
    requiresApproval = serializers.BooleanField()


class PreviewShape(Shape):
    """What the filters of an adapter would make of the tools that the set has; what people decided by hand stays."""

    total = serializers.IntegerField()
    available = serializers.IntegerField()
    filtered = serializers.IntegerField()
    omitted = serializers.IntegerField()
    requireApproval = serializers.IntegerField(
        help_text="How many of the available ones."
    )
    changes = ToolOutcomeShape(
        many=True, help_text="The tools that would be something else than now."
    )


class OpenApiSpecShape(Shape):
    spec = serializers.CharField(
        help_text="The document that the last good sync read, as JSON in a text."
    )


class SecretShape(Shape):
    """What is known of a secret; its value is never shown."""

    id = serializers.CharField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    toolSetId = serializers.CharField(
        allow_blank=True, help_text="Empty for a secret of the workspace."
    )
    createdAt = serializers.DateTimeField()
    lastUsedAt = serializers.DateTimeField(allow_null=True)


ToolSetPage = cursor_page_of(ToolSetShape)
ToolPage = cursor_page_of(ToolShape)
ToolSetEventPage = cursor_page_of(ToolSetEventShape)
SecretPage = cursor_page_of(SecretShape)

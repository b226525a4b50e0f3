"""What chooses the rows of the log of tool calls."""

from gateway.mcp.models import ToolCall
from gateway.rest.filters import Choices, ListFilter, Time, Words


class CallList(ListFilter):
    state = Choices(
        "Their states.", ToolCall.State.values, also=["states"], field_name="state"
    )
    code = Words("Their codes.", field_name="code")
    toolName = Words("Names of tools.", field_name="tool_name")
    toolId = Words("Ids of tools.", also=["tool"], field_name="tool_id")
    toolSetId = Words("Ids of tool sets.", also=["toolSet"], field_name="tool_set_id")
    toolPackId = Words("Ids of tool packs.", also=["pack"], field_name="pack_id")
    registeredUserId = Words(
        "Ids of registered users.",
        also=["registeredUser"],
        field_name="registered_user_id",
    )
    agentProfileId = Words(
        "Ids of agent profiles.", also=["agentProfile"], field_name="agent_profile_id"
    )
    apiKeyId = Words("Ids of API keys.", also=["apiKey"], field_name="api_key_id")

    locals()["from"] = Time(  # a word of the language
        "Calls that started at this time or later.",
        field_name="started_at",
        lookup_expr="gte",
    )
    to = Time("Calls that started before.", field_name="started_at", lookup_expr="lt")

"""The admin of tool calls: facts, read only, found by what they are about."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gateway.identity.admin_base import (
    ChangeList,
    UncountedPaginator,
    WorkspaceAdmin,
    display,
    workspace_of,
)
from gateway.identity.admin_display import TWO_LINES, ago, chip, duration
from gateway.identity.models import RegisteredUser
from gateway.mcp.call_labels import TONES, first_id_since, labelled
from gateway.mcp.models import ToolCall
from toolpacks.models import ToolPack
from toolsets.models import Tool, ToolSet

_RECENT = 5000
_MOST_CHOICES = 100


class CallList(ChangeList):
    """Calls with the names of what they are about."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = labelled(self.result_list, workspace_of(request).pk)


class OneOf(admin.SimpleListFilter):
    """Calls about one thing, chosen among those that recent calls are about."""

    column = ""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        workspace = workspace_of(request)
        recent = ToolCall.objects.in_workspace(workspace).order_by("-pk")
        seen = set(recent.values_list(self.column, flat=True)[:_RECENT]) - {""}
        chosen = sorted(seen)[:_MOST_CHOICES]
        return sorted(
            self.named(workspace.pk, chosen), key=lambda pair: pair[1].lower()
        )

    def named(self, workspace_id: str, values: list[str]) -> list[tuple[str, str]]:
        """Each value with its name."""
        return [(value, value) for value in values]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ToolCall]
    ) -> QuerySet[ToolCall]:
        value = self.value()
        return queryset.filter(**{self.column: value}) if value else queryset


class ByCode(OneOf):
    title = parameter_name = column = "code"


class ByToolSet(OneOf):
    title, parameter_name, column = "tool set", "tool_set", "tool_set_id"

    def named(self, workspace_id: str, values: list[str]) -> list[tuple[str, str]]:
        rows = ToolSet.objects.in_workspace(workspace_id).filter(pk__in=values)
        return [(row.pk, row.name) for row in rows]


class ByPack(OneOf):
    title, parameter_name, column = "tool pack", "pack", "pack_id"

    def named(self, workspace_id: str, values: list[str]) -> list[tuple[str, str]]:
        rows = ToolPack.objects.in_workspace(workspace_id).filter(pk__in=values)
        return [(str(row.pk), row.name) for row in rows]


class ByUser(OneOf):
    title, parameter_name, column = "registered user", "user", "registered_user_id"

    def named(self, workspace_id: str, values: list[str]) -> list[tuple[str, str]]:
        rows = RegisteredUser.objects.in_workspace(workspace_id).filter(pk__in=values)
        return [(row.pk, str(row)) for row in rows]


class When(admin.SimpleListFilter):
    """How long ago; ids sort by time, so that no filter scans the table."""

    title, parameter_name = "when", "since"
    ages = {"15m": 15, "1h": 60, "24h": 1440, "7d": 10_080, "30d": 43_200}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        words = [
            "Last 15 minutes",
            "Last hour",
            "Last 24 hours",
            "Last 7 days",
            "Last 30 days",
        ]
        return list(zip(self.ages, words, strict=True))

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ToolCall]
    ) -> QuerySet[ToolCall]:
        minutes = self.ages.get(self.value() or "")
        if minutes is None:
            return queryset
        since = timezone.now() - timedelta(minutes=minutes)
        return queryset.filter(pk__gte=first_id_since(since))


@admin.register(ToolCall)
class ToolCallAdmin(WorkspaceAdmin):
    list_display = ["started", "tool", "outcome", "who", "through", "took"]
    list_display_links = ["tool"]
    list_filter = ["state", ByCode, ByToolSet, ByPack, ByUser, When]
    search_fields = ["tool_name"]
    search_help_text = "Tool name"
    ordering = ["-pk"]
    sortable_by = ()
    paginator = UncountedPaginator
    show_full_result_count = False
    actions = None
    empty_says = (
        "No calls yet",
        "Every call of a tool is written down here: who, which tool, how it ended, and how long it took. "
        "Connect an agent to a tool pack's MCP URL to see the first one.",
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CallList

    # --- what is shown ----------------------------------------------------------------------------------------------

    @display(description="when")
    def started(self, call: ToolCall) -> SafeString:
        return ago(call.started_at)

    @display(description="tool")
    def tool(self, call: ToolCall) -> SafeString:
        return format_html('<span class="tc-mono">{}</span>', call.tool_name)

    @display(description="outcome")
    def outcome(self, call: Any) -> SafeString:
        if not call.code:
            return SafeString(call.chip)
        return format_html(
            '<span class="tc-row tc-tight">{}<span class="tc-tag">{}</span></span>',
            call.chip,
            call.code,
        )

    @display(description="for")
    def who(self, call: Any) -> SafeString:
        return format_html(
            TWO_LINES,
            call.registered_user_name or "—",
            call.agent_profile_name or call.client,
        )

    @display(description="through")
    def through(self, call: Any) -> SafeString:
        return format_html(
            TWO_LINES,
            call.pack_name or "—",
            call.tool_set_name,
        )

    @display(description="took")
    def took(self, call: ToolCall) -> SafeString:
        return format_html('<span class="tc-nowrap">{}</span>', duration(call.total_ms))

    # --- pages ------------------------------------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        workspace = workspace_of(request)
        (call,) = labelled([self.row(request, object_id)], workspace.pk)
        tools = Tool.objects.in_workspace(workspace).filter(pk=call.tool_id)
        return self.page(
            request,
            "toolcrib/tool_call.html",
            title=call.tool_name,
            original=call,
            call=call,
            state=chip(call.get_state_display(), TONES[ToolCall.State(call.state)]),
            tool_exists=tools.exists(),
            here_ms=_here(call),
            here_share=_share(call),
        )


def _here(call: ToolCall) -> float | None:
    """The part of the time that was not the upstream's."""
    if call.total_ms is None:
        return None
    return max(call.total_ms - (call.upstream_ms or 0), 0)


def _share(call: ToolCall) -> int:
    here = _here(call)
    return round(100 * here / call.total_ms) if here and call.total_ms else 0

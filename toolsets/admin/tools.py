"""The admin of tools: what an upstream defines, read only, and what people decide about it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gateway.errors import GatewayError
from gateway.identity.admin_base import (
    ChangeList,
    WorkspaceAdmin,
    actor_of,
    display,
    may,
)
from gateway.identity.admin_display import TWO_LINES, chip
from gateway.identity.roles import Right
from toolsets import curating
from toolsets.admin.health import tool_chip
from toolsets.admin.schemas import parameters
from toolsets.admin.trials import trial_of_kept
from toolsets.admin.writing import EditPages, may_write
from toolsets.models import Tool, ToolSet
from toolsets.trying import TRIABLE


class OfToolSet(admin.SimpleListFilter):
    """The tool sets of the workspace."""

    title = "tool set"
    parameter_name = "tool_set"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        sets = ToolSet.objects.in_workspace(getattr(request, "workspace", ""))
        return list(sets.order_by("name", "pk").values_list("pk", "name")[:200])

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Tool]
    ) -> QuerySet[Tool]:
        return queryset.filter(tool_set=self.value()) if self.value() else queryset


class ToolList(ChangeList):
    """Says of an empty list what fills it, which differs between kinds of tool sets."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        tool_set: ToolSet | None = getattr(request, "tool_set", None)
        if tool_set is not None and not tool_set.is_syncable:
            self.empty_says = (
                "No tools yet",
                "Write one for each request that agents may make: its path, its parameters, its body.",
            )


@admin.register(Tool)
class ToolAdmin(EditPages, WorkspaceAdmin):
    right_to_delete = Right.BUILD

    list_display = ["title_shown", "of_set", "status_shown", "approval"]
    search_fields = ["name", "title", "description"]
    list_before_template = "toolcrib/tool_set/list_head.html"
    search_help_text = "Name, title or description"
    ordering = ["name", "pk"]
    actions = ["omit_tools", "restore_tools", "ask_approval", "waive_approval"]
    empty_says = (
        "No tools here",
        "Tools appear when the sync of a tool set has succeeded.",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tool]:
        rows: QuerySet[Tool] = super().get_queryset(request)
        rows = rows.select_related("tool_set").defer("parameters", "output_schema")
        tool_set = getattr(request, "tool_set", None)
        return rows.filter(tool_set=tool_set) if tool_set else rows

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ToolList

    def get_list_display(self, request: HttpRequest) -> Any:
        shown = super().get_list_display(request)
        is_of_one = getattr(request, "tool_set", None) is not None
        return [name for name in shown if not (is_of_one and name == "of_set")]

    def get_list_filter(self, request: HttpRequest) -> Any:
        of_one = getattr(request, "tool_set", None) is not None
        return ["status", "requires_approval", *([] if of_one else [OfToolSet])]

    def get_actions(self, request: HttpRequest) -> Any:
        tool_set = getattr(request, "tool_set", None)
        is_managed = tool_set is not None and tool_set.is_managed
        if is_managed or not may(request, Right.BUILD):
            return {}
        return super().get_actions(request)

    def get_urls(self) -> list[URLPattern]:
        pages = [
            ("decide", self.decide_view),
            ("edit", self.edit_view),
            ("try", self.try_view),
        ]
        return [
            path(
                f"<str:object_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"toolsets_tool_{name}",
            )
            for name, view in pages
        ] + super().get_urls()

    # --- what is shown ----------------------------------------------------------------------------------------------

    @display(description="tool", ordering="name")
    def title_shown(self, tool: Tool) -> SafeString:
        return format_html(
            '<div class="tc-cell"><span class="tc-mono tc-strong">{}</span>'
            '<div class="tc-quiet font-normal whitespace-normal"><span class="tc-clamp">{}</span></div></div>',
            tool.name,
            (tool.description or tool.title)[:400],
        )

    @display(description="tool set", ordering="tool_set__name")
    def of_set(self, tool: Tool) -> str:
        return tool.tool_set.name

    @display(description="status", ordering="status")
    def status_shown(self, tool: Tool) -> SafeString:
        if not tool.status_reason:
            return tool_chip(tool)
        return format_html(
            TWO_LINES,
            tool_chip(tool),
            tool.status_reason,
        )

    @display(description="approval", ordering="requires_approval")
    def approval(self, tool: Tool) -> SafeString | str:
        return chip("Needs approval", "info") if tool.requires_approval else "—"

    # --- what is done -----------------------------------------------------------------------------------------------

    @admin.action(description="Leave out (omit)")
    def omit_tools(self, request: HttpRequest, tools: QuerySet[Tool]) -> None:
        self._decide(request, "omit", tools)

    @admin.action(description="Restore what was left out")
    def restore_tools(self, request: HttpRequest, tools: QuerySet[Tool]) -> None:
        self._decide(request, "restore", tools)

    @admin.action(description="Require approval")
    def ask_approval(self, request: HttpRequest, tools: QuerySet[Tool]) -> None:
        self._decide(request, "ask", tools)

    @admin.action(description="Do not require approval")
    def waive_approval(self, request: HttpRequest, tools: QuerySet[Tool]) -> None:
        self._decide(request, "waive", tools)

    def decide_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """One decision about one tool, from its own page."""
        self.require(request, Right.BUILD)
        tool = self.row(request, object_id)
        self._decide(request, request.POST.get("decision", ""), [tool])
        return HttpResponseRedirect(self.address("change", object_id))

    def try_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What a call of the tool, as it is kept, would send and get."""
        self.require(request, Right.BUILD)
        tool = self.row(request, object_id)
        if tool.tool_set.adapter_type not in TRIABLE:
            raise Http404
        return trial_of_kept(request, tool)

    def _decide(self, request: HttpRequest, decision: str, tools: Any) -> None:
        self.require(request, Right.BUILD)
        actor, chosen = actor_of(request), list(tools)
        try:
            match decision:
                case "omit":
                    count = curating.omit(chosen, actor=actor)
                    said = "left out. A sync will not bring them back."
                case "restore":
                    count = curating.restore(chosen, actor=actor)
                    said = "restored."
                case "ask":
                    count = curating.require_approval(chosen, True, actor=actor)
                    said = "need approval now."
                case "waive":
                    count = curating.require_approval(chosen, False, actor=actor)
                    said = "need no approval now."
                case _:
                    return
        except GatewayError as exc:
            messages.error(request, exc.message)
            return
        messages.success(request, f"{count} of {len(chosen)} tools {said}")

    # --- pages ------------------------------------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        tool = self.row(request, object_id)
        may_decide = may(request, Right.BUILD) and not tool.tool_set.is_managed
        return self.page(
            request,
            "toolcrib/tool.html",
            title=tool.name,
            original=tool,
            tool=tool,
            status=200,
            shown=tool_chip(tool),
            parameters=parameters(tool.parameters),
            outputs=parameters(tool.output_schema),
            may_decide=may_decide,
            may_write=may_write(request, tool.tool_set),
            request_lines=_request_lines(tool),
            try_url=self._try_url(request, tool),
            is_omitted=tool.status == Tool.Status.OMITTED,
            is_archived=tool.status == Tool.Status.ARCHIVED,
            is_filtered=tool.status == Tool.Status.FILTERED,
        )

    def _try_url(self, request: HttpRequest, tool: Tool) -> str:
        """Where the tool is tried as it is kept; "" where it cannot be, or the editor tries it."""
        is_triable = tool.tool_set.adapter_type in TRIABLE and tool.tool_set.is_active
        is_there = tool.status != Tool.Status.ARCHIVED
        if not (is_triable and is_there and may(request, Right.BUILD)):
            return ""
        return "" if may_write(request, tool.tool_set) else self.address("try", tool.pk)


def _request_lines(tool: Tool) -> list[tuple[str, str]]:
    """The request that a tool of an HTTP API makes, as its author wrote it; header values may hold what is secret."""
    config = tool.config
    if tool.tool_set.adapter_type == ToolSet.AdapterType.OPENAPI:
        place = f"{config.get('server', '')}{config.get('path', '')}"
        return [("Request", f"{config.get('method', '')} {place}".strip())]
    if tool.tool_set.is_syncable:
        return []
    method, path = config.get("requestMethod", "GET"), config.get("path", "")
    said = [
        ("Request", f"{method} {tool.tool_set.address.rstrip('/')}{path}"),
        ("Query", config.get("query", "")),
        ("Headers", ", ".join(config.get("headers") or {})),
        ("Content type", config.get("requestBodyContentType", "")),
        ("Body", config.get("requestBodyTemplate", "")),
    ]
    return [(name, text) for name, text in said if text]

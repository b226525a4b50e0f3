"""The admin of tool sets: connect an upstream, see how it is, sync it, change it."""

from dataclasses import asdict
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gateway.identity.admin_base import (
    ChangeList,
    WorkspaceAdmin,
    actor_of,
    display,
    may,
    workspace_of,
)
from gateway.identity.admin_display import TWO_LINES, ago
from gateway.identity.roles import Right
from toolsets import connecting, documents
from toolsets.admin import neighbours
from toolsets.admin.deleting import DeletePage
from toolsets.admin.editors import spoken
from toolsets.admin.filtering import preview_page
from toolsets.admin.forms import HttpForm, McpForm, ToolSetForm
from toolsets.admin.health import events_of, health_chip, progress, state_of, sync_of
from toolsets.admin.openapi_form import OpenApiForm
from toolsets.admin.reading import reading_page
from toolsets.admin.writing import WritePages, may_write
from toolsets.header_rules import names_in
from toolsets.headers import named_secrets
from toolsets.models import Tool, ToolSet
from toolsets.secrets import stored_names
from toolsets.sync import NotSyncable, request_sync
from toolsets.tasks import wake_sync

_EVENTS = 50
FORMS: dict[str, type[ToolSetForm]] = {
    form.adapter_type: form for form in (McpForm, HttpForm, OpenApiForm)
}
_EXPLAINED: dict[str, str] = {
    ToolSet.AdapterType.MCP: "It offers tools itself; they are synced.",
    ToolSet.AdapterType.HTTP: "You write a tool for each request that agents may make.",
    ToolSet.AdapterType.OPENAPI: "Each operation of the document becomes a tool.",
}


class ToolSetList(ChangeList):
    """Rows lead to the overview, and know who uses them."""

    def url_for_result(self, result: Any) -> str:
        return str(self.model_admin.address("overview", result.pk))  # type: ignore[attr-defined]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        users = neighbours.users_of(request, self.result_list)
        for tool_set in self.result_list:
            tool_set.users = users[tool_set.pk]


@admin.register(ToolSet)
class ToolSetAdmin(DeletePage, WritePages, WorkspaceAdmin):
    right_to_add = right_to_change = right_to_delete = Right.BUILD

    list_display = ["title", "health", "tools", "used_by", "last_sync", "kind"]
    list_display_links = ["title"]
    list_filter = ["state", "adapter_type", "is_managed"]
    list_select_related = ["sync"]
    search_fields = ["name", "slug", "external_id", "description"]
    change_form_outer_before_template = "toolcrib/tool_set/list_head.html"
    conditional_fields = {"approvals_only": "approvals == 'only'"}
    search_help_text = "Name, slug, external id or description"
    ordering = ["name", "pk"]
    empty_says = (
        "Connect your first upstream",
        "Give Toolcrib the address of an MCP server or an OpenAPI document, and its tools are synced at once; for any "
        "other HTTP API you write the tools. Then put them into a pack.",
        "Connect an upstream",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ToolSet]:
        rows: QuerySet[ToolSet] = super().get_queryset(request)
        return rows.select_related("sync").annotate(
            tool_total=Count("tools", filter=~Q(tools__status=Tool.Status.ARCHIVED)),
            tool_available=Count(
                "tools", filter=Q(tools__status=Tool.Status.AVAILABLE)
            ),
        )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ToolSetList

    def get_form(
        self,
        request: HttpRequest,
        obj: Any | None = None,
        change: bool = False,
        **kwargs: Any,
    ) -> Any:
        kwargs["form"] = _form(request, obj)
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.may_read_secrets = may(request, Right.KEYS)
        form.stored = stored_names(workspace_of(request), obj)
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        hidden = set() if may(request, Right.KEYS) else {"secrets"}
        hidden |= set() if may(request, Right.NETWORKS) else {"allowed_networks"}
        if obj is None:
            hidden |= {"slug", "preview"}
        return [
            (name, {**said, "fields": [f for f in said["fields"] if f not in hidden]})
            for name, said in _form(request, obj).fieldsets
        ]

    def get_urls(self) -> list[URLPattern]:
        read = self.admin_site.admin_view(self.read_view)
        pages = [
            ("overview", self.overview_view),
            ("tools", self.tools_view),
            ("events", self.events_view),
            ("preview", self.preview_view),
            ("write", self.write_view),
            ("try", self.try_view),
            ("progress", self.progress_view),
            ("sync", self.sync_view),
            ("archive", self.archive_view),
            ("unarchive", self.unarchive_view),
        ]
        return [
            path(
                f"<str:object_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"toolsets_toolset_{name}",
            )
            for name, view in pages
        ] + [path("read/", read, name="toolsets_toolset_read"), *super().get_urls()]

    # --- what is shown ----------------------------------------------------------------------------------------------

    @display(description="tool set", ordering="name")
    def title(self, tool_set: ToolSet) -> SafeString:
        return format_html(
            TWO_LINES,
            tool_set.name,
            tool_set.address or tool_set.slug,
        )

    @display(description="health")
    def health(self, tool_set: ToolSet) -> SafeString:
        return health_chip(tool_set)

    @display(description="tools", ordering="tool_available")
    def tools(self, tool_set: Any) -> SafeString:
        return format_html(
            '<div class="tc-cell"><b class="tc-strong">{}</b> <span class="tc-quiet">of {}</span></div>',
            tool_set.tool_available,
            tool_set.tool_total,
        )

    @display(description="packs")
    def used_by(self, tool_set: Any) -> str:
        shown = ", ".join(link.text for link in tool_set.users[:3])
        more = f" +{len(tool_set.users) - 3}" if len(tool_set.users) > 3 else ""
        return shown + more or "—"

    @display(description="last sync", ordering="sync__last_succeeded_at")
    def last_sync(self, tool_set: ToolSet) -> SafeString:
        sync = sync_of(tool_set)
        return ago(sync.last_succeeded_at if sync else None)

    @display(description="adapter", ordering="adapter_type")
    def kind(self, tool_set: ToolSet) -> str:
        return str(ToolSet.AdapterType(tool_set.adapter_type).label)

    # --- what is done -----------------------------------------------------------------------------------------------

    def save_model(
        self, request: HttpRequest, obj: ToolSet, form: Any, change: bool
    ) -> None:
        taken = documents.take(form.adapter, current=obj.adapter)
        made = self._made(request, form, taken, change)
        self.saved(obj, made)
        if state_of(made) == "queued":
            _wake(made)

    def _made(
        self, request: HttpRequest, form: Any, adapter: documents.Taken, change: bool
    ) -> ToolSet:
        facts = {
            **form.facts,
            "adapter": adapter,
            "secrets": form.cleaned_data.get("secrets"),
            "actor": actor_of(request),
        }
        if change:
            return connecting.change(form.found, **facts)
        return connecting.connect(
            workspace_of(request), adapter_type=form.adapter_type, **facts
        )

    def response_add(self, request: HttpRequest, obj: Any, *_: Any) -> HttpResponse:
        if obj.is_syncable:
            said, page = "Its first sync has begun.", "overview"
        else:
            said, page = "Now write its first tool.", "tools"
        messages.success(request, f"{obj.name} is connected. {said}")
        return HttpResponseRedirect(self.address(page, obj.pk))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        messages.success(request, f"{obj.name} is saved.")
        return HttpResponseRedirect(self.address("overview", obj.pk))

    def sync_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        self.require(request, Right.BUILD)
        tool_set = self.row(request, object_id)
        try:
            request_sync(tool_set, actor=actor_of(request))
        except NotSyncable as exc:
            messages.error(request, exc.message)
        else:
            _wake(tool_set)
        return HttpResponseRedirect(self._back(request, tool_set))

    def archive_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        self.require(request, Right.BUILD)
        tool_set = connecting.archive(
            self.row(request, object_id), actor=actor_of(request)
        )
        messages.success(
            request,
            f"{tool_set.name} is archived. No agent lists or calls its tools any more.",
        )
        return HttpResponseRedirect(self.address("overview", object_id))

    def unarchive_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        self.require(request, Right.BUILD)
        tool_set = connecting.unarchive(
            self.row(request, object_id), actor=actor_of(request)
        )
        said = "serves again"
        if tool_set.is_syncable:
            _wake(tool_set)
            said += ", and is synced now"
        messages.success(request, f"{tool_set.name} {said}.")
        return HttpResponseRedirect(self.address("overview", object_id))

    def _back(self, request: HttpRequest, tool_set: ToolSet) -> str:
        page = "events" if request.POST.get("page") == "events" else "overview"
        return self.address(page, tool_set.pk)

    # --- pages ------------------------------------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        tool_set = self.row(request, object_id)
        if not self.has_change_permission(request):
            return HttpResponseRedirect(self.address("overview", object_id))
        context = {**(extra_context or {}), **self.frame(request, tool_set, "change")}
        return super().change_view(request, object_id, form_url, context)

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        chosen = _form(request, None).adapter_type
        adapters = [
            (label, _EXPLAINED[kind], f"?adapter={kind}", kind == chosen)
            for kind, label in ToolSet.AdapterType.choices
        ]
        context = {**(extra_context or {}), "title": "Connect", "adapters": adapters}
        return super().add_view(request, form_url, context)

    def overview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        tool_set = self.row(request, object_id)
        counts = dict(
            Tool.objects.filter(tool_set=tool_set)
            .values_list("status")
            .annotate(count=Count("pk"))
        )
        return self.page(
            request,
            "toolcrib/tool_set/overview.html",
            **self.frame(request, tool_set, "overview"),
            counts=[
                (status, Tool.Status(status).label, counts.get(status, 0))
                for status in Tool.Status.values
            ],
            events=events_of(tool_set, limit=5),
            users=neighbours.users_of(request, [tool_set])[tool_set.pk],
            headers=_headers(tool_set),
            secrets=named_secrets(tool_set),
            include=spoken(tool_set.adapter.get("includeTools")),
            exclude=spoken(tool_set.adapter.get("excludeTools")),
            approvals=_approvals(tool_set),
        )

    def tools_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        tool_set = self.row(request, object_id)
        request.tool_set = tool_set  # type: ignore[attr-defined]
        frame = self.frame(request, tool_set, "tools")
        tools = self.admin_site.get_model_admin(Tool)
        response: HttpResponse = tools.changelist_view(request, frame)
        return response

    def events_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        tool_set = self.row(request, object_id)
        before = request.GET.get("before", "")
        events = events_of(tool_set, limit=_EVENTS + 1, before=before)
        return self.page(
            request,
            "toolcrib/tool_set/events.html",
            **self.frame(request, tool_set, "events"),
            events=events[:_EVENTS],
            older=events[_EVENTS - 1].pk if len(events) > _EVENTS else "",
            before=before,
        )

    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        self.require(request, Right.BUILD)
        return preview_page(request, self.row(request, object_id))

    def read_view(self, request: HttpRequest) -> HttpResponse:
        """What the OpenAPI document of the form would bring in, for a new set or the one that is changed."""
        self.require(request, Right.BUILD)
        if changed := request.GET.get("of"):
            tool_set = self.row(request, changed)
        else:
            tool_set = ToolSet(workspace=workspace_of(request))
        return reading_page(request, tool_set)

    def progress_view(self, request: HttpRequest, object_id: str) -> JsonResponse:
        return JsonResponse(asdict(progress(self.row(request, object_id))))

    def frame(
        self, request: HttpRequest, tool_set: ToolSet, page: str
    ) -> dict[str, Any]:
        """What every page of one tool set shows: its head, its tabs, and its sync as it runs."""
        tabs = [("overview", "Overview"), ("tools", "Tools")]
        if tool_set.is_syncable:
            tabs.append(("events", "Events"))
        if self.has_change_permission(request):
            tabs.append(("change", "Settings"))
        return {
            "title": tool_set.name,
            "original": tool_set,
            "tool_set": tool_set,
            "sync": sync_of(tool_set),
            "progress": progress(tool_set),
            "health": health_chip(tool_set),
            "here": page,
            "may_build": may(request, Right.BUILD),
            "may_write": may_write(request, tool_set),
            "may_keep_secrets": may(request, Right.KEYS),
            "tabs": [
                (name, label, self.address(name, tool_set.pk)) for name, label in tabs
            ],
        }


def _form(request: HttpRequest, tool_set: ToolSet | None) -> type[ToolSetForm]:
    """The form of the set's adapter or, for a new one, of the adapter that is asked for."""
    asked = tool_set.adapter_type if tool_set else request.GET.get("adapter", "")
    return FORMS.get(asked, FORMS[ToolSet.AdapterType.MCP])


def _wake(tool_set: ToolSet) -> None:
    transaction.on_commit(partial(wake_sync, tool_set.pk))


def _headers(tool_set: ToolSet) -> list[tuple[str, str]]:
    """Each header with its value, where the value is only the names of secrets; else hidden."""
    headers = tool_set.adapter.get("headers") or {}
    return [
        (name, value if names_in({name: value}) else "•••")
        for name, value in headers.items()
    ]


def _approvals(tool_set: ToolSet) -> list[str]:
    said = tool_set.adapter.get("toolApprovals") or {}
    return ["every call"] if said.get("always") else spoken(said.get("only"))

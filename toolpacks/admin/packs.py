"""The admin of tool packs: what they hold, who has them, and where agents find them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gateway.identity.admin_base import (
    ChangeList,
    ModelForm,
    WorkspaceAdmin,
    actor_of,
    display,
    may,
    workspace_of,
)
from gateway.identity.admin_display import TWO_LINES, ago, chip
from gateway.identity.models import RegisteredUser
from gateway.identity.roles import Right
from toolpacks import packing
from toolpacks.admin.contents import connectors_of, mcp_url, served
from toolpacks.admin.picking import PickerPages
from toolpacks.granting import grant, withdraw
from toolpacks.models import Connector, Grant, ToolPack
from toolsets.admin import neighbours
from toolsets.admin.health import health_chip
from toolsets.models import ToolSet

_PER_PAGE = 25
_FOUND = 20


class PackList(ChangeList):
    """Rows lead to the tools of the pack, and know how many it shows."""

    def url_for_result(self, result: Any) -> str:
        return str(self.model_admin.address("tools", result.pk))  # type: ignore[attr-defined]

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        held: dict[Any, list[Any]] = defaultdict(list)
        for connector in connectors_of(self.result_list):
            held[connector.pack_id].append(connector)
        for pack in self.result_list:
            pack.held = held[pack.pk]


class ToolPackForm(ModelForm):
    """A pack, without its tools."""

    class Meta:
        model = ToolPack
        fields = [
            "name",
            "slug",
            "description",
            "access",
            "default_for_new_users",
            "is_enabled",
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False


@admin.register(ToolPack)
class ToolPackAdmin(PickerPages, WorkspaceAdmin):
    right_to_add = right_to_change = right_to_delete = Right.BUILD

    form = ToolPackForm
    change_form_outer_before_template = "toolcrib/pack/form_head.html"
    list_display = ["title", "tool_total", "connectors", "who", "changed"]
    list_display_links = ["title"]
    list_filter = ["access", "default_for_new_users", "is_enabled"]
    search_fields = ["name", "slug", "description"]
    search_help_text = "Name, slug or description"
    ordering = ["name", "pk"]
    delete_says = (
        "Agents that use its MCP URL are refused at once, and keys that are limited to it alone reach nothing. "
        "The tool sets in it stay."
    )
    empty_says = (
        "Make your first tool pack",
        "A tool pack is what one agent may use: chosen tools of one or more tool sets, behind one MCP URL.",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[ToolPack]:
        rows: QuerySet[ToolPack] = super().get_queryset(request)
        return rows.annotate(grant_total=Count("grants"))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PackList

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = ToolPackForm.Meta.fields
        later = {"slug", "is_enabled"}
        return fields if obj else [name for name in fields if name not in later]

    def get_urls(self) -> list[URLPattern]:
        pages = [
            ("tools", self.tools_view),
            ("users", self.users_view),
            ("attach", self.attach_view),
        ]
        own = [
            path(
                f"<str:object_id>/{name}/",
                self.admin_site.admin_view(view),
                name=f"toolpacks_toolpack_{name}",
            )
            for name, view in pages
        ]
        return own + self.picker_urls() + super().get_urls()

    # --- what is shown ----------------------------------------------------------------------------------------------

    @display(description="tool pack", ordering="name")
    def title(self, pack: ToolPack) -> SafeString:
        return format_html(
            TWO_LINES,
            pack.name,
            pack.slug,
        )

    @display(description="tools")
    def tool_total(self, pack: Any) -> int:
        return sum(connector.serves for connector in pack.held)

    @display(description="connectors")
    def connectors(self, pack: Any) -> str:
        return ", ".join(held.tool_set.name for held in pack.held[:4]) + (
            f" +{len(pack.held) - 4}" if len(pack.held) > 4 else ""
        )

    @display(description="who may use it", ordering="access")
    def who(self, pack: Any) -> SafeString:
        if not pack.is_enabled:
            return chip("Disabled", "warn")
        if pack.access == ToolPack.Access.OPEN:
            return chip("Open", "good")
        return chip(f"Granted to {pack.grant_total}", "info")

    @display(description="changed", ordering="modified_at")
    def changed(self, pack: ToolPack) -> SafeString:
        return ago(pack.modified_at)

    # --- what is done -----------------------------------------------------------------------------------------------

    def save_model(
        self, request: HttpRequest, obj: ToolPack, form: Any, change: bool
    ) -> None:
        actor, said = actor_of(request), dict(form.cleaned_data)
        if not said.get("slug"):
            said.pop("slug", None)
        if change:
            made = packing.change_pack(form.found, actor=actor, **said)
        else:
            made = packing.create_pack(workspace_of(request), actor=actor, **said)
        self.saved(obj, made)

    def delete_model(self, request: HttpRequest, obj: ToolPack) -> None:
        packing.delete_pack(obj, actor=actor_of(request))

    def response_add(self, request: HttpRequest, obj: Any, *_: Any) -> HttpResponse:
        messages.success(request, f"{obj.name} is made. Now choose its tools.")
        return HttpResponseRedirect(self.address("tools", obj.pk))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        messages.success(request, f"{obj.name} is saved.")
        return HttpResponseRedirect(self.address("tools", obj.pk))

    # --- pages ------------------------------------------------------------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        pack = self.row(request, object_id)
        if not self.has_change_permission(request):
            return HttpResponseRedirect(self.address("tools", object_id))
        context = {**(extra_context or {}), **self.frame(request, pack, "change")}
        return super().change_view(request, object_id, form_url, context)

    def tools_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        pack = self.row(request, object_id)
        connectors = connectors_of([pack])
        for connector in connectors:
            connector.health = health_chip(connector.tool_set)
        query = request.GET.get("q", "").strip()
        tools = [t for t in served(pack) if query.lower() in t.wire_name.lower()]
        free = ToolSet.objects.in_workspace(workspace_of(request)).active()
        return self.page(
            request,
            "toolcrib/pack/tools.html",
            **self.frame(request, pack, "tools"),
            **self._address(request, pack),
            connectors=connectors,
            free_sets=free.exclude(connectors__pack=pack).order_by("name", "pk"),
            shown=Paginator(tools, _PER_PAGE).get_page(request.GET.get("page")),
            query=query,
            tool_total=sum(connector.serves for connector in connectors),
        )

    def attach_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Go on to the picker of the tool set that was chosen."""
        self.require(request, Right.BUILD)
        self.row(request, object_id)
        tool_set = request.POST.get("tool_set", "")
        if not tool_set:
            messages.error(request, "Choose a tool set first.")
            return HttpResponseRedirect(self.address("tools", object_id))
        return HttpResponseRedirect(self.address("connector", object_id, tool_set))

    def users_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        pack = self.row(request, object_id)
        if request.method == "POST":
            return self._grant_or_withdraw(request, pack)
        query = request.GET.get("q", "").strip()
        grants = Grant.objects.filter(pack=pack).select_related("registered_user")
        page = Paginator(
            grants.order_by("registered_user__name", "pk"), _PER_PAGE
        ).get_page(request.GET.get("page"))
        for given in page.object_list:
            given.mcp_url = mcp_url(pack, given.registered_user_id)
        return self.page(
            request,
            "toolcrib/pack/users.html",
            **self.frame(request, pack, "users"),
            shown=page,
            query=query,
            found=_found(pack, query)[:_FOUND] if query else [],
        )

    def _grant_or_withdraw(self, request: HttpRequest, pack: ToolPack) -> HttpResponse:
        self.require(request, Right.BUILD)
        user = _user(request, pack)
        if request.POST.get("decision") == "withdraw":
            withdraw(pack, user, actor=actor_of(request))
            messages.success(request, f"{user} no longer has {pack}.")
        else:
            grant(pack, user, actor=actor_of(request))
            messages.success(request, f"{user} has {pack} now.")
        return HttpResponseRedirect(self.address("users", pack.pk))

    def frame(self, request: HttpRequest, pack: ToolPack, page: str) -> dict[str, Any]:
        """What every page of one pack shows: its head and its tabs."""
        tabs = [("tools", "Tools"), ("users", "Users")]
        if self.has_change_permission(request):
            tabs.append(("change", "Settings"))
        is_open = pack.access == ToolPack.Access.OPEN
        return {
            "title": pack.name,
            "original": pack,
            "pack": pack,
            "is_open": is_open,
            "access": chip("Open", "good") if is_open else chip("Granted", "info"),
            "here": page,
            "may_build": may(request, Right.BUILD),
            "may_issue": may(request, Right.OWN_KEYS),
            "tabs": [
                (name, label, self.address(name, pack.pk)) for name, label in tabs
            ],
        }

    def _address(self, request: HttpRequest, pack: ToolPack) -> dict[str, Any]:
        """The pack's MCP URL for one of the users that may use it."""
        users = RegisteredUser.objects.in_workspace(pack.workspace_id).filter(
            deactivated_at=None
        )
        if pack.access == ToolPack.Access.GRANTED:
            users = users.filter(grants__pack=pack)
        choices = list(users.order_by("name", "pk")[:_PER_PAGE])
        wanted = users.filter(pk=request.GET.get("user", "")).first()
        chosen = wanted or (choices[0] if choices else None)
        return {
            "url_users": choices,
            "url_user": chosen,
            "mcp_url": mcp_url(pack, chosen.pk) if chosen else "",
        }


def _found(pack: ToolPack, query: str) -> QuerySet[RegisteredUser]:
    users = RegisteredUser.objects.in_workspace(pack.workspace_id)
    matching = (
        Q(name__icontains=query)
        | Q(origin_user_id__icontains=query)
        | Q(email__icontains=query)
    )
    found: QuerySet[RegisteredUser] = users.filter(matching)
    return found.exclude(grants__pack=pack).order_by("name", "pk")


def _user(request: HttpRequest, pack: ToolPack) -> RegisteredUser:
    users = RegisteredUser.objects.in_workspace(pack.workspace_id)
    user: RegisteredUser | None = users.filter(pk=request.POST.get("user", "")).first()
    if user is None:
        raise Http404
    return user


def packs_of(
    request: HttpRequest, tool_set_ids: Sequence[str]
) -> dict[str, list[neighbours.Link]]:
    """For the pages of tool sets: the packs that hold each."""
    connectors = (
        Connector.objects.in_workspace(workspace_of(request))
        .filter(tool_set__in=tool_set_ids)
        .select_related("pack")
        .order_by("pack__name", "pk")
    )
    links: dict[str, list[neighbours.Link]] = defaultdict(list)
    for connector in connectors:
        address = reverse("admin:toolpacks_toolpack_tools", args=[connector.pack_id])
        note = Connector.Mode(connector.mode).label.partition(":")[0].lower()
        links[connector.tool_set_id].append(
            neighbours.Link(text=connector.pack.name, address=address, note=note)
        )
    return links


neighbours.register(packs_of)

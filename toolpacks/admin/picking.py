"""The tool picker: which tools of a set go into a pack, and under which names; it searches sets of any size."""

import json
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
)
from django.urls import URLPattern, path

from gateway.errors import GatewayError
from gateway.identity.admin_base import (
    WorkspaceAdmin,
    actor_of,
    caller_of,
    may,
    workspace_of,
)
from gateway.identity.admin_edits import digest, page_of, said_of, sealed
from gateway.identity.editing import hold, settled
from gateway.identity.roles import Right
from toolpacks.admin.contents import names_if
from toolpacks.models import Connector
from toolpacks.packing import UNSET, attach, detach
from toolsets.admin.health import TOOL_TONES
from toolsets.models import Tool, ToolSet

if TYPE_CHECKING:
    _Base = WorkspaceAdmin
else:
    _Base = object

_PER_PAGE: Final = 25
_SAID: Final = 20
_LABELS: Final = {"tools": "which tools are chosen", "prefix": "their prefix"}
_RECORDED: Final = {"tools": ("mode", "tools"), "prefix": ("prefix",)}
"""What the audit trail names each by."""


class PickerPages(_Base):
    """The pages of one connector of a pack."""

    def picker_urls(self) -> list[URLPattern]:
        pages = [
            ("connector", "", self.connector_view),
            ("choices", "choices/", self.choices_view),
            ("detach", "detach/", self.detach_view),
        ]
        return [
            path(
                f"<str:object_id>/connectors/<str:tool_set_id>/{ending}",
                self.admin_site.admin_view(view),
                name=f"toolpacks_toolpack_{name}",
            )
            for name, ending, view in pages
        ]

    def connector_view(
        self, request: HttpRequest, object_id: str, tool_set_id: str
    ) -> HttpResponse:
        tool_set, error = _tool_set(request, tool_set_id), ""
        if request.method == "POST":
            self.require(request, Right.BUILD)
            try:
                return settled(lambda: self._attached(request, object_id, tool_set))
            except ValidationError as exc:
                error = " ".join(exc.messages)
            except GatewayError as exc:
                error = exc.message
        pack = self.row(request, object_id)
        connector = Connector.objects.filter(pack=pack, tool_set=tool_set).first()
        return self.page(
            request,
            "toolcrib/pack/connector.html",
            **{**self.frame(request, pack, "tools"), "title": tool_set.name},  # type: ignore[attr-defined]
            tool_set=tool_set,
            connector=connector,
            choices_url=self.address("choices", pack.pk, tool_set.pk),
            may_choose=may(request, Right.BUILD),
            error=error,
            seen=sealed(_digests(_held(connector))),
            **_said(request, connector, tool_set),
        )

    def choices_view(
        self, request: HttpRequest, object_id: str, tool_set_id: str
    ) -> JsonResponse:
        """One page of the set's tools that match a search; with `ids`, the ids of all that match."""
        pack, tool_set = self.row(request, object_id), _tool_set(request, tool_set_id)
        tools = _matching(tool_set, request.GET.get("q", ""))
        if "ids" in request.GET:
            selectable = tools.filter(status=Tool.Status.AVAILABLE)
            return JsonResponse({"ids": list(selectable.values_list("pk", flat=True))})
        page = Paginator(tools, _PER_PAGE).get_page(request.GET.get("page"))
        names = names_if(pack, tool_set, request.GET.get("prefix", tool_set.slug)[:40])
        return JsonResponse(
            {
                "total": page.paginator.count,
                "page": page.number,
                "pages": page.paginator.num_pages,
                "tools": [_choice(tool, names) for tool in page.object_list],
            }
        )

    def detach_view(
        self, request: HttpRequest, object_id: str, tool_set_id: str
    ) -> HttpResponse:
        self.require(request, Right.BUILD)
        tool_set = _tool_set(request, tool_set_id)
        try:
            settled(lambda: self._detached(request, object_id, tool_set))
        except GatewayError as exc:
            messages.error(request, exc.message)
        return HttpResponseRedirect(self.address("tools", object_id))

    def _detached(
        self, request: HttpRequest, object_id: str, tool_set: ToolSet
    ) -> None:
        pack = self.row(request, object_id)
        if detach(pack, tool_set, actor=actor_of(request)):
            messages.success(request, f"{tool_set} is detached from {pack}.")

    def _attached(
        self, request: HttpRequest, object_id: str, tool_set: ToolSet
    ) -> HttpResponse:
        """Attach the set as the form says, as far as its reader changed anything; the pack is held while that is written."""
        pack = self.row(request, object_id)
        connector = Connector.objects.filter(pack=pack, tool_set=tool_set).first()
        tools = _chosen(request, tool_set)
        if tools is not None and not tools:
            raise ValidationError("Choose at least one tool, or detach the tool set.")
        prefix = _prefix(request)
        mine = _edited(request, connector, {"tools": _ids(tools), "prefix": prefix})
        with transaction.atomic():
            hold(pack, ["modified_at"])  # every change of its connectors moves it
            attach(
                pack,
                tool_set,
                tools=tools if "tools" in mine else UNSET,
                prefix=prefix if "prefix" in mine else UNSET,
                actor=actor_of(request),
            )
        count = "all tools" if tools is None else f"{len(tools)} tools"
        messages.success(
            request,
            f"{pack} holds {count} of {tool_set}. Agents see it on their next call.",
        )
        return HttpResponseRedirect(self.address("tools", pack.pk))


def _tool_set(request: HttpRequest, tool_set_id: str) -> ToolSet:
    sets = ToolSet.objects.in_workspace(workspace_of(request))
    found: ToolSet | None = sets.filter(pk=tool_set_id).first()
    if found is None:
        raise Http404
    return found


def _matching(tool_set: ToolSet, query: str) -> QuerySet[Tool]:
    tools = Tool.objects.filter(tool_set=tool_set).exclude(status=Tool.Status.ARCHIVED)
    for word in query.split()[:8]:
        tools = tools.filter(
            Q(name__icontains=word)
            | Q(title__icontains=word)
            | Q(description__icontains=word)
        )
    return tools.defer("parameters", "output_schema").order_by("name", "pk")


def _choice(tool: Tool, names: dict[str, str]) -> dict[str, Any]:
    status = Tool.Status(tool.status)
    return {
        "id": tool.pk,
        "name": tool.name,
        "wire_name": names.get(tool.pk, ""),
        "description": (tool.description or tool.title)[:300],
        "status": "" if tool.is_available else status.label,
        "tone": TOOL_TONES[status],
        "is_available": tool.is_available,
    }


def _chosen(request: HttpRequest, tool_set: ToolSet) -> list[Tool] | None:
    """The tools that the form names; None for all, now and later."""
    if request.POST.get("mode") != Connector.Mode.CHOSEN:
        return None
    try:
        wanted = {str(pk) for pk in json.loads(request.POST.get("tools") or "[]")}
    except (ValueError, TypeError) as exc:
        raise ValidationError("The choice could not be read. Choose again.") from exc
    tools = Tool.objects.filter(tool_set=tool_set)
    return [tool for tool in tools.only("pk", "name", "tool_set") if tool.pk in wanted]


def _ids(tools: list[Tool] | None) -> list[str] | None:
    return None if tools is None else sorted(tool.pk for tool in tools)


def _held(connector: Connector | None) -> dict[str, Any]:
    """What the connector holds, as the form would say it; {} where the set is not attached."""
    if connector is None:
        return {}
    is_chosen = connector.mode == Connector.Mode.CHOSEN
    chosen = connector.chosen.values_list("tool_id", flat=True)
    return {
        "tools": sorted(chosen) if is_chosen else None,
        "prefix": connector.prefix,
    }


def _digests(held: dict[str, Any]) -> dict[str, str]:
    return {name: digest(held[name] if held else {}) for name in _LABELS}


def _edited(
    request: HttpRequest, connector: Connector | None, wanted: dict[str, Any]
) -> set[str]:
    """What of the connector the reader of the form changed.

    Raises:
        ValidationError: somebody else changed the same after the page was opened.
    """
    page, held = page_of(request.POST), _held(connector)
    stored, typed = _digests(held), _digests(wanted)
    mine = {n for n in _LABELS if typed[n] not in {stored[n], page.shown.get(n)}}
    met = [n for n in _LABELS if n in mine and page.shown.get(n, stored[n]) != stored[n]]  # fmt: skip
    if met:
        listed = " and ".join(_LABELS[name] for name in met)
        reader = caller_of(request).profile_id
        now = [f"Stored now: {_in_words(name, held)}." for name in met]
        recorded = [field for name in met for field in _RECORDED[name]]
        said = said_of(listed, recorded, page, connector, reader=reader)
        raise ValidationError([said, *now])
    return mine if held else {*_LABELS}


def _in_words(name: str, held: dict[str, Any]) -> str:
    if not held:
        return "the tool set is not attached"
    value = held[name]
    if name == "prefix":
        return "the slug" if value is None else f"the prefix “{value}”"
    if value is None:
        return "all tools"
    names = Tool.objects.filter(pk__in=value[:_SAID]).values_list("name", flat=True)
    more = f" and {len(value) - _SAID} more" if len(value) > _SAID else ""
    return f"{len(value)} chosen: {', '.join(sorted(names))}{more}"


def _prefix(request: HttpRequest) -> str | None:
    match request.POST.get("naming"):
        case "none":
            return ""
        case "own":
            return request.POST.get("prefix", "").strip()
    return None


def _said(
    request: HttpRequest, connector: Connector | None, tool_set: ToolSet
) -> dict[str, Any]:
    """What the form shows: what was posted, or else what the connector holds."""
    if request.method == "POST":
        chosen = request.POST.get("tools") or "[]"
        mode, naming = request.POST.get("mode"), request.POST.get("naming")
        prefix = request.POST.get("prefix", "")
    else:
        held = connector.chosen.values_list("tool_id", flat=True) if connector else ()
        chosen = json.dumps(list(held))
        mode = connector.mode if connector else Connector.Mode.ALL
        prefix = (connector.prefix if connector else None) or ""
        own = "own" if prefix else "none"
        naming = own if connector and connector.prefix is not None else "slug"
    return {"mode": mode, "naming": naming, "prefix": prefix, "chosen": chosen}

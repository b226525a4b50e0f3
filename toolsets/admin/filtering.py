"""Which tools a set takes, as people edit it: the filters, the approvals, and a preview of what they do."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.safestring import SafeString

from toolsets.admin.editors import FilterField
from toolsets.admin.health import TOOL_TONES
from toolsets.models import Tool, ToolSet
from toolsets.previewing import Outcome, Preview, preview

if TYPE_CHECKING:
    from django.forms import Select
else:
    from unfold.widgets import UnfoldAdminSelectWidget as Select

_APPROVALS = [
    ("", "No tool needs approval"),
    ("always", "Every tool needs approval"),
    ("only", "Only the tools that match"),
]
_PER_PAGE: Final = 12
_PARTS: Final[dict[str, tuple[str, Callable[[Preview], list[Outcome]]]]] = {
    "all": ("All", lambda seen: seen.outcomes),
    "available": ("Available", lambda seen: seen.having(Tool.Status.AVAILABLE)),
    "filtered": ("Filtered", lambda seen: seen.having(Tool.Status.FILTERED)),
    "omitted": ("Left out by hand", lambda seen: seen.having(Tool.Status.OMITTED)),
    "approval": ("Need approval", lambda seen: seen.needing_approval),
    "changing": ("Would change", lambda seen: seen.changing),
}


class PreviewWidget(forms.Widget):
    """Not an input: what the filters above it do to the tools of `tool_set`, as they stand in the form."""

    tool_set: ToolSet | None = None

    def render(
        self, name: str, value: Any, attrs: Any = None, renderer: Any = None
    ) -> SafeString:
        if self.tool_set is None or not self.tool_set.pk:
            return SafeString()
        address = reverse("admin:toolsets_toolset_preview", args=[self.tool_set.pk])
        return render_to_string(
            "toolcrib/tool_set/preview_panel.html", {"address": address}
        )


class FiltersForm(forms.Form):
    """The members of an adapter that decide about tools."""

    include = FilterField(
        required=False,
        label="Bring in only",
        help_text="Without a condition, every tool comes in.",
    )
    exclude = FilterField(required=False, label="Leave out")
    approvals = forms.ChoiceField(required=False, choices=_APPROVALS, widget=Select)
    approvals_only = FilterField(required=False, label="Approval is needed where")
    preview = forms.Field(
        required=False, widget=PreviewWidget, label="What this would do"
    )

    def clean(self) -> None:
        super().clean()
        said = self.cleaned_data
        if said.get("approvals") == "only" and not said.get("approvals_only"):
            self.add_error("approvals_only", "Say which tools need approval.")

    @property
    def filters(self) -> dict[str, Any]:
        """What the form says, as the adapter holds it; None and {} stand for nothing."""
        said = self.cleaned_data
        approvals = {
            "always": {"always": True},
            "only": {"only": said.get("approvals_only")},
        }
        return {
            "includeTools": said["include"],
            "excludeTools": said["exclude"],
            "toolApprovals": approvals.get(said["approvals"], {}),
        }


def filters_of(adapter: Mapping[str, Any]) -> dict[str, Any]:
    """What the form shows of an adapter's filters."""
    approvals = adapter.get("toolApprovals") or {}
    only = "only" if approvals.get("only") is not None else ""
    return {
        "include": adapter.get("includeTools"),
        "exclude": adapter.get("excludeTools"),
        "approvals": "always" if approvals.get("always") else only,
        "approvals_only": approvals.get("only"),
    }


def preview_page(request: HttpRequest, tool_set: ToolSet) -> HttpResponse:
    """What the filters that are posted would make of the set's tools; nothing is saved."""
    form = FiltersForm(request.POST)
    context: dict[str, Any] = {"tool_set": tool_set}
    if form.is_valid():
        seen = preview(tool_set, form.filters)
        context |= {"preview": seen, **_shown(seen, request)}
    else:
        context["faults"] = [
            (form.fields[name].label, " ".join(map(str, errors)))
            for name, errors in form.errors.items()
        ]
    return TemplateResponse(request, "toolcrib/tool_set/preview.html", context)


def _shown(seen: Preview, request: HttpRequest) -> dict[str, Any]:
    """One page of the part that is asked for, and how large each part is."""
    part = request.POST.get("show", "")
    part = part if part in _PARTS else "all"
    words = request.POST.get("q", "").casefold().split()[:8]
    found = [row for row in _PARTS[part][1](seen) if _holds(row, words)]
    page = Paginator(found, _PER_PAGE).get_page(request.POST.get("page"))
    counts = {key: len(chosen(seen)) for key, (_, chosen) in _PARTS.items()}
    return {
        "parts": [
            (key, label, counts[key])
            for key, (label, _) in _PARTS.items()
            if counts[key] or key == part
        ],
        "part": part,
        "counts": counts,
        "page": page,
        "rows": [(row, TOOL_TONES[row.status]) for row in page.object_list],
    }


def _holds(row: Outcome, words: list[str]) -> bool:
    text = f"{row.name} {row.title} {row.status.label} {row.reason}".casefold()
    return all(word in text for word in words)

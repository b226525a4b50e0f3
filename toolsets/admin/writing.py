"""Pages on which people write the tools of HTTP APIs: write, try, change, duplicate, take away."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from gateway.errors import GatewayError
from gateway.identity.admin_base import WorkspaceAdmin, actor_of, caller_of, may
from gateway.identity.editing import ChangedMeanwhile, settled
from gateway.identity.roles import Right
from toolsets import writing
from toolsets.admin.http_forms import HttpToolEdit, HttpToolForm, initial_of
from toolsets.admin.trials import trial_of_edited
from toolsets.models import Tool, ToolSet

if TYPE_CHECKING:
    _Base = WorkspaceAdmin
else:
    _Base = object


class WritePages(_Base):
    """Of a tool set: the page of a new tool, and the trial of the one that stands in the editor."""

    def write_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """A new tool, empty or as a copy of another one of the set."""
        tool_set = _written_by(request, self.row(request, object_id))
        like = tool_set.tools.filter(pk=request.GET.get("like", "")).first()
        initial = _initial(request, like)
        if like:
            initial |= {"name": f"{like.name}_copy", "tool_name": ""}
        form = HttpToolForm(request.POST or None, initial=initial)
        if made := _saved(
            form,
            lambda: writing.create_tool(
                tool_set,
                actor=actor_of(request),
                **{**form.facts, "config": form.config_after(like)},
            ),
        ):
            messages.success(
                request, f"{made.name} is written. Agents get it through a tool pack."
            )
            return HttpResponseRedirect(_page_of(made))
        back = self.address("tools", tool_set.pk)
        return _editor(self, request, form, "Write a tool", back, of=like or tool_set)

    def try_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        tool_set = _written_by(request, self.row(request, object_id))
        self.require(request, Right.BUILD)
        return trial_of_edited(request, tool_set)


class EditPages(_Base):
    """Of a tool: its editor, and its deletion."""

    delete_says = (
        "Packs that chose it lose it, and agents that know it are refused from their next call on. "
        "To take it out of service for a while, leave it out instead."
    )

    def edit_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        try:
            return settled(lambda: self._edited(request, object_id))
        except ChangedMeanwhile as exc:
            return self._edited(request, object_id, refusal=exc.message)

    def _edited(
        self, request: HttpRequest, object_id: str, *, refusal: str = ""
    ) -> HttpResponse:
        """The tool as it is read now, with what was typed; saved, unless others were faster every time."""
        tool: Tool = self.row(request, object_id)
        _written_by(request, tool.tool_set)
        form = HttpToolEdit(
            request.POST or None, initial=_initial(request, tool), found=tool
        )
        form.reader = caller_of(request).profile_id
        if refusal and form.is_valid():
            form.add_error(None, refusal)
        if changed := _saved(
            form,
            lambda: writing.change_tool(tool, actor=actor_of(request), **form.facts),
        ):
            messages.success(
                request,
                f"{changed.name} is saved. Agents see it so from their next call on.",
            )
            return HttpResponseRedirect(_page_of(changed))
        back = _page_of(tool)
        return _editor(self, request, form, tool.name, back, of=tool, tool=tool)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_allowed: bool = super().has_delete_permission(request, obj)
        return is_allowed and (obj is None or may_write(request, obj.tool_set))

    def delete_model(self, request: HttpRequest, obj: Tool) -> None:
        writing.delete_tool(obj, actor=actor_of(request))
        request.left = obj.tool_set_id  # type: ignore[attr-defined]

    def response_delete(
        self, request: HttpRequest, obj_display: str, obj_id: Any
    ) -> HttpResponse:
        messages.success(request, f"{obj_display} is deleted.")
        tool_set_id = request.left  # type: ignore[attr-defined]
        return HttpResponseRedirect(
            reverse("admin:toolsets_toolset_tools", args=[tool_set_id])
        )


def may_write(request: HttpRequest, tool_set: ToolSet) -> bool:
    """Whether the person may write tools of this set here."""
    is_written = not tool_set.is_syncable and not tool_set.is_managed
    return is_written and may(request, Right.BUILD)


def _written_by(request: HttpRequest, tool_set: ToolSet) -> ToolSet:
    """The set, if the person may write its tools.

    Raises:
        Http404: nobody does, they are synced.
        PermissionDenied: others do.
    """
    if tool_set.is_syncable:
        raise Http404
    if not may_write(request, tool_set):
        raise PermissionDenied
    return tool_set


def _saved(form: HttpToolForm, save: Callable[[], Tool]) -> Tool | None:
    """What the domain made of the form; None where it was not sent, or was refused, which it then says."""
    if not form.is_valid():
        return None
    try:
        return save()
    except ValidationError as exc:
        form.refuse(exc)
    except ChangedMeanwhile:
        raise
    except GatewayError as exc:
        form.add_error(None, exc.message)
    return None


def _initial(request: HttpRequest, tool: Tool | None) -> dict[str, Any]:
    return initial_of(tool, may_read_secrets=may(request, Right.KEYS))


def _editor(
    page: WorkspaceAdmin,
    request: HttpRequest,
    form: HttpToolForm,
    title: str,
    back: str,
    *,
    of: Tool | ToolSet,
    tool: Tool | None = None,
) -> HttpResponse:
    """The editor of a new tool `of` a set, or of a tool that is copied; or of a `tool` that there is."""
    tool_set = of.tool_set if isinstance(of, Tool) else of
    return page.page(
        request,
        "toolcrib/http/editor.html",
        title=title,
        tool_set=tool_set,
        tool=tool,
        form=form,
        back=back,
        try_url=_address_to_try(of, tool_set),
    )


def _address_to_try(of: Tool | ToolSet, tool_set: ToolSet) -> str:
    address = reverse("admin:toolsets_toolset_try", args=[tool_set.pk])
    return f"{address}?of={of.pk}" if isinstance(of, Tool) else address


def _page_of(tool: Tool) -> str:
    return reverse("admin:toolsets_tool_change", args=[tool.pk])

"""Deleting a tool set: the page says who loses what, and asks for a confirmation where packs hold it."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from gateway.errors import GatewayError
from gateway.identity import providers
from gateway.identity.admin_base import WorkspaceAdmin, actor_of
from toolsets import connecting, holders
from toolsets.models import Tool, ToolSet

if TYPE_CHECKING:
    _Base = WorkspaceAdmin
else:
    _Base = object


class DeletePage(_Base):
    """The page of one deletion. It stays out of Django's one transaction, because there may be much to delete."""

    def delete_view(
        self,
        request: HttpRequest,
        object_id: str,
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        tool_set: ToolSet = self.row(request, object_id)
        if not self.has_delete_permission(request):
            raise PermissionDenied
        if request.method == "POST" and self._is_deleted(request, tool_set):
            return HttpResponseRedirect(self.address("changelist"))
        tools = Tool.objects.filter(tool_set=tool_set)
        agents = providers.ask(
            providers.TOOL_SET_AGENTS, tool_set.workspace_id, [tool_set.pk]
        )
        return self.page(
            request,
            "toolcrib/tool_set/delete.html",
            title=f"Delete {tool_set}",
            original=tool_set,
            tool_set=tool_set,
            holds=holders.holds_on(tool_set),
            tool_total=tools.exclude(status=Tool.Status.ARCHIVED).count(),
            agent_total=agents.get(tool_set.pk, 0),
        )

    def _is_deleted(self, request: HttpRequest, tool_set: ToolSet) -> bool:
        is_confirmed = request.POST.get("detach") == "yes"
        end = connecting.detach_and_delete if is_confirmed else connecting.delete
        try:
            end(tool_set, actor=actor_of(request))
        except connecting.ToolSetInUse:
            messages.error(
                request, "Nothing is deleted yet: tick the box if you mean it."
            )
            return False
        except GatewayError as exc:
            messages.error(request, exc.message)
            return False
        messages.success(request, f"{tool_set} is deleted.")
        return True

"""What every REST view has in common: a caller in a workspace, rights per method, one answer for missing and foreign."""

from typing import Any, ClassVar, cast

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import cached_property
from rest_framework.request import Request
from rest_framework.views import APIView

from gateway.audit.models import AuditEvent
from gateway.audit.trail import Actor
from gateway.identity.callers import Caller
from gateway.identity.models import Workspace
from gateway.identity.ownership import WorkspaceQuerySet
from gateway.identity.roles import Right, Role, allows
from gateway.rest.addresses import EXTERNAL_ID
from gateway.rest.bodies import object_of
from gateway.rest.operations import operation_of
from gateway.rest.queries import Query


class WorkspaceView(APIView):
    """A view about the caller's workspace. `rights` names the right that each method needs."""

    rights: ClassVar[dict[str, Right]] = {}
    topic: ClassVar[str] = ""
    renamed: ClassVar[dict[str, str]] = {}  # operations, where a view has two addresses
    _addressed_workspace = ""

    def dispatch(
        self, request: HttpRequest, *args: Any, workspace_id: str = "", **kwargs: Any
    ) -> HttpResponseBase:
        self._addressed_workspace = workspace_id
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self._addressed_workspace not in {"", self.caller.workspace_id}:
            raise Http404
        if operation := operation_of(self, request.method or ""):
            operation.check_query(request.query_params)

    @classmethod
    def roles(cls, method: str) -> list[str]:
        """The roles that have the right which the method needs."""
        return [role for role in Role.values if allows(role, cls.rights[method])]

    @property
    def caller(self) -> Caller:
        return cast(Caller, self.request.auth)

    @property
    def actor(self) -> Actor:
        address = self.request.META.get("REMOTE_ADDR", "")
        return self.caller.actor(source=AuditEvent.Source.API, address=address)

    @cached_property
    def workspace(self) -> Workspace:
        return Workspace.objects.select_related("account").get(
            pk=self.caller.workspace_id
        )

    @property
    def query(self) -> Query:
        return Query(self.request.query_params)

    @property
    def body(self) -> dict[str, Any]:
        return object_of(self.request.data)


def found(rows: WorkspaceQuerySet, reference: str) -> Any:
    """The row with this id or external id, among rows of the caller's workspace.

    Raises:
        Http404: there is none; missing and foreign look the same.
    """
    if reference.startswith(EXTERNAL_ID):
        matching = rows.filter(external_id=reference.removeprefix(EXTERNAL_ID))
    else:
        matching = rows.filter(pk=reference)
    row = matching.first()
    if row is None:
        raise Http404
    return row

"""REST about the caller itself, and about agent profiles."""

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from gateway.identity import profiling
from gateway.identity.api.answers import agent_profile_json, whoami_json
from gateway.identity.api.base import WorkspaceView, found
from gateway.identity.api.lists import Named
from gateway.identity.api.serializers import AgentProfileBody, AgentProfileUpdate
from gateway.identity.api.shapes import (
    AgentProfilePage,
    AgentProfileShape,
    WhoAmIShape,
)
from gateway.identity.editing import settled
from gateway.identity.models import AgentProfile, Profile
from gateway.identity.roles import Right
from gateway.rest.masks import UPDATE_MASK, Document
from gateway.rest.operations import operation
from gateway.rest.pages import CURSOR_PAGE, page_of
from gateway.rest.updates import errors_at, new_document, touched, updated_document

_PATHS = {
    "name": ("metadata", "name"),
    "external_id": ("metadata", "externalId"),
    "scope_tags": ("spec", "scopeTags"),
}


class WhoAmI(WorkspaceView):
    """Who a script is, and what it may do."""

    topic = "The caller"
    rights: ClassVar = {"GET": Right.READ}

    @operation("whoAmI", "Say who the caller is", answers={200: WhoAmIShape})
    def get(self, request: Request) -> Response:
        profile = Profile.objects.get(pk=self.caller.profile_id)
        return Response(whoami_json(self.caller, profile))


class _AgentView(WorkspaceView):
    topic = "Agent profiles"

    def shown(self, agent: AgentProfile) -> dict[str, Any]:
        return agent_profile_json(agent, account_id=self.caller.account_id)

    def agent(self, reference: str) -> AgentProfile:
        rows = AgentProfile.objects.in_workspace(self.caller.workspace_id)
        agent: AgentProfile = found(rows, reference)
        return agent


class AgentProfiles(_AgentView):
    """The agents of the workspace."""

    rights: ClassVar = {"GET": Right.READ, "POST": Right.BUILD}

    @operation(
        "listAgentProfiles",
        "List agent profiles",
        answers={200: AgentProfilePage},
        query=[*CURSOR_PAGE, Named],
    )
    def get(self, request: Request) -> Response:
        rows = AgentProfile.objects.in_workspace(self.caller.workspace_id)
        page = page_of(Named.chosen(rows, request.query_params), self.query)
        return Response(page.body(lambda agents: map(self.shown, agents)))

    @operation(
        "createAgentProfile",
        "Create an agent profile",
        body=AgentProfileBody,
        answers={201: AgentProfileShape},
        refusals=(409,),
    )
    def post(self, request: Request) -> Response:
        fields = _fields(new_document(self.body))
        with errors_at(_PATHS):
            agent = profiling.create_agent_profile(
                self.workspace, **fields, actor=self.actor
            )
        return Response(self.shown(agent), status=201)


class OneAgentProfile(_AgentView):
    """One agent."""

    rights: ClassVar = {
        "GET": Right.READ,
        "PUT": Right.BUILD,
        "PATCH": Right.BUILD,
        "DELETE": Right.BUILD,
    }

    @operation(
        "getAgentProfile", "Get an agent profile", answers={200: AgentProfileShape}
    )
    def get(self, request: Request, agent_id: str) -> Response:
        return Response(self.shown(self.agent(agent_id)))

    @operation(
        "updateAgentProfile",
        "Change an agent profile",
        body=AgentProfileUpdate,
        answers={200: AgentProfileShape},
        query=[UPDATE_MASK],
        refusals=(409,),
    )
    def put(self, request: Request, agent_id: str) -> Response:
        return Response(self.shown(settled(lambda: self._changed(agent_id))))

    patch = put

    def _changed(self, agent_id: str) -> AgentProfile:
        """The agent as it is read now, with what the body and its mask say of it."""
        agent = self.agent(agent_id)
        document, paths = updated_document(
            _document(agent), self.body, self.query, changeable=_PATHS.values()
        )
        fields = touched(_fields(document), paths, _PATHS)
        with errors_at(_PATHS):
            return profiling.change_agent_profile(agent, **fields, actor=self.actor)

    @operation(
        "deleteAgentProfile",
        "Delete an agent profile",
        answers={204: None},
        refusals=(409,),
    )
    def delete(self, request: Request, agent_id: str) -> Response:
        profiling.delete_agent_profile(self.agent(agent_id), actor=self.actor)
        return Response(status=204)


def _document(agent: AgentProfile) -> Document:
    return {
        "metadata": {"name": agent.name, "externalId": agent.external_id},
        "spec": {"scopeTags": agent.scope_tags},
    }


def _fields(document: Document) -> dict[str, Any]:
    body = AgentProfileBody(data=document)
    body.is_valid(raise_exception=True)
    empty = {"external_id": "", "scope_tags": []}
    given = body.validated_data
    return {**empty, **given["metadata"], **given.get("spec", {})}

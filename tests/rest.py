"""A script that talks to REST with an API key, as scripts do."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from gateway.audit.models import AuditEvent
from gateway.audit.trail import Actor
from gateway.identity.keys import issue_key
from gateway.identity.models import ApiKey, Workspace
from gateway.identity.roles import Role
from tests.contract.answers import check_answer


@dataclass(frozen=True, kw_only=True)
class Answer:
    """An HTTP answer; `body` is None when there is none."""

    status: int
    body: Any
    headers: Any

    @property
    def code(self) -> str:
        return str(self.body["code"])

    @property
    def fields(self) -> dict[str, str]:
        """What is wrong, by field."""
        return {d["field"]: d["description"] for d in self.body["details"]}


@dataclass(frozen=True, kw_only=True)
class Script:
    """A key, and requests that carry it."""

    key: ApiKey | None
    token: str

    def get(self, path: str, **query: Any) -> Answer:
        return self.send("GET", path, query=query)

    def post(self, path: str, body: Any = None) -> Answer:
        return self.send("POST", path, body)

    def put(self, path: str, body: Any = None, **query: Any) -> Answer:
        return self.send("PUT", path, body, query=query)

    def patch(self, path: str, body: Any = None) -> Answer:
        return self.send("PATCH", path, body)

    def delete(self, path: str) -> Answer:
        return self.send("DELETE", path)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, Any] | None = None,
    ) -> Answer:
        response = Client().generic(
            method,
            path,
            data="" if body is None else json.dumps(body),
            content_type="application/json",
            query_params=query or {},
            headers={"Authorization": f"Bearer {self.token}"} if self.token else {},
        )
        content = response.content
        given = json.loads(content) if content else None
        check_answer(method, path, response.status_code, given)
        return Answer(status=response.status_code, body=given, headers=response.headers)


def script(
    workspace: Workspace,
    *,
    role: Role = Role.ADMIN,
    scopes: tuple[str, ...] = (ApiKey.Scope.MANAGEMENT,),
    **limits: Any,
) -> Script:
    """A new key of the workspace, ready to send requests."""
    issued = issue_key(
        workspace,
        name=f"{role} script",
        scopes=scopes,
        role=role,
        expires_at=timezone.now() + timedelta(days=1),
        may_act_as_anyone=True,
        actor=installer(workspace),
        **limits,
    )
    return Script(key=issued.key, token=issued.token)


def installer(workspace: Workspace) -> Actor:
    """The account's own principal, for what no person did."""
    return Actor(
        account_id=workspace.account_id,
        workspace_id=workspace.pk,
        profile_id=workspace.account.system_profile.pk,
        label="test",
        is_person=False,
        source=AuditEvent.Source.COMMAND,
    )

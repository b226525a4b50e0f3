"""REST about the secrets of a tool set or of the workspace: names to read, values only to write."""

from typing import ClassVar

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.identity.editing import settled
from gateway.identity.roles import Right
from gateway.rest.operations import operation
from gateway.rest.pages import CURSOR_PAGE, page_of
from toolsets import secrets
from toolsets.api.answers import secret_json
from toolsets.api.serializers import SecretBody
from toolsets.api.shapes import SecretPage, SecretShape
from toolsets.api.views import ToolSetView, wake_sync
from toolsets.models import Secret, ToolSet


class SecretView(ToolSetView):
    """What views about secrets have in common; without a tool set they are about those of the workspace."""

    topic = "Secrets"

    def holder(self, tool_set_id: str) -> ToolSet | None:
        return self.tool_set(tool_set_id) if tool_set_id else None


class Secrets(SecretView):
    """The names of the secrets."""

    rights: ClassVar = {"GET": Right.READ}

    @operation(
        "listSecrets",
        "List the names of secrets",
        answers={200: SecretPage},
        query=CURSOR_PAGE,
    )
    def get(self, request: Request, tool_set_id: str = "") -> Response:
        rows = Secret.objects.in_workspace(self.caller.workspace_id).filter(
            tool_set=self.holder(tool_set_id)
        )
        page = page_of(rows.select_related("use"), self.query)
        return Response(page.body(lambda found: map(secret_json, found)))


class OneSecret(SecretView):
    """One secret."""

    rights: ClassVar = {"PUT": Right.KEYS, "DELETE": Right.KEYS}

    @operation(
        "storeSecret",
        "Store a secret, or replace its value",
        body=SecretBody,
        answers={200: SecretShape},
        refusals=(409,),
    )
    def put(self, request: Request, name: str, tool_set_id: str = "") -> Response:
        self.holder(tool_set_id)
        body = SecretBody(data=self.body)
        body.is_valid(raise_exception=True)
        secret = settled(
            lambda: secrets.store_secret(
                self.workspace,
                name=name,
                value=body.validated_data["value"],
                tool_set=self.holder(tool_set_id),
                actor=self.actor,
            )
        )
        if secret.tool_set is not None:
            wake_sync(secret.tool_set)
        return Response(secret_json(secret))

    @operation("deleteSecret", "Delete a secret", answers={204: None}, refusals=(409,))
    def delete(self, request: Request, name: str, tool_set_id: str = "") -> Response:
        settled(lambda: self._delete(name, tool_set_id))
        return Response(status=204)

    def _delete(self, name: str, tool_set_id: str) -> None:
        rows = Secret.objects.in_workspace(self.caller.workspace_id).filter(
            tool_set=self.holder(tool_set_id), name=name.upper()
        )
        secret = rows.select_related("tool_set").first()
        if secret is None:
            raise Http404
        secrets.delete_secret(secret, actor=self.actor)

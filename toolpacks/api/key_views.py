"""REST about API keys: the token leaves once, when a key is made or rotated."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from gateway.identity import keys
from gateway.identity.api.base import WorkspaceView
from gateway.identity.keys import DEFAULT_LIFETIME, IssuedKey
from gateway.identity.models import AgentProfile, ApiKey, RegisteredUser
from gateway.identity.permissions import RightMissing
from gateway.identity.roles import Right, Role
from gateway.rest.operations import operation
from gateway.rest.pages import CURSOR_PAGE, page_of
from gateway.rest.updates import errors_at
from toolpacks.api.answers import keys_json, role_of
from toolpacks.api.serializers import KeyBody
from toolpacks.api.shapes import ApiKeyPage, ApiKeyShape, IssuedApiKeyShape
from toolpacks.key_limits import issue_pack_key, require_role
from toolpacks.models import ToolPack

_ERROR_PATHS = {
    "name": ("metadata", "name"),
    "scopes": ("spec", "scopes"),
    "role": ("spec", "role"),
    "expires_at": ("spec", "expiresAt"),
}


class KeyView(WorkspaceView):
    """What views about API keys have in common."""

    topic = "API keys"

    def keys(self) -> QuerySet[Any]:
        rows = ApiKey.objects.in_workspace(self.caller.workspace_id)
        return rows.select_related("profile").prefetch_related("profile__memberships")

    def key(self, reference: str, *rights: Right) -> ApiKey:
        """The key, when the caller has one of `rights`, or made it and may manage its own."""
        key: ApiKey | None = self.keys().filter(pk=reference).first()
        if key is None:
            raise Http404
        is_own = self.caller.profile_id in {key.created_by_id, key.profile_id}
        if not any(map(self.caller.has, rights)) and not (
            is_own and self.caller.has(Right.OWN_KEYS)
        ):
            raise RightMissing(
                f"The role {self.caller.role} may not do this to a key that somebody else made."
            )
        return key

    def shown(self, rows: Sequence[ApiKey]) -> list[dict[str, Any]]:
        return keys_json(rows, account_id=self.caller.account_id, at=timezone.now())

    def answer_issued(self, issued: IssuedKey, *, status: int) -> Response:
        """The key, with its token for the only time."""
        key = self.keys().get(pk=issued.key.pk)
        return Response({**self.shown([key])[0], "token": issued.token}, status=status)


class ApiKeys(KeyView):
    """The API keys of the workspace."""

    rights: ClassVar = {"GET": Right.READ, "POST": Right.OWN_KEYS}

    @operation(
        "listApiKeys", "List API keys", answers={200: ApiKeyPage}, query=CURSOR_PAGE
    )
    def get(self, request: Request) -> Response:
        return Response(page_of(self.keys(), self.query).body(self.shown))

    @operation(
        "createApiKey",
        "Create an API key",
        body=KeyBody,
        answers={201: IssuedApiKeyShape},
    )
    def post(self, request: Request) -> Response:
        body = KeyBody(data=self.body)
        body.is_valid(raise_exception=True)
        fields = self.with_rows(dict(body.validated_data["spec"]))
        with errors_at(_ERROR_PATHS):
            issued = issue_pack_key(
                self.workspace,
                name=body.validated_data["metadata"]["name"],
                **fields,
                issuer=self.caller,
                actor=self.actor,
            )
        return self.answer_issued(issued, status=201)

    def with_rows(self, spec: dict[str, Any]) -> dict[str, Any]:
        """The fields of a domain call, with the rows of this workspace that the spec refers to."""
        here = self.caller.workspace_id
        users = RegisteredUser.objects.in_workspace(here)
        agents = AgentProfile.objects.in_workspace(here)
        return {
            **spec,
            "role": spec.get("role", Role.READ_ONLY),
            "expires_at": spec.get("expires_at", timezone.now() + DEFAULT_LIFETIME),
            "packs": _each(spec.get("packs"), self.packs, "toolPacks"),
            "limited_to_users": _each(
                spec.get("limited_to_users"),
                lambda reference: users.filter(pk=reference),
                "registeredUsers",
            ),
            "registered_user": _one(
                users, spec.get("registered_user"), "registeredUserId"
            ),
            "agent_profile": _one(agents, spec.get("agent_profile"), "agentProfileId"),
        }

    def packs(self, reference: str) -> QuerySet[Any]:
        rows = ToolPack.objects.in_workspace(self.caller.workspace_id)
        return rows.referred_to_as(reference)


class OneApiKey(KeyView):
    """One API key."""

    rights: ClassVar = {"GET": Right.READ}

    @operation("getApiKey", "Get an API key", answers={200: ApiKeyShape})
    def get(self, request: Request, key_id: str) -> Response:
        return Response(self.shown([self.key(key_id, Right.READ)])[0])


class RotateApiKey(KeyView):
    """`POST …:rotate`: a new token; the old one stops working at once."""

    rights: ClassVar = {"POST": Right.OWN_KEYS}

    @operation(
        "rotateApiKey",
        "Give an API key a new token, and void the old",
        answers={200: IssuedApiKeyShape},
        refusals=(409,),
    )
    def post(self, request: Request, key_id: str) -> Response:
        key = self.key(key_id, Right.KEYS)
        require_role(self.caller, role_of(key))
        issued = keys.rotate_key(key, actor=self.actor)
        return self.answer_issued(issued, status=200)


class RevokeApiKey(KeyView):
    """`POST …:revoke`: the end of the key."""

    rights: ClassVar = {"POST": Right.READ}

    @operation(
        "revokeApiKey",
        "Revoke an API key for good",
        answers={200: ApiKeyShape},
        refusals=(409,),
    )
    def post(self, request: Request, key_id: str) -> Response:
        key = self.key(key_id, Right.KEYS, Right.REVOKE_KEYS)
        keys.revoke_key(key, actor=self.actor)
        return Response(self.shown([self.keys().get(pk=key.pk)])[0])


def _each(references: Sequence[str] | None, rows_of: Any, member: str) -> Any:
    if references is None:
        return None
    rows = [rows_of(reference).first() for reference in references]
    if None in rows:
        raise _unknown(member)
    return rows


def _one(rows: Any, reference: str | None, member: str) -> Any:
    if not reference:
        return None
    row = rows.filter(pk=reference).first()
    if row is None:
        raise _unknown(member)
    return row


def _unknown(member: str) -> ValidationError:
    return ValidationError({f"spec.{member}": "This workspace has none with this id."})

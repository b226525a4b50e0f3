"""Establishes who makes a REST request: an API key, or a person who is signed in to the admin."""

from django.utils import timezone
from rest_framework.authentication import (
    BaseAuthentication,
    SessionAuthentication,
    get_authorization_header,
)
from rest_framework.request import Request

from gateway.errors import Refused
from gateway.identity.callers import Caller, caller_for_token
from gateway.identity.keys import TokenInvalid
from gateway.identity.usage import note_use


class NoWorkspace(Refused):
    """The person who is signed in is a member of no workspace."""

    code = "no_workspace"


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`."""

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        header = get_authorization_header(request)
        if not header:
            return None
        kind, _, token = header.decode("latin-1").partition(" ")
        if kind.lower() != "bearer":
            raise TokenInvalid
        now = timezone.now()
        caller = caller_for_token(token.strip(), at=now)
        note_use(caller.key_id, at=now)
        request._request.caller = caller  # type: ignore[attr-defined]
        return caller, caller

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="toolcrib"'


class AdminSessionAuthentication(SessionAuthentication):
    """The admin's session, with CSRF protection: how a person uses REST."""

    def authenticate(self, request: Request) -> tuple[Caller, Caller] | None:
        if super().authenticate(request) is None:
            return None
        caller: Caller | None = getattr(request._request, "caller", None)
        if caller is None:
            raise NoWorkspace(
                "You are a member of no workspace. Ask an admin of one to invite you."
            )
        return caller, caller

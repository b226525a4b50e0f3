"""What a caller may do over REST: the management scope, and the right that the view names for the method."""

from typing import TYPE_CHECKING

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from gateway.errors import Refused
from gateway.identity.callers import Caller
from gateway.identity.models import ApiKey
from gateway.identity.roles import Right

if TYPE_CHECKING:  # DRF's views import this module
    from rest_framework.views import APIView


class ScopeMissing(Refused):
    """The key's scopes do not cover REST."""

    code = "missing_scope"


class RightMissing(Refused):
    """The caller's role does not cover this."""

    code = "forbidden"


class RolePermission(BasePermission):
    """Asks a view for its `rights`, a mapping of methods to the right that each needs; what is not named is refused."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        caller = request.auth
        if not isinstance(caller, Caller):
            return False  # the framework answers 401
        require_management(caller)
        method = "GET" if request.method in {"HEAD", "OPTIONS"} else request.method
        rights: dict[str, Right] = getattr(view, "rights", {})
        if method not in rights:
            raise MethodNotAllowed(request.method or "")
        require(caller, rights[method])
        return True


def require(caller: Caller, right: Right) -> None:
    """Raise `RightMissing` unless the caller has the right."""
    if not caller.has(right):
        raise RightMissing(
            f"The role {caller.role or 'none'} does not include: {right.value}."
        )


def require_management(caller: Caller) -> None:
    """Raise `ScopeMissing` when the caller is a key that is not for REST."""
    if not caller.is_person and ApiKey.Scope.MANAGEMENT not in caller.scopes:
        raise ScopeMissing(
            f"This API key has no scope {ApiKey.Scope.MANAGEMENT}, which REST needs."
        )

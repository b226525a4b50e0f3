"""How errors leave over REST: `{code, message, details}`, by one table from code to HTTP status."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from gateway.errors import GatewayError

STATUSES = {
    "invalid_argument": 400,
    "api_key_without_limits": 400,
    "schema_unusable": 400,
    "invalid_token": 401,
    "not_authenticated": 401,
    "credentials_stay": 403,
    "forbidden": 403,
    "missing_scope": 403,
    "networks_forbidden": 403,
    "no_workspace": 403,
    "tool_set_managed": 403,
    "trial_forbidden": 403,
    "unauthorized_tool": 403,
    "wider_than_yourself": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "not_acceptable": 406,
    "already_member": 409,
    "api_key_revoked": 409,
    "belongs_elsewhere": 409,
    "bundle_busy": 409,
    "changed_meanwhile": 409,
    "external_id_taken": 409,
    "in_use": 409,
    "last_admin": 409,
    "not_exportable": 409,
    "not_syncable": 409,
    "tool_archived": 409,
    "tool_filtered": 409,
    "tool_set_archived": 409,
    "tool_set_in_use": 409,
    "tools_are_synced": 409,
    "unsupported_media_type": 415,
    "inspections_busy": 429,
    "throttled": 429,
    "address_refused": 422,
    "header_refused": 422,
    "missing_secret": 422,
    "internal": 500,
    "database_unavailable": 503,
}
NOT_FOUND = "There is nothing here that you may see."
_MAY_BE_MENDED_BY_A_RETRY = frozenset(
    {"bundle_busy", "changed_meanwhile", "inspections_busy", "throttled"}
)
_CODES_OF_FRAMEWORK: dict[type[Exception], str] = {
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.AuthenticationFailed: "invalid_token",
    exceptions.PermissionDenied: "forbidden",
    PermissionDenied: "forbidden",
    exceptions.NotFound: "not_found",
    Http404: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.Throttled: "throttled",
    exceptions.ParseError: "invalid_argument",
    OperationalError: "database_unavailable",
    InterfaceError: "database_unavailable",
}


def handle(exc: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer an exception of a view; None for what nobody anticipated, which becomes a logged 500."""
    body = problem_of(exc)
    if body is None:
        return None
    set_rollback()
    response = Response(body, status=STATUSES[body["code"]])
    for name, value in headers_of(body["code"]).items():
        response[name] = value
    if isinstance(exc, exceptions.MethodNotAllowed):
        response["Allow"] = ", ".join(context["view"].allowed_methods)
    return response


def problem_of(exc: Exception) -> dict[str, Any] | None:
    """The body that tells of `exc`."""
    if isinstance(exc, GatewayError) and exc.code in STATUSES:
        return problem(exc.code, exc.message)
    if isinstance(exc, ValidationError):
        return invalid(dict(_of_django(exc)))
    if isinstance(exc, exceptions.ValidationError):
        return invalid(dict(_of_framework(exc.detail)))
    for known, code in _CODES_OF_FRAMEWORK.items():
        if isinstance(exc, known):
            return problem(code, _words(exc, code))
    return None


def problem(
    code: str, message: str, details: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """A problem's body; `details` maps a field to what is wrong with it."""
    listed = [
        {"field": field, "description": text} for field, text in (details or {}).items()
    ]
    return {"code": code, "message": message, "details": listed}


def invalid(details: Mapping[str, str]) -> dict[str, Any]:
    words = "; ".join(
        f"{field}: {text}" if field else text for field, text in details.items()
    )
    return problem(
        "invalid_argument", words[:2000], {k: v for k, v in details.items() if k}
    )


def headers_of(code: str) -> dict[str, str]:
    headers, status = {}, STATUSES[code]
    if 400 <= status < 500 and code not in _MAY_BE_MENDED_BY_A_RETRY:
        headers["x-should-retry"] = "false"
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="toolcrib", error="invalid_token"'
    return headers


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler for addresses that lead nowhere: the same words as for a missing object."""
    if not request.path.startswith("/v1/"):
        return defaults.page_not_found(request, exception)
    return _answer("not_found", NOT_FOUND)


def broken(request: HttpRequest) -> HttpResponse:
    """Django's handler for what nobody anticipated. Django has logged it."""
    if not request.path.startswith("/v1/"):
        return defaults.server_error(request)
    return _answer("internal", "Toolcrib failed. The log of the server says why.")


def _answer(code: str, message: str) -> HttpResponse:
    return JsonResponse(
        problem(code, message), status=STATUSES[code], headers=headers_of(code)
    )


def _words(exc: Exception, code: str) -> str:
    match code:
        case "not_found":
            return NOT_FOUND
        case "database_unavailable":
            return "The database does not answer. Try again in a few seconds."
        case "not_authenticated":
            return "Send an API key as a bearer token: Authorization: Bearer <token>."
        case _:
            return str(exc) or "You may not do this."


def _of_django(exc: ValidationError) -> Iterator[tuple[str, str]]:
    if hasattr(exc, "error_dict"):
        for field, messages in exc.message_dict.items():
            yield ("" if field == "__all__" else field), " ".join(messages)
    else:
        yield "", " ".join(exc.messages)


def _of_framework(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            here = path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
            yield from _of_framework(inner, here)
    elif isinstance(detail, list) and any(isinstance(d, Mapping) for d in detail):
        for index, inner in enumerate(detail):
            yield from _of_framework(inner, f"{path}[{index}]")
    else:
        listed = detail if isinstance(detail, list) else [detail]
        yield path, " ".join(str(text) for text in listed)

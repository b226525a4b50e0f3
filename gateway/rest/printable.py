"""Refuses addresses that hold a NUL, which no database takes: over REST as its problems are told, elsewhere as a page."""

from collections.abc import Callable

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from gateway.rest.problems import STATUSES, headers_of, invalid

_SAID = "Give text without NUL characters."
_CODE = "invalid_argument"

GetResponse = Callable[[HttpRequest], HttpResponse]


class PrintableAddressMiddleware:
    """Lets no request by whose path or query holds a NUL."""

    def __init__(self, get_response: GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        wrong = _wrong_in(request)
        if not wrong:
            return self._get_response(request)
        if not request.path.startswith("/v1/"):
            return defaults.bad_request(request, BadRequest(_SAID))
        return JsonResponse(
            invalid(dict.fromkeys(wrong, _SAID)),
            status=STATUSES[_CODE],
            headers=headers_of(_CODE),
        )


def _wrong_in(request: HttpRequest) -> list[str]:
    """The parameters of the query that hold one; "" stands for the path, and for the name of a parameter."""
    found = [""] if "\0" in request.path else []
    if "%00" in request.META.get("QUERY_STRING", ""):
        found += [
            "" if "\0" in name else name
            for name, values in request.GET.lists()
            if any("\0" in text for text in (name, *values))
        ]
    return found

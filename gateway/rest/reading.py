"""The API's description, for programs to read. Nobody needs a key for it: it is the same for everyone, and holds no data."""

from functools import cache

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import conditional_page, require_safe

from gateway.rest.description import document


@require_safe
@conditional_page
def openapi_json(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_written(), content_type="application/json")


@cache
def _written() -> bytes:
    return orjson.dumps(document())

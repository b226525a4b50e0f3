"""Builds the request of one call from the tool's configuration and the call's arguments."""

from collections.abc import Mapping

from django.core.exceptions import ValidationError

from toolsets.adapters.calling import Target, ToolRequest
from toolsets.adapters.http.bodies import body_of
from toolsets.adapters.http.configs import HttpTool, compiled
from toolsets.adapters.http.positions import header_of, path_of, query_of
from toolsets.adapters.http.requests import (
    OutgoingRequest,
    RequestRefused,
    overridden,
)
from toolsets.adapters.sending import http_url

_LONGEST_URL = 32_768


def build(target: Target, request: ToolRequest) -> OutgoingRequest:
    """The request that a call of a hand-written tool makes.

    Raises:
        RequestRefused: the arguments do not fit where the templates put them.
        MissingSecret, HeaderRefused: a header cannot be sent as it stands.
    """
    tool = _tool(request.config)
    body, content_type = b"", ""
    if tool.body is not None:
        body, content_type = body_of(
            tool.content_type, tool.body.render(request.arguments)
        )
    return OutgoingRequest(
        method=tool.method,
        url=_url(target.url, tool, request.arguments),
        headers=_headers(target, tool, request.arguments),
        body=body or None,
        content_type=content_type,
    )


def _tool(config: str) -> HttpTool:
    try:
        return compiled(config)
    except ValidationError as exc:
        raise RequestRefused(
            "The tool's configuration cannot be used: an operator must save it again. Nothing was sent."
        ) from exc


def _url(base_url: str, tool: HttpTool, arguments: Mapping[str, object]) -> str:
    base = http_url(base_url)
    path = path_of(tool.path.render(arguments))
    if path:
        path = f"{base.raw_path.rstrip('/')}/{path.removeprefix('/')}"
    query = query_of(tool.query.render(arguments))
    url = f"{base.origin()}{path or base.raw_path}{'?' + query if query else ''}"
    if len(url) > _LONGEST_URL:
        raise RequestRefused(
            f"The address would be longer than {_LONGEST_URL} characters. Nothing was sent."
        )
    return url


def _headers(
    target: Target, tool: HttpTool, arguments: Mapping[str, object]
) -> dict[str, str]:
    """The tool set's headers, with the tool's in their place; one that comes out empty is left out."""
    own = {
        name: header_of(name, template.render(arguments), target.secrets)
        for name, template in tool.headers.items()
    }
    merged = overridden(target.headers, own)
    return {name: value for name, value in merged.items() if value}

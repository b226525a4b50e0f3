"""The REST routes, read from the URLconf, so that a new one cannot be forgotten by the tests about all of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

from gateway.identity.api.base import WorkspaceView


@dataclass(frozen=True, kw_only=True)
class Route:
    """A REST address with its parameters, and the view behind it."""

    path: str
    parameters: tuple[str, ...]
    view: type[WorkspaceView]


def rest_routes() -> list[Route]:
    found = _routes(get_resolver().url_patterns, "", ())
    return sorted((r for r in found if r.path.startswith("v1/")), key=lambda r: r.path)


def _routes(patterns: Any, before: str, parameters: tuple[str, ...]) -> Iterator[Route]:
    for pattern in patterns:
        here = before + str(pattern.pattern)
        names = (*parameters, *pattern.pattern.converters)
        if isinstance(pattern, URLResolver):
            yield from _routes(pattern.url_patterns, here, names)
        elif isinstance(pattern, URLPattern) and here.startswith("v1/"):
            view = getattr(pattern.callback, "view_class", None)
            if view is not None:  # else a page about the API itself
                yield Route(path=here, parameters=names, view=view)


def address(route: Route, named: dict[str, str]) -> str:
    """The route's path with these values for its parameters."""
    path = "/" + route.path
    for name in route.parameters:
        start = path.rindex("<", 0, path.index(f":{name}>"))
        end = path.index(">", start) + 1
        path = path[:start] + named[name] + path[end:]
    return path


def methods_of(route: Route) -> list[str]:
    return sorted(route.view.rights)

"""Every anticipated error: one word each, short enough for the row, and a result for a model."""

import pkgutil
import re
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module

import gateway
import registry
import toolpacks
import toolsets
from gateway.errors import GatewayError
from gateway.mcp.models import ToolCall
from gateway.mcp.protocol import Client
from gateway.mcp.results import refusal

# The same happens to two parts of the house, as to a listing and to a call: one word for it, whoever meets it.
SHARED = {
    "address_refused",
    "changed_meanwhile",
    "redirected",
    "too_large",
    "upstream_error",
}


def every_error() -> list[type[GatewayError]]:
    for package in (gateway, toolsets, registry, toolpacks):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    ours = ("gateway", "toolsets", "registry", "toolpacks")
    return [e for e in _below(GatewayError) if e.__module__.startswith(ours)]


def _below(error: type[GatewayError]) -> Iterator[type[GatewayError]]:
    for inner in error.__subclasses__():
        yield inner
        yield from _below(inner)


def test_every_error_has_a_code_that_fits_the_row() -> None:
    longest = ToolCall._meta.get_field("code").max_length or 0

    odd = [
        error.__name__
        for error in every_error()
        if not re.fullmatch(r"[a-z][a-z_]+", error.code) or len(error.code) > longest
    ]

    assert odd == []


def test_one_code_means_one_thing() -> None:
    users: dict[str, list[type[GatewayError]]] = defaultdict(list)
    for error in every_error():
        users[error.code].append(error)

    ambiguous = {
        code: [error.__name__ for error in errors]
        for code, errors in users.items()
        if code not in SHARED and not _are_of_one_family(errors)
    }

    assert ambiguous == {}


def _are_of_one_family(errors: list[type[GatewayError]]) -> bool:
    """Whether all are the first of them, or kinds of it."""
    return any(all(issubclass(e, first) for e in errors) for first in errors)


def test_every_error_leaves_a_call_as_a_result_with_its_code() -> None:
    for error in every_error():
        if "code" not in vars(error):
            continue
        raised = error.__new__(error)
        raised.message = "It did not work."

        result = refusal(raised, Client(version="2025-11-25"))

        assert result["isError"] is True
        assert result["_meta"] == {"dev.toolcrib/refusal": {"code": error.code}}
        assert "structuredContent" not in result

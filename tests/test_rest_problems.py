"""How errors leave over REST."""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError
from rest_framework import exceptions

import gateway.identity
import toolpacks
import toolsets
from gateway.errors import GatewayError, Refused
from gateway.rest.problems import STATUSES, headers_of, problem_of

REST_PACKAGES = ("gateway.identity", "toolsets", "toolpacks")
# Raised at start, on the call path, inside a sync or a bundle's run, or by commands; none of them leaves a REST view.
NEVER_OVER_REST = (
    "gateway.identity.installation",
    "toolsets.adapters",
    "toolpacks.bundles.effecting",
    "toolpacks.bundles.runs.RunLost",
    "toolsets.claims",
    "toolsets.following",
    "toolsets.sync.Interrupted",
)


def errors_of_rest() -> list[type[GatewayError]]:
    for package in (gateway.identity, toolsets, toolpacks):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" not in module.name:
                import_module(module.name)
    return [
        error
        for error in _below(GatewayError)
        if error.__module__.startswith(REST_PACKAGES)
        and not f"{error.__module__}.{error.__name__}".startswith(NEVER_OVER_REST)
    ]


def _below(error: type[GatewayError]) -> Iterator[type[GatewayError]]:
    for inner in error.__subclasses__():
        yield inner
        yield from _below(inner)


def test_every_error_that_can_leave_has_a_status() -> None:
    unmapped = {e.__name__: e.code for e in errors_of_rest() if e.code not in STATUSES}

    assert unmapped == {}


def test_refusals_are_the_callers_to_mend() -> None:
    wrong = [
        error.__name__
        for error in errors_of_rest()
        if issubclass(error, Refused) and not 400 <= STATUSES[error.code] < 500
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("error", "code", "details"),
    [
        (
            ValidationError({"a": ["one", "two"]}),
            "invalid_argument",
            [{"field": "a", "description": "one two"}],
        ),
        (ValidationError("whole"), "invalid_argument", []),
        (
            exceptions.ValidationError({"spec": {"tags": [{}, {"x": ["bad"]}]}}),
            "invalid_argument",
            [{"field": "spec.tags[1].x", "description": "bad"}],
        ),
        (exceptions.ParseError("no"), "invalid_argument", []),
        (exceptions.MethodNotAllowed("PUT"), "method_not_allowed", []),
        (
            exceptions.UnsupportedMediaType("text/plain"),
            "unsupported_media_type",
            [],
        ),
        (OperationalError("secret host name"), "database_unavailable", []),
    ],
)
def test_errors_of_the_frameworks_leave_in_the_same_shape(
    error: Exception, code: str, details: list[dict[str, str]]
) -> None:
    body = problem_of(error)

    assert body is not None
    assert (body["code"], body["details"]) == (code, details)
    assert body["message"]
    assert "secret" not in body["message"]


def test_what_nobody_anticipated_is_left_to_the_log() -> None:
    assert problem_of(RuntimeError("boom")) is None


@pytest.mark.parametrize(
    ("code", "mends"),
    [
        ("invalid_argument", False),
        ("external_id_taken", False),
        ("changed_meanwhile", True),
        ("inspections_busy", True),
        ("database_unavailable", True),
    ],
)
def test_only_what_a_retry_cannot_mend_says_so(code: str, mends: bool) -> None:
    assert ("x-should-retry" not in headers_of(code)) is mends

"""Reads the unions of the API (adapter, tool approvals, matchers), as the clients of its generations send them."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from gateway.rest.bodies import UNKNOWN, without_tag
from toolsets.models import ToolSet

_UPLOADS = "Uploads are not taken. Put the OpenAPI document itself into `document`, or its address into `url`."
_NO_METHOD = "HTTP_METHOD_UNSPECIFIED"
_MATCHERS = ("exact", "startsWith", "endsWith", "contains", "regex")


def adapter_of(union: Mapping[str, Any], *, at: str) -> tuple[str, dict[str, Any]]:
    """The adapter's type and its settings.

    Raises:
        ValidationError: not exactly one known member is given, or a tag disagrees.
    """
    members = ToolSet.AdapterType.values
    given = without_tag(union, members, at=at)
    if unknown := set(given) - set(members):
        raise ValidationError({f"{at}.{name}": UNKNOWN for name in sorted(unknown)})
    if len(given) != 1:
        raise ValidationError({at: f"Give exactly one of {', '.join(members)}."})
    ((adapter_type, settings),) = given.items()
    here = f"{at}.{adapter_type}"
    if not isinstance(settings, Mapping):
        raise ValidationError({here: "Give an object."})
    if "uploadId" in settings:
        raise ValidationError({f"{here}.uploadId": _UPLOADS})
    return adapter_type, _settings(settings, at=here)


def config_of(
    union: Mapping[str, Any], adapter_type: str, *, at: str
) -> dict[str, Any]:
    """The configuration of a tool of a set with this adapter; `…_UNSPECIFIED` and null count as not given.

    Raises:
        ValidationError: another member is given, or a tag disagrees.
    """
    given = without_tag(union, (adapter_type,), at=at)
    if set(given) - {adapter_type}:
        raise ValidationError({at: f"Give {adapter_type}, as the tool set's adapter."})
    config = given.get(adapter_type, {})
    if not isinstance(config, Mapping):
        raise ValidationError({f"{at}.{adapter_type}": "Give an object."})
    return {
        name: held
        for name, held in config.items()
        if held is not None and held != _NO_METHOD
    }


def _settings(settings: Mapping[str, Any], *, at: str) -> dict[str, Any]:
    given = {name: value for name, value in settings.items() if value is not None}
    for name in ("includeTools", "excludeTools"):
        if name in given:
            given[name] = _filter(given[name], at=f"{at}.{name}")
    if isinstance(approvals := given.get("toolApprovals"), Mapping):
        here = f"{at}.toolApprovals"
        approvals = without_tag(approvals, ("always", "only"), at=here)
        if "only" in approvals:
            approvals["only"] = _filter(approvals["only"], at=f"{here}.only")
        given["toolApprovals"] = approvals
    return given


def _filter(value: Any, *, at: str) -> Any:
    if not isinstance(value, Mapping):
        return value
    given = {name: held for name, held in value.items() if held is not None}
    if given.get("operator") in (None, "", "OPERATOR_UNSPECIFIED"):
        given["operator"] = "OPERATOR_AND"  # what clients expect to read back
    if isinstance(conditions := given.get("filters"), list):
        given["filters"] = [
            _condition(held, at=f"{at}.filters[{index}]")
            for index, held in enumerate(conditions)
        ]
    return given


def _condition(value: Any, *, at: str) -> Any:
    if not isinstance(value, Mapping) or not isinstance(value.get("matcher"), Mapping):
        return value
    matcher = without_tag(value["matcher"], _MATCHERS, at=f"{at}.matcher")
    return {**value, "matcher": matcher}

"""The documented API that clients are written for, in words of our own: its operations, fields and spellings.

Nothing here is taken from the code that it is held against. A member in parentheses may be missing from an answer.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    return isinstance(value, str)


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def moment(value: Any) -> bool:
    """RFC 3339, in UTC, and said so with a Z."""
    shape = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z"
    return isinstance(value, str) and bool(re.fullmatch(shape, value))


def pairs(value: Any) -> bool:
    return isinstance(value, dict) and all(map(text, value.values()))


def anything(value: Any) -> bool:
    return isinstance(value, dict)


def one_of(*spellings: str) -> Check:
    return lambda value: value in spellings


def id_of(prefix: str) -> Check:
    """A prefixed ULID."""
    return lambda value: (
        text(value) and bool(re.fullmatch(rf"{prefix}_[0-9A-HJKMNP-TV-Z]{{26}}", value))
    )


MATCHERS = ("exact", "startsWith", "endsWith", "contains", "regex")
ATTRIBUTES = ("ATTRIBUTE_NAME", "ATTRIBUTE_TITLE", "ATTRIBUTE_DESCRIPTION")
OPERATORS = ("OPERATOR_AND", "OPERATOR_OR")
STATUSES = (
    "TOOL_STATUS_AVAILABLE",
    "TOOL_STATUS_FILTERED",
    "TOOL_STATUS_OMITTED",
    "TOOL_STATUS_ARCHIVED",
)
PROFILE_TYPES = ("PROFILE_TYPE_USER", "PROFILE_TYPE_API_KEY", "PROFILE_TYPE_SYSTEM")
REQUEST_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_OPERATION_METADATA = {
    "accountId": id_of("acct"),
    "workspaceId": id_of("ws"),
    "profileId": id_of("prof"),
    "createdAt": moment,
    "externalId": text,
    "labels": pairs,
}
_RESOURCE_METADATA = {**_OPERATION_METADATA, "name": text, "bundleKey": text}
PROFILE = {
    "metadata": {
        "id": id_of("prof"),
        "accountId": id_of("acct"),
        "name": text,
        "profileId": text,
        "externalId": text,
        "labels": pairs,
    },
    "spec": {"type": one_of(*PROFILE_TYPES), "name": text, "(email)": text},
}
FILTER = {
    "operator": one_of(*OPERATORS),
    "filters": [
        {
            "attribute": one_of(*ATTRIBUTES),
            "matcher": {
                **{f"({matcher})": text for matcher in MATCHERS},
                "(caseSensitive)": flag,
            },
        }
    ],
}
TOOL_SET = {
    "metadata": {**_RESOURCE_METADATA, "id": id_of("ts")},
    "spec": {
        "description": text,
        "adapter": {
            "(mcp)": {
                "url": text,
                "(headers)": pairs,
                "(includeTools)": FILTER,
                "(excludeTools)": FILTER,
                "(toolApprovals)": {"(always)": flag, "(only)": FILTER},
            },
            "(http)": {"baseUrl": text, "(headers)": pairs},
            "(openapi)": {
                "(url)": text,
                "(document)": text,
                "(baseUrl)": text,
                "(serverName)": text,
                "(headers)": pairs,
                "(includeTools)": FILTER,
                "(excludeTools)": FILTER,
                "(toolApprovals)": {"(always)": flag, "(only)": FILTER},
            },
        },
    },
    "managed": flag,
    "state": one_of("STATE_ACTIVE", "STATE_ARCHIVED"),
}
TOOL = {
    "metadata": {**_RESOURCE_METADATA, "id": id_of("tool")},
    "spec": {
        "config": {
            "(mcp)": {"toolName": text, "toolTitle": text, "toolDescription": text},
            "(http)": {
                "requestMethod": one_of(*REQUEST_METHODS),
                "path": text,
                "query": text,
                "headers": pairs,
                "requestBodyContentType": text,
                "requestBodyTemplate": text,
                "toolName": text,
            },
            "(openapi)": {
                "method": one_of(*REQUEST_METHODS),
                "path": text,
                "operationId": text,
            },
        },
        "description": text,
        "parameters": anything,
        "status": one_of(*STATUSES),
        "requiresApproval": flag,
    },
}
EVENT = {
    "metadata": {**_OPERATION_METADATA, "id": id_of("tsevent")},
    "event": {
        "type": one_of("sync_started", "sync_completed", "sync_failed"),
        "(syncStarted)": {"message": text},
        "(syncCompleted)": {"message": text, "toolsSynced": count},
        "(syncFailed)": {"error": flag, "errorType": text, "message": text},
    },
    "toolSetId": id_of("ts"),
}
TOOL_SET_INFO = {
    "agentCount": count,
    "createdBy": PROFILE,
    "lastSync": moment,
    "toolCount": count,
}
INFO = {
    "createdBy": PROFILE,
    "toolSet": {**_RESOURCE_METADATA, "id": id_of("ts")},
}
PROBLEM = {
    "code": text,
    "message": text,
    "details": [{"field": text, "description": text}],
}
# Members that are ours: the documented API has them not, or has them later.
OURS = frozenset(
    {
        "allowedNetworks",
        "annotations",
        "auth",
        "health",
        "interactions",
        "outputSchema",
        "slug",
        "statusReason",
        "syncIntervalSeconds",
        "tags",
        "title",
    }
)


def deviations(expected: Any, given: Any, at: str = "") -> list[str]:
    """Where `given` is not as documented: what is missing, misspelt or of another type."""
    return list(_deviations(expected, given, at))


def _deviations(expected: Any, given: Any, at: str) -> Iterator[str]:
    if isinstance(expected, Mapping):
        yield from _of_object(expected, given, at)
    elif isinstance(expected, list):
        if not isinstance(given, list):
            yield f"{at} is no list"
            return
        for index, item in enumerate(given):
            yield from _deviations(expected[0], item, f"{at}[{index}]")
    elif not expected(given):
        yield f"{at} is {given!r}"


def _of_object(expected: Mapping[str, Any], given: Any, at: str) -> Iterator[str]:
    if not isinstance(given, dict):
        yield f"{at} is no object"
        return
    names = {name.strip("()") for name in expected}
    yield from (f"{at}.{name} is not known" for name in set(given) - names - OURS)
    for name, inner in expected.items():
        plain = name.strip("()")
        if plain in given:
            yield from _deviations(inner, given[plain], f"{at}.{plain}")
        elif plain == name:
            yield f"{at}.{name} is missing"

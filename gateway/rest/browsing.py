"""The API's description as a page for people, made on the server from the same document that programs read."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import orjson
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from gateway.rest.description import IN_WORKSPACE, document
from gateway.rest.examples import example_of, kinds_of

_FIRST = ("Tool sets", "Tools", "Secrets", "Tool packs", "Registered users")


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    frame = admin.site.each_context(request)
    return render(request, "toolcrib/api/docs.html", {**frame, **_shown()})


@cache
def _shown() -> dict[str, Any]:
    described = document()
    schemas = described["components"]["schemas"]
    return {
        "api": described["info"],
        "about": _words(described["info"]["description"]),
        "server": described["servers"][0]["url"],
        "topics": _topics(described),
        "objects": [_object(name, schemas[name]) for name in sorted(schemas)],
    }


def _topics(described: Mapping[str, Any]) -> list[dict[str, Any]]:
    topics: dict[str, list[dict[str, Any]]] = {}
    for path, methods in described["paths"].items():
        if path.startswith(IN_WORKSPACE):
            continue
        for method, operation in methods.items():
            shown = _operation(described, path, method, operation)
            topics.setdefault(operation["tags"][0], []).append(shown)
    return [{"name": n, "operations": topics[n]} for n in sorted(topics, key=_place)]


def _place(topic: str) -> tuple[int, str]:
    return (_FIRST.index(topic) if topic in _FIRST else len(_FIRST), topic)


def _operation(
    described: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]
) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {})
    body = content.get("application/json", {}).get("schema")
    answers = [_answer(status, one) for status, one in operation["responses"].items()]
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "description": operation["description"],
        "parameters": [_parameter(one) for one in operation.get("parameters", [])],
        "body": body and kinds_of(body),
        "answers": [one for one in answers if one["status"] < "400"],
        "refusals": [one for one in answers if one["status"] >= "400"],
        "curl": _curl(described, path, method.upper(), body),
    }


def _parameter(parameter: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": parameter["name"],
        "place": parameter["in"],
        "kinds": kinds_of(parameter["schema"]),
        "default": parameter["schema"].get("default"),
        "about": _words(parameter.get("description", "")),
    }


def _answer(status: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    content = answer.get("content", {}).get("application/json")
    return {
        "status": status,
        "phrase": answer["description"],
        "kinds": kinds_of(content["schema"]) if content else [],
    }


def _curl(described: Mapping[str, Any], path: str, method: str, body: Any) -> str:
    address = described["servers"][0]["url"] + path.replace("{", "${")
    verb = "" if method == "GET" else f"-X {method} "
    lines = [f'curl {verb}"{address}"', '-H "Authorization: Bearer $KEY"']
    if body:
        example = example_of(body, described["components"]["schemas"])
        written = orjson.dumps(example, option=orjson.OPT_INDENT_2).decode()
        lines += ['-H "Content-Type: application/json"', f"-d '{written}'"]
    return " \\\n  ".join(lines)


def _object(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    plain = schema["anyOf"][0] if "anyOf" in schema else schema
    return {
        "name": name,
        "about": _words(plain.get("description", "")),
        "members": [
            {
                "name": member,
                "is_required": member in plain.get("required", []),
                "kinds": [k for k in kinds_of(inner) if k["text"] != "null"],
                "may_be_null": any(k["text"] == "null" for k in kinds_of(inner)),
                "about": _words(inner.get("description", "")),
            }
            for member, inner in plain.get("properties", {}).items()
        ],
    }


def _words(text: str) -> list[dict[str, Any]]:
    """A text in pieces, those between backticks being code."""
    return [
        {"text": piece, "is_code": bool(number % 2)}
        for number, piece in enumerate(text.split("`"))
        if piece
    ]

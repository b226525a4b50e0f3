"""An upstream's view of requests: reads what arrived by the document alone, and knows nothing of how it was written.

It reads what the documents of this test use: simple path parameters, form and deepObject queries, JSON and form bodies.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

METHODS = ("get", "put", "post", "delete", "options", "head", "patch")


@dataclass(frozen=True, kw_only=True)
class Read:
    """The parameters by place and name, and the body; every value but JSON's is text."""

    parameters: Mapping[tuple[str, str], Any]
    body: Any


class Reader:
    """Reads the requests of one API, at `base`."""

    def __init__(self, document: Mapping[str, Any], *, base: str = "") -> None:
        self.document = document
        self.base = base

    def operations(self) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield path, method, item[method]

    def resolved(self, value: Any) -> Any:
        while isinstance(value, Mapping) and "$ref" in value:
            found: Any = self.document
            for step in unquote(value["$ref"]).removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            value = found
        return value

    def parameters(self, path: str, method: str) -> list[Mapping[str, Any]]:
        item = self.document["paths"][path]
        given = [*item.get("parameters", []), *item[method].get("parameters", [])]
        named = {(p["in"], p["name"]): p for p in map(self.resolved, given)}
        return list(named.values())

    def read(self, path: str, method: str, seen: Mapping[str, Any]) -> Read:
        assert seen["method"] == method.upper()
        parts = urlsplit(seen["target"])
        pattern = re.sub(r"\\\{([^{}/]+)\\\}", "([^/]*)", re.escape(self.base + path))
        found = re.fullmatch(pattern, parts.path)
        assert found, f"{parts.path} is not {path}"
        names = re.findall(r"\{([^{}/]+)\}", path)
        values: dict[tuple[str, str], Any] = {
            ("path", name): unquote(value, errors="strict")
            for name, value in zip(names, found.groups(), strict=True)
        }
        for name, value in nested(
            parse_qsl(parts.query, keep_blank_values=True)
        ).items():
            values["query", name] = value
        return Read(parameters=values, body=_body(seen))


def _body(seen: Mapping[str, Any]) -> Any:
    body, content_type = seen["body"], seen["headers"].get("content-type", "")
    if not body:
        return None
    if content_type.endswith("json"):
        return json.loads(body)
    if content_type == "application/x-www-form-urlencoded":
        return nested(parse_qsl(body.decode(), keep_blank_values=True))
    if content_type == "application/octet-stream":
        return base64.b64encode(body).decode()
    return body.decode()


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=c` as {"a": {"b": {"0": "c"}}}, and a name that comes more than once as a list."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        first, *rest = re.findall(r"^[^\[]+|\[[^\]]*\]", name)
        steps = [first, *[step[1:-1] for step in rest]]
        place = found
        for step in steps[:-1]:
            place = place.setdefault(step, {})
        if steps[-1] not in place:
            place[steps[-1]] = value
        elif isinstance(place[steps[-1]], list):
            place[steps[-1]].append(value)
        else:
            place[steps[-1]] = [place[steps[-1]], value]
    return found


def spelt(value: Any) -> Any:
    """What a query or a form makes of a value: text all the way down, lists by their indexes."""
    if isinstance(value, Mapping):
        return {name: spelt(held) for name, held in value.items()}
    if isinstance(value, list):
        return {str(index): spelt(held) for index, held in enumerate(value)}
    return value if isinstance(value, str) else json.dumps(value)

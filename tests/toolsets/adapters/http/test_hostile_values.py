"""Hostile values in every position of a request: what the upstream really saw, or nothing at all.

Each value goes through each position and each way a template can put it out. It arrives whole where it belongs, or the
call is refused and nothing is sent: never another host, path segment, header, field or value.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree

import pytest

from tests.toolsets.adapters.forwarding import forwarding, request
from tests.toolsets.adapters.http.calling import http_target
from tests.toolsets.adapters.http.recording import Received, Recorder, recorder
from toolsets.adapters.forwarding import Forwarder
from toolsets.adapters.http.requests import RequestRefused


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


HOSTILE: dict[str, Any] = {
    "plain": "fish",
    "empty": "",
    "space": " ",
    "dot": ".",
    "dots": "..",
    "climb": "../../admin",
    "climb back": "..\\..\\admin",
    "climb in the middle": "a/../../b",
    "climb encoded": "%2e%2e%2fadmin",
    "climb encoded twice": "%252e%252e%252f",
    "climb by semicolon": "..;/admin",
    "many dots": "....//",
    "slash": "/",
    "slashes": "//evil.example/x",
    "address": "https://evil.example/",
    "user info": "@evil.example",
    "port": ":1@evil.example:80",
    "query": "?admin=1&x=#f",
    "ampersand": "a&admin=1",
    "equals": "a=b=c",
    "fragment": "#top",
    "percent": "100%",
    "percent zeros": "%00",
    "plus": "a+b c",
    "line break": "a\r\nX-Evil: 1\r\n\r\nGET /evil HTTP/1.1",
    "newline": "a\nX-Evil: 1",
    "carriage return": "a\rb",
    "tab": "a\tb",
    "nul": "a\x00b",
    "escape": "\x1b[31m",
    "delete": "\x7f",
    "next line": "a\x85b",
    "line separator": "a\u2028b",
    "secret": "${TOKEN}",
    "secret split": "TOKEN}",
    "output": "{{ other }}",
    "tag": "{% assign v = other %}{{ v }}",
    "raw": "{% endraw %}{{ other }}",
    "comment": "{# x #}",
    "double quote": '"',
    "quote and member": '", "admin": true, "x": "',
    "single quotes": "'; DROP TABLE fish; --",
    "backslash": "\\",
    "backslash quote": '\\"',
    "json escape": "\\u0022",
    "braces": "}{",
    "markup": "<a href='x'>&amp;</a><!--",
    "cdata": "]]><evil/>",
    "entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    "boundary": '--b\r\nContent-Disposition: form-data; name="evil"\r\n\r\n1\r\n--b--',
    "attributes": "x;filename=evil.sh;type=text/html",
    "accents": "Größe é ñ 漢字",
    "decomposed": "e\u0301",
    "emoji": "🐟👩‍👩‍👧",
    "right to left": "\u202egpj.exe",
    "zero width": "a\u200b\ufeffb",
    "fullwidth slash": "\uff0f\uff0e\uff0e",
    "not a character": "\uffff",
    "high surrogate": "\ud800",
    "low surrogate": "a\udc00b",
    "ten megabytes": "x" * 10_000_000,
    "ten megabytes of quotes": '"' * 10_000_000,
    "zero": 0,
    "negative": -1,
    "fraction": 0.1,
    "large": 1e300,
    "largest": 2**64 - 1,
    "beyond": 2**70,
    "not a number": float("nan"),
    "infinity": float("inf"),
    "true": True,
    "false": False,
    "null": None,
    "empty array": [],
    "array": [1, "two", None, {"three": '"/..'}],
    "empty object": {},
    "object": {"a": {"b": ["\r\n", "/"]}, "../": "&"},
    "surrogate in an array": ["\ud800"],
    "deep": nested(200),
    "too deep": nested(10_000),
}  # fmt: skip

WAYS = {
    "output": "{{ v }}",
    "echo": "{% echo v %}",
    "liquid": "{% liquid\n echo v %}",
    "condition": "{% if fixed %}{{ v }}{% endif %}",
    "case": "{% case fixed %}{% when 'yes' %}{{ v }}{% endcase %}",
    "assign": "{% assign w = v %}{{ w }}",
    "loop": "{% for w in list %}{{ w }}{% endfor %}",
    "member": "{{ held.v }}",
    "index": "{{ list[0] }}",
    "default": "{{ nothing | default: v, allow_false: true }}",
}
TEXT_WAYS = {
    "capture": "{% capture w %}{{ v }}{% endcapture %}{{ w }}",
    "cycle": "{% cycle v %}",
    "append": "{{ v | append: '' }}",
    "changed": "{% ifchanged %}{{ v }}{% endifchanged %}",
}
"""Ways that make text of every value, and so are for text."""


def compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def text_of(value: Any) -> str:
    """The value as text, as a template has it."""
    if isinstance(value, str):
        return value
    if value is None or value != value or value in (float("inf"), float("-inf")):
        return "" if value is None else "null"
    return compact(value)


# --- positions: a configuration around a template, and what must have arrived -----------------------------------------

Check = Callable[[Received, Any], None]
POSITIONS: dict[str, tuple[Callable[[str], dict[str, Any]], Check]] = {}


def position(
    **config: str | dict[str, str],
) -> Callable[[Check], Check]:
    """The position of @ in a configuration."""

    def fill(template: str) -> dict[str, Any]:
        return {
            name: value.replace("@", template)
            if isinstance(value, str)
            else {k: v.replace("@", template) for k, v in value.items()}
            for name, value in config.items()
        }

    def kept(check: Check) -> Check:
        POSITIONS[check.__name__.replace("_", " ")] = (fill, check)
        return check

    return kept


def is_at(received: Received, path: str, query: str = "") -> None:
    assert (received.path, received.query) == (path, query)


@position(path="/fish/@/scales")
def segment_of_a_path(received: Received, value: Any) -> None:
    base, fish, segment, scales = received.path.removeprefix("/").split("/")
    assert (base, fish, scales) == ("base", "fish", "scales")
    assert unquote(segment, errors="strict") == text_of(value)
    assert segment not in {"", ".", ".."}


@position(path="@")
def whole_path(received: Received, value: Any) -> None:
    base, segment = received.path.removeprefix("/").split("/")
    assert (base, unquote(segment)) == ("base", text_of(value))


@position(path="/fish-@.json")
def part_of_a_segment(received: Received, value: Any) -> None:
    assert received.path.count("/") == 2
    assert unquote(received.path) == f"/base/fish-{text_of(value)}.json"


@position(query="a=@&fixed=1")
def value_of_a_query(received: Received, value: Any) -> None:
    assert received.path == "/base"
    assert pairs(received.query) == [("a", text_of(value)), ("fixed", "1")]


@position(query="@=1&fixed=1")
def key_of_a_query(received: Received, value: Any) -> None:
    assert pairs(received.query) == [(text_of(value), "1"), ("fixed", "1")]


@position(query="@")
def whole_query(received: Received, value: Any) -> None:
    wanted = [(text_of(value), "")] if text_of(value) else []
    assert pairs(received.query) == wanted


@position(headers={"X-Fish": "a @ b", "X-Fixed": "${TOKEN}"})
def header(received: Received, value: Any) -> None:
    is_at(received, "/base")
    assert received.header("x-fish") == f"a {text_of(value)} b"


@position(requestMethod="POST", requestBodyTemplate='{"a": @, "fixed": 1}')
def json_value(received: Received, value: Any) -> None:
    body = json.loads(received.body)
    assert list(body) == ["a", "fixed"]
    is_kept = not isinstance(value, float) or abs(value) < float("inf")
    assert same(body["a"], value if is_kept else None)
    assert body["fixed"] == 1


@position(requestMethod="POST", requestBodyTemplate='{"a": "x@y", "fixed": 1}')
def json_text(received: Received, value: Any) -> None:
    assert json.loads(received.body) == {"a": f"x{text_of(value)}y", "fixed": 1}


@position(requestMethod="POST", requestBodyTemplate='{"@": 0, "fixed": 1}')
def json_key(received: Received, value: Any) -> None:
    assert json.loads(received.body) == {text_of(value): 0, "fixed": 1}


@position(requestMethod="PUT", requestBodyTemplate="@")
def whole_json(received: Received, value: Any) -> None:
    assert received.header("content-type") == "application/json"
    is_kept = not isinstance(value, float) or abs(value) < float("inf")
    assert same(json.loads(received.body), value if is_kept else None)


@position(
    requestMethod="POST",
    requestBodyContentType="application/x-www-form-urlencoded",
    requestBodyTemplate="a=@&fixed=1",
)
def form_value(received: Received, value: Any) -> None:
    assert received.header("content-type") == "application/x-www-form-urlencoded"
    assert pairs(received.body.decode()) == [("a", text_of(value)), ("fixed", "1")]


@position(
    requestMethod="POST",
    requestBodyContentType="multipart/form-data",
    requestBodyTemplate="a=@&fixed=1",
)
def content_of_a_part(received: Received, value: Any) -> None:
    assert fields(received) == [
        ('form-data; name="a"', text_of(value).encode()),
        ('form-data; name="fixed"', b"1"),
    ]


@position(
    requestMethod="POST",
    requestBodyContentType="multipart/form-data",
    requestBodyTemplate="@=1&fixed=1",
)
def name_of_a_part(received: Received, value: Any) -> None:
    (first, one), second = fields(received)
    quoted = text_of(value)
    for plain, written in (('"', "%22"), ("\r", "%0D"), ("\n", "%0A")):
        quoted = quoted.replace(plain, written)
    assert (first, one) == (f'form-data; name="{quoted}"', b"1")
    assert second == ('form-data; name="fixed"', b"1")


@position(
    requestMethod="POST",
    requestBodyContentType="application/xml",
    requestBodyTemplate="<a><c>@</c><fixed/></a>",
)
def xml_text(received: Received, value: Any) -> None:
    root = ElementTree.fromstring(received.body)  # noqa: S314 - of our own making
    assert [child.tag for child in root] == ["c", "fixed"]
    wanted = text_of(value).replace("\r\n", "\n").replace("\r", "\n")
    assert (root[0].text or "") == wanted


@position(
    requestMethod="POST",
    requestBodyContentType="application/soap+xml",
    requestBodyTemplate="<a b='@' fixed='1'/>",
)
def xml_attribute(received: Received, value: Any) -> None:
    root = ElementTree.fromstring(received.body)  # noqa: S314 - of our own making
    assert list(root.attrib) == ["b", "fixed"]
    wanted = text_of(value).replace("\r\n", " ")
    assert root.attrib["b"] == wanted.translate(dict.fromkeys(b"\r\n\t", " "))


@position(
    requestMethod="PATCH",
    requestBodyContentType="text/plain",
    requestBodyTemplate="a @ b",
)
def text(received: Received, value: Any) -> None:
    assert received.body.decode() == f"a {text_of(value)} b"


def pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, errors="strict")


def fields(received: Received) -> list[tuple[str, bytes]]:
    """The parts of a multipart body by a parser that knows only the boundary."""
    content_type = received.header("content-type")
    boundary = content_type.removeprefix("multipart/form-data; boundary=").encode()
    before, *between, after = (b"\r\n" + received.body).split(b"\r\n--" + boundary)
    assert (before, after) == (b"", b"--\r\n")
    found = []
    for part in between:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name, _, disposition = head.decode().partition(": ")
        assert name == "Content-Disposition"
        found.append((disposition, content))
    return found


def same(found: Any, value: Any) -> bool:
    return bool(found == value) and type(found) is type(value)


# --- the matrix -------------------------------------------------------------------------------------------------------

EXPECTED_HEADERS = {"accept", "accept-encoding", "content-length", "content-type", "host", "user-agent", "x-adapter"}  # fmt: skip


def calls() -> Iterator[tuple[str, str]]:
    """Each value with each way to put it out; what is large goes one way only."""
    for name, value in HOSTILE.items():
        if name in TOO_LONG:
            yield name, "{{ v }}"
            continue
        yield from ((name, way) for way in WAYS.values())
        if isinstance(value, str) and value:
            yield from ((name, way) for way in TEXT_WAYS.values())


def outcomes(
    upstream: Recorder, fill: Callable[[str], dict[str, Any]], check: Check
) -> dict[str, str]:
    """Send every value every way; what became of each: sent or refused."""
    to = http_target(
        upstream.url("/base"),
        headers={"X-Adapter": "1"},
        secrets={"TOKEN": "s3cret"},
    )
    found: dict[str, str] = {}

    async def scene(forwarder: Forwarder) -> None:
        for name, way in calls():
            value = HOSTILE[name]
            config = json.dumps(fill(way))
            arguments = {"v": value, "list": [value], "held": {"v": value}, "fixed": "yes", "other": "leaked"}  # fmt: skip
            upstream.requests.clear()
            try:
                await forwarder.call(
                    to, request(config=config, arguments=arguments, seconds=30)
                )
            except RequestRefused:
                assert upstream.requests == [], (name, way)
                outcome = "refused"
            else:
                received = upstream.request
                assert received.header("host") == f"127.0.0.1:{upstream.port}"
                assert set(received.header_names) <= EXPECTED_HEADERS | {"x-fish", "x-fixed"}  # fmt: skip
                assert b"leaked" not in received.line + received.body
                check(received, value)
                outcome = "sent"
            assert found.setdefault(name, outcome) == outcome, (name, way)

    forwarding(scene)
    return found


REFUSED_EVERYWHERE = {
    "high surrogate",
    "low surrogate",
    "surrogate in an array",
    "beyond",
    "too deep",
}
CONTROLS = {"line break", "newline", "carriage return", "tab", "nul", "escape", "delete", "boundary"}  # fmt: skip
TOO_LONG = {"ten megabytes", "ten megabytes of quotes"}
CLIMBS = {"climb", "climb back", "climb in the middle"}
NOTHING = {"empty", "null"}
NOT_ASCII = {"accents", "decomposed", "emoji", "right to left", "zero width", "fullwidth slash", "not a character", "next line", "line separator"}  # fmt: skip
NOT_IN_XML = {"nul", "escape", "not a character"}
IN_PATHS = CONTROLS | TOO_LONG | CLIMBS | {"next line", "line separator"}
REFUSED: dict[str, set[str]] = {
    "segment of a path": IN_PATHS | NOTHING | {"dot", "dots"},
    "whole path": IN_PATHS | {"empty", "null", "dot", "dots"},
    "part of a segment": IN_PATHS,
    "value of a query": TOO_LONG,
    "key of a query": TOO_LONG,
    "whole query": TOO_LONG,
    "header": CONTROLS | TOO_LONG | NOT_ASCII,
    "name of a part": CONTROLS - {"line break", "newline", "carriage return", "boundary"},
    "xml text": NOT_IN_XML,
    "xml attribute": NOT_IN_XML,
}  # fmt: skip


@pytest.fixture(scope="module")
def recording() -> Iterator[Recorder]:
    with recorder() as recording:
        yield recording


@pytest.mark.parametrize("name", POSITIONS)
def test_hostile_value_arrives_encoded_or_is_refused(
    name: str, recording: Recorder
) -> None:
    fill, check = POSITIONS[name]

    found = outcomes(recording, fill, check)

    refused = {value for value, outcome in found.items() if outcome == "refused"}
    assert refused == REFUSED_EVERYWHERE | REFUSED.get(name, set())

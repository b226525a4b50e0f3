"""Each member of a tool's configuration, as the upstream sees it."""

from typing import Any

import pytest

from tests.toolsets.adapters.http.calling import call_of, call_tool, http_target, sent
from tests.toolsets.adapters.http.recording import Recorder
from toolsets.adapters.http.requests import RequestRefused
from toolsets.header_rules import MissingSecret


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_only_post_put_and_patch_have_a_body(upstream: Recorder, method: str) -> None:
    config = {"requestMethod": method, "requestBodyTemplate": '{"a": 1}'}

    received = sent(upstream, config)

    assert received.method == method
    assert received.body == (b'{"a": 1}' if method.startswith("P") else b"")
    assert received.header("content-type") == (
        "application/json" if method.startswith("P") else ""
    )


def test_tool_without_a_configuration_gets_the_base_url(upstream: Recorder) -> None:
    assert sent(upstream, {}).line == b"GET /base HTTP/1.1"


@pytest.mark.parametrize(
    ("base", "path", "seen"),
    [
        ("", "/a", "/a"),
        ("", "a", "/a"),
        ("", "", "/"),
        ("/v1", "/a/", "/v1/a/"),
        ("/v1/", "/a", "/v1/a"),
        ("/v1/", "", "/v1/"),
        ("/v1", "/", "/v1/"),
        ("/a%2Fb", "/c%2Fd", "/a%2Fb/c%2Fd"),
        ("", "/a b/ü/100%/%41", "/a%20b/%C3%BC/100%25/%41"),
        ("", "@evil.example/", "/@evil.example/"),
        ("", "/a;b=c,d", "/a;b=c,d"),
        ("", "/a\n  /b\n", "/a/b"),
    ],
)
def test_path_follows_that_of_the_base_url(
    upstream: Recorder, base: str, path: str, seen: str
) -> None:
    call_of(http_target(upstream.url(base)), {"path": path}, {})

    assert upstream.request.target == seen


@pytest.mark.parametrize(
    ("query", "seen"),
    [
        ("", ""),
        ("a=1&b=2", "a=1&b=2"),
        ("?a=1", "a=1"),
        ("a=1\n&b={{ tags }}\n", "a=1&b=%5B%22x%26y%22%2C%22z%22%5D"),
        ("{% for t in tags %}t={{ t }}&{% endfor %}", "t=x%26y&t=z&"),
        ("q=ü b&c[]=1", "q=%C3%BC%20b&c[]=1"),
        ("{{ name }}={{ nothing }}", "a%3Db="),
    ],
)
def test_query_is_as_the_author_wrote_it(
    upstream: Recorder, query: str, seen: str
) -> None:
    assert sent(upstream, {"query": query}, tags=["x&y", "z"], name="a=b").query == seen


def test_headers_of_the_tool_come_before_those_of_the_set(upstream: Recorder) -> None:
    to = http_target(
        upstream.url(),
        headers={"authorization": "set", "X-Set": "set", "X-Gone": "set"},
        secrets={"TOKEN": "s3cret"},
    )
    headers = {"Authorization": "Bearer ${TOKEN}", "X-Tool": "{{ a }}", "x-gone": "{{ nothing }}"}  # fmt: skip

    call_of(to, {"headers": headers}, {"a": "${TOKEN}"})

    received = upstream.request
    assert received.header("authorization") == "Bearer s3cret"
    assert received.header("x-set") == "set"
    assert received.header("x-tool") == "${TOKEN}"
    assert "x-gone" not in received.header_names


def test_missing_secret_is_named_before_anything_is_sent(upstream: Recorder) -> None:
    with pytest.raises(MissingSecret, match="X-Key needs the secret TOKEN"):
        call_tool(upstream, {"headers": {"X-Key": "${TOKEN}"}})
    assert upstream.requests == []


def test_secret_is_filled_into_headers_only(upstream: Recorder) -> None:
    to = http_target(upstream.url(), secrets={"TOKEN": "s3cret"})
    config = {"path": "/${TOKEN}", "query": "a=${TOKEN}", "requestMethod": "POST", "requestBodyTemplate": '"${TOKEN}"'}  # fmt: skip

    call_of(to, config, {})

    assert upstream.request.target == "/$%7BTOKEN%7D?a=$%7BTOKEN%7D"
    assert upstream.request.body == b'"${TOKEN}"'


@pytest.mark.parametrize(
    ("content_type", "template", "body"),
    [
        ("application/json", ' {"a": {{ v }}} ', ' {"a": "<&>\\"é"} '),
        ("application/vnd.api+json; charset=utf-8", "{{ v }}", '"<&>\\"é"'),
        (
            "application/x-www-form-urlencoded",
            "a={{ v }}\n&b=1",
            "a=%3C%26%3E%22%C3%A9&b=1",
        ),
        ("text/plain", "a: {{ v }}", 'a: <&>"é'),
        ("text/csv; charset=UTF-8", "{{ v }},1\n", '<&>"é,1\n'),
        ("text/xml", "<a>{{ v }}</a>", "<a>&lt;&amp;&gt;&quot;é</a>"),
    ],
)
def test_body_is_written_as_its_content_type_wants(
    upstream: Recorder, content_type: str, template: str, body: str
) -> None:
    config = {
        "requestMethod": "POST",
        "requestBodyContentType": content_type,
        "requestBodyTemplate": template,
    }

    received = sent(upstream, config, v='<&>"é')

    assert received.header("content-type") == content_type
    assert received.body.decode() == body


def test_multipart_fields_are_parts(upstream: Recorder) -> None:
    config = {
        "requestMethod": "POST",
        "requestBodyContentType": "multipart/form-data",
        "requestBodyTemplate": "title=My%20{{ title }}\n&file={{ text }};filename=a b.txt;type=text/plain\n"
        "{% if note %}&note={{ note }}{% endif %}",
    }

    received = sent(upstream, config, title="fish", text="a=1&b=2;filename=x")

    boundary = received.header("content-type").partition("boundary=")[2]
    assert received.body.decode().split(boundary) == [
        "--",
        '\r\nContent-Disposition: form-data; name="title"\r\n\r\nMy fish\r\n--',
        '\r\nContent-Disposition: form-data; name="file"; filename="a b.txt"\r\n'
        "Content-Type: text/plain\r\n\r\na=1&b=2;filename=x\r\n--",
        "--\r\n",
    ]


@pytest.mark.parametrize("template", ["", " \n", "{% if nothing %}{}{% endif %}"])
def test_body_that_comes_out_empty_is_none(upstream: Recorder, template: str) -> None:
    config = {"requestMethod": "POST", "requestBodyTemplate": template}

    received = sent(upstream, config)

    assert (received.body, received.header("content-type")) == (b"", "")


def test_optional_part_of_a_path_may_be_left_out(upstream: Recorder) -> None:
    config = {"path": "/fish{% if id %}/{{ id }}{% endif %}"}

    call_tool(upstream, config)
    call_tool(upstream, config, id="a/b")

    assert [r.path for r in upstream.requests] == ["/base/fish", "/base/fish/a%2Fb"]


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("/a/{{ x }}/b", {}),
        ("/a/{{ x }}{{ y }}", {"x": ".", "y": "."}),
        ("/a/.{{ x }}/b", {"x": "."}),
        ("/a/{{ x }}%2e", {"x": "."}),
        ("/a/{% for x in xs %}{{ x }}{% endfor %}/b", {"xs": []}),
        ("/a/{% if x %}{{ x }}/{% endif %}..", {}),
    ],
)
def test_path_that_would_change_its_shape_is_not_sent(
    upstream: Recorder, path: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(RequestRefused, match="part of the path"):
        call_tool(upstream, {"path": path}, **arguments)
    assert upstream.requests == []

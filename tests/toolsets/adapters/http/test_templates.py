"""Templates: parsed when they are saved, rendered within limits."""

import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from tests.toolsets.adapters.http.calling import call_tool, sent
from tests.toolsets.adapters.http.recording import Recorder
from toolsets.adapters.http.configs import check_config
from toolsets.adapters.http.requests import RequestRefused
from toolsets.adapters.http.templates import Template

PIECES = ["{{", "}}", "{%", "%}", "{%-", "-%}", " v ", " list ", " n ", "|", " upcase ", " times: n", " join: v ", "for x in list", "endfor", "if v", "endif", "else", "assign n = ", "capture v", "endcapture", "case n", "when 2", "endcase", "raw", "endraw", "liquid ", "\n", "cycle ", "echo ", "[", "]", ".", "..", "(", ")", "'", '"', "1", ":", ",", "==", " and ", " contains ", "{#", "#"]  # fmt: skip


@pytest.mark.parametrize(
    ("config", "member", "said"),
    [
        ({"path": "/a\n/{{ b"}, "path", "Line 2: expected '}}', found the end."),
        ({"query": "{% if %}"}, "query", "Line 1: missing expression."),
        ({"query": "\n\n{{ a | shout }}"}, "query", "Line 3: there is no filter"),
        ({"headers": {"X-A": "{{ a"}}, "headers", "X-A: Line 1: expected"),
        ({"requestBodyTemplate": "{% for a in b %}"}, "requestBodyTemplate", "Line 1"),
        ({"path": "{% include 'a' %}"}, "path", "Line 1: unexpected tag 'include'."),
        ({"path": "{% render 'a' %}"}, "path", "Line 1: unexpected tag 'render'."),
        ({"path": 1}, "path", "Give a template as text."),
        ({"path": "x" * 32_769}, "path", "at most 32768 characters"),
        ({"path": "a\ud800"}, "path", "characters only"),
        ({"path": "/a?b=1"}, "path", "put what follows a ? into query"),
        ({"path": "/a/../b"}, "path", "No part of a path is empty, . or .."),
        ({"path": "/a/%2E%2e/b"}, "path", "No part of a path is empty"),
        ({"path": "/a//b"}, "path", "No part of a path is empty"),
        ({"query": "a=1#b"}, "query", "A query holds no #."),
        ({"headers": {"Host": "b"}}, "headers", "Host is set by Toolcrib itself"),
        ({"headers": {"Content-Type": "b"}}, "headers", "requestBodyContentType"),
        ({"headers": {"X-A": "a\nb"}}, "headers", "one line of printable ASCII"),
        ({"headers": {"X-A": "${a}"}}, "headers", "must name a secret"),
        ({"headers": {"X-A": "${ {{ a }} }"}}, "headers", "must name a secret"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers", "given twice"),
        ({"requestMethod": "HEAD"}, "requestMethod", "Give one of GET, POST"),
        ({"requestBodyContentType": "image/png"}, "requestBodyContentType", "Give app"),
        ({"requestBodyContentType": "text/plain; charset=latin-1"}, "requestBodyContentType", "utf-8"),
        ({"toolName": 1}, "toolName", "Give a name"),
        ({"url": "/a"}, "url", "no such member"),
    ],
)  # fmt: skip
def test_wrong_configuration_names_the_member_and_the_line(
    config: dict[str, Any], member: str, said: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        check_config(config)

    assert list(caught.value.message_dict) == [f"config.{member}"]
    assert said in caught.value.message_dict[f"config.{member}"][0]


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in (1..100) %}{% for b in (1..100) %}x{% endfor %}{% endfor %}",
        "{% for a in (1..9999999) %}x{% endfor %}",
        "{% assign a = 'xx' %}" + "{% assign a = a | append: a %}" * 30,
        "{{ v | replace: 'x', v | replace: 'x', v }}",
        "{{ v | split: '' | join: v }}",
        "{% assign n = 10 %}" + "{% assign n = n | times: n %}" * 20,
        "{{ list | join: v }}",
        "{% for a in (1..4999) %}{{ v }}{% endfor %}",
        "{{ 1 | divided_by: 0 }}",
        "{{ v | base64_decode }}",
        "{{ v | plus: 1 }}{{ list | sort }}",
        "{% break %}",
        "{% for a in (1..4999) %}{{ list }}{% endfor %}",
        "{{ v | date: '%Y' }}",
        "{{ list | uniq }}",
    ],
)
def test_template_that_asks_for_too_much_is_refused(template: str) -> None:
    with pytest.raises(RequestRefused, match="Nothing was sent"):
        Template(template).render({"v": "x" * 5000, "list": [1, "a"] * 5000})


@given(st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
def test_any_text_is_a_template_or_is_refused(source: str) -> None:
    with suppress(ValidationError, RequestRefused):
        Template(source).render({"v": "x", "list": [1, {"a": None}], "n": 2})


@pytest.mark.parametrize(
    "source",
    ["{{" * 16_000, "{" * 32_000, "{% raw %}" * 3000, "{{ a" + "(" * 30_000 + "}}", "{{" + " " * 32_000 + "}}", "{% comment %}" + "{%{{" * 7000 + "{% endcomment %}"],
)  # fmt: skip
def test_text_that_the_engine_would_read_for_minutes_is_refused_at_once(
    source: str,
) -> None:
    started = time.thread_time()

    with pytest.raises(ValidationError, match="Line 1: "):
        Template(source)
    assert time.thread_time() - started < 1


def test_endless_work_ends() -> None:
    template = "{% for a in (1..4000) %}{% assign b = v | upcase %}{% endfor %}"

    with pytest.raises(RequestRefused, match="takes too long"):
        Template(template).render({"v": "x" * 1_000_000})


def test_templates_have_loops_conditions_and_filters(upstream: Recorder) -> None:
    body = """
    {
      "names": [{% for fish in fishes %}{{ fish.name | upcase }}{% unless forloop.last %}, {% endunless %}{% endfor %}],
      {% if note %}"note": {{ note }},{% endif %}
      {% assign total = fishes.size | plus: 1 %}
      "total": {{ total }}, "first": "{{ fishes[0].name }} & {{ fishes.last.name }}",
      "raw": {{ fishes | json }}, "missing": {{ nothing }}, "empty": "{{ nothing }}"
    }"""
    fishes = [{"name": 'a"b'}, {"name": "c"}]

    received = sent(
        upstream,
        {"requestMethod": "POST", "requestBodyTemplate": body},
        fishes=fishes,
    )

    assert json.loads(received.body) == {
        "names": ['A"B', "C"],
        "total": 3,
        "first": 'a"b & c',
        "raw": fishes,
        "missing": None,
        "empty": "",
    }


def test_argument_named_like_a_part_of_the_engine_is_the_argument(
    upstream: Recorder,
) -> None:
    query = "a={{ partial }}&b={{ now }}&c={{ size }}&d={{ forloop }}"

    received = sent(upstream, {"query": query}, partial=1, now=2, size=3, forloop=4)

    assert received.query == "a=1&b=2&c=3&d=4"


def test_moment_is_text(upstream: Recorder) -> None:
    config = {"query": "a={{ today }}", "requestMethod": "POST", "requestBodyTemplate": "{{ today }}"}  # fmt: skip

    with time_machine.travel(datetime(2026, 2, 28, 12, tzinfo=UTC)):
        received = sent(upstream, config)

    assert received.query == "a=2026-02-28"
    assert received.body.decode() == '"2026-02-28"'


@pytest.mark.parametrize(
    "body",
    [
        '{"a": {{ v }}',
        '{"a": {{ v }}1}',
        "{'a': {{ v }}}",
        '{"a": "\\{{ v }}"}',
        '{"a": {{ v }},}',
        '{"a": {{ v }}} {}',
    ],
)
def test_body_that_is_not_json_is_not_sent(upstream: Recorder, body: str) -> None:
    config = {"requestMethod": "POST", "requestBodyTemplate": body}

    with pytest.raises(RequestRefused, match="Nothing was sent"):
        call_tool(upstream, config, v='", "evil": "')
    assert upstream.requests == []

"""Texts of strangers: bounded before they are built, refused with the line, and never more than plain values."""

import json
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from tests.rest import Script
from toolpacks.bundles.exporting import as_yaml
from toolpacks.bundles.problems import BundleInvalid
from toolpacks.bundles.syntax import read

BOMB = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join([f'*{chr(97 + i)}'] * 9)}]\n"
    for i in range(12)
)
LONG_BOMB = f"a: &a {'x' * 1_000_000}\nb: [{', '.join(['*a'] * 100)}]"


def said(text: str | bytes, *, is_json: bool = False) -> str:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(BundleInvalid) as caught:
        read(data, file="bundle", is_json=is_json)
    (problem,) = caught.value.problems
    return str(problem)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "bundle:7: More than 1,000,000 values"),
        (LONG_BOMB, "bundle:2: More than 1,000,000 values"),
        ("a: &a [*a]", "bundle:1: *a names nothing that is complete."),
        ("a: *b", "bundle:1: "),
        ("x: " + "[" * 200_000, "bundle:1: Nested deeper than 64 levels."),
        ("x: " + "{a: " * 200_000, "bundle:1: Nested deeper than 64 levels."),
        ("a: 1\nb: !!python/object/apply:os.system [id]", "bundle:2: Tags"),
        ("a: !!binary aGk=", "bundle:1: Tags"),
        ("a: !secret x", "bundle:1: Tags"),
        ("a: &x {b: c}\nd:\n  <<: *x", "bundle:3: Merge keys"),
        ("a: 1\nb: 2\na: 3", "bundle:3: 'a' is given twice."),
        ("a:\n  404: x", "bundle:2: The name of a member must be text"),
        ("? [a]\n: b", "bundle:1: The name of a member must be text"),
        ("a: 99999999999999999999", "bundle:1: The number is too large."),
        ('a: "\\0"', "bundle:1: Text must not hold NUL"),
        ("a: [1", "bundle:2: This is not YAML"),
        ("a: \x07", "bundle:1: This is not YAML"),
        (b"a: 1\nb: \xff", "bundle:2: This is not UTF-8 text."),
        (b"x" * 50_000_000, "bundle:1: More than 8 MB."),
    ],
)
def test_hostile_yaml_is_refused_with_its_line(text: str | bytes, words: str) -> None:
    assert said(text).startswith(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1,\n"a": 2}', "bundle:2: 'a' is given twice."),
        ('{"a": 1,\n"b" 2}', "bundle:2: This is not JSON"),
        ("[" * 100_000, "bundle:1: This is not JSON"),
        ('{"a": ' * 70 + "1" + "}" * 70, "bundle:1: Nested deeper than 64 levels."),
        ('{"a": 1e999}', "bundle:1: This is not JSON"),
        ('{"a": "\\u0000"}', "bundle:1: Text must not hold NUL"),
        ('{"a": "\\ud800"}', "bundle:1: This is not JSON"),
    ],
)
def test_hostile_json_is_refused_with_its_line(text: str, words: str) -> None:
    assert said(text, is_json=True).startswith(words)


def test_plain_words_of_yaml_are_what_json_has_and_nothing_cleverer() -> None:
    text = "{a: no, b: 2026-01-31, c: 010, d: 1e3, e: 0x1F, f: 1:30, g: ~, h: true, i: -1.5, j: .inf}"

    (node,) = read(text.encode())

    assert node.plain == {
        "a": "no",
        "b": "2026-01-31",
        "c": "010",
        "d": "1e3",
        "e": "0x1F",
        "f": "1:30",
        "g": None,
        "h": True,
        "i": -1.5,
        "j": ".inf",
    }


_texts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40
)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False, min_value=-1e18, max_value=1e18)
    | _texts,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(_texts, _values, max_size=5))
def test_what_is_written_is_read_as_it_was(document: dict[str, Any]) -> None:
    document.pop("<<", None)

    assert [node.plain for node in read(as_yaml(document))] == [document]
    assert [n.plain for n in read(json.dumps(document).encode(), is_json=True)] == [
        document
    ]


@pytest.mark.django_db
def test_rest_says_what_is_wrong_and_where(rest: Script) -> None:
    text = (
        "toolSets:\n  weather:\n    name: Weather\n    colour: red\n    spec:\n"
        "      adapter:\n        mcp:\n          url: ftp://x\n"
        "          headers: {Authorization: Bearer abc}\n    secrets: {A: b}\n"
    )
    response = Client().post(
        "/v1/bundles/platform:plan",
        data=text,
        content_type="application/yaml",
        headers={"Authorization": f"Bearer {rest.token}"},
    )

    assert response.status_code == 400
    found = {d["field"]: d["description"] for d in response.json()["details"]}
    at = "toolSets.weather"
    assert found[f"{at}.colour"] == "line 4: There is no such member."
    assert found[f"{at}.secrets"].startswith("line 10: The values of secrets are no")
    assert "Bearer abc" not in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("spec", "field", "words"),
    [
        ({"adapter": {"mcp": {"url": "ftp://x"}}}, "spec.adapter.url", "http://"),
        ({"adapter": {"mcp": {}, "http": {}}}, "spec.adapter", "exactly one of"),
        ({"adapter": {"gopher": {}}}, "spec.adapter", "exactly one of"),
        (
            {"adapter": {"mcp": {"url": "https://x", "headers": {"X-Api-Key": "abc"}}}},
            "spec.adapter.headers.X-Api-Key",
            "would put a secret into a file",
        ),
        ({"tags": "x"}, "spec.tags", "Give a list of texts."),
        ({"syncIntervalSeconds": True}, "spec.syncIntervalSeconds", "whole number"),
        ({"syncIntervalSeconds": 1}, "spec.syncIntervalSeconds", "At least 10"),
        ({"allowedNetworks": ["0.0.0.0/0"]}, "spec.allowedNetworks", "too wide"),
        ({"color": "red"}, "spec.color", "There is no such member."),
    ],
)
def test_every_wrong_member_is_named(
    spec: dict[str, Any], field: str, words: str, rest: Script
) -> None:
    spec = {"adapter": {"mcp": {"url": "https://x.example.com"}}, **spec}

    answer = rest.post(
        "/v1/bundles/platform:apply", {"toolSets": {"a": {"name": "A", "spec": spec}}}
    )

    assert answer.status == 400
    assert words in answer.fields[f"toolSets.a.{field}"]


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["a%20b", "external_id:x", "a" * 129])
def test_key_of_a_bundle_is_one_word(key: str, rest: Script) -> None:
    assert rest.post(f"/v1/bundles/{key}:plan", {}).status in {400, 404}

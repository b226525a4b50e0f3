"""Whatever the values are: each position writes them so that a reader of the format finds exactly them."""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, unquote

from hypothesis import given
from hypothesis import strategies as st

from toolsets.adapters.http.bodies import body_of
from toolsets.adapters.http.multipart import multipart_body
from toolsets.adapters.http.parts import Part, output_of
from toolsets.adapters.http.positions import header_of, path_of, query_of
from toolsets.adapters.http.requests import RequestRefused

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
NASTY = st.lists(
    st.sampled_from(["..", ".", "/", "\\", "%2e", "%2F", "%", "?", "#", "&", "=", "\r\n", "\x00", '"', "'", "\\u0022", "--", ";", "${A}", "{{", "%}", "é", "\u202e", "a"])
).map("".join)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | NASTY,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.lists(TEXT | NASTY, min_size=1, max_size=5))
def test_path_has_the_segments_of_its_author(values: list[str]) -> None:
    parts: list[Part] = ["/base"]
    for value in values:
        parts += ["/", output_of(value), "/x"]
    try:
        path = path_of(parts)
    except RequestRefused:
        return

    segments = path.split("/")[2:]
    assert [unquote(segment) for segment in segments[::2]] == values
    assert segments[1::2] == ["x"] * len(values)
    assert re.fullmatch(r"[A-Za-z0-9/._~%-]*", path)
    assert not {".", "..", ""} & {unquote(segment) for segment in segments}


@given(st.lists(st.tuples(TEXT | NASTY, TEXT | NASTY), max_size=5))
def test_query_has_the_pairs_of_its_author(pairs: list[tuple[str, str]]) -> None:
    parts: list[Part] = []
    for key, value in pairs:
        parts += ["k", output_of(key), "=v", output_of(value), "&"]

    found = parse_qsl(query_of(parts), keep_blank_values=True)

    assert found == [(f"k{key}", f"v{value}") for key, value in pairs]


@given(TEXT | NASTY)
def test_header_is_one_line(value: str) -> None:
    try:
        sent = header_of("X-A", ["<", output_of(value), "${A}>"], {"A": "s3cret"})
    except RequestRefused:
        assert not re.fullmatch(r"[\x20-\x7e]*", value)
        return

    assert sent == f"<{value}s3cret>"


@given(VALUES, TEXT | NASTY, VALUES)
def test_json_holds_the_values_and_nothing_else(
    value: Any, key: str, within: Any
) -> None:
    parts: list[Part] = ['{"a": ', output_of(value), ', "k', output_of(key), '": "x', output_of(within), 'y", "z": 1}']  # fmt: skip

    body, _ = body_of("application/json", parts)

    found = json.loads(body, object_pairs_hook=list)
    assert [name for name, _ in found] == ["a", f"k{key}", "z"]
    parsed = json.loads(body)
    assert parsed["a"] == value
    assert parsed[f"k{key}"] == f"x{output_of(within).as_text}y"


@given(st.lists(st.tuples(TEXT | NASTY, TEXT | NASTY), min_size=1, max_size=4))
def test_multipart_holds_its_parts_and_no_other(pairs: list[tuple[str, str]]) -> None:
    parts: list[Part] = []
    for name, value in pairs:
        parts += ["n", output_of(name), "=", output_of(value), "&"]
    try:
        body, content_type = multipart_body(parts)
    except RequestRefused:
        return

    boundary = content_type.partition("boundary=")[2].encode()
    before, *between, after = (b"\r\n" + body).split(b"\r\n--" + boundary)
    contents = [part.partition(b"\r\n\r\n")[2] for part in between]
    assert (before, after) == (b"", b"--\r\n")
    assert contents == [value.encode() for _, value in pairs]


@given(TEXT | NASTY)
def test_value_within_a_form_or_text_stays_itself(value: str) -> None:
    form, _ = body_of("application/x-www-form-urlencoded", ["a=", output_of(value)])
    plain, _ = body_of("text/plain", ["<", output_of(value), ">"])

    assert parse_qsl(form.decode(), keep_blank_values=True) == [("a", value)]
    assert plain.decode() == f"<{value}>"

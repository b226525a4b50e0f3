"""Parameters in every style. The oracle is the table "Style Examples" of the OpenAPI specification 3.1.1."""

from typing import Any

import pytest

from tests.toolsets.openapi.documents import (
    HOST,
    built,
    document,
    operation,
    parameter,
)
from toolsets.adapters.http.requests import RequestRefused

EMPTY, STRING = "", "blue"
ARRAY = ["blue", "black", "brown"]
OBJECT = {"R": 100, "G": 200, "B": 150}

PATHS = [
    ("matrix", False, (";color", ";color=blue", ";color=blue,black,brown", ";color=R,100,G,200,B,150")),
    ("matrix", True, (";color", ";color=blue", ";color=blue;color=black;color=brown", ";R=100;G=200;B=150")),
    ("label", False, (".", ".blue", ".blue,black,brown", ".R,100,G,200,B,150")),
    ("label", True, (".", ".blue", ".blue.black.brown", ".R=100.G=200.B=150")),
    ("simple", False, ("", "blue", "blue,black,brown", "R,100,G,200,B,150")),
    ("simple", True, ("", "blue", "blue,black,brown", "R=100,G=200,B=150")),
]  # fmt: skip
QUERIES = [
    ("form", False, EMPTY, "color="),
    ("form", False, STRING, "color=blue"),
    ("form", False, ARRAY, "color=blue,black,brown"),
    ("form", False, OBJECT, "color=R,100,G,200,B,150"),
    ("form", True, EMPTY, "color="),
    ("form", True, STRING, "color=blue"),
    ("form", True, ARRAY, "color=blue&color=black&color=brown"),
    ("form", True, OBJECT, "R=100&G=200&B=150"),
    ("spaceDelimited", False, ARRAY, "color=blue%20black%20brown"),
    ("spaceDelimited", False, OBJECT, "color=R%20100%20G%20200%20B%20150"),
    ("pipeDelimited", False, ARRAY, "color=blue%7Cblack%7Cbrown"),
    ("pipeDelimited", False, OBJECT, "color=R%7C100%7CG%7C200%7CB%7C150"),
    ("deepObject", True, OBJECT, "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
]  # fmt: skip


def sent(path: str, color: Any, place: str, **members: Any) -> Any:
    described = parameter("color", place, required=True, **members)
    given = document({path: {"get": operation(parameters=[described])}})
    return built(given, {"color": color})


@pytest.mark.parametrize("column", range(4))
@pytest.mark.parametrize(("style", "explode", "row"), PATHS)
def test_path_styles(
    style: str, explode: bool, row: tuple[str, ...], column: int
) -> None:
    value = (EMPTY, STRING, ARRAY, OBJECT)[column]

    request = sent("/a{color}", value, "path", style=style, explode=explode)

    assert request.url == f"{HOST}/a{row[column]}"


@pytest.mark.parametrize(("style", "explode", "value", "expected"), QUERIES)
def test_query_styles(style: str, explode: bool, value: Any, expected: str) -> None:
    request = sent("/a", value, "query", style=style, explode=explode)

    assert request.url == f"{HOST}/a?{expected}"


@pytest.mark.parametrize(
    ("explode", "value", "expected"),
    [
        (False, STRING, "blue"),
        (False, ARRAY, "blue,black,brown"),
        (False, OBJECT, "R,100,G,200,B,150"),
        (True, OBJECT, "R=100,G=200,B=150"),
    ],
)
def test_header_styles(explode: bool, value: Any, expected: str) -> None:
    request = sent("/a", value, "header", explode=explode)

    assert request.headers == {"color": expected}


@pytest.mark.parametrize(
    ("explode", "value", "expected"),
    [
        (True, STRING, "color=blue"),
        (False, ARRAY, "color=blue,black,brown"),
        (False, OBJECT, "color=R,100,G,200,B,150"),
        (True, ARRAY, "color=blue; color=black; color=brown"),
        (True, OBJECT, "R=100; G=200; B=150"),
    ],
)
def test_cookie_styles(explode: bool, value: Any, expected: str) -> None:
    request = sent("/a", value, "cookie", explode=explode)

    assert request.headers == {"Cookie": expected}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "true"),
        (12, "12"),
        (0.5, "0.5"),
        ("a b+c&d=e#f", "a%20b%2Bc%26d%3De%23f"),
        ("ü/😀", "%C3%BC%2F%F0%9F%98%80"),
        (["a,b", "c"], "a%2Cb&color=c"),
        ([{"a": 1}], "%7B%22a%22%3A1%7D"),
    ],
)
def test_values_are_encoded(value: Any, expected: str) -> None:
    assert sent("/a", value, "query").url == f"{HOST}/a?color={expected}"


@pytest.mark.parametrize("value", [[], {}])
def test_nothing_to_say_is_not_said(value: Any) -> None:
    assert sent("/a", value, "query").url == f"{HOST}/a"


def test_reserved_characters_stay_where_they_can_do_no_harm() -> None:
    request = sent("/a", "http://x/y?z=1&w=2#top", "query", allowReserved=True)

    assert request.url == f"{HOST}/a?color=http://x/y?z%3D1%26w%3D2%23top"


def test_nested_objects_are_written_as_most_servers_read_them() -> None:
    value = {"a": {"b": [1, {"c": "d e"}]}}

    request = sent("/a", value, "query", style="deepObject", explode=True)

    assert request.url == f"{HOST}/a?color%5Ba%5D%5Bb%5D%5B0%5D=1&color%5Ba%5D%5Bb%5D%5B1%5D%5Bc%5D=d%20e"  # fmt: skip


@pytest.mark.parametrize("place", ["query", "path", "cookie"])
def test_parameter_with_content_is_sent_as_json(place: str) -> None:
    content = {"application/json": {"schema": {"type": "object"}}}
    described = {"name": "color", "in": place, "required": True, "content": content}
    path = "/a/{color}" if place == "path" else "/a"
    given = document({path: {"get": operation(parameters=[described])}})

    request = built(given, {"color": {"R": [1]}})

    written = "%7B%22R%22%3A%5B1%5D%7D"
    assert written in (request.headers.get("Cookie", "") or request.url)


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_value_that_would_lead_to_another_path_is_refused(value: str) -> None:
    with pytest.raises(RequestRefused, match="another path"):
        sent("/a/{color}/b", value, "path")


@pytest.mark.parametrize("value", ["../..", "%2e%2e", "a/b", "?x", "#x", "\r\n", "ü"])
def test_value_stays_one_segment(value: str) -> None:
    url = sent("/a/{color}/b", value, "path").url.removeprefix(HOST)

    assert url.count("/") == 3
    assert not set(url) & set("?#\r\n")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\x00", "ü", ["a", "b\n"]])
def test_value_that_is_not_one_line_is_refused_as_a_header(value: Any) -> None:
    with pytest.raises(RequestRefused, match="one line of printable ASCII"):
        sent("/a", value, "header")

"""Update masks, and what they make of a document."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.http import QueryDict

from gateway.rest.masks import Path, mask_of, merged, present_paths, touches
from gateway.rest.queries import Query


@pytest.mark.parametrize(
    ("given", "paths"),
    [
        (None, None),
        ("", None),
        (" , ", None),
        ("metadata.name", [("metadata", "name")]),
        (
            "metadata.external_id,spec.sync_interval_seconds",
            [("metadata", "externalId"), ("spec", "syncIntervalSeconds")],
        ),
        (
            "metadata.labels.my_team, spec.adapter.mcp.headers.X-My_Key",
            [
                ("metadata", "labels", "my_team"),
                ("spec", "adapter", "mcp", "headers", "X-My_Key"),
            ],
        ),
        (["spec.tags"], [("spec", "tags")]),
        ({"paths": ["spec.tags"]}, [("spec", "tags")]),
    ],
)
@pytest.mark.parametrize("spelling", ["updateMask", "update_mask"])
def test_mask_is_read_in_every_spelling(
    given: Any, paths: list[Path] | None, spelling: str
) -> None:
    assert mask_of({spelling: given}, Query(QueryDict())) == paths


@pytest.mark.parametrize("spelling", ["updateMask", "update_mask"])
def test_mask_of_the_query_counts_when_the_body_has_none(spelling: str) -> None:
    query = Query(QueryDict(f"{spelling}=spec.tags"))

    assert mask_of({}, query) == [("spec", "tags")]
    assert mask_of({"updateMask": "metadata.name"}, query) == [("metadata", "name")]


@pytest.mark.parametrize("given", [5, ["a", 5], {"path": "a"}, "a b", ".a", "a."])
def test_what_is_no_mask_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError):
        mask_of({"updateMask": given}, Query(QueryDict()))


@pytest.mark.parametrize(
    ("update", "path", "document"),
    [
        ({"a": {"x": 9}}, ("a", "x"), {"a": {"x": 9, "y": 2}, "b": 3}),
        ({}, ("a", "x"), {"a": {"y": 2}, "b": 3}),
        ({"a": {"x": None}}, ("a", "x"), {"a": {"y": 2}, "b": 3}),
        ({"a": {"x": 9}}, ("a",), {"a": {"x": 9}, "b": 3}),
        ({}, ("a",), {"b": 3}),
        ({"a": 5}, ("a", "x"), {"a": {"y": 2}, "b": 3}),
        ({"c": {"d": 1}}, ("c", "d"), {"a": {"x": 1, "y": 2}, "b": 3, "c": {"d": 1}}),
        ({}, ("c", "d"), {"a": {"x": 1, "y": 2}, "b": 3}),
    ],
)
def test_masked_member_is_replaced_whole_or_taken_away(
    update: dict[str, Any], path: Path, document: dict[str, Any]
) -> None:
    current = {"a": {"x": 1, "y": 2}, "b": 3}

    assert merged(current, update, [path]) == document
    assert current == {"a": {"x": 1, "y": 2}, "b": 3}


def test_body_without_a_mask_stands_for_the_members_that_it_has() -> None:
    body = {"metadata": {"name": "x", "labels": None}, "spec": None, "managed": True}

    assert present_paths(body, containers=("metadata", "spec")) == [
        ("metadata", "name"),
        ("metadata", "labels"),
        ("managed",),
    ]


@pytest.mark.parametrize(
    ("path", "mask", "does"),
    [
        (("spec", "adapter"), ("spec",), True),
        (("spec", "adapter"), ("spec", "adapter", "mcp", "url"), True),
        (("spec", "adapter"), ("spec", "tags"), False),
        (("managed",), ("metadata",), False),
    ],
)
def test_mask_touches_what_is_above_and_below_it(
    path: Path, mask: Path, does: bool
) -> None:
    assert touches(path, [mask]) is does

"""Lists of tool sets over REST: pages, filters, and what they cost."""

from typing import Any

import pytest

from tests.rest import Script
from tests.toolsets.api.connecting import created

pytestmark = pytest.mark.django_db


def test_pages_follow_each_other_and_an_empty_page_carries_no_cursor(
    rest: Script,
) -> None:
    made = [created(rest, name=f"Set {n}")["metadata"]["id"] for n in range(5)]
    made.sort()

    seen, cursor, pages = [], "", 0
    while True:
        body = rest.get("/v1/tool_sets", limit=2, cursor=cursor).body
        seen += [item["metadata"]["id"] for item in body["items"]]
        pages += 1
        assert body["pagination"]["nextCursor"] == body["pagination"]["next_cursor"]
        cursor = body["pagination"]["nextCursor"]
        if not cursor:
            break
    newest_first = rest.get("/v1/tool_sets", sortOrder="desc").body["items"]
    none = rest.get("/v1/tool_sets", query="nothing is called so").body

    assert (seen, pages) == (made, 3)
    assert [item["metadata"]["id"] for item in newest_first] == made[::-1]
    assert none == {"items": [], "pagination": {"nextCursor": "", "next_cursor": ""}}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"prefix": "git"}, ["GitHub"]),
        ({"prefix": "ext-"}, ["Jira"]),
        ({"query": "hub"}, ["GitHub"]),
        ({"labels": "team=a,2=x"}, ["GitHub"]),
        ({"labels": "team=a"}, ["GitHub", "Jira"]),
        ({"labels": "team=b"}, []),
        ({"labels": 'a"b=c'}, []),
        ({"bundleKey": "main"}, ["Jira"]),
        ({"bundle_key": "main"}, ["Jira"]),
        ({"state": "STATE_ARCHIVED"}, ["Old"]),
        ({"state": "STATE_UNSPECIFIED"}, ["GitHub", "Jira"]),
        ({"state": ["STATE_ACTIVE", "STATE_ARCHIVED"]}, ["GitHub", "Jira", "Old"]),
        ({}, ["GitHub", "Jira"]),
    ],
)
def test_lists_filter(query: dict[str, Any], names: list[str], rest: Script) -> None:
    created(rest, "GitHub", labels={"team": "a", "2": "x"})
    created(rest, "Jira", labels={"team": "a"}, externalId="ext-j", bundleKey="main")
    old = created(rest, "Old")["metadata"]["id"]
    rest.post(f"/v1/tool_sets/{old}:archive")

    answer = rest.get("/v1/tool_sets", **query)

    assert sorted(item["metadata"]["name"] for item in answer.body["items"]) == names


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "x"},
        {"cursor": "!!!"},
        {"sortOrder": "up"},
        {"state": "ACTIVE"},
        {"labels": "team"},
        {"includeInfo": "maybe"},
        {"query": "a\x00b"},
        {"labels": "a=\x00"},
    ],
)
def test_wrong_query_is_a_400_that_names_the_parameter(
    query: dict[str, str], rest: Script
) -> None:
    answer = rest.get("/v1/tool_sets", **query)

    assert answer.status == 400
    assert list(answer.fields) == list(query)


def test_number_of_queries_does_not_grow_with_the_list(
    rest: Script, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        created(rest, f"Set {number}")

    with django_assert_max_num_queries(10):
        answer = rest.get("/v1/tool_sets", includeInfo="true")

    assert len(answer.body["items"]) == 12

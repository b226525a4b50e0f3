"""Every documented parameter of every list, in every spelling that clients send."""

from typing import Any

import pytest

from tests.contract.conftest import Connect
from tests.rest import Script

pytestmark = pytest.mark.django_db


@pytest.fixture
def sets(connect: Connect, rest: Script, root: str) -> str:
    """The tool sets alpha, beta and gamma; gamma is archived."""
    connect(
        "Alpha",
        metadata={"externalId": "x.1", "labels": {"team": "a", "tier": "gold"}},
        description="first of all",
    )
    connect("Beta", metadata={"labels": {"team": "a"}, "bundleKey": "infra"})
    gamma = connect("Gamma", metadata={"externalId": "x.3"})
    rest.post(f"{root}/tool_sets/{gamma['metadata']['id']}:archive")
    return f"{root}/tool_sets"


@pytest.fixture
def tools(synced: str, rest: Script) -> str:
    """The tools add (approved by hand), delete (omitted), search (in a bundle, labelled) and subtract."""
    path = f"{synced}/tools"
    ids = {
        t["metadata"]["name"]: t["metadata"]["id"] for t in rest.get(path).body["items"]
    }
    rest.put(f"{path}/{ids['add']}", {"spec": {"requiresApproval": True}})
    rest.post(f"{path}/{ids['delete']}:omit")
    rest.put(
        f"{path}/{ids['search']}",
        {
            "metadata": {
                "labels": {"team": "a"},
                "bundleKey": "infra",
                "externalId": "find",
            }
        },
    )
    return path


def names_of(rest: Script, path: str, query: dict[str, Any]) -> list[str]:
    answer = rest.get(path, **query)
    assert answer.status == 200, answer.body
    return [item["metadata"]["name"] for item in answer.body["items"]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["Alpha", "Beta"]),
        ({"sortOrder": "desc"}, ["Beta", "Alpha"]),
        ({"sort_order": "asc"}, ["Alpha", "Beta"]),
        ({"prefix": "al"}, ["Alpha"]),
        ({"prefix": "x."}, ["Alpha"]),
        ({"query": "FIRST"}, ["Alpha"]),
        ({"labels": "team=a"}, ["Alpha", "Beta"]),
        ({"labels": "team=a,tier=gold"}, ["Alpha"]),
        ({"labels": ["team=a", "tier=gold"]}, ["Alpha"]),
        ({"labels": "team=b"}, []),
        ({"bundleKey": "infra"}, ["Beta"]),
        ({"bundle_key": "infra"}, ["Beta"]),
        ({"state": "STATE_ARCHIVED"}, ["Gamma"]),
        ({"states": "STATE_ACTIVE,STATE_ARCHIVED"}, ["Alpha", "Beta", "Gamma"]),
        ({"state": ["STATE_ACTIVE", "STATE_ARCHIVED"]}, ["Alpha", "Beta", "Gamma"]),
        ({"state": "STATE_UNSPECIFIED"}, ["Alpha", "Beta"]),
        ({"limit": "1"}, ["Alpha"]),
        ({"cursor": "", "prefix": "", "labels": "", "state": ""}, ["Alpha", "Beta"]),
    ],
)
def test_tool_sets_are_listed_by(
    query: dict[str, Any], names: list[str], sets: str, rest: Script
) -> None:
    assert names_of(rest, sets, query) == names


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["add", "delete", "search", "subtract"]),
        ({"sortOrder": "desc", "limit": 2}, ["subtract", "search"]),
        ({"prefix": "S"}, ["search", "subtract"]),
        ({"prefix": "find"}, ["search"]),
        ({"query": "does SUB"}, ["subtract"]),
        ({"labels": "team=a"}, ["search"]),
        ({"bundleKey": "infra"}, ["search"]),
        ({"statuses": "TOOL_STATUS_OMITTED"}, ["delete"]),
        ({"status": "TOOL_STATUS_OMITTED"}, ["delete"]),
        (
            {"statuses": "TOOL_STATUS_OMITTED,TOOL_STATUS_AVAILABLE"},
            ["add", "delete", "search", "subtract"],
        ),
        (
            {"statuses[]": ["TOOL_STATUS_OMITTED", "TOOL_STATUS_FILTERED"]},
            ["delete"],
        ),
        (
            {"statuses": "TOOL_STATUS_UNSPECIFIED"},
            ["add", "delete", "search", "subtract"],
        ),
        ({"statuses": "TOOL_STATUS_ARCHIVED"}, []),
        ({"requiresApproval": "true"}, ["add"]),
        ({"requires_approval": "false"}, ["delete", "search", "subtract"]),
        ({"names": "add,search"}, ["add", "search"]),
        ({"names": ["add", "search"]}, ["add", "search"]),
        ({"names[]": ["add", "search"]}, ["add", "search"]),
        ({"names": "add", "requiresApproval": "false"}, []),
    ],
)
def test_tools_are_listed_by(
    query: dict[str, Any], names: list[str], tools: str, rest: Script
) -> None:
    assert names_of(rest, tools, query) == names


@pytest.mark.parametrize("list_name", ["tool_sets", "tools", "events"])
def test_cursors_lead_through_a_whole_list_in_both_orders(
    list_name: str, root: str, rest: Script, synced: str, connect: Connect
) -> None:
    connect("Another")
    inner = f"{synced}/{list_name}"
    path = f"{root}/tool_sets" if list_name == "tool_sets" else inner
    whole = rest.get(path, limit=100, sortOrder="asc").body["items"]

    for order, expected in (("asc", whole), ("desc", whole[::-1])):
        seen, cursor = [], ""
        while True:
            page = rest.get(path, limit=1, sortOrder=order, cursor=cursor).body
            assert set(page) == {"items", "pagination"}
            assert set(page["pagination"]) == {"nextCursor", "next_cursor"}
            assert len(set(page["pagination"].values())) == 1
            seen += page["items"]
            cursor = page["pagination"]["nextCursor"]
            if not cursor:
                break
        assert seen == expected
    assert len(whole) > 1


def test_empty_page_carries_no_cursor(root: str, rest: Script) -> None:
    body = rest.get(f"{root}/tool_sets", limit=1).body

    assert body == {"items": [], "pagination": {"nextCursor": "", "next_cursor": ""}}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"sortOrder": "upwards"}, "sortOrder"),
        ({"labels": "team"}, "labels"),
        ({"state": "ACTIVE"}, "state"),
        ({"includeInfo": "perhaps"}, "includeInfo"),
        ({"lables": "team=a"}, "lables"),
        ({"page": "2"}, "page"),
    ],
)
def test_parameter_that_says_nothing_sensible_is_refused_by_name(
    query: dict[str, str], field: str, root: str, rest: Script
) -> None:
    answer = rest.get(f"{root}/tool_sets", **query)

    assert (answer.status, answer.code, list(answer.fields)) == (
        400,
        "invalid_argument",
        [field],
    )


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"statuses": "AVAILABLE"}, "statuses"),
        ({"requiresApproval": "maybe"}, "requiresApproval"),
        ({"name": "add"}, "name"),
    ],
)
def test_parameter_of_tools_that_says_nothing_sensible_is_refused_by_name(
    query: dict[str, str], field: str, tools: str, rest: Script
) -> None:
    answer = rest.get(tools, **query)

    assert (answer.status, list(answer.fields)) == (400, [field])

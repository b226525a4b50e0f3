"""Every documented field comes back under its name, with its type, and takes what is documented."""

from itertools import product
from typing import Any

import pytest
from django.test import Client

from tests.conftest import Person
from tests.contract.documented import (
    ATTRIBUTES,
    EVENT,
    INFO,
    MATCHERS,
    OPERATORS,
    PROBLEM,
    TOOL,
    TOOL_SET,
    TOOL_SET_INFO,
    deviations,
)
from tests.rest import Script
from toolsets.models import ToolSetEvent
from toolsets.sync import run_sync

pytestmark = pytest.mark.django_db


def condition(attribute: str, matcher: str, **options: Any) -> dict[str, Any]:
    return {"attribute": attribute, "matcher": {matcher: "a", **options}}


ALL_CONDITIONS = [
    condition(attribute, matcher, caseSensitive=attribute == "ATTRIBUTE_TITLE")
    for attribute, matcher in product(ATTRIBUTES, MATCHERS)
]


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("approvals", ["always", "only"])
def test_tool_set_comes_back_with_every_field_that_it_was_given(
    operator: str, approvals: str, root: str, rest: Script, upstream: str
) -> None:
    chosen = {"operator": operator, "filters": ALL_CONDITIONS}
    mcp = {
        "url": upstream,
        "headers": {"X-Team": "platform", "Authorization": "Bearer ${TOKEN}"},
        "includeTools": chosen,
        "excludeTools": chosen,
        "toolApprovals": {"always": True}
        if approvals == "always"
        else {"only": chosen},
    }
    spec = {"description": "Adds.", "adapter": {"mcp": mcp}}
    metadata = {"name": "Sums", "externalId": "sums.1", "labels": {"team": "platform"}}

    made = rest.post(f"{root}/tool_sets", {"metadata": metadata, "spec": spec})
    read = rest.get(f"{root}/tool_sets/{made.body['metadata']['id']}")

    assert (made.status, read.status) == (201, 200)
    assert deviations(TOOL_SET, made.body) == []
    assert made.body == read.body
    assert read.body["spec"] | spec == read.body["spec"]
    assert read.body["metadata"] | metadata == read.body["metadata"]


def test_http_adapter_comes_back_with_every_field(root: str, rest: Script) -> None:
    http = {"baseUrl": "https://api.example.com/v2", "headers": {"X-Team": "a"}}

    made = rest.post(
        f"{root}/tool_sets",
        {"metadata": {"name": "API"}, "spec": {"adapter": {"http": http}}},
    )

    assert deviations(TOOL_SET, made.body) == []
    assert made.body["spec"]["adapter"] == {"http": http}


def test_tools_have_every_field(rest: Script, synced: str) -> None:
    listed = rest.get(f"{synced}/tools").body["items"]
    one = rest.get(f"{synced}/tools/{listed[0]['metadata']['id']}")

    assert [tool["metadata"]["name"] for tool in listed] == [
        "add",
        "delete",
        "search",
        "subtract",
    ]
    assert deviations([TOOL], listed) == []
    assert one.body == listed[0]
    assert one.body["spec"] == {
        "config": {
            "mcp": {
                "toolName": "add",
                "toolTitle": "Add",
                "toolDescription": "Does add.",
            }
        },
        "description": "Does add.",
        "parameters": {"type": "object", "properties": {"text": {"type": "string"}}},
        "status": "TOOL_STATUS_AVAILABLE",
        "requiresApproval": False,
    }


def test_info_holds_every_field_and_whole_profiles(rest: Script, synced: str) -> None:
    tool_set = rest.get(synced, includeInfo="true").body
    tools = rest.get(f"{synced}/tools", includeInfo="true").body["items"]
    events = rest.get(f"{synced}/events", includeInfo="true").body["items"]

    assert deviations({**TOOL_SET, "info": TOOL_SET_INFO}, tool_set) == []
    assert tool_set["info"]["toolCount"] == 4
    assert deviations([{**TOOL, "info": INFO}], tools) == []
    assert deviations([{**EVENT, "info": INFO}], events) == []
    assert tool_set["info"]["createdBy"]["spec"]["type"] == "PROFILE_TYPE_API_KEY"


@pytest.mark.parametrize("asked", [{}, {"includeInfo": "false"}])
def test_info_is_left_out_unless_it_is_asked_for(
    asked: dict[str, str], rest: Script, synced: str
) -> None:
    assert "info" not in rest.get(synced, **asked).body
    for inner in ("tools", "events"):
        items = rest.get(f"{synced}/{inner}", **asked).body["items"]
        assert items
        assert not any("info" in item for item in items)


def test_profiles_of_people_and_of_the_system_are_whole(
    rest: Script, synced: str, alice: Person
) -> None:
    event = ToolSetEvent.objects.order_by("pk").first()
    assert event is not None
    ToolSetEvent.objects.filter(pk=event.pk).update(created_by=alice.profile)
    ToolSetEvent.objects.exclude(pk=event.pk).update(
        created_by=alice.workspace.account.system_profile
    )

    events = rest.get(f"{synced}/events", includeInfo="1", sortOrder="asc").body[
        "items"
    ]

    profiles = [event["info"]["createdBy"] for event in events]
    assert [p["spec"]["type"] for p in profiles] == [
        "PROFILE_TYPE_USER",
        "PROFILE_TYPE_SYSTEM",
    ]
    assert profiles[0]["spec"]["email"] == "alice@example.com"
    assert deviations([{**EVENT, "info": INFO}], events) == []


def test_events_tell_of_a_start_and_a_completion(rest: Script, synced: str) -> None:
    events = rest.get(f"{synced}/events", sort_order="asc").body["items"]

    assert deviations([EVENT], events) == []
    started, completed = (event["event"] for event in events)
    assert (set(started), started["type"]) == ({"type", "syncStarted"}, "sync_started")
    assert set(completed) == {"type", "syncCompleted"}
    assert completed["type"] == "sync_completed"
    assert completed["syncCompleted"]["toolsSynced"] == 4
    assert completed["syncCompleted"]["message"]


def test_events_tell_of_a_failure(root: str, rest: Script) -> None:
    adapter = {"mcp": {"url": "http://127.0.0.1:9/mcp"}}
    made = rest.post(
        f"{root}/tool_sets",
        {"metadata": {"name": "Nowhere"}, "spec": {"adapter": adapter}},
    )
    run_sync(made.body["metadata"]["id"])

    path = f"{root}/tool_sets/{made.body['metadata']['id']}/events"
    newest = rest.get(path, limit=1).body["items"][0]

    assert deviations(EVENT, newest) == []
    assert set(newest["event"]) == {"type", "syncFailed"}
    assert newest["event"]["type"] == "sync_failed"
    assert newest["event"]["syncFailed"]["error"] is True
    assert newest["event"]["syncFailed"]["errorType"] == "unreachable"


def test_errors_have_every_field(root: str, rest: Script) -> None:
    wrong = rest.post(f"{root}/tool_sets", {"metadata": {"name": ""}, "spec": {}})
    missing = rest.get(f"{root}/tool_sets/ts_nothing")
    stranger = Client().get(f"{root}/tool_sets")

    for answer, status in ((wrong, 400), (missing, 404)):
        assert answer.status == status
        assert deviations(PROBLEM, answer.body) == []
        assert answer.headers["x-should-retry"] == "false"
    assert set(wrong.fields) == {"metadata.name", "spec.adapter"}
    assert (stranger.status_code, stranger.json()["code"]) == (401, "not_authenticated")

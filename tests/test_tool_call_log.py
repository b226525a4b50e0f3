"""The log of tool calls over REST."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.identity.models import Workspace
from gateway.mcp.models import ToolCall
from tests.rest import Script

pytestmark = pytest.mark.django_db


def call(workspace: Workspace, name: str, **facts: Any) -> ToolCall:
    return ToolCall.objects.create(
        **{
            "workspace_id": workspace.pk,
            "process_id": "process_1",
            "tool_name": name,
            "state": ToolCall.State.SUCCEEDED,
            "started_at": datetime(2026, 5, 1, 12, tzinfo=UTC),
            **facts,
        }
    )


def test_call_has_the_documented_shape(rest: Script, workspace: Workspace) -> None:
    made = call(workspace, "search", code="", total_ms=1.5, headers={"X-Run": "7"})

    body = rest.get(f"/v1/tool_calls/{made.pk}").body

    assert body == {
        "id": made.pk,
        "workspaceId": workspace.pk,
        "state": "succeeded",
        "code": "",
        "toolName": "search",
        "toolId": "",
        "fingerprint": "",
        "toolSetId": "",
        "toolPackId": "",
        "registeredUserId": "",
        "agentProfileId": "",
        "apiKeyId": "",
        "reachedUpstream": False,
        "rounds": 1,
        "argumentBytes": 0,
        "resultBytes": 0,
        "upstreamMs": None,
        "totalMs": 1.5,
        "protocolVersion": "",
        "client": "",
        "headers": {"X-Run": "7"},
        "amendment": "",
        "startedAt": "2026-05-01T12:00:00Z",
        "finishedAt": None,
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({}, ["a", "b", "c"]),
        ({"state": "refused,failed"}, ["b", "c"]),
        ({"code": "unauthorized_tool"}, ["b"]),
        ({"toolSet": "ts_1"}, ["a"]),
        ({"tool_set": "ts_1"}, ["a"]),
        ({"pack": "p1"}, ["b"]),
        ({"registered_user": "ru_1"}, ["c"]),
        ({"from": "2026-06-01"}, ["c"]),
        ({"to": "2026-06-01T00:00:00Z"}, ["a", "b"]),
        ({"from": "2026-05-01T12:00:00+00:00", "to": "2026-05-02"}, ["a", "b"]),
    ],
)
def test_calls_are_filtered(
    query: dict[str, str], names: list[str], rest: Script, workspace: Workspace
) -> None:
    call(workspace, "a", tool_set_id="ts_1")
    call(workspace, "b", state="refused", code="unauthorized_tool", pack_id="p1")
    call(
        workspace,
        "c",
        state="failed",
        registered_user_id="ru_1",
        started_at=datetime(2026, 7, 1, tzinfo=UTC),
    )

    items = rest.get("/v1/tool_calls", **query).body["items"]

    assert sorted(item["toolName"] for item in items) == names


@pytest.mark.parametrize(
    "query", [{"state": "odd"}, {"from": "yesterday"}, {"to": "2026-13-01"}]
)
def test_wrong_filter_is_a_400_that_names_it(
    query: dict[str, str], rest: Script
) -> None:
    answer = rest.get("/v1/tool_calls", **query)

    assert (answer.status, list(answer.fields)) == (400, list(query))


def test_newest_calls_come_first(rest: Script, workspace: Workspace) -> None:
    ids = sorted(call(workspace, f"t{n}").pk for n in range(3))

    body = rest.get("/v1/tool_calls", limit=2).body
    rest_of = rest.get(
        "/v1/tool_calls", limit=2, cursor=body["pagination"]["nextCursor"]
    ).body

    assert [c["id"] for c in body["items"] + rest_of["items"]] == ids[::-1]

"""What filters would do to a tool set's tools, over REST."""

from typing import Any

import pytest

from gateway.identity.models import Revision
from tests.rest import Script
from toolsets.models import Tool, ToolSet

_NOT_INCLUDED = "Not among the tools that includeTools names."


def _preview(rest: Script, tool_set: ToolSet, **adapter: Any) -> Any:
    path = f"/v1/tool_sets/{tool_set.pk}:preview"
    return rest.post(path, {"adapter": {"mcp": adapter}})


def _revision(tool_set: ToolSet) -> int:
    rows = Revision.objects.filter(workspace_id=tool_set.workspace_id)
    return rows.get(subject="").number


def _named(text: str) -> dict[str, Any]:
    return {"filters": [{"attribute": "ATTRIBUTE_NAME", "matcher": {"exact": text}}]}


def test_a_preview_counts_and_names_what_would_change(
    rest: Script, github: ToolSet
) -> None:
    Tool.objects.filter(name="delete").update(status=Tool.Status.OMITTED)
    before = _revision(github)

    answer = _preview(
        rest,
        github,
        includeTools=_named("search"),
        toolApprovals={"always": True},
    )

    assert (answer.status, answer.body) == (
        200,
        {
            "total": 3,
            "available": 1,
            "filtered": 1,
            "omitted": 1,
            "requireApproval": 1,
            "changes": [
                {
                    "name": "create",
                    "status": "TOOL_STATUS_FILTERED",
                    "reason": _NOT_INCLUDED,
                    "requiresApproval": True,
                },
                {
                    "name": "delete",
                    "status": "TOOL_STATUS_OMITTED",
                    "reason": "Left out by hand, which a sync never undoes.",
                    "requiresApproval": True,
                },
                {
                    "name": "search",
                    "status": "TOOL_STATUS_AVAILABLE",
                    "reason": "",
                    "requiresApproval": True,
                },
            ],
        },
    )
    assert _revision(github) == before


@pytest.mark.parametrize(
    ("adapter", "field"),
    [
        ({"includeTools": _named("")}, "adapter.mcp.includeTools"),
        ({"toolApprovals": {}, "nonsense": 1}, "adapter.mcp.nonsense"),
    ],
)
def test_a_preview_names_what_is_wrong(
    adapter: dict[str, Any], field: str, rest: Script, github: ToolSet
) -> None:
    answer = _preview(rest, github, **adapter)

    assert (answer.status, answer.code) == (400, "invalid_argument")
    assert [detail["field"] for detail in answer.body["details"]] == [field]


def test_a_preview_of_another_kind_of_adapter_is_refused(
    rest: Script, github: ToolSet
) -> None:
    path = f"/v1/tool_sets/{github.pk}:preview"

    answer = rest.post(path, {"adapter": {"http": {"baseUrl": "https://a.example"}}})

    assert answer.status == 400
    assert "Give mcp" in answer.body["message"]

"""Tools that are written by hand, whole in a bundle."""

from typing import Any

import pytest

from gateway.identity.models import Workspace
from tests.conftest import Person
from tests.rest import Script, installer
from tests.toolpacks.bundles.conftest import (
    KEY,
    Document,
    actions,
    apply,
    export,
    outcomes,
    plan,
    set_of,
)
from tests.toolpacks.bundles.test_export import apply_in, exported, read_files
from toolpacks.bundles import applying
from toolpacks.bundles.reading import read_bundle
from toolpacks.bundles.syntax import node_of
from toolpacks.models import Connector
from toolsets import writing
from toolsets.models import Tool

pytestmark = pytest.mark.django_db

NOW: Document = {
    "title": "Now",
    "labels": {"a": "b"},
    "spec": {
        "description": "The weather now.",
        "config": {
            "http": {
                "requestMethod": "GET",
                "path": "/now/{{ city }}",
                "headers": {"Authorization": "Bearer ${TOKEN}"},
            }
        },
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
        "requiresApproval": True,
    },
}


def api(**tools: Any) -> Document:
    """A bundle of one HTTP API with these tools, and a pack that chooses them."""
    names = [tool.get("name", key) for key, tool in tools.items()]
    adapter = {"http": {"baseUrl": "https://api.example.com"}}
    return {
        "toolSets": {
            "weather": {"name": "W", "spec": {"adapter": adapter}, "tools": tools}
        },
        "toolPacks": {"p": {"name": "P", "connectors": {"weather": {"tools": names}}}},
    }


def statuses() -> dict[str, str]:
    return dict(Tool.objects.values_list("external_id", "status"))


def test_tools_and_the_pack_that_chooses_them_come_in_one_apply(rest: Script) -> None:
    planned = plan(rest, api(now=NOW))
    answer = apply(rest, api(now=NOW))

    assert set(actions(planned).values()) == {"create"}
    assert (answer.status, answer.body["state"]) == (200, "SUCCEEDED"), answer.body
    tool = Tool.objects.get()
    assert (tool.name, tool.external_id, tool.bundle_key) == ("now", "now", KEY)
    assert (tool.title, tool.requires_approval) == ("Now", True)
    assert tool.config["path"] == "/now/{{ city }}"
    assert list(Connector.objects.get().tools.all()) == [tool]
    assert set(actions(plan(rest, api(now=NOW))).values()) == {"unchanged"}


def test_changed_definition_is_named_member_by_member_and_applied(rest: Script) -> None:
    apply(rest, api(now=NOW))
    changed = {**NOW, "spec": {**NOW["spec"], "description": "Then."}}

    planned = plan(rest, api(now=changed))
    apply(rest, api(now=changed))

    (change,) = [c for c in planned.body["changes"] if c["action"] == "update"]
    assert change["key"] == "weather/now"
    assert [d["field"] for d in change["differences"]] == ["spec.description"]
    assert Tool.objects.get().description == "Then."


def test_tool_that_is_no_longer_named_is_archived_and_comes_back(rest: Script) -> None:
    apply(rest, api(now=NOW, then=NOW))
    ids = set(Tool.objects.values_list("pk", flat=True))

    gone = apply(rest, api(now=NOW))
    after = statuses()
    again = plan(rest, api(now=NOW))
    apply(rest, api(now=NOW, then=NOW))

    assert outcomes(gone)["weather/then"] == ("APPLIED", "")
    assert after == {"now": Tool.Status.AVAILABLE, "then": Tool.Status.ARCHIVED}
    assert set(actions(again).values()) == {"unchanged"}
    assert statuses() == dict.fromkeys(["now", "then"], Tool.Status.AVAILABLE)
    assert set(Tool.objects.values_list("pk", flat=True)) == ids


def test_omitted_tool_stays_out(rest: Script) -> None:
    out = {"spec": {"status": "TOOL_STATUS_OMITTED"}}

    apply(rest, api(now=out))

    assert statuses() == {"now": Tool.Status.OMITTED}
    assert set(actions(plan(rest, api(now=out))).values()) == {"unchanged"}


def test_tool_that_a_person_wrote_into_the_set_is_left_alone(
    rest: Script, alice: Person
) -> None:
    apply(rest, api(now=NOW))
    writing.create_tool(
        set_of(), name="mine", external_id="mine", config={}, actor=alice.actor
    )

    apply(rest, api(now=NOW))
    named = plan(rest, api(now=NOW, mine=NOW, other={**NOW, "name": "mine"}))

    assert statuses()["mine"] == Tool.Status.AVAILABLE
    assert list(export(rest)["toolSets"]["weather"]["tools"]) == ["now"]
    assert actions(named)["weather/mine"] == "not_owned"
    assert actions(named)["weather/other"] == "name_taken"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"path": "/{{ unclosed"}, "spec.config.path"),
        ({"requestMethod": "GRAB"}, "spec.config.requestMethod"),
        ({"colour": "red"}, "spec.config.colour"),
        ({"headers": {"X-Api-Key": "abc"}}, "spec.config.headers.X-Api-Key"),
    ],
)
def test_wrong_configuration_is_named_before_anything_is_applied(
    config: Document, field: str, rest: Script
) -> None:
    answer = apply(rest, api(now={"spec": {"config": {"http": config}}}))

    assert answer.status == 400
    assert list(answer.fields) == [f"toolSets.weather.tools.now.{field}"]
    assert not Tool.objects.exists()


def test_export_of_written_tools_makes_them_again_to_the_byte(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    out = {"name": "then-what", "spec": {"status": "TOOL_STATUS_OMITTED"}}
    apply_in(workspace, read_bundle([node_of(api(now=NOW, then=out))]))

    first = exported(workspace)
    apply_in(workspace, read_files(first))
    apply_in(other_workspace, read_files(first))

    assert exported(workspace) == exported(other_workspace) == first
    assert (
        applying.plan_now(
            other_workspace, KEY, read_files(first), actor=installer(other_workspace)
        ).ahead
        == []
    )

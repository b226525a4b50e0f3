"""Tools that people write: what is kept, remembered and refused."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from gateway.audit.models import AuditEvent
from registry.models import ToolVersion
from tests.conftest import Person
from toolsets.connecting import change, connect
from toolsets.errors import ExternalIdTaken, ToolsAreSynced, ToolSetManaged
from toolsets.models import Tool, ToolSet
from toolsets.writing import change_tool, create_tool, delete_tool

SCHEMA = {"type": "object", "properties": {"id": {"type": "string"}}}


@pytest.fixture
def fish(alice: Person) -> ToolSet:
    """The tool set of an HTTP API."""
    return http_set(alice)


def http_set(person: Person, **members: Any) -> ToolSet:
    return connect(
        person.workspace,
        name="Fish",
        adapter_type=ToolSet.AdapterType.HTTP,
        adapter={"baseUrl": "https://api.example.com"},
        actor=person.actor,
        **members,
    )


def test_written_tool_is_kept_with_its_hints_and_version(
    fish: ToolSet, alice: Person
) -> None:
    made = create_tool(
        fish,
        name="delete_fish",
        description="Deletes a fish.",
        parameters=SCHEMA,
        config={"requestMethod": "DELETE", "path": "/fish/{{ id }}", "query": "", "toolName": "delete_fish"},
        actor=alice.actor,
    )  # fmt: skip

    tool = Tool.objects.get(pk=made.pk)
    assert tool.config == {"requestMethod": "DELETE", "path": "/fish/{{ id }}"}
    assert tool.annotations["destructiveHint"] is True
    assert tool.is_available
    version = ToolVersion.objects.get(tool=tool, replaced_at=None)
    assert version.definition["description"] == "Deletes a fish."


def test_change_is_a_new_version_and_an_audit_row_without_header_values(
    fish: ToolSet, alice: Person
) -> None:
    tool = create_tool(fish, name="get", actor=alice.actor)

    changed = change_tool(
        tool,
        name="get_fish",
        config={"requestMethod": "POST", "headers": {"X-Key": "plain"}},
        requires_approval=True,
        actor=alice.actor,
    )

    assert (changed.name, changed.requires_approval) == ("get_fish", True)
    assert changed.annotations["readOnlyHint"] is False
    assert ToolVersion.objects.filter(tool=tool).count() == 2
    event = AuditEvent.objects.get(action="tool.updated")
    assert event.changes["name"] == ["get", "get_fish"]
    assert event.changes["config"][1]["headers"] == {"X-Key": "***"}


def test_change_of_nothing_writes_nothing(fish: ToolSet, alice: Person) -> None:
    tool = create_tool(fish, name="get", description="Gets.", actor=alice.actor)

    change_tool(tool, name="get", description="Gets.", config={}, actor=alice.actor)

    assert not AuditEvent.objects.filter(action="tool.updated").exists()
    assert ToolVersion.objects.filter(tool=tool).count() == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": "taken"}, "name"),
        ({"parameters": {"type": "array"}}, "parameters"),
        ({"parameters": {"type": "object", "properties": 1}}, "parameters"),
        ({"parameters": {"type": "object", "$ref": "https://evil.example/"}}, "parameters"),
        ({"parameters": {"type": "object", "default": "\x00"}}, "parameters"),
        ({"parameters": {"type": "object", "default": "x" * 300_000}}, "parameters"),
        ({"config": {"path": "{{"}}, "config.path"),
        ({"config": []}, "config"),
        ({"description": "x" * 20_001}, "description"),
        ({"external_id": "no spaces"}, "external_id"),
        ({"labels": {"a": 1}}, "labels"),
        ({"status": "TOOL_STATUS_ODD"}, "status"),
    ],
)  # fmt: skip
def test_wrong_field_is_named(
    fish: ToolSet, alice: Person, fields: dict[str, Any], field: str
) -> None:
    create_tool(fish, name="taken", actor=alice.actor)

    with pytest.raises(ValidationError) as caught:
        create_tool(fish, **{"name": "new", **fields}, actor=alice.actor)

    assert list(caught.value.message_dict) == [field]
    assert Tool.objects.count() == 1


def test_external_id_names_the_tool_that_has_it(fish: ToolSet, alice: Person) -> None:
    first = create_tool(fish, name="one", external_id="x", actor=alice.actor)

    with pytest.raises(ExternalIdTaken, match=first.pk):
        create_tool(fish, name="two", external_id="x", actor=alice.actor)


def test_tool_is_archived_by_hand_and_comes_back(fish: ToolSet, alice: Person) -> None:
    tool = create_tool(fish, name="get", actor=alice.actor)

    gone = change_tool(tool, status=Tool.Status.ARCHIVED, actor=alice.actor)
    back = change_tool(gone, status=Tool.Status.AVAILABLE, actor=alice.actor)

    assert (gone.status_reason, back.status_reason) == ("Archived by hand.", "")
    assert back.is_available


def test_deleted_tool_is_gone_and_recorded(fish: ToolSet, alice: Person) -> None:
    tool = create_tool(fish, name="get", actor=alice.actor)

    delete_tool(tool, actor=alice.actor)

    assert not Tool.objects.exists()
    assert AuditEvent.objects.get(action="tool.deleted").subject_label == "get"


def test_person_does_not_write_tools_of_a_managed_set(
    fish: ToolSet, alice: Person
) -> None:
    tool = create_tool(fish, name="get", actor=alice.actor)
    ToolSet.objects.update(is_managed=True)
    tool = Tool.objects.select_related("tool_set").get()
    fish.refresh_from_db()

    with pytest.raises(ToolSetManaged):
        create_tool(fish, name="new", actor=alice.actor)
    with pytest.raises(ToolSetManaged):
        change_tool(tool, name="new", actor=alice.actor)
    with pytest.raises(ToolSetManaged):
        delete_tool(tool, actor=alice.actor)


def test_tools_of_a_synced_set_are_not_written(alice: Person) -> None:
    synced = connect(
        alice.workspace,
        name="Synced",
        adapter_type=ToolSet.AdapterType.MCP,
        adapter={"url": "https://mcp.example.com"},
        actor=alice.actor,
    )

    with pytest.raises(ToolsAreSynced):
        create_tool(synced, name="get", actor=alice.actor)


def test_set_with_written_tools_does_not_become_a_synced_one(
    fish: ToolSet, alice: Person
) -> None:
    create_tool(fish, name="get", actor=alice.actor)

    with pytest.raises(ValidationError, match="Connect the upstream as another"):
        change(
            fish,
            adapter_type=ToolSet.AdapterType.MCP,
            adapter={"url": "https://mcp.example.com"},
            actor=alice.actor,
        )

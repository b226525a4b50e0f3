"""Deleting tool sets and workspaces: who loses what is said before, and what was meant is done."""

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse

from gateway.audit.models import AuditEvent
from gateway.identity.models import ApiKey, Profile, Workspace
from gateway.identity.ownership import WorkspaceOwned
from gateway.mcp.models import ToolCall
from tests.admin.conftest import NAME, Dashboard, World, made_tool, world_of
from tests.conftest import Person
from toolpacks.models import Connector, ToolPack
from toolpacks.packing import attach, create_pack
from toolsets.models import Tool, ToolSet


def _address(world: World) -> str:
    return reverse("admin:toolsets_toolset_delete", args=[world.tool_set.pk])


def _actions(actor: Person) -> list[str]:
    events = AuditEvent.objects.filter(workspace_id=actor.workspace.pk)
    return list(events.order_by("pk").values_list("action", flat=True))


def test_the_page_names_the_packs_and_what_they_lose(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    made_tool(world.tool_set, "second")
    other = create_pack(alice.workspace, name="Night shift", actor=alice.actor)
    attach(other, world.tool_set, tools=[world.tool], actor=alice.actor)
    ApiKey.objects.filter(pk=world.key.pk).update(agent_profile=world.agent)

    page = dashboard(alice).get(_address(world)).content.decode()

    assert "2 tool packs hold it" in page
    assert "Night shift" in page
    assert ("loses 1 tool<" in page, "loses 2 tools<" in page) == (True, True)
    assert "1 agent profile reaches it" in page


def test_a_tool_set_in_a_pack_is_not_deleted_without_the_box(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    answer = dashboard(alice).post(_address(world))

    assert "tick the box if you mean it" in answer.content.decode()
    assert ToolSet.objects.filter(pk=world.tool_set.pk).exists()
    assert Tool.objects.filter(pk=world.tool.pk).exists()
    assert Connector.objects.filter(pack=world.pack).exists()


def test_with_the_box_it_is_detached_and_deleted_and_both_are_recorded(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    before = len(_actions(alice))

    answer = dashboard(alice).post(_address(world), {"detach": "yes"})

    assert answer["Location"] == reverse("admin:toolsets_toolset_changelist")
    assert not ToolSet.objects.filter(pk=world.tool_set.pk).exists()
    assert not Tool.objects.filter(pk=world.tool.pk).exists()
    assert not Connector.objects.exists()
    assert ToolPack.objects.filter(pk=world.pack.pk).exists()
    assert _actions(alice)[before:] == [
        "connector.detached",
        "tool_set.archived",
        "tool_set.deleted",
    ]


def test_a_set_in_no_pack_is_deleted_without_a_box(
    world: World, dan: Person, dashboard: Dashboard
) -> None:
    Connector.objects.all().delete()

    dashboard(dan).post(_address(world))

    assert not ToolSet.objects.filter(pk=world.tool_set.pk).exists()


def test_many_tools_go_in_portions(world: World, alice: Person) -> None:
    Tool.objects.bulk_create(
        Tool(
            workspace=alice.workspace,
            tool_set=world.tool_set,
            created_by=alice.profile,
            name=f"tool_{number}",
        )
        for number in range(600)
    )

    Tool.objects.in_workspace(alice.workspace).delete_in_portions()

    assert not Tool.objects.exists()


def test_a_workspace_is_deleted_with_everything_in_it(
    world: World, alice: Person, mallory: Person, admin_client: Client
) -> None:
    kept = world_of(mallory)
    here = [row for row in kept.rows if isinstance(row, WorkspaceOwned)]
    address = reverse("admin:identity_workspace_delete", args=[alice.workspace.pk])
    assert "1 tool set<" in admin_client.get(address).content.decode()

    answer = admin_client.post(address, {"name": alice.workspace.name})

    assert answer.status_code == 302
    assert not Workspace.objects.filter(pk=alice.workspace.pk).exists()
    for model in apps.get_models():
        if issubclass(model, WorkspaceOwned):
            left = model._default_manager.filter(workspace=alice.workspace.pk)
            assert not left.exists(), model
    assert all(type(row)._default_manager.filter(pk=row.pk).exists() for row in here)
    assert list(Profile.objects.filter(type=Profile.Type.API_KEY)) == [kept.key.profile]
    assert Profile.objects.filter(pk=alice.profile.pk).exists()
    assert ToolCall.objects.filter(pk=world.call.pk).exists()
    assert _actions(alice)[-2:] == ["workspace.closed", "workspace.deleted"]


@pytest.mark.parametrize("typed", ["", "workshop", NAME])
def test_a_workspace_whose_name_is_not_typed_stays(
    typed: str, world: World, alice: Person, admin_client: Client
) -> None:
    address = reverse("admin:identity_workspace_delete", args=[alice.workspace.pk])

    answer = admin_client.post(address, {"name": typed})

    assert "This is not its name" in answer.content.decode()
    assert Workspace.objects.filter(pk=alice.workspace.pk).exists()
    assert ApiKey.objects.get(pk=world.key.pk).revoked_at is None


def test_only_a_superuser_deletes_a_workspace(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    address = reverse("admin:identity_workspace_delete", args=[alice.workspace.pk])

    answer = dashboard(alice).post(address, {"name": alice.workspace.name})

    assert answer.status_code == 403
    assert Workspace.objects.filter(pk=alice.workspace.pk).exists()


def test_members_of_a_deleted_workspace_are_in_none(
    world: World, alice: Person, dashboard: Dashboard, admin_client: Client
) -> None:
    client = dashboard(alice)
    client.get(reverse("admin:index"))
    address = reverse("admin:identity_workspace_delete", args=[alice.workspace.pk])

    admin_client.post(address, {"name": alice.workspace.name})

    assert (
        "You are in no workspace" in client.get(reverse("admin:index")).content.decode()
    )

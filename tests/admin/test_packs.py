"""Tool packs and registered users in the dashboard: the picker, wire names, grants."""

import json
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse

from gateway.identity.models import RegisteredUser
from tests.admin.conftest import NAME, Dashboard, World, made_tool, world_of
from tests.conftest import Person
from toolpacks.models import Connector, Grant, ToolPack


def _connector(world: World, page: str = "connector") -> str:
    ids = [world.pack.pk, world.tool_set.pk]
    return reverse(f"admin:toolpacks_toolpack_{page}", args=ids)


def _page(name: str, row: Any) -> str:
    return reverse(f"admin:{name}", args=[row.pk])


def test_a_pack_is_made_and_leads_to_its_tools(
    dan: Person, dashboard: Dashboard
) -> None:
    answer = dashboard(dan).post(
        reverse("admin:toolpacks_toolpack_add"),
        {"name": "Support agent", "description": "", "access": "OPEN"},
    )

    pack = ToolPack.objects.in_workspace(dan.workspace).get()
    assert pack.slug == "support-agent"
    assert answer["Location"] == _page("toolpacks_toolpack_tools", pack)


def test_a_taken_slug_is_said_in_the_form(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    other = ToolPack.objects.create(
        workspace=alice.workspace, name="B", slug="b", created_by=alice.profile
    )

    answer = dashboard(alice).post(
        _page("toolpacks_toolpack_change", other),
        {"name": "B", "slug": world.pack.slug, "access": "OPEN"},
    )

    assert answer.status_code == 200
    assert "Another tool pack" in answer.content.decode()


def test_exactly_the_chosen_tools_are_attached(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    chosen = made_tool(world.tool_set, "chosen")

    dashboard(alice).post(
        _connector(world),
        {
            "mode": "CHOSEN",
            "naming": "own",
            "prefix": "mine",
            "tools": json.dumps([chosen.pk]),
        },
    )

    connector = Connector.objects.get(pack=world.pack)
    assert list(connector.tools.all()) == [chosen]
    assert connector.prefix == "mine"
    tools = dashboard(alice).get(_page("toolpacks_toolpack_tools", world.pack))
    assert "mine__chosen" in tools.content.decode()


@pytest.mark.parametrize(
    ("naming", "prefix"), [("slug", None), ("none", ""), ("own", "mine")]
)
def test_the_prefix_is_the_slug_or_empty_or_its_own(
    naming: str,
    prefix: str | None,
    world: World,
    alice: Person,
    dashboard: Dashboard,
) -> None:
    dashboard(alice).post(
        _connector(world), {"mode": "ALL", "naming": naming, "prefix": "mine"}
    )

    assert Connector.objects.get(pack=world.pack).prefix == prefix


@pytest.mark.parametrize(
    ("posted", "said"),
    [
        ({"mode": "CHOSEN", "tools": "[]"}, "Choose at least one tool"),
        ({"mode": "CHOSEN", "tools": "{nonsense"}, "could not be read"),
        ({"mode": "CHOSEN", "tools": "7"}, "could not be read"),
        ({"mode": "ALL", "naming": "own", "prefix": "a b"}, "A prefix is at most"),
    ],
)
def test_a_bad_choice_is_said_and_changes_nothing(
    posted: dict[str, str],
    said: str,
    world: World,
    alice: Person,
    dashboard: Dashboard,
) -> None:
    answer = dashboard(alice).post(_connector(world), posted)

    assert said in answer.content.decode()
    assert Connector.objects.get(pack=world.pack).mode == Connector.Mode.ALL


def test_tools_of_another_set_are_not_attached(
    world: World, alice: Person, mallory: Person, dashboard: Dashboard
) -> None:
    foreign = world_of(mallory).tool.pk

    dashboard(alice).post(
        _connector(world),
        {"mode": "CHOSEN", "tools": json.dumps([foreign, world.tool.pk])},
    )

    assert list(Connector.objects.get(pack=world.pack).tools.all()) == [world.tool]


def test_the_picker_searches_pages_and_names(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    for number in range(30):
        made_tool(world.tool_set, f"list_{number:02}", description="Lists things.")
    client = dashboard(alice)

    found = client.get(
        _connector(world, "choices"), {"q": "list things", "page": "2", "prefix": ""}
    ).json()
    ids = client.get(_connector(world, "choices"), {"q": "list_0", "ids": "1"}).json()

    assert (found["total"], found["page"], found["pages"]) == (30, 2, 2)
    assert found["tools"][0]["wire_name"] == "list_25"
    assert len(ids["ids"]) == 10


def test_the_pack_shows_its_mcp_url_for_a_user(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    page = dashboard(alice).get(_page("toolpacks_toolpack_tools", world.pack))

    url = f"{settings.PUBLIC_URL}/tool-packs/{world.pack.pk}/registered-users/{world.user.pk}/mcp"
    assert url in page.content.decode()


def test_detaching_takes_the_connector_away(
    world: World, dan: Person, dashboard: Dashboard
) -> None:
    dashboard(dan).post(_connector(world, "detach"))

    assert not Connector.objects.filter(pack=world.pack).exists()


def test_a_pack_is_withdrawn_and_given_again(
    world: World, dan: Person, dashboard: Dashboard
) -> None:
    client, address = dashboard(dan), _page("toolpacks_toolpack_users", world.pack)

    client.post(address, {"user": world.user.pk, "decision": "withdraw"})
    withdrawn = Grant.objects.filter(pack=world.pack).count()
    client.post(
        _page("identity_registereduser_packs", world.user), {"pack": world.pack.slug}
    )

    assert withdrawn == 0
    assert Grant.objects.filter(pack=world.pack).count() == 1


def test_a_pack_is_not_given_to_another_workspaces_user(
    world: World, mallory: Person, alice: Person, dashboard: Dashboard
) -> None:
    stranger = RegisteredUser.objects.create(
        workspace=mallory.workspace, origin_user_id="x", created_by=mallory.profile
    )

    answer = dashboard(alice).post(
        _page("toolpacks_toolpack_users", world.pack), {"user": stranger.pk}
    )

    assert answer.status_code == 404


def test_a_user_is_registered_with_a_company(dan: Person, dashboard: Dashboard) -> None:
    dashboard(dan).post(
        reverse("admin:identity_registereduser_add"),
        {
            "origin_user_id": "u-1",
            "name": "Grace",
            "user_type": "HUMAN",
            "company_id": "acme",
            "company_name": "ACME",
        },
    )

    user = RegisteredUser.objects.in_workspace(dan.workspace).get()
    assert user.company is not None
    assert user.company.origin_company_name == "ACME"
    assert user.created_by == dan.profile


def test_a_second_user_with_the_same_id_is_an_error_of_the_form(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    answer = dashboard(alice).post(
        reverse("admin:identity_registereduser_add"),
        {"origin_user_id": NAME, "user_type": "HUMAN"},
    )

    assert answer.status_code == 200
    assert "has this id already" in answer.content.decode()


def test_a_user_is_deactivated_and_reactivated(
    world: World, dan: Person, dashboard: Dashboard
) -> None:
    client, address = dashboard(dan), _page("identity_registereduser_state", world.user)

    client.post(address, {"decision": "deactivate"})
    deactivated = RegisteredUser.objects.get(pk=world.user.pk)
    client.post(address, {"decision": "reactivate"})

    assert not deactivated.is_active
    assert RegisteredUser.objects.get(pk=world.user.pk).is_active


def test_users_are_not_deleted(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    answer = dashboard(alice).post(
        _page("identity_registereduser_delete", world.user), {"post": "yes"}
    )

    assert answer.status_code == 403

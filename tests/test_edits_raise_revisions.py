"""An edit over REST or in the admin raises the revision of what it changed; reading and syncing in vain do not.

`tests/identity/test_revisions.py` proves it for every way to write to a table; this is about the promised interfaces.
"""

from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gateway.identity.models import (
    AgentProfile,
    ApiKey,
    ApiKeyRegisteredUser,
    RegisteredUser,
    Revision,
    Workspace,
)
from gateway.identity.ownership import shaping_models
from tests.admin.conftest import World, world_of
from tests.conftest import Person
from tests.rest import Script
from tests.routes import methods_of, rest_routes
from toolpacks.models import ApiKeyPack, Connector, ConnectorTool, Grant, ToolPack
from toolsets.models import Secret, Tool, ToolSet

SHARED, THEIRS, SETS = "every surface", "the user's own", "the tool set's own"


@dataclass(frozen=True)
class Edit:
    """A request that writes to `model`; `{pack}` and the like stand for ids, in the path and in the body."""

    model: type[Any]
    method: str
    path: str
    body: Any = None
    raises: str = SHARED

    def __str__(self) -> str:
        return f"{self.model.__name__}: {self.method} {self.path}"


_KEY = {"scopes": ["runtime:all"], "toolPacks": ["{pack}"]}
_NEW_KEY = {"metadata": {"name": "New"}, "spec": _KEY}
_USERS_KEY = {
    "metadata": {"name": "N"},
    "spec": {**_KEY, "registeredUsers": ["{user}"]},
}
_CHOSEN = {"slug": "zanzibar", "tool_names": ["Zanzibar"]}
_CONNECTORS = "tool-packs/{pack}/connectors/"

BY_REST = [
    Edit(ToolSet, "PATCH", "tool_sets/{tool_set}", {"spec": {"description": "New"}}),
    Edit(ToolSet, "POST", "tool_sets/{tool_set}:archive"),
    Edit(Tool, "POST", "tool_sets/{tool_set}/tools/{tool}:omit", raises=SETS),
    Edit(
        Tool,
        "PATCH",
        "tool_sets/{tool_set}/tools/{tool}",
        {"spec": {"requiresApproval": True}},
        raises=SETS,
    ),
    Edit(Secret, "PUT", "tool_sets/{tool_set}/secrets/NEW", {"value": "hush"}),
    Edit(Secret, "PUT", "workspace_secrets/NEW", {"value": "hush"}),
    Edit(AgentProfile, "POST", "agent_profiles", {"metadata": {"name": "New"}}),
    Edit(
        AgentProfile, "PATCH", "agent_profiles/{agent}", {"spec": {"scopeTags": ["x"]}}
    ),
    Edit(ToolPack, "POST", "tool-packs/", {"name": "New"}),
    Edit(ToolPack, "PATCH", "tool-packs/{pack}/", {"access": "GRANTED"}),
    Edit(ToolPack, "DELETE", "tool-packs/{pack}/"),
    Edit(Connector, "PATCH", _CONNECTORS, [{"slug": "zanzibar", "prefix": "z"}]),
    Edit(Connector, "DELETE", _CONNECTORS + "zanzibar/"),
    Edit(ConnectorTool, "PUT", _CONNECTORS, [_CHOSEN]),
    Edit(ApiKey, "POST", "api_keys/{key}:revoke"),
    Edit(ApiKey, "POST", "api_keys/{key}:rotate"),
    Edit(ApiKeyPack, "POST", "api_keys", _NEW_KEY),
    Edit(ApiKeyRegisteredUser, "POST", "api_keys", _USERS_KEY),
    Edit(RegisteredUser, "DELETE", "registered-users/{user}/", raises=THEIRS),
    Edit(
        RegisteredUser,
        "PATCH",
        "registered-users/{user}/",
        {"origin_user_name": "New"},
        raises=THEIRS,
    ),
    Edit(Grant, "DELETE", "registered-users/{user}/tool-packs/{pack}/", raises=THEIRS),
]


@pytest.fixture
def world(alice: Person) -> World:
    return world_of(alice)


@pytest.fixture
def browser(alice: Person, world: World) -> Client:
    client = Client()
    client.force_login(User.objects.get(profile=alice.profile))
    return client


def number(world: World, raises: str) -> int:
    subject = {THEIRS: world.user.pk, SETS: world.tool_set.pk}.get(raises, "")
    rows = Revision.objects.filter(workspace_id=world.pack.workspace_id)
    return sum(rows.filter(subject=subject).values_list("number", flat=True))


def filled(template: Any, world: World) -> Any:
    """The template with the ids of the world."""
    match template:
        case str():
            names = ["tool_set", "tool", "pack", "user", "agent", "key"]
            return template.format(**{n: getattr(world, n).pk for n in names})
        case list():
            return [filled(item, world) for item in template]
        case dict():
            return {name: filled(item, world) for name, item in template.items()}
    return template


@pytest.mark.parametrize("edit", BY_REST, ids=str)
def test_an_edit_over_rest_raises_the_revision(
    edit: Edit, world: World, rest: Script
) -> None:
    before = number(world, edit.raises)

    answer = rest.send(
        edit.method, "/v1/" + filled(edit.path, world), filled(edit.body, world)
    )

    assert answer.status < 300, answer.body
    assert number(world, edit.raises) > before


def test_every_shaping_table_is_edited_over_rest() -> None:
    edited = {edit.model for edit in BY_REST}

    assert edited | {Workspace} == set(shaping_models())  # REST makes no workspaces


BY_ADMIN = [
    Edit(ToolSet, "POST", "toolsets/toolset/{tool_set}/archive/"),
    Edit(
        Tool,
        "POST",
        "toolsets/tool/{tool}/decide/",
        {"decision": "omit"},
        raises=SETS,
    ),
    Edit(
        AgentProfile,
        "POST",
        "identity/agentprofile/{agent}/change/",
        {"name": "New", "scope_tags": "a, b"},
    ),
    Edit(
        ToolPack,
        "POST",
        "toolpacks/toolpack/{pack}/change/",
        {"name": "New", "slug": "new", "access": "GRANTED"},
    ),
    Edit(
        ConnectorTool,
        "POST",
        "toolpacks/toolpack/{pack}/connectors/{tool_set}/",
        {"mode": "CHOSEN", "tools": '["{tool}"]', "naming": "none"},
    ),
    Edit(Connector, "POST", "toolpacks/toolpack/{pack}/connectors/{tool_set}/detach/"),
    Edit(ApiKey, "POST", "identity/apikey/{key}/revoke/"),
    Edit(
        RegisteredUser,
        "POST",
        "identity/registereduser/{user}/state/",
        {"decision": "deactivate"},
        raises=THEIRS,
    ),
    Edit(
        Grant,
        "POST",
        "toolpacks/toolpack/{pack}/users/",
        {"decision": "withdraw", "user": "{user}"},
        raises=THEIRS,
    ),
]


@pytest.mark.parametrize("edit", BY_ADMIN, ids=str)
def test_an_edit_in_the_admin_raises_the_revision(
    edit: Edit, world: World, browser: Client
) -> None:
    before = number(world, edit.raises)

    response = browser.post(
        "/admin/" + filled(edit.path, world), filled(edit.body or {}, world)
    )

    assert response.status_code == 302, response.content[-2000:]
    assert number(world, edit.raises) > before


def test_reading_raises_nothing(world: World, rest: Script, browser: Client) -> None:
    before = [number(world, subject) for subject in (SHARED, THEIRS, SETS)]

    for route in rest_routes():
        if "GET" in methods_of(route) and not route.parameters:
            assert rest.get("/" + route.path).status == 200
    for page in ("", "toolsets/toolset/", f"toolpacks/toolpack/{world.pack.pk}/tools/"):
        assert browser.get(f"/admin/{page}").status_code == 200

    assert [number(world, subject) for subject in (SHARED, THEIRS, SETS)] == before

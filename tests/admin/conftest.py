"""The dashboard as people see it, and a workspace that has one of everything."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from gateway.identity.models import (
    AgentProfile,
    ApiKey,
    Membership,
    RegisteredUser,
    Workspace,
)
from gateway.mcp.models import ToolCall
from tests.conftest import Person
from toolpacks.bundles import runs
from toolpacks.bundles.holding import EMPTY
from toolpacks.enrolling import enroll_user
from toolpacks.granting import grant
from toolpacks.key_limits import issue_pack_key
from toolpacks.models import BundleRun, ToolPack
from toolpacks.packing import attach, create_pack
from toolsets.connecting import connect
from toolsets.models import Secret, SyncState, Tool, ToolSet, ToolSetEvent
from toolsets.secrets import store_secret

Dashboard = Callable[[Person], Client]
NAME = "Zanzibar"


@dataclass(frozen=True, kw_only=True)
class World:
    """One row of each kind that a workspace owns, all of them called Zanzibar."""

    tool_set: ToolSet
    tool: Tool
    secret: Secret
    pack: ToolPack
    user: RegisteredUser
    agent: AgentProfile
    key: ApiKey
    call: ToolCall
    membership: Membership
    bundle_run: BundleRun

    @property
    def rows(self) -> list[Any]:
        return [getattr(self, field.name) for field in fields(self)]


@pytest.fixture
def dashboard() -> Dashboard:
    """A browser in which a person is signed in."""

    def signed_in(person: Person) -> Client:
        client = Client()
        client.force_login(User.objects.get(profile=person.profile))
        return client

    return signed_in


@pytest.fixture
def world(alice: Person) -> World:
    return world_of(alice)


def world_of(person: Person, suffix: str = "") -> World:
    """One of everything in this person's workspace."""
    workspace, actor, name = person.workspace, person.actor, f"{NAME}{suffix}"
    tool_set = connect(
        workspace,
        name=name,
        adapter_type="mcp",
        adapter={"url": f"https://{name.lower()}.example.com/mcp"},
        actor=actor,
    )
    SyncState.objects.filter(tool_set=tool_set).update(due_at=None)
    ToolSetEvent.objects.create(
        workspace=workspace,
        tool_set=tool_set,
        type=ToolSetEvent.Type.STARTED,
        message=name,
        created_by=person.profile,
    )
    tool = made_tool(tool_set, name)
    pack = create_pack(workspace, name=name, actor=actor)
    attach(pack, tool_set, actor=actor)
    user, _ = enroll_user(workspace, origin_user_id=name, name=name, actor=actor)
    grant(pack, user, actor=actor)
    issued = issue_pack_key(
        workspace, name=name, packs=[pack], expires_at=None, actor=actor
    )
    return World(
        tool_set=tool_set,
        tool=tool,
        secret=store_secret(
            workspace, name=name.upper(), value="s3cret-value", actor=actor
        ),
        pack=pack,
        user=user,
        agent=AgentProfile.objects.create(
            workspace=workspace, name=name, created_by=person.profile
        ),
        key=issued.key,
        call=made_call(workspace, tool, pack, user),
        membership=Membership.objects.get(profile=person.profile),
        bundle_run=runs.begin(workspace, name, EMPTY, actor=actor),
    )


def made_tool(tool_set: ToolSet, name: str, **facts: Any) -> Tool:
    return Tool.objects.create(
        workspace=tool_set.workspace,
        tool_set=tool_set,
        name=name,
        created_by=tool_set.created_by,
        **facts,
    )


def made_call(
    workspace: Workspace,
    tool: Tool,
    pack: ToolPack,
    user: RegisteredUser,
    **facts: Any,
) -> ToolCall:
    return ToolCall.objects.create(
        workspace_id=workspace.pk,
        process_id="process_1",
        registered_user_id=user.pk,
        pack_id=str(pack.pk),
        tool_set_id=tool.tool_set_id,
        tool_id=tool.pk,
        tool_name=tool.name,
        started_at=datetime.now(UTC),
        **{"state": ToolCall.State.SUCCEEDED, "total_ms": 12.5, **facts},
    )


def unknown_id() -> str:
    return str(uuid.uuid4())

"""API keys over REST."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from gateway.identity.models import (
    AgentProfile,
    ApiKey,
    ApiKeyUse,
    RegisteredUser,
    Revision,
    Workspace,
)
from gateway.identity.roles import Role
from tests.conftest import Person
from tests.rest import Script, script
from toolpacks import packing
from toolpacks.models import ApiKeyPack, ToolPack
from toolsets.models import ToolSet

pytestmark = pytest.mark.django_db

KEYS = "/v1/api_keys"
MANAGEMENT, RUNTIME = "management:all", "runtime:all"


def asked(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "CI"}, "spec": {"scopes": [RUNTIME], **spec}}


def test_token_leaves_once_and_works(
    rest: Script, pack: ToolPack, erin: RegisteredUser
) -> None:
    made = rest.post(
        KEYS,
        asked(
            scopes=[MANAGEMENT, RUNTIME],
            role="admin",
            toolPacks=[pack.slug],
            registeredUsers=[erin.pk],
        ),
    )
    key_id = made.body["metadata"]["id"]
    read = rest.get(f"{KEYS}/{key_id}").body

    assert made.status == 201, made.body
    assert made.body["spec"]["toolPacks"] == [str(pack.pk)]
    assert made.body["spec"]["registeredUsers"] == [erin.pk]
    assert "token" not in read
    assert read["state"] == "STATE_ACTIVE"
    who = Script(key=None, token=made.body["token"]).get("/v1/whoami").body
    assert (who["apiKeyId"], who["isLimitedToPacks"]) == (key_id, True)
    assert who["allowedRegisteredUserIds"] == [erin.pk]


def test_key_lives_for_ninety_days_unless_said_otherwise(rest: Script) -> None:
    usual = rest.post(KEYS, asked(mayActAsAnyone=True)).body["spec"]["expiresAt"]
    never = rest.post(KEYS, asked(mayActAsAnyone=True, expiresAt=None)).body
    until = "2031-01-01T00:00:00Z"
    chosen = rest.post(KEYS, asked(mayActAsAnyone=True, expiresAt=until)).body

    left = datetime.fromisoformat(usual) - datetime.now(UTC)
    assert timedelta(days=89) < left < timedelta(days=91)
    assert never["spec"]["expiresAt"] is None
    assert chosen["spec"]["expiresAt"] == until


def test_runtime_key_without_limits_must_be_asked_for_in_words(rest: Script) -> None:
    refused = rest.post(KEYS, asked())
    agreed = rest.post(KEYS, asked(mayActAsAnyone=True))

    assert (refused.status, refused.code) == (400, "api_key_without_limits")
    assert agreed.status == 201


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"scopes": []}, "spec.scopes"),
        ({"scopes": ["everything"]}, "spec.scopes[0]"),
        ({"role": "king"}, "spec.role"),
        ({"toolPacks": ["nowhere"]}, "spec.toolPacks"),
        ({"registeredUsers": ["ru_nobody"]}, "spec.registeredUsers"),
        ({"registeredUserId": "ru_nobody"}, "spec.registeredUserId"),
        ({"agentProfileId": "agent_none"}, "spec.agentProfileId"),
        (
            {"mayActAsAnyone": True, "expiresAt": "2001-01-01T00:00:00Z"},
            "spec.expiresAt",
        ),
        ({"limits": "none"}, "spec.limits"),
    ],
)
def test_wrong_key_is_a_400_that_names_the_field(
    spec: dict[str, Any], field: str, rest: Script
) -> None:
    answer = rest.post(KEYS, asked(**spec))

    assert answer.status == 400, answer.body
    assert next(iter(answer.fields)).startswith(field.partition("[")[0])
    assert ApiKey.objects.count() == 1


def test_rotated_token_replaces_the_old_at_once(
    rest: Script, workspace: Workspace
) -> None:
    other = script(workspace)
    assert other.key is not None

    rotated = rest.post(f"{KEYS}/{other.key.pk}:rotate")

    assert rotated.status == 200
    assert other.get("/v1/whoami").code == "invalid_token"
    assert Script(key=None, token=rotated.body["token"]).get("/v1/whoami").status == 200


def test_revoked_key_is_out_for_good(rest: Script, workspace: Workspace) -> None:
    other = script(workspace)
    assert other.key is not None

    revoked = rest.post(f"{KEYS}/{other.key.pk}:revoke")
    again = rest.post(f"{KEYS}/{other.key.pk}:revoke")
    rotated = rest.post(f"{KEYS}/{other.key.pk}:rotate")

    assert (revoked.body["state"], again.status) == ("STATE_REVOKED", 200)
    assert (rotated.status, rotated.code) == (409, "api_key_revoked")
    assert other.get("/v1/whoami").status == 401


@pytest.mark.parametrize(
    ("role", "make", "rotate_own", "rotate_other", "revoke_other"),
    [
        (Role.ADMIN, 201, 200, 200, 200),
        (Role.DEVELOPER, 201, 200, 403, 403),
        (Role.SECURITY, 403, 403, 403, 200),
        (Role.READ_ONLY, 403, 403, 403, 403),
    ],
)
def test_roles_decide_about_keys(
    role: Role,
    make: int,
    rotate_own: int,
    rotate_other: int,
    revoke_other: int,
    rest: Script,
    workspace: Workspace,
) -> None:
    mine, other = script(workspace, role=role), script(workspace, role=Role.READ_ONLY)
    assert mine.key is not None
    assert other.key is not None
    made = mine.post(KEYS, asked(mayActAsAnyone=True))
    own_id = made.body["metadata"]["id"] if made.status == 201 else other.key.pk

    assert made.status == make
    assert mine.post(f"{KEYS}/{own_id}:rotate").status == rotate_own
    assert mine.post(f"{KEYS}/{other.key.pk}:rotate").status == rotate_other
    assert mine.post(f"{KEYS}/{other.key.pk}:revoke").status == revoke_other


def test_nobody_makes_a_key_wider_than_themselves(
    workspace: Workspace, pack: ToolPack, erin: RegisteredUser, alice: Person
) -> None:
    developer = script(workspace, role=Role.DEVELOPER)
    limited = script(workspace, scopes=(MANAGEMENT, RUNTIME), limited_to_users=[erin])
    narrow = script(workspace, scopes=(MANAGEMENT, RUNTIME), is_limited_to_packs=True)
    assert narrow.key is not None
    ApiKeyPack.objects.create(workspace=workspace, api_key=narrow.key, pack=pack)
    other = packing.create_pack(workspace, name="Other", actor=alice.actor)

    answers = [
        developer.post(KEYS, asked(role="admin", mayActAsAnyone=True)),
        limited.post(KEYS, asked(mayActAsAnyone=True)),
        narrow.post(KEYS, asked(mayActAsAnyone=True)),
        narrow.post(KEYS, asked(toolPacks=[str(other.pk)])),
    ]

    assert {(a.status, a.code) for a in answers} == {(403, "wider_than_yourself")}
    assert narrow.post(KEYS, asked(toolPacks=[str(pack.pk)])).status == 201
    assert limited.post(KEYS, asked(registeredUserId=erin.pk)).status == 201


def test_use_is_noted_at_most_once_a_minute_and_raises_no_revision(
    rest: Script, workspace: Workspace
) -> None:
    before = Revision.objects.get(workspace_id=workspace.pk, subject="").number
    rest.get("/v1/whoami")
    first = ApiKeyUse.objects.get(api_key=rest.key).last_used_at
    rest.get("/v1/whoami")
    second = ApiKeyUse.objects.get(api_key=rest.key).last_used_at
    long_ago = timezone.now() - timedelta(seconds=61)
    ApiKeyUse.objects.update(last_used_at=long_ago)
    rest.get("/v1/whoami")

    assert first == second
    assert ApiKeyUse.objects.get(api_key=rest.key).last_used_at > first
    after = Revision.objects.get(workspace_id=workspace.pk, subject="").number
    assert after == before


def test_agent_count_counts_the_agents_that_reach_the_set(
    rest: Script, workspace: Workspace, alice: Person, pack: ToolPack, github: ToolSet
) -> None:
    packing.attach(pack, github, actor=alice.actor)
    other = packing.create_pack(workspace, name="Other", actor=alice.actor)
    agents = [
        AgentProfile.objects.create(
            workspace=workspace, name=f"Agent {n}", created_by=alice.profile
        )
        for n in range(5)
    ]
    specs: list[dict[str, Any]] = [
        {"mayActAsAnyone": True},
        {"toolPacks": [str(pack.pk)]},
        {"toolPacks": [str(other.pk)]},
        {"scopes": [MANAGEMENT]},
        {"mayActAsAnyone": True},
    ]
    for agent, spec in zip(agents, specs, strict=True):
        made = rest.post(KEYS, asked(agentProfileId=agent.pk, **spec))
        assert made.status == 201, made.body
    rest.post(f"{KEYS}/{made.body['metadata']['id']}:revoke")

    shown = rest.get(f"/v1/tool_sets/{github.pk}", includeInfo="true").body

    assert shown["info"]["agentCount"] == 2

"""Agent profiles and whoami over REST."""

import pytest

from gateway.identity.models import Workspace
from gateway.identity.roles import Role
from tests.rest import Script, script

pytestmark = pytest.mark.django_db

AGENTS = "/v1/agent_profiles"


def test_agent_is_made_changed_and_taken_away(rest: Script) -> None:
    made = rest.post(
        AGENTS,
        {
            "metadata": {"name": "Support", "externalId": "a1"},
            "spec": {"scopeTags": ["crm"]},
        },
    )
    path = f"{AGENTS}/{made.body['metadata']['id']}"

    changed = rest.patch(path, {"spec": {"scopeTags": ["*"]}})
    cleared = rest.put(path, {"updateMask": "spec.scope_tags"})
    gone, missing = rest.delete(path), rest.get(path)

    assert made.status == 201, made.body
    assert changed.body["metadata"] == made.body["metadata"]
    assert changed.body["spec"] == {"scopeTags": ["*"]}
    assert cleared.body["spec"] == {"scopeTags": []}
    assert (gone.status, missing.status) == (204, 404)


def test_agent_with_a_key_is_not_taken_away(rest: Script) -> None:
    agent = rest.post(AGENTS, {"metadata": {"name": "Support"}}).body["metadata"]["id"]
    rest.post(
        "/v1/api_keys",
        {
            "metadata": {"name": "CI"},
            "spec": {
                "scopes": ["runtime:all"],
                "agentProfileId": agent,
                "mayActAsAnyone": True,
            },
        },
    )

    answer = rest.delete(f"{AGENTS}/{agent}")

    assert (answer.status, answer.code) == (409, "in_use")
    assert "CI" in answer.body["message"]


def test_second_agent_with_a_name_is_refused(rest: Script) -> None:
    rest.post(AGENTS, {"metadata": {"name": "Support"}})

    answer = rest.post(AGENTS, {"metadata": {"name": "Support"}})

    assert (answer.status, list(answer.fields)) == (400, ["metadata.name"])


def test_second_agent_with_an_external_id_is_refused(rest: Script) -> None:
    rest.post(AGENTS, {"metadata": {"name": "Support", "externalId": "helper"}})

    answer = rest.post(AGENTS, {"metadata": {"name": "Other", "externalId": "helper"}})

    assert (answer.status, list(answer.fields)) == (400, ["metadata.externalId"])


def test_whoami_tells_what_the_caller_may_do(workspace: Workspace) -> None:
    rest = script(workspace, role=Role.DEVELOPER)

    body = rest.get("/v1/whoami").body

    assert rest.key is not None
    assert body["profile"]["spec"]["type"] == "PROFILE_TYPE_API_KEY"
    assert body["rights"] == ["read", "build", "own_keys", "read_test_bodies"]
    assert (body["role"], body["isPerson"]) == ("developer", False)
    assert (body["workspaceId"], body["apiKeyId"]) == (workspace.pk, rest.key.pk)
    assert body["scopes"] == ["management:all"]

"""Who may use REST: keys, people with a session, and nobody else."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from gateway.identity.models import ApiKey, Membership, Workspace
from gateway.identity.roles import Role
from tests.conftest import Person, person
from tests.rest import Script, script

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "not_authenticated"),
        ("Bearer nonsense", "invalid_token"),
        ("Bearer ", "invalid_token"),
        ("Basic YTpi", "invalid_token"),
    ],
)
def test_request_without_a_good_token_is_a_401_that_says_bearer(
    header: str, code: str
) -> None:
    response = Client().get(
        "/v1/whoami", headers={"Authorization": header} if header else {}
    )

    assert (response.status_code, response.json()["code"]) == (401, code)
    assert response["WWW-Authenticate"].startswith('Bearer realm="toolcrib"')
    assert response["x-should-retry"] == "false"


def test_expired_key_is_a_401(rest: Script) -> None:
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert rest.get("/v1/whoami").status == 401


def test_runtime_key_may_not_use_rest(workspace: Workspace) -> None:
    runtime = script(workspace, scopes=(ApiKey.Scope.RUNTIME,))

    answer = runtime.get("/v1/tool_sets")

    assert (answer.status, answer.code) == (403, "missing_scope")


def test_person_with_a_session_reads_and_needs_csrf_to_write(alice: Person) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert alice.profile.user is not None
    browser.force_login(alice.profile.user)

    who = browser.get("/v1/whoami")
    refused = browser.post("/v1/tool-packs/", {"name": "x"}, "application/json")

    assert who.json()["isPerson"] is True
    assert who.json()["role"] == "admin"
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_person_works_in_the_workspace_that_they_chose(
    alice: Person, other_workspace: Workspace
) -> None:
    Membership.objects.create(
        workspace=other_workspace, profile=alice.profile, role=Role.READ_ONLY
    )
    browser = Client()
    assert alice.profile.user is not None
    browser.force_login(alice.profile.user)
    first = browser.get("/v1/whoami").json()
    session = browser.session
    session["workspace_id"] = other_workspace.pk
    session.save()

    second = browser.get("/v1/whoami").json()

    assert (first["workspaceId"], first["role"]) == (alice.workspace.pk, "admin")
    assert (second["workspaceId"], second["role"]) == (other_workspace.pk, "read_only")


def test_session_in_a_workspace_that_one_left_falls_back(
    alice: Person, mallory: Person
) -> None:
    browser = Client()
    assert alice.profile.user is not None
    browser.force_login(alice.profile.user)
    session = browser.session
    session["workspace_id"] = mallory.workspace.pk
    session.save()

    assert browser.get("/v1/whoami").json()["workspaceId"] == alice.workspace.pk


def test_person_without_a_membership_is_in_no_workspace(workspace: Workspace) -> None:
    lost = person("Lost", workspace, Role.ADMIN)
    Membership.objects.all().delete()
    browser = Client()
    assert lost.profile.user is not None
    browser.force_login(lost.profile.user)

    answer = browser.get("/v1/whoami")

    assert (answer.status_code, answer.json()["code"]) == (403, "no_workspace")


def test_method_that_a_route_has_not_is_a_405_that_names_the_others(
    rest: Script,
) -> None:
    answer = rest.delete("/v1/whoami")

    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert "GET" in answer.headers["Allow"]


def test_address_that_leads_nowhere_looks_like_a_missing_object(rest: Script) -> None:
    nowhere = rest.get("/v1/nothing/here")
    missing = rest.get("/v1/tool_sets/ts_missing")

    assert nowhere.status == missing.status == 404
    assert nowhere.body == missing.body

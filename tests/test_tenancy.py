"""Every REST route, taken from the URLconf, hides and keeps what belongs to another workspace."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from gateway.audit.models import AuditEvent
from gateway.identity.api.base import WorkspaceView
from gateway.identity.models import ApiKeyUse, RegisteredUser, Workspace
from gateway.identity.profiling import create_agent_profile
from gateway.mcp.models import ToolCall
from gateway.rest.operations import operation_of
from tests.rest import Script, installer, script
from tests.routes import Route, address, methods_of, rest_routes
from toolpacks import enrolling, granting, packing
from toolpacks.bundles import runs
from toolpacks.bundles.reading import read_bundle
from toolpacks.bundles.syntax import node_of
from toolsets import connecting, secrets
from toolsets.models import Tool, ToolSet, ToolSetEvent

pytestmark = pytest.mark.django_db

SECRET_WORD = "hushhush"
GIVEN_NAMES = {"bundle_key"}  # whoever names it has one of that name


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """What one workspace has; `named` says what stands for it in a path."""

    workspace: Workspace
    script: Script
    named: dict[str, str] = field(default_factory=dict)


ROUTES = rest_routes()
WITH_OBJECT = [r for r in ROUTES if set(r.parameters) - {"workspace_id"}]
LISTS = [r for r in ROUTES if not set(r.parameters) - {"workspace_id"}]


def belongings(workspace: Workspace, marker: str) -> Belongings:
    """One of everything that REST shows, called `marker`."""
    actor = installer(workspace)
    tool_set = connecting.connect(
        workspace,
        name=marker,
        adapter_type="mcp",
        adapter={"url": "https://mcp.example.com"},
        external_id=marker,
        actor=actor,
    )
    tool = Tool.objects.create(
        workspace=workspace,
        tool_set=tool_set,
        name=marker,
        external_id=marker,
        created_by_id=actor.profile_id,
    )
    ToolSetEvent.objects.create(
        workspace=workspace,
        tool_set=tool_set,
        type=ToolSetEvent.Type.STARTED,
        created_by_id=actor.profile_id,
        message=marker,
    )
    for holder in (tool_set, None):
        secrets.store_secret(
            workspace,
            name=marker.upper(),
            value=SECRET_WORD,
            tool_set=holder,
            actor=actor,
        )
    pack = packing.create_pack(workspace, name=marker, actor=actor)
    packing.attach(pack, tool_set, actor=actor)
    user, _ = enrolling.enroll_user(
        workspace, origin_user_id=marker, name=marker, actor=actor
    )
    granting.grant(pack, user, actor=actor)
    agent = create_agent_profile(workspace, name=marker, actor=actor)
    call = ToolCall.objects.create(
        workspace_id=workspace.pk,
        process_id="process_x",
        tool_name=marker,
        state=ToolCall.State.SUCCEEDED,
        started_at=timezone.now(),
    )
    bundle = read_bundle([node_of({"toolSets": {}})])
    run = runs.begin(workspace, marker, bundle, actor=actor)
    admin = script(workspace)
    assert admin.key is not None
    named = {
        "workspace_id": workspace.pk,
        "tool_set_id": tool_set.pk,
        "tool_id": tool.pk,
        "name": marker.upper(),
        "pack": str(pack.pk),
        "slug": tool_set.slug,
        "user": user.pk,
        "agent_id": agent.pk,
        "key_id": admin.key.pk,
        "call_id": call.pk,
        "bundle_key": marker,
        "run_id": run.pk,
    }
    return Belongings(workspace=workspace, script=admin, named=named)


@pytest.fixture
def ours(workspace: Workspace) -> Belongings:
    return belongings(workspace, "ours")


@pytest.fixture
def theirs(other_workspace: Workspace) -> Belongings:
    return belongings(other_workspace, "theirs")


def everything() -> dict[str, list[Any]]:
    """Every row of the product's tables, except what a request itself leaves behind."""
    left = {AuditEvent, ApiKeyUse}
    models = [
        model
        for model in apps.get_models()
        if model not in left
        and model._meta.app_label
        in {"identity", "toolsets", "toolpacks", "registry", "mcp"}
    ]
    return {
        model._meta.label: list(model._default_manager.order_by("pk").values_list())
        for model in models
    }


def test_every_route_is_a_view_that_names_its_rights() -> None:
    assert len(ROUTES) >= 60
    for route in ROUTES:
        assert issubclass(route.view, WorkspaceView), route.path
        defined = {
            m.upper()
            for m in ("get", "post", "put", "patch", "delete")
            if hasattr(route.view, m)
        }
        assert set(route.view.rights) == defined, route.path


@pytest.mark.parametrize("route", WITH_OBJECT, ids=lambda r: r.path)
def test_object_of_another_workspace_looks_missing_and_stays_as_it_is(
    route: Route, ours: Belongings, theirs: Belongings
) -> None:
    """Each parameter in turn names something of theirs, while the others name ours."""
    missing = ours.script.get("/v1/tool_sets/ts_missing").body
    before = everything()

    for parameter in set(route.parameters) - GIVEN_NAMES:
        named = {**ours.named, parameter: theirs.named[parameter]}
        methods = ["DELETE"] if parameter == "name" else methods_of(route)
        for method in methods:
            body = {"value": "x"} if parameter != "workspace_id" else {}
            answer = ours.script.send(method, address(route, named), body)

            assert (answer.status, answer.body) == (404, missing), (method, named)
    assert everything() == before


def _whole(route: Route) -> dict[str, str]:
    """Asks for all that a list can show."""
    operation = operation_of(route.view, "GET")
    names = {p.name for p in operation.parameters} if operation else set()
    return {"includeInfo": "true"} if "includeInfo" in names else {}


@pytest.mark.parametrize("route", LISTS, ids=lambda r: r.path)
def test_list_shows_nothing_of_another_workspace(
    route: Route, ours: Belongings, theirs: Belongings
) -> None:
    if "GET" not in route.view.rights:
        pytest.skip("nothing to read")
    answer = ours.script.get(address(route, ours.named), **_whole(route))

    assert answer.status == 200
    text = str(answer.body)
    assert "theirs" not in text.lower()
    assert not [v for v in theirs.named.values() if v in text]
    assert SECRET_WORD not in text


@pytest.mark.parametrize("route", LISTS, ids=lambda r: r.path)
def test_workspace_in_the_address_must_be_the_tokens(
    route: Route, ours: Belongings, theirs: Belongings
) -> None:
    if "workspace_id" not in route.parameters:
        pytest.skip("the address names no workspace")
    before = everything()

    for method in methods_of(route):
        answer = ours.script.send(method, address(route, theirs.named), {})
        assert answer.status == 404, method

    assert everything() == before


def test_external_ids_origin_ids_and_slugs_of_another_workspace_lead_nowhere(
    ours: Belongings, theirs: Belongings
) -> None:
    for path in (
        "/v1/tool_sets/external_id:theirs",
        f"/v1/tool_sets/{ours.named['tool_set_id']}/tools/external_id:theirs",
        "/v1/registered-users/external_id:theirs/",
        "/v1/tool-packs/theirs/",
        f"/v1/tool_sets/{ours.named['tool_set_id']}/secrets",
    ):
        answer = ours.script.get(path)
        assert "theirs" not in str(answer.body), path


def test_bodies_cannot_reach_into_another_workspace(
    ours: Belongings, theirs: Belongings
) -> None:
    before = everything()
    key = {"metadata": {"name": "x"}}
    there = theirs.named

    answers = [
        ours.script.post("/v1/tool-packs/", {"name": "x", "connectors": ["theirs"]}),
        ours.script.put(f"/v1/tool-packs/{ours.named['pack']}/connectors/", ["theirs"]),
        *[
            ours.script.post(
                "/v1/api_keys", {**key, "spec": {"scopes": ["runtime:all"], **spec}}
            )
            for spec in (
                {"toolPacks": [there["pack"]]},
                {"toolPacks": ["theirs"]},
                {"registeredUsers": [there["user"]]},
                {"registeredUserId": there["user"]},
                {"agentProfileId": there["agent_id"], "mayActAsAnyone": True},
            )
        ],
    ]

    assert [a.status for a in answers] == [400] * len(answers)
    assert everything() == before
    assert RegisteredUser.objects.count() == ToolSet.objects.count() == 2
    assert connection.in_atomic_block  # the test's own transaction is intact

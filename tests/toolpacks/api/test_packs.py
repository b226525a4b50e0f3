"""Tool packs and connectors over REST."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from gateway.audit.models import AuditEvent
from gateway.identity.models import Revision, Workspace
from gateway.identity.roles import Role
from tests.rest import Script, script
from toolpacks.models import Connector, ToolPack
from toolsets.models import Tool, ToolSet

pytestmark = pytest.mark.django_db

SCHEMA = json.loads(Path(__file__).with_name("tool_pack.schema.json").read_text())


def connectors_of(rest: Script, pack: ToolPack) -> list[dict[str, Any]]:
    body = rest.get(f"/v1/tool-packs/{pack.pk}/connectors/").body
    return [
        {k: item[k] for k in ("slug", "mode", "prefix", "tool_names")}
        for item in body["results"]
    ]


def test_pack_is_what_the_published_schema_says(rest: Script, github: ToolSet) -> None:
    made = rest.post(
        "/v1/tool-packs/",
        {
            "name": "Support agent",
            "description": "For support.",
            "default_for_new_users": True,
            "connectors": [{"slug": "github", "tool_names": ["search", "create"]}],
        },
    )

    assert made.status == 201, made.body
    jsonschema_rs.validator_for(SCHEMA, validate_formats=True).validate(made.body)
    body = dict(made.body)
    assert ToolPack.objects.get(pk=body.pop("id"))
    assert body.pop("created_at").endswith("Z")
    assert body.pop("modified_at").endswith("Z")
    assert body == {
        "name": "Support agent",
        "slug": "support-agent",
        "external_id": "",
        "bundle_key": "",
        "description": "For support.",
        "connectors": ["github"],
        "tool_count": 2,
        "access": "OPEN",
        "default_for_new_users": True,
        "enabled": True,
        "security_rules": [],
    }


@pytest.mark.parametrize("by", ["id", "slug"])
def test_pack_is_found_by_id_and_by_slug(by: str, rest: Script, pack: ToolPack) -> None:
    reference = str(pack.pk) if by == "id" else pack.slug

    answer = rest.get(f"/v1/tool-packs/{reference}/")

    assert answer.body["id"] == str(pack.pk)


def test_packs_come_in_numbered_pages(rest: Script) -> None:
    for number in range(3):
        rest.post("/v1/tool-packs/", {"name": f"Pack {number}"})

    first = rest.get("/v1/tool-packs/", page_size=2).body
    second = rest.get("/v1/tool-packs/", page_size=2, page=2).body

    assert (first["count"], first["previous"]) == (3, None)
    assert "page=2" in first["next"]
    assert [p["name"] for p in first["results"] + second["results"]] == [
        "Pack 0",
        "Pack 1",
        "Pack 2",
    ]


def test_pack_is_changed_and_deleted(rest: Script, pack: ToolPack) -> None:
    path = f"/v1/tool-packs/{pack.pk}/"

    changed = rest.patch(path, {"name": "Ops", "access": "GRANTED", "slug": "ops"})
    gone, missing = rest.delete(path), rest.get(path)

    assert (changed.body["name"], changed.body["slug"], changed.body["access"]) == (
        "Ops",
        "ops",
        "GRANTED",
    )
    assert (gone.status, gone.body) == (204, None)
    assert (missing.status, missing.code) == (404, "not_found")
    assert list(AuditEvent.objects.values_list("action", flat=True).order_by("pk"))[
        -2:
    ] == ["tool_pack.updated", "tool_pack.deleted"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x", "slug": "Not A Slug"}, "slug"),
        ({"name": "x", "slug": "support-agent"}, "slug"),
        ({"name": "x", "access": "CLOSED"}, "access"),
        ({"name": "x", "default_for_new_users": "yes"}, "default_for_new_users"),
        ({"name": "x", "colour": "red"}, "colour"),
        ({"name": "x", "connectors": ["nowhere"]}, "connectors[0].slug"),
        (
            {"name": "x", "connectors": [{"slug": "github", "tool_names": ["nope"]}]},
            "connectors[0].tool_names",
        ),
        ({"name": "x", "connectors": ["github", "github"]}, "connectors[1].slug"),
    ],
)
def test_wrong_pack_is_a_400_that_names_the_field(
    body: dict[str, Any], field: str, rest: Script, pack: ToolPack, github: ToolSet
) -> None:
    answer = rest.post("/v1/tool-packs/", body)

    assert (answer.status, answer.code) == (400, "invalid_argument")
    assert list(answer.fields) == [field]
    assert ToolPack.objects.count() == 1


def test_absent_tool_names_mean_all_on_a_new_connector_and_no_change_on_an_old_one(
    rest: Script, pack: ToolPack, github: ToolSet
) -> None:
    path = f"/v1/tool-packs/{pack.pk}/connectors/"

    rest.patch(path, [{"slug": "github"}])
    all_of_them = connectors_of(rest, pack)
    rest.patch(path, [{"slug": "github", "tool_names": ["search"]}])
    rest.patch(path, [{"slug": "github", "prefix": "gh"}])
    unchanged = connectors_of(rest, pack)

    assert all_of_them == [
        {
            "slug": "github",
            "mode": "ALL",
            "prefix": None,
            "tool_names": ["create", "delete", "search"],
        }
    ]
    assert unchanged == [
        {"slug": "github", "mode": "CHOSEN", "prefix": "gh", "tool_names": ["search"]}
    ]


def test_put_replaces_all_connectors_and_patch_only_those_it_names(
    rest: Script, pack: ToolPack, github: ToolSet, jira: ToolSet
) -> None:
    path = f"/v1/tool-packs/{pack.pk}/connectors/"

    rest.put(path, [{"slug": "github"}])
    rest.patch(path, {"connectors": [{"slug": "jira", "tool_names": ["search"]}]})
    both = [c["slug"] for c in connectors_of(rest, pack)]
    answer = rest.put(path, [{"slug": "jira"}])

    assert both == ["github", "jira"]
    assert [c["slug"] for c in answer.body["results"]] == ["jira"]
    assert connectors_of(rest, pack)[0]["tool_names"] == ["search"]


def test_empty_tool_names_detach_the_connector(
    rest: Script, pack: ToolPack, github: ToolSet
) -> None:
    path = f"/v1/tool-packs/{pack.pk}/connectors/"
    rest.put(path, ["github"])

    answer = rest.patch(path, [{"slug": "github", "tool_names": []}])

    assert answer.body == {"count": 0, "next": None, "previous": None, "results": []}
    assert not Connector.objects.exists()


def test_connector_is_detached_once(
    rest: Script, pack: ToolPack, github: ToolSet
) -> None:
    rest.put(f"/v1/tool-packs/{pack.pk}/connectors/", ["github"])
    path = f"/v1/tool-packs/{pack.slug}/connectors/github/"

    first, second = rest.delete(path), rest.delete(path)

    assert (first.status, second.status) == (204, 404)


def test_refused_connectors_leave_the_pack_as_it_was(
    rest: Script, pack: ToolPack, github: ToolSet, jira: ToolSet
) -> None:
    path = f"/v1/tool-packs/{pack.pk}/connectors/"
    rest.put(path, ["github"])

    answer = rest.put(path, [{"slug": "jira", "prefix": "a b"}])

    assert answer.status == 400
    assert [c["slug"] for c in connectors_of(rest, pack)] == ["github"]


def test_prefix_may_be_empty_or_go_back_to_the_slug(
    rest: Script, pack: ToolPack, github: ToolSet
) -> None:
    path = f"/v1/tool-packs/{pack.pk}/connectors/"

    rest.put(path, [{"slug": "github", "prefix": ""}])
    empty = connectors_of(rest, pack)[0]["prefix"]
    rest.patch(path, [{"slug": "github", "prefix": None}])

    assert empty == ""
    assert connectors_of(rest, pack)[0]["prefix"] is None


def test_connectors_sent_back_as_they_came_change_nothing(
    rest: Script, pack: ToolPack, github: ToolSet, jira: ToolSet
) -> None:
    path = f"/v1/tool-packs/{pack.pk}/connectors/"
    rest.put(path, ["github", {"slug": "jira", "tool_names": ["search"]}])
    before = rest.get(path).body
    revision = Revision.objects.get(workspace_id=pack.workspace_id, subject="").number

    answer = rest.put(path, before["results"])

    assert answer.body == before
    after = Revision.objects.get(workspace_id=pack.workspace_id, subject="")
    assert after.number == revision


def test_only_available_tools_count_and_show(
    rest: Script, pack: ToolPack, github: ToolSet, jira: ToolSet
) -> None:
    rest.put(
        f"/v1/tool-packs/{pack.pk}/connectors/",
        [
            {"slug": "github", "tool_names": ["search", "delete"]},
            {"slug": "jira"},
        ],
    )
    Tool.objects.filter(name="delete").update(status=Tool.Status.OMITTED)

    count = rest.get(f"/v1/tool-packs/{pack.pk}/").body["tool_count"]
    ToolSet.objects.filter(slug="jira").update(state=ToolSet.State.ARCHIVED)
    fewer = rest.get(f"/v1/tool-packs/{pack.pk}/").body["tool_count"]

    assert (count, fewer) == (3, 1)
    assert [c["tool_names"] for c in connectors_of(rest, pack)] == [["search"], []]


def test_tool_set_in_a_pack_is_not_deleted_and_the_pack_is_named(
    rest: Script, pack: ToolPack, github: ToolSet
) -> None:
    rest.put(f"/v1/tool-packs/{pack.pk}/connectors/", ["github"])

    answer = rest.delete(f"/v1/tool_sets/{github.pk}")

    assert (answer.status, answer.code) == (409, "tool_set_in_use")
    assert "Support agent" in answer.body["message"]
    assert ToolSet.objects.filter(pk=github.pk).exists()
    assert not AuditEvent.objects.filter(action="tool_set.deleted").exists()


def test_confirmed_deletion_detaches_the_tool_set_from_its_packs(
    rest: Script, pack: ToolPack, github: ToolSet
) -> None:
    rest.put(f"/v1/tool-packs/{pack.pk}/connectors/", ["github"])

    answer = rest.delete(f"/v1/tool_sets/{github.pk}?confirm=true")

    assert (answer.status, answer.body) == (204, None)
    assert rest.get(f"/v1/tool-packs/{pack.pk}/").body["connectors"] == []
    assert rest.get(f"/v1/tool_sets/{github.pk}").status == 404


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.ADMIN, 201),
        (Role.DEVELOPER, 201),
        (Role.SECURITY, 403),
        (Role.READ_ONLY, 403),
    ],
)
def test_roles_decide_who_may_make_packs(
    role: Role, status: int, workspace: Workspace
) -> None:
    answer = script(workspace, role=role).post("/v1/tool-packs/", {"name": "x"})

    assert answer.status == status


def test_number_of_queries_does_not_grow_with_the_packs(
    rest: Script, github: ToolSet, jira: ToolSet, django_assert_max_num_queries: Any
) -> None:
    for number in range(8):
        rest.post(
            "/v1/tool-packs/",
            {"name": f"Pack {number}", "connectors": ["github", "jira"]},
        )

    with django_assert_max_num_queries(11):
        answer = rest.get("/v1/tool-packs/")

    assert [p["tool_count"] for p in answer.body["results"]] == [6] * 8


def test_external_id_of_a_pack_is_taken_once(rest: Script) -> None:
    made = rest.post("/v1/tool-packs/", {"name": "One", "external_id": "support"})

    again = rest.post("/v1/tool-packs/", {"name": "Two", "external_id": "support"})

    assert made.body["external_id"] == "support"
    assert (again.status, again.code) == (409, "external_id_taken")
    assert made.body["id"] in again.body["message"]


def test_pack_can_be_handed_to_a_bundle(rest: Script, pack: ToolPack) -> None:
    answer = rest.patch(f"/v1/tool-packs/{pack.pk}/", {"bundle_key": "platform"})

    assert answer.body["bundle_key"] == "platform"

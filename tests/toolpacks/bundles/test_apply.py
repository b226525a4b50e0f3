"""Bundles over REST: what a plan says, what applying does, and what is left alone."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.models.signals import post_init
from django.test.utils import CaptureQueriesContext

from gateway.audit.models import AuditEvent
from gateway.identity.models import Revision, Workspace
from gateway.identity.roles import Role
from tests.conftest import Person
from tests.rest import Script, installer, script
from tests.toolpacks.bundles.conftest import (
    KEY,
    Apply,
    Document,
    a_set,
    actions,
    apply,
    export,
    one,
    outcomes,
    plan,
    set_of,
    synced,
)
from toolpacks.bundles import applying
from toolpacks.bundles.reading import read_bundle
from toolpacks.bundles.syntax import node_of
from toolpacks.models import BundleOutcome, BundleRun, Connector, ToolPack
from toolpacks.packing import attach, create_pack
from toolsets import curating
from toolsets.connecting import archive, connect
from toolsets.models import SyncState, Tool, ToolSet

pytestmark = pytest.mark.django_db

PACK = {"name": "Support", "connectors": {"weather": {"prefix": "w"}}}
BOTH = {**one(), "toolPacks": {"support": PACK}}


def test_new_resources_are_created_with_owner_and_external_id(rest: Script) -> None:
    planned = plan(rest, BOTH)
    answer = apply(rest, BOTH)

    assert actions(planned) == {"weather": "create", "support": "create"}
    assert (answer.status, answer.body["state"]) == (200, "SUCCEEDED")
    assert outcomes(answer) == {
        "weather": ("APPLIED", ""),
        "support": ("APPLIED", ""),
    }
    tool_set, pack = set_of(), ToolPack.objects.get(external_id="support")
    assert (tool_set.bundle_key, tool_set.slug) == ("platform", "weather")
    assert (pack.bundle_key, pack.slug) == ("platform", "support")
    held = Connector.objects.get(pack=pack)
    assert (held.tool_set, held.prefix, held.mode) == (tool_set, "w", "ALL")


def test_plan_changes_nothing(rest: Script) -> None:
    apply(rest, BOTH)
    before = _everything()

    plan(rest, {"toolSets": {"weather": a_set("Changed"), "other": a_set("Other")}})

    assert _everything() == before


def _everything() -> list[object]:
    models = (ToolSet, ToolPack, Connector, SyncState, BundleRun, AuditEvent, Revision)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_unchanged_bundle_plans_nothing_and_applying_it_writes_nothing(
    rest: Script,
) -> None:
    apply(rest, BOTH)
    revisions = list(Revision.objects.values_list("number", flat=True))

    planned = plan(rest, BOTH)
    answer = apply(rest, BOTH)

    assert actions(planned) == {"weather": "unchanged", "support": "unchanged"}
    assert answer.body["counts"] == {
        "total": 0,
        "applied": 0,
        "refused": 0,
        "failed": 0,
        "unchanged": 2,
    }
    assert list(Revision.objects.values_list("number", flat=True)) == revisions


def test_plan_names_each_member_that_differs(rest: Script) -> None:
    apply(rest, one(a_set(labels={"team": "a"})))

    answer = plan(
        rest,
        one(
            a_set(
                labels={"team": "b"},
                spec={
                    "description": "x" * 1000,
                    "adapter": {"mcp": {"url": "https://new.example.com"}},
                },
            )
        ),
    )

    (change,) = answer.body["changes"]
    found = {d["field"]: (d["before"], d["after"]) for d in change["differences"]}
    assert found["labels.team"] == ("a", "b")
    assert found["spec.adapter.mcp.url"] == (
        "https://mcp.example.com",
        "https://new.example.com",
    )
    assert found["spec.description"] == (None, "x" * 300 + "… (1,000 characters)")


def test_member_that_is_no_longer_said_returns_to_its_default(rest: Script) -> None:
    apply(rest, one(a_set(slug="mine", spec={"tags": ["x"], "description": "y"})))

    apply(rest, one())

    tool_set = set_of()
    assert (tool_set.tags, tool_set.description) == ([], "")
    assert tool_set.slug == "mine"


def test_what_is_no_longer_named_is_archived_and_comes_back_as_it_was(
    rest: Script,
) -> None:
    apply(rest, BOTH)
    first, keep = set_of().pk, one(a_set("Kept"), key="kept")

    gone = apply(rest, keep)
    archived = set_of().state, ToolPack.objects.get().is_enabled
    planned = plan(rest, BOTH | {"toolSets": BOTH["toolSets"] | keep["toolSets"]})
    apply(rest, BOTH | {"toolSets": BOTH["toolSets"] | keep["toolSets"]})

    assert [o["action"] for o in gone.body["outcomes"]] == [
        "create",
        "archive",
        "archive",
    ]
    assert archived == (ToolSet.State.ARCHIVED, False)
    assert actions(planned) == {
        "kept": "unchanged",
        "weather": "unarchive",
        "support": "unarchive",
    }
    assert (set_of().pk, set_of().state) == (first, ToolSet.State.ACTIVE)
    assert ToolPack.objects.get().is_enabled


def test_archived_resources_plan_nothing_the_next_time(rest: Script) -> None:
    apply(rest, BOTH)
    apply(rest, one(a_set("Kept"), key="kept"))

    assert actions(plan(rest, one(a_set("Kept"), key="kept"))) == {"kept": "unchanged"}


def test_empty_bundle_needs_to_be_meant(rest: Script) -> None:
    apply(rest, BOTH)

    refused = apply(rest, {})
    meant = apply(rest, {}, query="?allowEmpty=true")

    assert (refused.status, list(refused.fields)) == (400, ["allowEmpty"])
    assert meant.body["counts"]["applied"] == 2
    assert set_of().state == ToolSet.State.ARCHIVED


def test_what_nobody_handed_over_is_never_adopted(rest: Script, alice: Person) -> None:
    connect(
        alice.workspace,
        name="By hand",
        adapter_type="mcp",
        adapter={"url": "https://x.example.com"},
        external_id="weather",
        actor=alice.actor,
    )

    planned = plan(rest, one())
    answer = apply(rest, one())

    assert actions(planned) == {"weather": "not_owned"}
    assert "set its bundleKey" in planned.body["changes"][0]["reason"]
    assert answer.body["state"] == "FAILED"
    assert outcomes(answer) == {"weather": ("REFUSED", "not_owned")}
    assert set_of().name == "By hand"


def test_what_is_handed_over_is_taken(rest: Script, alice: Person) -> None:
    made = rest.post(
        "/v1/tool_sets",
        {"metadata": {"name": "By hand", "externalId": "weather"}, **_SPEC},
    )
    rest.patch(
        f"/v1/tool_sets/{made.body['metadata']['id']}",
        {"metadata": {"bundleKey": "platform"}},
    )

    assert actions(plan(rest, one())) == {"weather": "update"}
    apply(rest, one())
    assert set_of().name == "Weather"


_SPEC = {"spec": {"adapter": {"mcp": {"url": "https://mcp.example.com"}}}}


def test_of_two_bundles_that_name_one_thing_the_second_is_refused(rest: Script) -> None:
    apply(rest, BOTH)

    answer = apply(rest, {**one(a_set("Mine")), "toolPacks": {"mine": PACK}}, "other")

    assert outcomes(answer)["weather"] == ("REFUSED", "not_owned")
    assert "the bundle platform" in answer.body["outcomes"][0]["message"]
    assert outcomes(answer)["mine"] == ("APPLIED", "")  # attaching touches no set
    assert answer.body["state"] == "PARTIALLY_APPLIED"
    assert set_of().name == "Weather"


def test_other_bundles_and_hand_made_things_are_left_alone(
    rest: Script, alice: Person
) -> None:
    apply(rest, one(a_set("Other"), key="other"), "other")
    by_hand = create_pack(alice.workspace, name="By hand", actor=alice.actor)
    apply(rest, BOTH)

    apply(rest, {}, query="?allowEmpty=true")

    by_hand.refresh_from_db()
    assert (set_of("other").state, by_hand.is_enabled) == ("STATE_ACTIVE", True)


def test_taken_slug_is_refused_in_the_plan(rest: Script, alice: Person) -> None:
    create_pack(alice.workspace, name="Support", actor=alice.actor)

    answer = plan(rest, {"toolPacks": {"mine": {"name": "X", "slug": "support"}}})

    assert actions(answer) == {"mine": "slug_taken"}


def test_failure_of_one_resource_does_not_stop_the_others(rest: Script) -> None:
    two = {"a": a_set("A", slug="same"), "b": a_set("B", slug="same")}

    answer = apply(rest, {"toolSets": {**two, "c": a_set("C")}})

    assert outcomes(answer) == {
        "a": ("APPLIED", ""),
        "b": ("REFUSED", "slug_taken"),
        "c": ("APPLIED", ""),
    }
    assert answer.body["state"] == "PARTIALLY_APPLIED"
    assert answer.body["message"] == "1 of 3 changes could not be made."


def test_pack_gets_exactly_the_connectors_and_tools_that_are_said(
    rest: Script, alice: Person
) -> None:
    apply(rest, BOTH)
    synced(set_of(), "now", "later")
    pack = ToolPack.objects.get()
    extra = connect(
        alice.workspace,
        name="Extra",
        adapter_type="mcp",
        adapter={"url": "https://x.example.com"},
        actor=alice.actor,
    )
    attach(pack, extra, actor=alice.actor)

    chosen = {"name": "Support", "connectors": {"weather": {"tools": ["now"]}}}
    answer = apply(rest, {**one(), "toolPacks": {"support": chosen}})

    assert answer.body["state"] == "SUCCEEDED", answer.body
    connector = Connector.objects.get(pack=pack)
    assert [tool.name for tool in connector.tools.all()] == ["now"]
    assert connector.prefix is None


@pytest.mark.parametrize(
    ("connectors", "code"),
    [
        ({"nowhere": {}}, "unknown_tool_set"),
        ({"weather": {"tools": ["now", "nonsense"]}}, "unknown_tool"),
    ],
)
def test_connector_to_what_is_not_there_is_refused_in_the_plan(
    connectors: dict[str, object], code: str, rest: Script
) -> None:
    apply(rest, one())
    synced(set_of(), "now")

    answer = plan(
        rest, {**one(), "toolPacks": {"p": {"name": "P", "connectors": connectors}}}
    )

    assert actions(answer)["p"] == code


def test_decisions_about_synced_tools_are_kept_and_taken_back(rest: Script) -> None:
    apply(rest, one())
    synced(set_of(), "now", "later")
    decided = {
        "now": {"spec": {"status": "TOOL_STATUS_OMITTED"}},
        "later": {"labels": {"a": "b"}, "spec": {"requiresApproval": True}},
    }

    answer = apply(rest, one(a_set(tools=decided)))
    kept = {t.name: (t.status, t.requires_approval, t.labels) for t in _tools()}
    again = plan(rest, one(a_set(tools=decided)))
    exported = export(rest)
    apply(rest, one())

    assert answer.body["state"] == "SUCCEEDED", answer.body
    assert kept == {
        "later": (Tool.Status.AVAILABLE, True, {"a": "b"}),
        "now": (Tool.Status.OMITTED, False, {}),
    }
    assert set(actions(again).values()) == {"unchanged"}
    assert exported["toolSets"]["weather"]["tools"] == decided
    assert [(t.status, t.is_approval_set_by_hand, t.labels) for t in _tools()] == [
        (Tool.Status.AVAILABLE, False, {})
    ] * 2
    assert {t.bundle_key for t in _tools()} == {""}


def _tools() -> list[Tool]:
    return list(Tool.objects.order_by("name"))


def test_decisions_of_people_about_other_tools_stay(
    rest: Script, alice: Person
) -> None:
    apply(rest, one())
    synced(set_of(), "now", "later")
    curating.omit([Tool.objects.get(name="later")], actor=alice.actor)

    apply(rest, one(a_set(tools={"now": {"spec": {"requiresApproval": False}}})))

    assert Tool.objects.get(name="later").status == Tool.Status.OMITTED


def test_tool_that_the_upstream_does_not_list_is_refused_in_the_plan(
    rest: Script,
) -> None:
    apply(rest, one())
    synced(set_of(), "now")

    answer = plan(rest, one(a_set(tools={"noow": {"labels": {"a": "b"}}})))

    assert actions(answer)["weather/noow"] == "unknown_tool"


def test_row_without_an_external_id_is_refused_and_stays(rest: Script) -> None:
    made = rest.post("/v1/tool-packs/", {"name": "Lost", "bundle_key": "platform"})

    answer = apply(rest, {}, query="?allowEmpty=true")

    assert outcomes(answer) == {f"id:{made.body['id']}": ("REFUSED", "no_external_id")}
    assert ToolPack.objects.get().is_enabled


def test_set_that_others_packs_use_is_archived_with_a_word_about_them(
    rest: Script, alice: Person
) -> None:
    apply(rest, one())
    pack = create_pack(alice.workspace, name="Theirs", actor=alice.actor)
    attach(pack, set_of(), actor=alice.actor)

    (change,) = plan(rest, {}).body["changes"]

    assert change["action"] == "archive"
    assert change["note"] == "Packs that are not this bundle's lose its tools: Theirs."


@pytest.mark.parametrize("role", [Role.ADMIN, Role.DEVELOPER])
def test_who_may_build_may_apply(role: Role, workspace: Workspace) -> None:
    answer = apply(script(workspace, role=role), one())

    assert answer.body["state"] == "SUCCEEDED"
    created = AuditEvent.objects.get(action="tool_set.created")
    assert created.actor_label == f"{role} script"


def test_only_admins_open_private_networks_through_a_bundle(
    workspace: Workspace,
) -> None:
    opened = one(a_set(spec={"allowedNetworks": ["10.1.0.0/16"]}))

    by_developer = apply(script(workspace, role=Role.DEVELOPER), opened)
    by_admin = apply(script(workspace), opened)

    assert outcomes(by_developer) == {"weather": ("REFUSED", "networks_forbidden")}
    assert outcomes(by_admin) == {"weather": ("APPLIED", "")}


@pytest.mark.parametrize("role", [Role.SECURITY, Role.READ_ONLY])
def test_who_may_only_look_reads_runs_and_exports_and_applies_nothing(
    role: Role, workspace: Workspace, rest: Script
) -> None:
    apply(rest, one())
    reader = script(workspace, role=role)

    assert apply(reader, one()).status == plan(reader, one()).status == 403
    assert export(reader) == export(rest)
    assert len(reader.get("/v1/bundles/platform/runs").body["items"]) == 1


def test_two_workspaces_have_bundles_of_one_key_apart(
    rest: Script, elsewhere: Script
) -> None:
    apply(rest, BOTH)
    answer = apply(elsewhere, one())

    assert outcomes(answer) == {"weather": ("APPLIED", "")}
    assert ToolSet.objects.filter(external_id="weather").count() == 2
    assert list(export(elsewhere)) == ["toolSets"]
    run = BundleRun.objects.order_by("pk").first()
    assert run is not None
    assert elsewhere.get(f"/v1/bundles/platform/runs/{run.pk}").status == 404
    assert len(elsewhere.get("/v1/bundles/platform/runs").body["items"]) == 1


def test_person_meets_the_rule_of_managed_sets(applied: Apply, alice: Person) -> None:
    applied(one(a_set(managed=True)))
    moved = a_set(
        managed=True, spec={"adapter": {"mcp": {"url": "https://b.example.com"}}}
    )
    bundle = read_bundle([node_of(one(moved))])

    run, planned = applying.request(alice.workspace, KEY, bundle, actor=alice.actor)
    applying.run_bundle(run.pk)

    (change,) = planned.changes
    assert (change.action, change.code) == ("refused", "tool_set_managed")
    assert "only API keys may change its address" in change.reason
    assert run.outcomes.get().code == "tool_set_managed"
    assert set_of().adapter == {"url": "https://mcp.example.com"}


MANAGED: Document = {
    "spec": {"adapter": {"http": {"baseUrl": "https://api.example.com"}}},
    "managed": True,
    "tools": {"feed": {}},
}


@pytest.mark.parametrize(
    ("before", "after", "refused"),
    [
        (None, MANAGED, ["weather", "weather/feed"]),
        (a_set(), a_set(managed=True), ["weather"]),
        (MANAGED, {**MANAGED, "managed": False}, ["weather"]),
        (MANAGED, {**MANAGED, "labels": {"a": "b"}}, []),
        (MANAGED, {**MANAGED, "tools": {"feed": {"title": "x"}}}, ["weather/feed"]),
        (MANAGED, {**MANAGED, "tools": {}}, ["weather/feed"]),
        (MANAGED, {**MANAGED, "tools": {"feed": {}, "b": {}}}, ["weather/b"]),
    ],
)
def test_plan_says_what_a_person_may_not_do_to_a_managed_set_and_a_key_may(
    before: Document | None,
    after: Document,
    refused: list[str],
    applied: Apply,
    alice: Person,
) -> None:
    if before is not None:
        applied(one({"name": "Weather", **before}))
    bundle = read_bundle([node_of(one({"name": "Weather", **after}))])

    run, planned = applying.request(alice.workspace, KEY, bundle, actor=alice.actor)
    by_key = applying.plan_now(
        alice.workspace, KEY, bundle, actor=installer(alice.workspace)
    )
    applying.run_bundle(run.pk)

    codes = {change.key: change.code for change in planned.changes if change.code}
    assert codes == dict.fromkeys(refused, "tool_set_managed")
    assert {o.key: o.code for o in run.outcomes.all() if o.code} == codes
    assert [change.code for change in by_key.changes if change.code] == []


def test_plan_says_that_private_networks_are_not_opened(workspace: Workspace) -> None:
    opened = one(a_set(spec={"allowedNetworks": ["10.1.0.0/16"]}))

    by_developer = plan(script(workspace, role=Role.DEVELOPER), opened)

    assert actions(by_developer) == {"weather": "networks_forbidden"}
    assert actions(plan(script(workspace), opened)) == {"weather": "create"}


def test_bundle_of_a_developer_does_not_send_a_secret_elsewhere(
    workspace: Workspace, rest: Script
) -> None:
    apply(rest, one())
    rest.put("/v1/tool_sets/external_id:weather/secrets/KEY", {"value": "hunter2"})
    adapter = {"mcp": {"url": "https://elsewhere.example.net"}}
    moved = one(a_set(spec={"adapter": adapter}))
    developer = script(workspace, role=Role.DEVELOPER)

    planned, applied = plan(developer, moved), apply(developer, moved)

    assert actions(planned) == {"weather": "credentials_stay"}
    assert outcomes(applied) == {"weather": ("REFUSED", "credentials_stay")}
    assert set_of().address == "https://mcp.example.com"
    assert actions(plan(rest, moved)) == {"weather": "update"}


def test_set_that_was_archived_by_hand_is_put_back(rest: Script, alice: Person) -> None:
    apply(rest, one())
    archive(set_of(), actor=alice.actor)

    assert actions(plan(rest, one())) == {"weather": "unarchive"}


def test_plan_takes_as_many_queries_for_many_resources_as_for_few(
    applied: Apply, workspace: Workspace
) -> None:
    few, many, actor = _bundle_of(2), _bundle_of(30), installer(workspace)
    applied(few)
    counts = []
    for document in (few, many):
        bundle = read_bundle([node_of(document)])
        with CaptureQueriesContext(connection) as queries:
            applying.plan_now(workspace, KEY, bundle, actor=actor)
        counts.append(len(queries))

    assert counts == [9, 9]


def _bundle_of(count: int) -> Document:
    adapter = {"http": {"baseUrl": "https://api.example.com"}}
    sets = {
        f"s{number}": a_set(spec={"adapter": adapter}, tools={"a": {}, "b": {}})
        for number in range(count)
    }
    packs = {
        f"p{number}": {"name": "P", "connectors": {f"s{number}": {"tools": ["a"]}}}
        for number in range(count)
    }
    return {"toolSets": sets, "toolPacks": packs}


@pytest.fixture
def restless() -> Iterator[None]:
    """Tool sets that somebody describes anew each time that they are read, until they tire of it."""
    numbers = iter(range(12))

    def described(instance: ToolSet, **_: Any) -> None:
        if (number := next(numbers, None)) is not None:
            text = f"Number {number}."
            ToolSet.objects.filter(pk=instance.pk).update(description=text)

    post_init.connect(described, sender=ToolSet)
    yield
    post_init.disconnect(described, sender=ToolSet)


def test_resource_that_somebody_changes_meanwhile_is_brought_to_what_is_wanted(
    applied: Apply, request: pytest.FixtureRequest
) -> None:
    applied(one())
    request.getfixturevalue("restless")

    run = applied(one(a_set(spec={"description": "Wanted."})))

    outcome = BundleOutcome.objects.get(run=run)
    assert (outcome.state, outcome.message) == (BundleOutcome.State.APPLIED, "")
    assert set_of().description == "Wanted."

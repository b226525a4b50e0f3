"""What a bundle owns comes out as a bundle that makes the same again, to the byte."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.identity.models import Workspace
from gateway.identity.roles import Role
from tests.conftest import Person
from tests.rest import Script, installer
from tests.toolpacks.bundles.conftest import (
    KEY,
    Apply,
    Document,
    a_set,
    apply,
    export,
    one,
    set_of,
    synced,
)
from toolpacks.bundles import applying, exporting
from toolpacks.bundles.reading import read_bundle
from toolpacks.bundles.syntax import node_of, read
from toolpacks.models import ToolPack
from toolpacks.packing import attach
from toolsets.connecting import connect
from toolsets.models import ToolSet

pytestmark = pytest.mark.django_db

_names = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30
).filter(str.strip)
_keys = st.from_regex(r"\A[A-Za-z0-9._-]{1,12}\Z")
_slugs = st.from_regex(r"\A[a-z0-9-]{1,12}\Z")
_labels = st.dictionaries(
    st.from_regex(r"\A[a-z]{1,8}\Z"), st.from_regex(r"\A[a-z0-9]{0,8}\Z"), max_size=3
)
_filters = st.builds(
    lambda words, operator: {
        "operator": operator,
        "filters": [
            {"attribute": "ATTRIBUTE_NAME", "matcher": {"contains": word}}
            for word in words
        ],
    },
    st.lists(_names, max_size=3),
    st.sampled_from(["OPERATOR_AND", "OPERATOR_OR"]),
)
_adapters = st.fixed_dictionaries(
    {"url": st.just("https://mcp.example.com/mcp")},
    optional={
        "headers": st.just({"Authorization": "Bearer ${TOKEN}", "X-Team": "a: 'b' #"}),
        "includeTools": _filters,
        "toolApprovals": st.just({"always": True}),
    },
)
_sets = st.builds(
    lambda name, spec, more: {"name": name, "spec": spec, **more},
    _names,
    st.fixed_dictionaries(
        {"adapter": _adapters.map(lambda adapter: {"mcp": adapter})},
        optional={
            "description": st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
                max_size=80,
            ),
            "tags": st.lists(_names, max_size=3),
            "interactions": st.just({"sampling": True}),
            "allowedNetworks": st.just(["10.1.0.0/16"]),
            "syncIntervalSeconds": st.integers(10, 10_000),
        },
    ),
    st.fixed_dictionaries({}, optional={"labels": _labels, "managed": st.booleans()}),
)


@st.composite
def bundles(draw: Any) -> Document:
    """A bundle of some sets, and of packs that hold some of them."""
    sets = draw(st.dictionaries(_keys, _sets, max_size=4))
    connectors = st.dictionaries(
        st.sampled_from(sorted(sets)),
        st.fixed_dictionaries({}, optional={"prefix": _slugs, "tools": st.just([])}),
    )
    pack = st.fixed_dictionaries(
        {"name": _names, "connectors": connectors if sets else st.just({})},
        optional={
            "description": _names,
            "access": st.sampled_from(["OPEN", "GRANTED"]),
            "defaultForNewUsers": st.booleans(),
        },
    )
    return {
        "toolSets": sets,
        "toolPacks": draw(st.dictionaries(_keys, pack, max_size=3)),
    }


def apply_in(workspace: Workspace, bundle: Any) -> None:
    actor = replace(installer(workspace), role=Role.ADMIN)
    run, _ = applying.request(workspace, KEY, bundle, may_be_empty=True, actor=actor)
    applying.run_bundle(run.pk)
    run.refresh_from_db()
    assert run.state == "SUCCEEDED", list(run.outcomes.values())


def exported(workspace: Workspace) -> dict[str, bytes]:
    return exporting.files_of(exporting.export_of(workspace, KEY))


def read_files(files: dict[str, bytes]) -> Any:
    return read_bundle(node for data in files.values() for node in read(data))


@pytest.mark.timeout(600)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(document=bundles())
def test_export_apply_export_is_the_same_to_the_byte(
    document: Document, workspace: Workspace, other_workspace: Workspace
) -> None:
    for place in (workspace, other_workspace):
        ToolPack.objects.in_workspace(place).delete()
        ToolSet.objects.in_workspace(place).delete()

    apply_in(workspace, read_bundle([node_of(document)]))
    first = exported(workspace)
    apply_in(workspace, read_files(first))
    apply_in(other_workspace, read_files(first))

    assert exported(workspace) == first
    assert exported(other_workspace) == first
    for place in (workspace, other_workspace):
        assert (
            applying.plan_now(
                place, KEY, read_files(first), actor=installer(place)
            ).ahead
            == []
        )


def test_order_and_spelling_of_the_source_leave_no_trace(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    texts = [
        b'{"toolSets": {"b": {"name": "B", "spec": {"adapter": {"mcp": {"url": "https://x.example.com"}}},'
        b' "labels": {"x": "1", "a": "2"}}, "a": {"name": "A", "labels": {}, "spec": {"tags": [],'
        b' "adapter": {"mcp": {"url": "https://y.example.com"}}}}}}',
        b"toolSets:\n  a: {spec: {adapter: {mcp: {url: 'https://y.example.com'}}}, name: A}\n"
        b"  b:\n    labels: {a: '2', x: '1'}\n    name: B\n    managed: false\n"
        b"    spec: {adapter: {mcp: {url: https://x.example.com}}}\n",
    ]
    for place, text in zip((workspace, other_workspace), texts, strict=True):
        apply_in(place, read_bundle(read(text)))

    assert exported(workspace) == exported(other_workspace)
    assert list(exported(workspace)) == ["tool_sets/a.yaml", "tool_sets/b.yaml"]


def test_exported_file_reads_like_one_that_a_person_wrote(
    workspace: Workspace, applied: Apply
) -> None:
    applied(
        one(
            a_set(
                labels={"team": "b", "area": "a"},
                spec={"description": "Two\nlines.", "tags": ["yes", "1"]},
            )
        )
    )

    (text,) = exported(workspace).values()

    assert text.decode() == (
        "toolSets:\n"
        "  weather:\n"
        "    name: Weather\n"
        "    slug: weather\n"
        "    labels:\n"
        "      area: a\n"
        "      team: b\n"
        "    spec:\n"
        "      description: |-\n"
        "        Two\n"
        "        lines.\n"
        "      adapter:\n"
        "        mcp:\n"
        "          url: https://mcp.example.com\n"
        "      tags:\n"
        "      - 'yes'\n"
        "      - '1'\n"
    )


def test_archived_things_and_those_of_others_are_left_out(
    rest: Script, applied: Apply
) -> None:
    applied(one(key="gone"))
    applied(one(key="other"), key="other")
    applied(one(a_set("Kept"), key="kept"))

    assert list(export(rest)["toolSets"]) == ["kept"]


def test_value_of_a_secret_is_never_exported(rest: Script, applied: Apply) -> None:
    applied(one())
    ToolSet.objects.update(
        adapter={"url": "https://x.example.com", "headers": {"X-Api-Key": "hush-hush"}}
    )

    answer = rest.get(f"/v1/bundles/{KEY}:export")
    planned = rest.post(f"/v1/bundles/{KEY}:plan", one())

    assert (answer.status, answer.code) == (409, "not_exportable")
    assert "X-Api-Key" in answer.body["message"]
    assert "hush-hush" not in str(answer.body) + str(planned.body)


def test_what_cannot_be_said_in_a_file_is_named(
    rest: Script, applied: Apply, alice: Person
) -> None:
    applied({**one(), "toolPacks": {"p": {"name": "P", "connectors": {"weather": {}}}}})
    nameless = connect(
        alice.workspace,
        name="Nameless",
        adapter_type="mcp",
        adapter={"url": "https://x.example.com"},
        actor=alice.actor,
    )
    attach(ToolPack.objects.get(), nameless, actor=alice.actor)

    answer = rest.get(f"/v1/bundles/{KEY}:export")

    assert (answer.status, answer.code) == (409, "not_exportable")
    assert nameless.pk in answer.body["message"]


def test_decisions_that_nobody_made_are_not_exported(rest: Script) -> None:
    apply(rest, one())
    synced(set_of(), "now", "later")
    decided = {"now": {"spec": {"requiresApproval": False}}}
    apply(rest, one(a_set(tools=decided)))

    assert export(rest)["toolSets"]["weather"]["tools"] == decided


def test_names_that_differ_in_case_alone_get_files_of_their_own() -> None:
    document = {"toolSets": {"a": a_set("A"), "A": a_set("B")}}

    files = exporting.files_of(read_bundle([node_of(document)]))

    assert sorted(files) == ["tool_sets/A.yaml", "tool_sets/a~.yaml"]
    assert read_files(files).plain == read_bundle([node_of(document)]).plain


def test_openapi_document_comes_out_as_it_went_in(
    rest: Script, workspace: Workspace, other_workspace: Workspace
) -> None:
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Pets", "version": "1"},
        "servers": [{"url": "https://pets.example.com"}],
        "paths": {"/pets": {"get": {"operationId": "list", "responses": {}}}},
    }
    pets = {"name": "Pets", "spec": {"adapter": {"openapi": {"document": document}}}}
    apply_in(workspace, read_bundle([node_of(one(pets))]))

    first = exported(workspace)
    apply_in(other_workspace, read_files(first))

    assert exported(other_workspace) == first
    assert (
        applying.plan_now(
            workspace, KEY, read_files(first), actor=installer(workspace)
        ).ahead
        == []
    )
    assert apply(rest, one(pets)).body["counts"]["unchanged"] == 1

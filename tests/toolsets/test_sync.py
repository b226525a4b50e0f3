"""Syncs against real upstreams that behave."""

from typing import Any

import pytest

from gateway.identity.models import Revision
from registry.models import ToolVersion
from tests import upstreams
from tests.conftest import Person
from tests.toolsets.conftest import Connect, Sync, events_of, statuses_of
from tests.upstreams import App, Upstream, sdk_server, streamable_http_app, tool
from toolsets.models import Secret, SecretValue, SyncState, Tool, ToolSet, ToolSetEvent
from toolsets.sync import NotSyncable, Result, request_sync, run_sync

pytestmark = pytest.mark.django_db

AVAILABLE, FILTERED = Tool.Status.AVAILABLE, Tool.Status.FILTERED
OMITTED, ARCHIVED = Tool.Status.OMITTED, Tool.Status.ARCHIVED


def modern(tools: list[dict[str, Any]], **options: Any) -> App:
    return streamable_http_app(sdk_server(tools, page_size=2), **options)


def handshake(tools: list[dict[str, Any]]) -> App:
    return upstreams.handshake_only(modern(tools))


def older_sse(tools: list[dict[str, Any]]) -> App:
    return upstreams.sse_app(sdk_server(tools, page_size=2))


@pytest.mark.parametrize(
    ("make_app", "path", "version", "transport"),
    [
        (modern, "/mcp", "2026-07-28", "streamable-http"),
        (handshake, "/mcp", "2025-11-25", "streamable-http"),
        (older_sse, "/sse", "2025-11-25", "sse"),
    ],
)
def test_upstream_of_every_era_and_transport_is_synced(
    make_app: Any,
    path: str,
    version: str,
    transport: str,
    serve: Any,
    connect: Connect,
    sync: Sync,
) -> None:
    upstream: Upstream = serve(make_app([tool(f"tool_{n}") for n in range(5)]))
    tool_set = connect(upstream.url(path))

    outcome = sync(tool_set)

    assert (outcome.result, outcome.tools_synced) == (Result.COMPLETED, 5)
    assert statuses_of(tool_set) == {f"tool_{n}": AVAILABLE for n in range(5)}
    assert events_of(tool_set) == [("sync_started", ""), ("sync_completed", "")]
    state = SyncState.objects.get(tool_set=tool_set)
    assert (state.protocol_version, state.transport) == (version, transport)
    assert (state.tools_written, state.claimed_by, state.health) == (5, "", "healthy")


def test_tool_keeps_what_its_upstream_says(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    told = tool(
        "add",
        title="Add",
        outputSchema={"type": "object"},
        annotations={"readOnlyHint": True},
    )
    tool_set = connect(serve(modern([told])).url())

    sync(tool_set)

    kept = Tool.objects.get(tool_set=tool_set)
    assert kept.definition["inputSchema"] == told["inputSchema"]
    assert kept.output_schema == {"type": "object"}
    assert kept.annotations == {"readOnlyHint": True}
    assert ToolVersion.objects.get(tool=kept).definition == kept.definition


def test_vanished_tool_is_archived_and_returns_with_the_same_id(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    offered = [tool("stays"), tool("goes")]
    tool_set = connect(serve(modern(offered)).url())
    sync(tool_set)
    gone = Tool.objects.get(name="goes")

    del offered[1]
    sync(tool_set)
    while_away = statuses_of(tool_set)
    offered.append(tool("goes"))
    sync(tool_set)

    assert while_away == {"stays": AVAILABLE, "goes": ARCHIVED}
    assert statuses_of(tool_set) == {"stays": AVAILABLE, "goes": AVAILABLE}
    assert Tool.objects.get(name="goes").pk == gone.pk


def test_changed_tool_keeps_its_id_and_gets_a_version(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    offered = [tool("same"), tool("other")]
    tool_set = connect(serve(modern(offered)).url())
    sync(tool_set)
    before = dict(Tool.objects.values_list("name", "pk"))

    offered[1] = tool("other", description="Does something else.")
    outcome = sync(tool_set)

    assert "0 new, 1 changed, 0 archived" in outcome.message
    assert dict(Tool.objects.values_list("name", "pk")) == before
    assert Tool.objects.get(name="other").description == "Does something else."
    assert ToolVersion.objects.filter(tool__name="other").count() == 2
    assert ToolVersion.objects.filter(tool__name="same").count() == 1


def test_unchanged_tools_are_not_touched(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    tool_set = connect(serve(modern([tool(f"t{n}") for n in range(20)])).url())
    sync(tool_set)
    before = Revision.objects.get(workspace_id=tool_set.workspace_id, subject="")

    outcome = sync(tool_set)

    assert "0 new, 0 changed, 0 archived" in outcome.message
    assert SyncState.objects.get(tool_set=tool_set).tools_written == 0
    after = Revision.objects.get(pk=before.pk)
    assert after.number == before.number


def test_filters_and_approvals_of_the_adapter_apply(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    names = ["read_file", "delete_file", "reboot"]
    needs_tasks = tool("slow_file", execution={"taskSupport": "required"})
    app = upstreams.json_rpc_app(
        lambda _: {"tools": [*[tool(name) for name in names], needs_tasks]}
    )

    def named(**matcher: str) -> dict[str, Any]:
        return {"filters": [{"attribute": "ATTRIBUTE_NAME", "matcher": matcher}]}

    tool_set = connect(
        serve(app).url(),
        includeTools=named(endsWith="_file"),
        toolApprovals={"only": named(startsWith="DELETE")},
    )

    sync(tool_set)

    assert statuses_of(tool_set) == {
        "read_file": AVAILABLE,
        "delete_file": AVAILABLE,
        "reboot": FILTERED,
        "slow_file": FILTERED,
    }
    assert "taskSupport" in Tool.objects.get(name="slow_file").status_reason
    asked = Tool.objects.filter(requires_approval=True).values_list("name", flat=True)
    assert list(asked) == ["delete_file"]


def test_changed_filter_applies_to_tools_that_did_not_change(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    tool_set = connect(serve(modern([tool("a"), tool("b")])).url())
    sync(tool_set)

    only_a = {
        "filters": [{"attribute": "ATTRIBUTE_NAME", "matcher": {"exact": "a"}}],
    }
    tool_set.adapter["includeTools"] = only_a
    tool_set.adapter_version += 1
    tool_set.save(update_fields=["adapter", "adapter_version"])
    sync(tool_set)

    assert statuses_of(tool_set) == {"a": AVAILABLE, "b": FILTERED}


def test_what_a_person_decided_stays(serve: Any, connect: Connect, sync: Sync) -> None:
    offered = [tool("omitted"), tool("approved")]
    tool_set = connect(serve(modern(offered)).url(), toolApprovals={"always": True})
    sync(tool_set)
    Tool.objects.filter(name="omitted").update(status=OMITTED)
    Tool.objects.filter(name="approved").update(
        requires_approval=False, is_approval_set_by_hand=True
    )

    offered[:] = [tool("approved", description="New words.")]
    sync(tool_set)
    offered.append(tool("omitted", description="New words."))
    sync(tool_set)

    assert statuses_of(tool_set) == {"omitted": OMITTED, "approved": AVAILABLE}
    assert not Tool.objects.get(name="approved").requires_approval
    assert set(Tool.objects.values_list("description", flat=True)) == {"New words."}


def test_malformed_tools_are_skipped_and_named(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(40):
        deep = {"type": "object", "properties": {"in": deep}}
    header = {"type": "number", "x-mcp-header": "Amount"}
    listed: list[Any] = [
        tool("good", title=None, annotations=None),
        tool("good"),
        "nothing",
        {"name": "no_schema"},
        tool("text_schema", inputSchema="{}"),
        tool("deep", inputSchema=deep),
        tool("large", inputSchema={"type": "object", "x": "y" * 300_000}),
        tool("header", inputSchema={"type": "object", "properties": {"a": header}}),
        tool("nul\x00", description="x"),
        tool("nul_inside", inputSchema={"type": "object", "title": "\x00"}),
        tool("hint", annotations={"readOnlyHint": "yes"}),
    ]
    app = upstreams.json_rpc_app(lambda _: {"tools": listed})
    tool_set = connect(serve(app).url())

    outcome = sync(tool_set)

    assert statuses_of(tool_set) == {"good": AVAILABLE}
    assert outcome.message.startswith(
        "1 tool: 1 new, 0 changed, 0 archived. Skipped 10"
    )
    for name in ("no_schema", "text_schema", "deep", "large", "header", "hint"):
        assert f"{name}: " in outcome.message


def test_secret_in_a_header_reaches_the_upstream(
    serve: Any, connect: Connect, sync: Sync, alice: Person
) -> None:
    seen: list[dict[bytes, bytes]] = []
    inner = modern([tool("a")])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(dict(scope.get("headers") or []))
        await inner(scope, receive, send)

    tool_set = connect(
        serve(app).url(), headers={"Authorization": "Bearer ${API_TOKEN}"}
    )
    secret = Secret.objects.create(
        workspace=alice.workspace, name="API_TOKEN", created_by=alice.profile
    )
    SecretValue.objects.create(secret=secret, value="s3cret")

    outcome = sync(tool_set)

    assert outcome.result == Result.COMPLETED
    sent = [headers for headers in seen if headers]
    assert sent
    assert all(headers[b"authorization"] == b"Bearer s3cret" for headers in sent)
    assert not any(b"cookie" in headers for headers in sent)


def test_events_are_by_who_asked_and_else_by_the_system(
    serve: Any, connect: Connect, sync: Sync, alice: Person
) -> None:
    tool_set = connect(serve(modern([tool("a")])).url(), sync_interval_seconds=10)
    sync(tool_set)

    SyncState.objects.update(due_at="2026-01-01T00:00:00Z")
    run_sync(tool_set.pk)

    authors = ToolSetEvent.objects.order_by("created_at").values_list(
        "created_by__name", flat=True
    )
    assert list(authors) == ["Alice", "Alice", "Toolcrib", "Toolcrib"]


def test_sync_that_is_not_due_does_nothing(
    serve: Any, connect: Connect, sync: Sync
) -> None:
    tool_set = connect(serve(modern([tool("a")])).url())
    sync(tool_set)

    assert run_sync(tool_set.pk).result == Result.NOT_DUE
    assert len(events_of(tool_set)) == 2


def test_archived_set_is_not_synced(connect: Connect, alice: Person) -> None:
    tool_set = connect("http://127.0.0.1:9/mcp")
    tool_set.state = ToolSet.State.ARCHIVED
    tool_set.save(update_fields=["state"])

    with pytest.raises(NotSyncable):
        request_sync(tool_set, actor=alice.actor)

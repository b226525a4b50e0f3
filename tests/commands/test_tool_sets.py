"""`manage.py tool_sets`: connect, sync, list and tools, as scripts use them."""

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management.base import OutputWrapper

from gateway.audit.models import AuditEvent
from gateway.identity.models import Workspace
from tests.commands.conftest import Run
from tests.upstreams import (
    App,
    constant_app,
    json_rpc_app,
    served,
    tool,
)
from toolsets.following import Progress
from toolsets.management import progress as display
from toolsets.management.progress import ProgressDisplay, bar, words_of
from toolsets.models import Secret, Tool, ToolSet, ToolSetEvent

pytestmark = pytest.mark.django_db(transaction=True)


def offering(*names: str) -> App:
    return json_rpc_app(lambda _: {"tools": [tool(name) for name in names]})


def test_connected_upstream_is_synced_by_the_command_itself(
    run: Run, serve: Any, workspace: Workspace
) -> None:
    ran = run("tool_sets", "connect", "Shop", serve(offering("buy", "sell")).url())

    tool_set = ToolSet.objects.in_workspace(workspace).get()
    assert ran.out == "Shop (shop): 2 tools: 2 new, 0 changed, 0 archived.\n"
    assert sorted(tool_set.tools.values_list("name", flat=True)) == ["buy", "sell"]
    made = AuditEvent.objects.get(action="tool_set.created")
    assert (made.actor_label, made.source) == ("manage.py tool_sets", "command")


def test_failed_sync_ends_the_command_with_its_words(
    run: Run, serve: Any, workspace: Workspace
) -> None:
    url = serve(constant_app(503, b"")).url()

    ran = run("tool_sets", "connect", "Shop", url, "--json")

    assert ran.failure.startswith("Shop (shop) failed: ")
    assert "HTTP 503" in ran.failure
    assert ran.failure.endswith("(upstream_error)")
    (end,) = ran.json
    assert (end["type"], end["errorType"]) == ("sync_failed", "upstream_error")


def test_one_failure_of_several_syncs_fails_the_command_and_stops_no_other(
    run: Run, serve: Any, workspace: Workspace
) -> None:
    run("tool_sets", "connect", "A", serve(constant_app(500, b"")).url(), "--no-sync")
    run("tool_sets", "connect", "B", serve(offering("b")).url(), "--no-sync")

    ran = run("tool_sets", "sync", "--all")

    assert ran.failure.startswith("A (a) failed")
    assert ran.out == "B (b): 1 tool: 1 new, 0 changed, 0 archived.\n"


def test_sync_finds_a_set_by_id_slug_and_external_id(
    run: Run, serve: Any, workspace: Workspace
) -> None:
    url = serve(offering("a")).url()
    run("tool_sets", "connect", "Shop", url, "--external-id", "mine", "--no-sync")
    tool_set = ToolSet.objects.get()

    for reference in (tool_set.pk, "shop", "mine", "external_id:mine"):
        (end,) = run("tool_sets", "sync", reference, "--json").json
        assert end["toolsSynced"] == 1

    assert ToolSetEvent.objects.filter(type="sync_completed").count() == 4


def test_secret_comes_from_standard_input_or_a_file_and_reaches_the_upstream(
    run: Run, workspace: Workspace, tmp_path: Path
) -> None:
    seen: list[dict[bytes, bytes]] = []
    inner = offering("a")

    async def recording(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append(dict(scope["headers"]))
        await inner(scope, receive, send)

    (tmp_path / "org").write_text("acme\n")
    with served(recording) as upstream:
        ran = run(
            *("tool_sets", "connect", "Shop", upstream.url()),
            *("--header", "Authorization: Bearer ${TOKEN}", "--secret", "TOKEN"),
            *("--header", "X-Org: ${ORG}", "--secret-file", f"ORG={tmp_path / 'org'}"),
            told="t0p-s3cret\n",
        )

    assert seen[0][b"authorization"] == b"Bearer t0p-s3cret"
    assert seen[0][b"x-org"] == b"acme"
    assert "t0p-s3cret" not in ran.out + ran.err
    assert Secret.objects.filter(tool_set__slug="shop").count() == 2


def test_secret_in_the_arguments_is_refused_before_anything_is_made(
    run: Run, workspace: Workspace
) -> None:
    ran = run(
        "tool_sets",
        "connect",
        "Shop",
        "http://127.0.0.1/",
        "--header",
        "X-Api-Key: t0p-s3cret",
    )

    assert "--header 'X-Api-Key: ${TOKEN}' --secret TOKEN" in ran.failure
    assert "t0p-s3cret" not in ran.failure
    assert not ToolSet.objects.exists()


def test_wrong_address_and_missing_secret_value_leave_nothing_behind(
    run: Run, workspace: Workspace
) -> None:
    wrong = run("tool_sets", "connect", "Shop", "ftp://127.0.0.1/")
    empty = run("tool_sets", "connect", "Shop", "http://127.0.0.1/", "--secret", "A")

    assert "adapter.url: The address must start with http" in wrong.failure
    assert empty.failure.startswith("value: A secret is one line")
    assert not ToolSet.objects.exists()


def test_adapter_comes_from_a_file_as_rest_takes_it(
    run: Run, serve: Any, workspace: Workspace, tmp_path: Path
) -> None:
    file = tmp_path / "adapter.json"
    only = {"filters": [{"attribute": "ATTRIBUTE_NAME", "matcher": {"exact": "a"}}]}
    url = serve(offering("a", "b")).url()
    file.write_text(json.dumps({"mcp": {"url": url, "includeTools": only}}))

    run("tool_sets", "connect", "Shop", "--adapter", str(file))
    (filtered,) = run(
        "tool_sets", "tools", "shop", "--status", "filtered", "--json"
    ).json

    assert (filtered["name"], filtered["status"]) == ("b", Tool.Status.FILTERED)


def test_list_and_tools_are_tables_for_people(
    run: Run, serve: Any, workspace: Workspace
) -> None:
    run("tool_sets", "connect", "Shop", serve(offering("buy")).url())

    listed = run("tool_sets", "list").out.splitlines()
    tools = run("tool_sets", "tools", "shop").out.splitlines()

    assert listed[0].split() == [
        "SLUG",
        "NAME",
        "ADAPTER",
        "HEALTH",
        "TOOLS",
        "LAST",
        "SYNC",
    ]
    assert listed[1].split()[:5] == ["shop", "Shop", "mcp", "healthy", "1"]
    assert tools[1].split() == ["buy", "Available", "Does", "buy."]


def test_terminal_codes_of_a_stranger_do_not_reach_the_terminal(
    run: Run, serve: Any, workspace: Workspace
) -> None:
    evil = tool("a", description="\x1b[2J\x1b]0;owned\x07 gone\r\x1b[31mred \u202e")
    run(
        "tool_sets",
        "connect",
        "Shop",
        serve(json_rpc_app(lambda _: {"tools": [evil]})).url(),
    )

    said = run("tool_sets", "tools", "shop").out

    assert not any(sign in said for sign in "\x1b\x07\r\u202e")


def test_workspace_must_be_named_where_there_are_several(
    run: Run, workspace: Workspace, other_workspace: Workspace
) -> None:
    unnamed = run("tool_sets", "list")
    named = run("tool_sets", "list", "--workspace", other_workspace.pk, "--json")
    unknown = run("tool_sets", "list", "--workspace", "ws_1")

    assert workspace.pk in unnamed.failure
    assert other_workspace.pk in unnamed.failure
    assert named.json == []
    assert unknown.failure == "There is no workspace 'ws_1'."


def test_set_of_another_workspace_is_not_found(
    run: Run, workspace: Workspace, other_workspace: Workspace
) -> None:
    there, here = other_workspace.pk, workspace.pk
    run(
        "tool_sets",
        "connect",
        "Theirs",
        "http://127.0.0.1/",
        "--no-sync",
        "--workspace",
        there,
    )
    theirs = ToolSet.objects.get()

    for reference in (theirs.pk, theirs.slug, ""):
        ran = run("tool_sets", "sync", reference, "--workspace", here)
        assert "There is no tool set" in ran.failure


def test_sync_that_nobody_ends_is_given_up_after_the_timeout(
    run: Run, serve: Any, workspace: Workspace
) -> None:
    url = serve(constant_app(200, b"{}", delay=30)).url()

    ran = run("tool_sets", "connect", "Shop", url, "--timeout", "1")

    assert ran.failure.endswith("(sync_not_ended)")


@pytest.mark.parametrize(
    ("progress", "words", "full"),
    [
        ((False, 0, 0), "Waiting for a worker", 0),
        ((True, 0, 0), "Asking the upstream for its tools", 0),
        ((True, 1, 0), "1 tool seen, 0 written", 0),
        ((True, 500, 0), "500 tools seen, 0 written", 7),
        ((True, 1000, 500), "1,000 tools seen, 500 written", 22),
        ((True, 3000, 3000), "3,000 tools seen, 3,000 written", 30),
    ],
)
def test_progress_in_words_and_as_a_bar(
    progress: tuple[bool, int, int], words: str, full: int
) -> None:
    now = Progress(
        is_taken=progress[0], tools_seen=progress[1], tools_written=progress[2]
    )

    assert words_of(now) == words
    assert bar(now, expected=1000) == f"[{'#' * full}{'.' * (30 - full)}]"


WAITING = Progress(is_taken=False, tools_seen=0, tools_written=0)
LISTING = Progress(is_taken=True, tools_seen=200, tools_written=0)
WRITING = Progress(is_taken=True, tools_seen=200, tools_written=100)


class Output(io.StringIO):
    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def test_log_gets_a_line_of_progress_when_there_is_news_and_not_too_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = {"now": 0.0}
    monkeypatch.setattr(
        display, "time", SimpleNamespace(monotonic=lambda: clock["now"])
    )
    output = Output(is_terminal=False)
    shown = ProgressDisplay(OutputWrapper(output), expected=200)

    for at, progress in (
        (0, WAITING),
        (1, LISTING),
        (9, LISTING),
        (10, WRITING),
        (15, WRITING),
        (30, WRITING),
    ):
        clock["now"] = at
        shown.show(progress)
    shown.close()

    assert output.getvalue().splitlines() == [
        "Waiting for a worker",
        "200 tools seen, 0 written",
        "200 tools seen, 100 written",
    ]


def test_terminal_has_one_line_that_is_written_over_and_taken_away() -> None:
    output = Output(is_terminal=True)
    shown = ProgressDisplay(OutputWrapper(output), expected=200)

    shown.show(WAITING)
    shown.show(WRITING)
    shown.close()

    before, waiting, writing, after = output.getvalue().split("\r")
    assert (before, after) == ("", "\x1b[K")
    assert waiting == f"[{'.' * 30}] Waiting for a worker\x1b[K"
    assert writing == f"[{'#' * 22}{'.' * 8}] 200 tools seen, 100 written\x1b[K"

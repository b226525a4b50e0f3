"""What filters would do is shown before it is saved, by the code that a sync uses."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.admin.conftest import Dashboard, World, made_tool
from tests.conftest import Person
from tests.upstreams import App, Upstream, sdk_server, streamable_http_app, tool
from toolsets.models import Tool, ToolSet
from toolsets.sync import run_sync

_TASKS = "It runs only as a task (execution.taskSupport), which is not relayed."


@pytest.fixture
def tools(world: World) -> dict[str, Tool]:
    """84 tools that are there, and one that is gone upstream."""
    world.tool.delete()
    facts: dict[str, dict[str, Any]] = {
        "delete_00": {"status": Tool.Status.OMITTED},
        "get_00": {"requires_approval": True, "is_approval_set_by_hand": True},
        "get_01": {"status": Tool.Status.FILTERED, "status_reason": _TASKS},
        "gone": {"status": Tool.Status.ARCHIVED},
    }
    names = [f"{verb}_{n:02}" for verb in ("get", "list", "delete") for n in range(28)]
    return {
        name: made_tool(world.tool_set, name, **facts.get(name, {}))
        for name in [*names, "gone"]
    }


@pytest.fixture
def client(alice: Person, dashboard: Dashboard) -> Client:
    return dashboard(alice)


def _condition(field: str, matcher: str, text: str) -> dict[str, Any]:
    return {
        f"{field}-attribute": ["ATTRIBUTE_NAME"],
        f"{field}-matcher": [matcher],
        f"{field}-text": [text],
        f"{field}-case": [""],
    }


def _seen(client: Client, tool_set: ToolSet, **asked: Any) -> str:
    address = _address("preview", tool_set)
    return client.post(address, asked).content.decode()


def test_the_preview_counts_what_filters_would_make_of_the_tools(
    tools: dict[str, Tool], world: World, client: Client
) -> None:
    asked = {
        **_condition("exclude", "startsWith", "DELETE_"),
        **_condition("approvals_only", "regex", "_0[0-4]$"),
        "approvals": "only",
    }

    seen = _seen(client, world.tool_set, **asked)

    assert (
        "Of 84 tools: 55 available, 28 filtered, 1 left out by hand, 9 need approval."
        in seen
    )
    assert Tool.objects.filter(status=Tool.Status.FILTERED).count() == 1


def test_what_people_decided_by_hand_stays_in_the_preview(
    tools: dict[str, Tool], world: World, client: Client
) -> None:
    seen = _seen(client, world.tool_set, show="approval")
    omitted = _seen(client, world.tool_set, show="omitted")

    assert ("get_00" in seen, "get_02" in seen) == (True, False)
    assert "delete_00" in omitted
    assert "Left out by hand, which a sync never undoes." in omitted


def test_a_tool_that_runs_only_as_a_task_stays_filtered(
    tools: dict[str, Tool], world: World, client: Client
) -> None:
    seen = _seen(client, world.tool_set, q="execution.taskSupport")

    assert "get_01" in seen
    assert "get_02" not in seen


def test_names_and_reasons_can_be_searched(
    tools: dict[str, Tool], world: World, client: Client
) -> None:
    asked = _condition("include", "contains", "list_")

    seen = _seen(client, world.tool_set, q="GET_2 not among", **asked)

    assert seen.count("<li>") == 8
    assert "get_27" in seen
    assert "list_27" not in seen


def test_only_what_would_change_can_be_shown(
    tools: dict[str, Tool], world: World, client: Client
) -> None:
    seen = _seen(
        client,
        world.tool_set,
        show="changing",
        **_condition("exclude", "exact", "list_03"),
    )

    assert seen.count("<li>") == 1
    assert "list_03" in seen


def test_a_condition_that_is_wrong_is_said_in_place_of_the_preview(
    tools: dict[str, Tool], world: World, client: Client
) -> None:
    seen = _seen(client, world.tool_set, **_condition("exclude", "regex", "(a"))

    assert "Leave out:" in seen
    assert "Condition 1 is not a regular expression" in seen


def test_a_set_without_tools_says_when_the_preview_comes(
    world: World, client: Client
) -> None:
    world.tool.delete()

    assert "There are no tools yet" in _seen(client, world.tool_set)


def test_who_may_not_change_filters_gets_no_preview(
    world: World, sam: Person, dashboard: Dashboard
) -> None:
    address = _address("preview", world.tool_set)

    assert dashboard(sam).post(address).status_code == 403


def test_2000_tools_are_judged_without_lag_in_one_query(
    world: World, client: Client
) -> None:
    Tool.objects.bulk_create(
        Tool(
            workspace=world.tool_set.workspace,
            tool_set=world.tool_set,
            created_by=world.tool_set.created_by,
            name=f"tool_{number:04}",
            description="What it does. " * 20,
        )
        for number in range(2000)
    )
    asked = _condition("exclude", "regex", "7$")
    _seen(client, world.tool_set, **asked)

    with CaptureQueriesContext(connection) as queries:
        started = time.thread_time()
        seen = _seen(client, world.tool_set, **asked)
        seconds = time.thread_time() - started

    assert "Of 2001 tools: 1801 available, 200 filtered" in seen
    assert len([q for q in queries if 'FROM "toolsets_tool"' in q["sql"]]) == 1
    assert seconds < 1


def test_what_is_decided_by_hand_survives_syncs_with_other_filters(
    serve: Callable[[App], Upstream], alice: Person, client: Client
) -> None:
    upstream = serve(streamable_http_app(sdk_server([tool("left"), tool("asked")])))
    form = {"name": "Crib", "url": upstream.url(), "upstream_may": ["elicitation"]}
    client.post(reverse("admin:toolsets_toolset_add"), form)
    tool_set = ToolSet.objects.in_workspace(alice.workspace).get(name="Crib")
    run_sync(tool_set.pk)
    left, asked = Tool.objects.filter(tool_set=tool_set).order_by("-name")

    _decide(client, left, "omit")
    _decide(client, asked, "ask")
    changed = {**form, **_condition("include", "contains", "e")}
    client.post(_address("change", tool_set), {**changed, "slug": tool_set.slug})
    run_sync(tool_set.pk)
    client.post(_address("sync", tool_set))
    run_sync(tool_set.pk)

    left.refresh_from_db()
    asked.refresh_from_db()
    assert ToolSet.objects.get(pk=tool_set.pk).adapter_version == 2
    assert (left.status, left.requires_approval) == (Tool.Status.OMITTED, False)
    assert (asked.status, asked.requires_approval) == (Tool.Status.AVAILABLE, True)


def _address(page: str, tool_set: ToolSet) -> str:
    return reverse(f"admin:toolsets_toolset_{page}", args=[tool_set.pk])


def _decide(client: Client, tool: Tool, decision: str) -> None:
    address = reverse("admin:toolsets_tool_decide", args=[tool.pk])
    client.post(address, {"decision": decision})

"""`manage.py call`: a tool called from the command line takes the way of every call."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway.audit.models import AuditEvent
from gateway.identity.models import RegisteredUser, Workspace
from gateway.mcp import heartbeat
from gateway.mcp.models import Process, ToolCall
from tests.commands.conftest import Run
from tests.mcp.conftest import close_connections
from tests.rest import installer
from tests.upstreams import sdk_server, streamable_http_app, tool
from toolpacks.enrolling import enroll_user
from toolpacks.models import ToolPack
from toolpacks.packing import attach, create_pack
from toolsets.curating import omit
from toolsets.models import Tool, ToolSet

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pack(run: Run, serve: Any, workspace: Workspace) -> Iterator[ToolPack]:
    """A pack that holds the one tool of an upstream, and the one user of the workspace."""
    actor = installer(workspace)
    app = streamable_http_app(sdk_server([tool("echo")]))
    run("tool_sets", "connect", "Shop", serve(app).url())
    made = create_pack(workspace, name="Bench", actor=actor)
    attach(made, ToolSet.objects.get(), tools=None, actor=actor)
    enroll_user(workspace, origin_user_id="erin", actor=actor)
    yield made
    close_connections()


def test_tool_is_called_recorded_and_audited(run: Run, pack: ToolPack) -> None:
    ran = run("call", "bench", "shop__echo", "--arguments", '{"text": "hi"}')

    assert json.loads(ran.out) == {"tool": "echo", "arguments": {"text": "hi"}}
    call = ToolCall.objects.get()
    user = RegisteredUser.objects.get()
    assert (call.state, call.reached_upstream) == ("succeeded", True)
    assert (call.registered_user_id, call.pack_id) == (user.pk, str(pack.pk))
    assert (call.client, call.api_key_id) == ("manage.py call", "")
    audited = AuditEvent.objects.get(action="tool_pack.tool_called")
    assert audited.changes["tool"] == [None, "shop__echo"]
    assert audited.actor_label == "manage.py call"


def test_result_and_arguments_are_json_for_scripts(run: Run, pack: ToolPack) -> None:
    asked = ("call", str(pack.pk), "shop__echo", "--user", "external_id:erin")

    ran = run(*asked, "--arguments", "-", "--json", told='{"text": "\\u001b[2J"}')

    assert ran.json["content"][0]["type"] == "text"
    assert "\x1b" not in ran.out


def test_tools_of_the_pack_are_listed_without_one(run: Run, pack: ToolPack) -> None:
    assert run("call", "bench", "--json").json == [
        {"name": "shop__echo", "description": "Does echo."}
    ]
    assert run("call", "bench").out.splitlines()[1].split() == [
        *("shop__echo", "Does", "echo.")
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("bench", "echo"), "(unauthorized_tool)"),
        (("elsewhere", "shop__echo"), "(not_found)"),
        (("bench", "shop__echo", "--user", "nobody"), "(not_found)"),
        (("bench", "shop__echo", "--arguments", '{"text": 1}'), "(invalid_arguments)"),
        (("bench", "shop__echo", "--arguments", "[1]"), "must be an object"),
        (("bench", "shop__echo", "--arguments", "{"), "is not JSON"),
    ],
)
def test_call_that_may_not_be_is_refused_and_sends_nothing(
    arguments: tuple[str, ...], said: str, run: Run, pack: ToolPack
) -> None:
    ran = run("call", *arguments)

    assert said in ran.failure
    assert not ToolCall.objects.filter(reached_upstream=True).exists()


def test_tool_that_was_taken_out_is_refused_on_the_next_call(
    run: Run, pack: ToolPack, workspace: Workspace
) -> None:
    assert run("call", "bench", "shop__echo").failure == ""

    omit(list(Tool.objects.select_related("tool_set")), actor=installer(workspace))

    assert "(unauthorized_tool)" in run("call", "bench", "shop__echo").failure
    states = ToolCall.objects.order_by("pk").values_list("state", "code")
    assert list(states) == [("succeeded", ""), ("refused", "unauthorized_tool")]


def test_command_leaves_the_calls_of_a_running_gateway_alone(
    run: Run, pack: ToolPack, settings: Any
) -> None:
    settings.EMBEDDED = True
    gateway = heartbeat.join()

    run("call", "bench", "shop__echo")

    assert list(Process.objects.all()) == [gateway]


def test_user_must_be_named_where_there_are_several(
    run: Run, pack: ToolPack, workspace: Workspace
) -> None:
    enroll_user(workspace, origin_user_id="frank", actor=installer(workspace))

    assert "--user" in run("call", "bench", "shop__echo").failure
    assert run("call", "bench", "shop__echo", "--user", "external_id:erin").out

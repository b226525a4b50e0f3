"""*Try it* on the page of a tool that nobody writes here: of an OpenAPI document, against a real upstream."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gateway.audit.models import AuditEvent
from tests.admin.conftest import Dashboard, made_tool
from tests.conftest import Person
from tests.toolsets.adapters.http.recording import Recorder, recorder, response
from tests.toolsets.openapi.documents import document, json_body, operation, parameter
from toolsets.connecting import archive, connect
from toolsets.models import SecretUse, Tool, ToolSet
from toolsets.secrets import store_secret
from toolsets.sync import run_sync

_FISH = {"type": "object", "properties": {"note": {"type": "string"}}}


@pytest.fixture
def upstream() -> Iterator[Recorder]:
    with recorder() as recording:
        recording.reply = lambda asked: response(
            json.dumps({"seen": asked.header("X-Key")}), media_type="application/json"
        )
        yield recording


@pytest.fixture
def tool(alice: Person, upstream: Recorder) -> Tool:
    store_secret(alice.workspace, name="KEY", value="hunter2-x", actor=alice.actor)
    feed = operation(
        "feedFish",
        parameters=[
            parameter("id", "path", {"type": "string"}, required=True),
            parameter("food", "query", {"type": "array", "items": {"type": "string"}}),
        ],
        requestBody=json_body(_FISH),
    )
    given = document(
        {"/fish/{id}/meals": {"post": feed}}, servers=[{"url": upstream.url("/v2")}]
    )
    tool_set = connect(
        alice.workspace,
        name="Fish",
        adapter_type=ToolSet.AdapterType.OPENAPI,
        adapter={"document": json.dumps(given), "headers": {"X-Key": "${KEY}"}},
        actor=alice.actor,
    )
    run_sync(tool_set.pk)
    SecretUse.objects.all().delete()
    synced: Tool = Tool.objects.in_workspace(alice.workspace).get()
    return synced


@pytest.fixture
def client(alice: Person, dashboard: Dashboard) -> Client:
    return dashboard(alice)


def _page(client: Client, tool: Tool) -> str:
    address = reverse("admin:toolsets_tool_change", args=[tool.pk])
    return client.get(address).content.decode()


def _try_address(tool: Tool) -> str:
    return reverse("admin:toolsets_tool_try", args=[tool.pk])


def _tried(client: Client, tool: Tool, arguments: Any, **more: str) -> str:
    form = {"arguments": json.dumps(arguments), **more}
    return client.post(_try_address(tool), form).content.decode()


def test_trial_shows_the_request_of_the_operation_and_sends_nothing(
    tool: Tool, upstream: Recorder, client: Client
) -> None:
    assert f'data-try="{_try_address(tool)}"' in _page(client, tool)

    shown = _tried(client, tool, {"id": "a/b", "food": ["x", "y"], "note": "Slowly"})

    assert upstream.url("/v2/fish/a%2Fb/meals?food=x&amp;food=y") in shown
    assert "X-Key: ***" in shown
    assert "Content-Type: application/json" in shown
    assert "&quot;note&quot;: &quot;Slowly&quot;" in shown
    assert f"This really calls {upstream.url('')}," in shown
    assert upstream.requests == []


def test_trial_that_is_sent_shows_the_answer_and_is_recorded(
    tool: Tool, upstream: Recorder, client: Client
) -> None:
    shown = _tried(client, tool, {"id": "my-id"}, send="yes")

    assert upstream.request.header("X-Key") == "hunter2-x"
    assert "&quot;seen&quot;: &quot;***&quot;" in shown
    assert "HTTP 200" in shown
    assert SecretUse.objects.get().secret.name == "KEY"
    changes = AuditEvent.objects.get(action="tool_set.tried").changes
    assert changes["tool"] == [None, tool.name]
    assert changes["address"] == [None, upstream.url("/v2/fish/{id}/meals")]
    assert "my-id" not in json.dumps(changes)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [({}, "A call would be refused"), ({"id": ".."}, "would lead to another path")],
)
def test_what_keeps_a_trial_from_a_request_is_said(
    arguments: Any, said: str, tool: Tool, upstream: Recorder, client: Client
) -> None:
    shown = _tried(client, tool, arguments, send="yes")

    assert said in shown
    assert upstream.requests == []


def test_tool_of_an_archived_set_cannot_be_tried(
    tool: Tool, upstream: Recorder, client: Client, alice: Person
) -> None:
    archive(tool.tool_set, actor=alice.actor)

    assert "data-try=" not in _page(client, tool)
    shown = _tried(client, tool, {"id": "1"}, send="yes")

    assert "Fish is archived" in shown
    assert upstream.requests == []


def test_tool_that_is_gone_upstream_cannot_be_tried(
    tool: Tool, upstream: Recorder, client: Client
) -> None:
    Tool.objects.filter(pk=tool.pk).update(status=Tool.Status.ARCHIVED)

    assert "data-try=" not in _page(client, tool)
    shown = _tried(client, tool, {"id": "1"}, send="yes")

    assert "feedFish is archived" in shown
    assert upstream.requests == []


def test_who_may_only_look_tries_nothing(
    tool: Tool, upstream: Recorder, rita: Person, dashboard: Dashboard
) -> None:
    client = dashboard(rita)

    assert "data-try=" not in _page(client, tool)
    answer = client.post(_try_address(tool), {"arguments": '{"id": "1"}', "send": "y"})

    assert answer.status_code == 403
    assert upstream.requests == []


def test_tool_of_an_mcp_server_has_no_request_to_try(
    alice: Person, client: Client
) -> None:
    tool_set = connect(
        alice.workspace,
        name="Server",
        adapter_type="mcp",
        adapter={"url": "https://mcp.example.com"},
        actor=alice.actor,
    )
    tool = made_tool(tool_set, "act")

    assert "data-try=" not in _page(client, tool)
    assert client.post(_try_address(tool), {}).status_code == 404


def test_trial_of_a_managed_tool_that_needs_an_approval_is_not_sent(
    dan: Person, tool: Tool, upstream: Recorder, dashboard: Dashboard
) -> None:
    ToolSet.objects.update(is_managed=True)
    Tool.objects.update(requires_approval=True)

    said = _tried(dashboard(dan), tool, {"id": "a"}, send="yes")

    assert "trial_forbidden" in said
    assert "X-Key: ***" in said
    assert upstream.requests == []

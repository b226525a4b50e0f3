"""Tools of HTTP APIs in the dashboard: connected, written, tried against a real upstream, changed, duplicated, deleted."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from gateway.audit.models import AuditEvent
from tests.admin.conftest import Dashboard
from tests.conftest import Person
from tests.toolsets.adapters.http.recording import Recorder, response
from toolsets.connecting import connect
from toolsets.models import Tool, ToolSet
from toolsets.secrets import store_secret
from toolsets.writing import change_tool, create_tool

_SCHEMA = {
    "type": "object",
    "required": ["owner"],
    "properties": {"owner": {"type": "string"}, "title": {"type": "string"}},
}
_CONFIG = {
    "requestMethod": "POST",
    "path": "/repos/{{ owner }}/issues",
    "requestBodyTemplate": '{"title": {{ title }}}',
}


@pytest.fixture
def tool_set(alice: Person, upstream: Recorder) -> ToolSet:
    store_secret(alice.workspace, name="TOKEN", value="hunter2-x", actor=alice.actor)
    return connect(
        alice.workspace,
        name="Hub",
        adapter_type=ToolSet.AdapterType.HTTP,
        adapter={
            "baseUrl": upstream.url("/v1"),
            "headers": {"Authorization": "Bearer ${TOKEN}"},
        },
        actor=alice.actor,
    )


@pytest.fixture
def tool(tool_set: ToolSet, alice: Person) -> Tool:
    return create_tool(
        tool_set,
        name="create_issue",
        description="Creates an issue.",
        parameters=_SCHEMA,
        config=_CONFIG,
        actor=alice.actor,
    )


@pytest.fixture
def client(alice: Person, dashboard: Dashboard) -> Client:
    return dashboard(alice)


def _form(**changed: Any) -> dict[str, Any]:
    return {
        "name": "create_issue",
        "description": "Creates an issue.",
        "parameters": json.dumps(_SCHEMA),
        "method": "POST",
        "path": "/repos/{{ owner }}/issues",
        "body": '{"title": {{ title }}}',
        **changed,
    }


def _of_set(page: str, tool_set: ToolSet) -> str:
    return reverse(f"admin:toolsets_toolset_{page}", args=[tool_set.pk])


def _of_tool(page: str, tool: Tool) -> str:
    return reverse(f"admin:toolsets_tool_{page}", args=[tool.pk])


def _tried(client: Client, tool_set: ToolSet, arguments: Any, **changed: Any) -> str:
    form = _form(arguments=json.dumps(arguments), **changed)
    return client.post(_of_set("try", tool_set), form).content.decode()


def test_an_http_api_is_connected_and_leads_to_its_tools(
    alice: Person, client: Client
) -> None:
    form = {"name": "Hub", "base_url": "https://api.example.com/v1"}
    add = reverse("admin:toolsets_toolset_add") + "?adapter=http"

    answer = client.post(add, form, follow=True)

    tool_set = ToolSet.objects.in_workspace(alice.workspace).get()
    assert tool_set.adapter_type == ToolSet.AdapterType.HTTP
    assert tool_set.adapter == {"baseUrl": "https://api.example.com/v1"}
    assert answer.redirect_chain == [(_of_set("tools", tool_set), 302)]
    assert "Write one for each request" in answer.content.decode()


def test_a_written_tool_is_kept_as_the_form_says(
    tool_set: ToolSet, client: Client
) -> None:
    form = _form(
        title="Create an issue",
        query="draft={{ draft }}",
        content_type="application/json",
        **{"headers-name": ["X-Trace"], "headers-value": ["{{ owner }}"]},
    )

    answer = client.post(_of_set("write", tool_set), form)

    tool = Tool.objects.get(tool_set=tool_set)
    assert answer["Location"] == _of_tool("change", tool)
    assert tool.config == {
        **_CONFIG,
        "query": "draft={{ draft }}",
        "headers": {"X-Trace": "{{ owner }}"},
        "requestBodyContentType": "application/json",
    }
    assert (tool.title, tool.parameters) == ("Create an issue", _SCHEMA)
    assert AuditEvent.objects.filter(action="tool.created", source="admin").exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"path": "/{{ owner"}, "path"),
        ({"path": "/a?b=c"}, "A path holds no ?"),
        ({"query": "a#b"}, "A query holds no #"),
        ({"parameters": "{\n  nope"}, "Line 2, column 3: this is not JSON"),
        ({"parameters": "[1]"}, "Give a JSON object"),
        ({"parameters": '{"type": "string"}'}, "whose type is"),
        ({"content_type": "image/png"}, "Give application/json"),
        ({"headers-name": ["Host"], "headers-value": ["x"]}, "set by Toolcrib itself"),
        ({"method": "GET"}, "A GET request has no body"),
        ({"name": "taken"}, "Another tool of this set is called taken"),
        ({"description": ""}, "This field is required"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    changed: dict[str, Any],
    said: str,
    tool_set: ToolSet,
    alice: Person,
    client: Client,
) -> None:
    create_tool(tool_set, name="taken", description="x", actor=alice.actor)

    answer = client.post(_of_set("write", tool_set), _form(**changed))

    assert said in answer.content.decode()
    assert "It is not saved yet" in answer.content.decode()
    assert not Tool.objects.filter(name="create_issue").exists()


def test_a_trial_shows_the_request_with_its_secrets_masked_and_sends_nothing(
    tool_set: ToolSet, upstream: Recorder, client: Client
) -> None:
    shown = _tried(client, tool_set, {"owner": "a/b", "title": "Crash"})

    assert upstream.url("/v1/repos/a%2Fb/issues") in shown
    assert "Authorization: Bearer ***" in shown
    assert "&quot;title&quot;: &quot;Crash&quot;" in shown
    assert "hunter2" not in shown
    assert upstream.requests == []


def test_a_trial_that_is_sent_shows_the_answer(
    tool_set: ToolSet, upstream: Recorder, client: Client
) -> None:
    upstream.reply = lambda asked: response(
        json.dumps({"number": 7, "seen": asked.header("Authorization")}),
        media_type="application/json",
    )

    shown = _tried(client, tool_set, {"owner": "me", "title": "x"}, send="yes")

    assert upstream.request.header("Authorization") == "Bearer hunter2-x"
    assert "&quot;number&quot;: 7" in shown
    assert "&quot;seen&quot;: &quot;Bearer ***&quot;" in shown
    assert "hunter2" not in shown
    assert AuditEvent.objects.filter(action="tool_set.tried").count() == 1


def test_an_upstream_that_fails_is_shown_as_what_an_agent_would_read(
    tool_set: ToolSet, upstream: Recorder, client: Client
) -> None:
    upstream.reply = lambda _: response("<script>no", status="404 Not Found")

    shown = _tried(client, tool_set, {"owner": "me"}, send="yes")

    assert "HTTP status 404" in shown
    assert "<script>" not in shown


@pytest.mark.parametrize(
    ("arguments", "changed", "said"),
    [
        ({}, {}, "A call would be refused"),
        ({"owner": 1}, {}, "A call would be refused"),
        ([1], {}, "Give a JSON object"),
        ({"owner": ".."}, {}, "Nothing was sent"),
        ({"owner": "me"}, {"path": "/{{"}, "Path:"),
        ({"owner": "me"}, {"parameters": "{"}, "Parameters:"),
    ],
)
def test_what_keeps_a_trial_from_a_request_is_said(
    arguments: Any,
    changed: dict[str, Any],
    said: str,
    tool_set: ToolSet,
    upstream: Recorder,
    client: Client,
) -> None:
    shown = _tried(client, tool_set, arguments, send="yes", **changed)

    assert said in shown
    assert upstream.requests == []


def test_editor_says_that_a_trial_asks_for_no_approval(
    tool: Tool, tool_set: ToolSet, client: Client
) -> None:
    Tool.objects.update(requires_approval=True)
    said = "Agents need an approval to call this tool"

    copy = f"{_of_set('write', tool_set)}?like={tool.pk}"

    assert said in client.get(_of_tool("edit", tool)).content.decode()
    assert said not in client.get(copy).content.decode()


def test_a_tool_is_changed(tool: Tool, client: Client) -> None:
    page = client.get(_of_tool("edit", tool)).content.decode()
    assert "/repos/{{ owner }}/issues" in page

    answer = client.post(_of_tool("edit", tool), _form(method="PUT"))

    tool.refresh_from_db()
    assert answer["Location"] == _of_tool("change", tool)
    assert tool.config["requestMethod"] == "PUT"


def test_a_tool_name_for_clients_is_kept_and_called_what_it_is(
    tool: Tool, client: Client, alice: Person
) -> None:
    assert "tool_name" not in client.get(_of_tool("edit", tool)).content.decode()
    config = {**_CONFIG, "toolName": "issues.create"}
    change_tool(tool, config=config, actor=alice.actor)

    page = client.get(_of_tool("edit", tool)).content.decode()
    client.post(_of_tool("edit", tool), _form(tool_name="issues.create"))

    assert "It has no effect" in page
    tool.refresh_from_db()
    assert tool.config == config


def test_a_tool_is_duplicated_under_another_name(
    tool: Tool, tool_set: ToolSet, client: Client
) -> None:
    page = client.get(_of_set("write", tool_set), {"like": tool.pk}).content.decode()

    assert "create_issue_copy" in page
    assert "/repos/{{ owner }}/issues" in page


def test_a_tool_is_deleted(tool: Tool, tool_set: ToolSet, client: Client) -> None:
    answer = client.post(_of_tool("delete", tool), {"post": "yes"})

    assert answer["Location"] == _of_set("tools", tool_set)
    assert not Tool.objects.filter(pk=tool.pk).exists()


def test_a_managed_set_is_read_only_and_says_why(
    tool: Tool, tool_set: ToolSet, client: Client
) -> None:
    ToolSet.objects.filter(pk=tool_set.pk).update(is_managed=True)

    shown = client.get(_of_tool("change", tool)).content.decode()

    assert "Only API keys may change the tools of Hub" in shown
    assert "Edit and try" not in shown
    assert f'data-try="{_of_tool("try", tool)}"' in shown
    for address in (_of_tool("edit", tool), _of_tool("delete", tool)):
        assert client.post(address, _form(post="yes")).status_code == 403
    for address in (_of_set("write", tool_set), _of_set("try", tool_set)):
        assert client.post(address, _form()).status_code == 403
    assert Tool.objects.get().config == _CONFIG


def test_who_may_only_look_writes_nothing(
    tool: Tool, tool_set: ToolSet, rita: Person, dashboard: Dashboard
) -> None:
    client = dashboard(rita)

    assert client.get(_of_tool("change", tool)).status_code == 200
    for address in (_of_tool("edit", tool), _of_set("try", tool_set)):
        assert client.post(address, _form(send="yes")).status_code == 403
    assert not AuditEvent.objects.filter(action="tool_set.tried").exists()


def test_a_synced_set_has_no_editor(alice: Person, client: Client) -> None:
    synced = connect(
        alice.workspace,
        name="Synced",
        adapter_type="mcp",
        adapter={"url": "https://mcp.example.com"},
        actor=alice.actor,
    )

    assert client.get(_of_set("write", synced)).status_code == 404


def test_a_set_whose_tools_are_written_says_that_there_is_nothing_to_sync(
    tool_set: ToolSet, client: Client
) -> None:
    answer = client.post(_of_set("sync", tool_set), follow=True)

    assert "there is nothing to sync" in answer.content.decode()

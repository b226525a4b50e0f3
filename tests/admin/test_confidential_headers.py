"""Credentials typed into headers, in the dashboard: shown to admins with a hint, hidden from others, kept by both."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse

from tests.admin.conftest import Dashboard
from tests.conftest import Person
from tests.toolsets.adapters.http.recording import Recorder, recorder
from toolsets.connecting import connect
from toolsets.models import Tool, ToolSet
from toolsets.secrets import store_secret
from toolsets.writing import create_tool

HEADERS = {"Authorization": "Bearer hunter2", "X-Key": "${KEY}"}
_HINT = 'data-header-secret aria-live="polite">'


@pytest.fixture
def upstream() -> Iterator[Recorder]:
    with recorder() as recording:
        yield recording


@pytest.fixture
def tool_set(alice: Person, upstream: Recorder) -> ToolSet:
    return connect(
        alice.workspace,
        name="Fish",
        adapter_type=ToolSet.AdapterType.HTTP,
        adapter={"baseUrl": upstream.url(), "headers": HEADERS},
        actor=alice.actor,
    )


@pytest.fixture
def tool(tool_set: ToolSet, alice: Person) -> Tool:
    return create_tool(
        tool_set,
        name="get_fish",
        description="Gets a fish.",
        config={"headers": {"X-Token": "t0ken-value"}},
        actor=alice.actor,
    )


def _form(**changed: Any) -> dict[str, Any]:
    return {
        "name": "get_fish",
        "description": "Gets a fish.",
        "method": "GET",
        "headers-name": ["X-Token"],
        "headers-value": ["***"],
        **changed,
    }


def _of_set(page: str, tool_set: ToolSet) -> str:
    return reverse(f"admin:toolsets_toolset_{page}", args=[tool_set.pk])


def _edit(tool: Tool) -> str:
    return reverse("admin:toolsets_tool_edit", args=[tool.pk])


def test_admin_sees_the_value_and_what_to_do_about_it(
    alice: Person, tool_set: ToolSet, tool: Tool, dashboard: Dashboard
) -> None:
    client = dashboard(alice)

    for address, value in [
        (_of_set("change", tool_set), "Bearer hunter2"),
        (_edit(tool), "t0ken-value"),
    ]:
        page = client.get(address).content.decode()
        assert f'value="{value}"' in page
        assert page.count(_HINT) == 1
        assert "toolcrib/headers" in page


def test_names_that_a_moved_credential_must_not_take_are_there(
    alice: Person, tool_set: ToolSet, dashboard: Dashboard
) -> None:
    for name, of in [("X_KEY", tool_set), ("TOKEN", None)]:
        store_secret(
            alice.workspace, name=name, value="abcd", tool_set=of, actor=alice.actor
        )
    client = dashboard(alice)
    new = reverse("admin:toolsets_toolset_add")

    page = client.get(_of_set("change", tool_set)).content.decode()

    assert 'data-taken="TOKEN X_KEY"' in page
    assert 'data-taken="TOKEN"' in client.get(new).content.decode()


def test_developer_changes_a_set_whose_secret_stays_hidden(
    dan: Person, tool_set: ToolSet, dashboard: Dashboard
) -> None:
    client, address = dashboard(dan), _of_set("change", tool_set)
    page = client.get(address).content.decode()

    client.post(
        address,
        {
            "name": "Fish",
            "base_url": tool_set.adapter["baseUrl"],
            "headers-name": ["Authorization", "X-Key"],
            "headers-value": ["***", "${OTHER}"],
        },
    )

    assert "hunter2" not in page
    assert "only admins may read it" in page
    tool_set.refresh_from_db()
    assert tool_set.adapter["headers"] == {**HEADERS, "X-Key": "${OTHER}"}


def test_developer_changes_and_copies_a_tool_whose_secret_stays_hidden(
    dan: Person, tool_set: ToolSet, tool: Tool, dashboard: Dashboard
) -> None:
    client = dashboard(dan)
    copy = f"{_of_set('write', tool_set)}?like={tool.pk}"

    for address in (_edit(tool), copy):
        assert "t0ken-value" not in client.get(address).content.decode()
    client.post(_edit(tool), _form(path="/fish"))
    client.post(copy, _form(name="other_fish"))

    configs = [one.config for one in Tool.objects.order_by("name")]
    headers = {"X-Token": "t0ken-value"}
    assert [one["headers"] for one in configs] == [headers, headers]
    assert configs[0]["path"] == "/fish"


def test_trial_sends_what_is_hidden_and_shows_it_to_nobody(
    dan: Person,
    tool_set: ToolSet,
    tool: Tool,
    upstream: Recorder,
    dashboard: Dashboard,
) -> None:
    ToolSet.objects.update(adapter={"baseUrl": upstream.url()})
    client, address = dashboard(dan), f"{_of_set('try', tool_set)}?of={tool.pk}"
    assert address in client.get(_edit(tool)).content.decode()

    answer = client.post(address, _form(arguments=json.dumps({}), send="yes"))

    assert upstream.request.header("X-Token") == "t0ken-value"
    assert "X-Token: ***" in answer.content.decode()
    assert "t0ken-value" not in answer.content.decode()


def test_hidden_value_that_stands_for_nothing_is_refused_at_its_field(
    dan: Person, tool_set: ToolSet, dashboard: Dashboard
) -> None:
    answer = dashboard(dan).post(_of_set("write", tool_set), _form())

    assert "none is kept for the header X-Token" in answer.content.decode()
    assert not Tool.objects.exists()


def _moved(**changed: Any) -> dict[str, Any]:
    return {
        "name": "Fish",
        "base_url": "https://elsewhere.example.net",
        "headers-name": ["Authorization"],
        "headers-value": ["***"],
        **changed,
    }


def test_developer_moves_a_set_with_a_credential_of_their_own_only(
    dan: Person, tool_set: ToolSet, dashboard: Dashboard
) -> None:
    client, address = dashboard(dan), _of_set("change", tool_set)
    here, there = tool_set.address, "https://elsewhere.example.net"

    refused = client.post(address, _moved()).content.decode()
    stayed = ToolSet.objects.get().address
    client.post(address, _moved(**{"headers-value": ["Bearer hunter2"]}))

    assert "the header Authorization" in refused
    assert (stayed, ToolSet.objects.get().address) == (here, there)


def test_document_is_not_read_elsewhere_with_what_is_hidden(
    dan: Person, alice: Person, upstream: Recorder, dashboard: Dashboard
) -> None:
    tool_set = connect(
        alice.workspace,
        name="Document",
        adapter_type=ToolSet.AdapterType.OPENAPI,
        adapter={"url": "https://api.example.com/doc", "headers": HEADERS},
        actor=alice.actor,
    )
    address = f"{reverse('admin:toolsets_toolset_read')}?of={tool_set.pk}"
    form = {**_moved(), "base_url": "", "url": upstream.url(), "approvals": ""}

    said = dashboard(dan).post(address, form).content.decode()

    assert "credentials_stay" in said
    assert "the header Authorization" in said
    assert upstream.requests == []

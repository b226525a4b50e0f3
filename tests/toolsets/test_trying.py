"""Trying a tool: what would be sent, with its secrets masked, and what comes of sending it."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError

from gateway.audit.models import AuditEvent
from gateway.network.guard import AddressRefused
from tests.conftest import Person
from tests.toolsets.adapters.http.recording import Recorder, response
from toolsets.connecting import archive, connect
from toolsets.curating import ToolArchived
from toolsets.errors import ToolSetArchived
from toolsets.header_rules import MissingSecret
from toolsets.models import SecretUse, Tool, ToolSet
from toolsets.secrets import store_secret
from toolsets.trying import TrialForbidden, config_of, preview, send
from toolsets.writing import change_tool, create_tool

CONFIG = {
    "requestMethod": "POST",
    "path": "/fish/{{ id }}",
    "query": "q={{ q }}",
    "headers": {"X-Tool": "${TOOL_KEY}"},
    "requestBodyTemplate": '{"id": {{ id }}}',
}


def http_set(person: Person, url: str, **members: Any) -> ToolSet:
    return connect(
        person.workspace,
        name="Fish",
        adapter_type=ToolSet.AdapterType.HTTP,
        adapter={"baseUrl": url, "headers": {"Authorization": "Bearer ${SET_KEY}"}},
        actor=person.actor,
        **members,
    )


def keep(person: Person, **values: str) -> None:
    for name, value in values.items():
        store_secret(person.workspace, name=name, value=value, actor=person.actor)


def test_preview_shows_the_request_with_its_secrets_masked(alice: Person) -> None:
    keep(alice, SET_KEY="s3cret", TOOL_KEY="t0ken")
    tool_set = http_set(alice, "https://api.example.com/v1")

    shown = preview(tool_set, config=CONFIG, arguments={"id": "a/b", "q": "ü"})

    assert (shown.method, shown.url) == (
        "POST",
        "https://api.example.com/v1/fish/a%2Fb?q=%C3%BC",
    )
    assert shown.headers == {
        "User-Agent": "toolcrib",
        "Accept": "*/*",
        "Authorization": "Bearer ***",
        "X-Tool": "***",
        "Content-Type": "application/json",
    }
    assert (shown.body, shown.is_cut) == ('{"id": "a/b"}', False)


def test_secrets_typed_into_headers_are_masked_too(
    alice: Person, upstream: Recorder
) -> None:
    tool_set = connect(
        alice.workspace,
        name="Typed",
        adapter_type=ToolSet.AdapterType.HTTP,
        adapter={
            "baseUrl": upstream.url(),
            "headers": {"Authorization": "Bearer s3cret"},
        },
        actor=alice.actor,
    )
    config = {"headers": {"X-Key": "t0ken", "X-Team": "fishers"}}
    upstream.reply = lambda _: response("You sent s3cret and t0ken.")

    shown = preview(tool_set, config=config, arguments={})
    trial = send(tool_set, config=config, arguments={}, actor=alice.actor)

    assert (shown.headers["Authorization"], shown.headers["X-Key"]) == ("***", "***")
    assert shown.headers["X-Team"] == "fishers"
    assert upstream.request.header("authorization") == "Bearer s3cret"
    (said,) = trial.answer.result["content"]
    assert said["text"] == "You sent *** and ***."


def test_written_tool_that_is_archived_is_not_tried_as_it_is_kept(
    alice: Person,
) -> None:
    tool_set = http_set(alice, "https://api.example.com/v1")
    tool = create_tool(tool_set, name="get", config=CONFIG, actor=alice.actor)
    assert config_of(tool) == CONFIG

    change_tool(tool, status=Tool.Status.ARCHIVED, actor=alice.actor)

    with pytest.raises(ToolArchived, match="get is archived"):
        config_of(Tool.objects.get(pk=tool.pk))


def test_missing_secret_is_named(alice: Person) -> None:
    keep(alice, SET_KEY="s3cret")
    tool_set = http_set(alice, "https://api.example.com/v1")

    with pytest.raises(MissingSecret, match="X-Tool needs the secret TOOL_KEY"):
        preview(tool_set, config=CONFIG, arguments={"id": 1})


def test_wrong_configuration_is_named(alice: Person) -> None:
    tool_set = http_set(alice, "https://api.example.com/v1")

    with pytest.raises(ValidationError) as caught:
        preview(tool_set, config={"path": "{{"}, arguments={})
    assert list(caught.value.message_dict) == ["config.path"]


def test_request_is_sent_with_its_secrets_and_recorded(
    alice: Person, upstream: Recorder
) -> None:
    keep(alice, SET_KEY="s3cret", TOOL_KEY="t0ken")
    tool_set = http_set(alice, upstream.url())
    upstream.reply = lambda _: response('{"ok": 1}', media_type="application/json")

    trial = send(
        tool_set,
        config=CONFIG,
        arguments={"id": "my-id", "q": "my-query"},
        name="get",
        actor=alice.actor,
    )

    assert trial.answer.result["structuredContent"] == {"ok": 1}
    assert upstream.request.header("authorization") == "Bearer s3cret"
    assert upstream.request.header("x-tool") == "t0ken"
    event = AuditEvent.objects.get(action="tool_set.tried")
    assert (event.subject_id, event.actor_id) == (tool_set.pk, alice.actor.profile_id)
    assert event.changes == {
        "tool": [None, "get"],
        "method": [None, "POST"],
        "address": [None, upstream.url("/fish/{{ id }}")],
        "status": [None, 200],
        "bytes": [None, 9],
        "milliseconds": [None, trial.milliseconds],
    }


def test_secrets_that_a_trial_sends_are_used(alice: Person, upstream: Recorder) -> None:
    keep(alice, SET_KEY="s3cret", TOOL_KEY="t0ken", OTHER="0ther")

    send(
        http_set(alice, upstream.url()),
        config=CONFIG,
        arguments={"id": 1},
        actor=alice.actor,
    )

    used = SecretUse.objects.values_list("secret__name", flat=True)
    assert sorted(used) == ["SET_KEY", "TOOL_KEY"]


def test_archived_set_is_not_tried(alice: Person, upstream: Recorder) -> None:
    keep(alice, SET_KEY="s3cret", TOOL_KEY="t0ken")
    tool_set = archive(http_set(alice, upstream.url()), actor=alice.actor)
    given: dict[str, Any] = {"config": CONFIG, "arguments": {"id": 1}}

    with pytest.raises(ToolSetArchived, match="Fish is archived"):
        preview(tool_set, **given)
    with pytest.raises(ToolSetArchived):
        send(tool_set, **given, actor=alice.actor)

    assert upstream.requests == []
    assert not AuditEvent.objects.filter(action="tool_set.tried").exists()
    assert not SecretUse.objects.exists()


def test_address_that_is_not_allowed_is_refused(alice: Person, settings: Any) -> None:
    settings.UPSTREAM_NETWORKS = []
    keep(alice, SET_KEY="s3cret", TOOL_KEY="t0ken")

    with pytest.raises(AddressRefused):
        send(
            http_set(alice, "http://127.0.0.1:1"),
            config=CONFIG,
            arguments={"id": 1},
            actor=alice.actor,
        )

    event = AuditEvent.objects.get(action="tool_set.tried")
    assert event.changes["failure"] == [None, "address_refused"]
    assert "status" not in event.changes


@pytest.fixture
def tool(alice: Person, upstream: Recorder) -> Tool:
    """A tool that agents need an approval for."""
    tool_set = connect(
        alice.workspace,
        name="Fish",
        adapter_type=ToolSet.AdapterType.HTTP,
        adapter={"baseUrl": upstream.url()},
        actor=alice.actor,
    )
    return create_tool(
        tool_set,
        name="get",
        config={"path": "/fish"},
        requires_approval=True,
        actor=alice.actor,
    )


def governed(tool: Tool, **facts: Any) -> Tool:
    """The tool in a managed set, as others decided about it."""
    ToolSet.objects.update(is_managed=True)
    Tool.objects.update(**facts)
    kept: Tool = Tool.objects.select_related("tool_set").get(pk=tool.pk)
    return kept


def sent(tool: Tool, by: Person) -> None:
    config = config_of(tool)
    preview(tool.tool_set, config=config, arguments={})
    send(tool.tool_set, config=config, arguments={}, tool=tool, actor=by.actor)


def test_who_may_waive_an_approval_sends_without_one(
    dan: Person, tool: Tool, upstream: Recorder
) -> None:
    sent(tool, dan)

    assert len(upstream.requests) == 1


def test_who_may_not_waive_an_approval_sends_nothing(
    dan: Person, tool: Tool, upstream: Recorder
) -> None:
    with pytest.raises(TrialForbidden, match="get need an approval"):
        sent(governed(tool), dan)

    assert upstream.requests == []
    assert not AuditEvent.objects.filter(action="tool_set.tried").exists()


def test_who_governs_sends_without_an_approval(
    alice: Person, tool: Tool, upstream: Recorder
) -> None:
    sent(governed(tool), alice)

    assert len(upstream.requests) == 1


@pytest.mark.parametrize("status", [Tool.Status.OMITTED, Tool.Status.FILTERED])
def test_tool_that_is_left_out_of_a_managed_set_is_not_sent(
    status: str, alice: Person, dan: Person, tool: Tool, upstream: Recorder
) -> None:
    left_out = governed(tool, requires_approval=False, status=status)

    for one in (alice, dan):
        with pytest.raises(TrialForbidden, match="get is left out"):
            sent(left_out, one)

    assert upstream.requests == []

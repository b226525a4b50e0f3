"""Tool sets and tools in the dashboard: connecting, changing, syncing, leaving out, and strangers' text."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from gateway.audit.models import AuditEvent
from tests.admin.conftest import NAME, Dashboard, World, made_tool
from tests.conftest import Person
from toolsets.models import Secret, SyncState, Tool, ToolSet, ToolSetEvent

_HOSTILE = (
    '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 700000001|add:1 }}'
)


def _form(**changed: Any) -> dict[str, Any]:
    return {
        "name": "GitHub",
        "url": "https://mcp.example.com/mcp",
        "approvals": "",
        "upstream_may": ["elicitation"],
        **changed,
    }


def _page(name: str, row: Any) -> str:
    return reverse(f"admin:toolsets_{name}", args=[row.pk])


def test_a_server_is_connected_with_headers_secrets_and_filters(
    alice: Person, dashboard: Dashboard
) -> None:
    form = _form(
        **{
            "headers-name": ["Authorization"],
            "headers-value": ["Bearer ${TOKEN}"],
            "secrets-name": ["TOKEN"],
            "secrets-value": ["s3cret-value"],
            "exclude-operator": "OPERATOR_OR",
            "exclude-attribute": ["ATTRIBUTE_NAME", "ATTRIBUTE_TITLE"],
            "exclude-matcher": ["startsWith", "regex"],
            "exclude-text": ["delete_", "(?i)danger"],
            "exclude-case": ["exact", ""],
            "approvals": "always",
            "tags": "code, eng",
            "labels": "team=core",
        }
    )

    answer = dashboard(alice).post(reverse("admin:toolsets_toolset_add"), form)

    tool_set = ToolSet.objects.in_workspace(alice.workspace).get()
    assert answer["Location"] == _page("toolset_overview", tool_set)
    assert tool_set.created_by == alice.profile
    assert tool_set.adapter == {
        "url": "https://mcp.example.com/mcp",
        "headers": {"Authorization": "Bearer ${TOKEN}"},
        "excludeTools": {
            "operator": "OPERATOR_OR",
            "filters": [
                {
                    "attribute": "ATTRIBUTE_NAME",
                    "matcher": {"startsWith": "delete_", "caseSensitive": True},
                },
                {"attribute": "ATTRIBUTE_TITLE", "matcher": {"regex": "(?i)danger"}},
            ],
        },
        "toolApprovals": {"always": True},
    }
    assert (tool_set.tags, tool_set.labels) == (["code", "eng"], {"team": "core"})
    assert tool_set.secrets.get().held.value == "s3cret-value"
    assert AuditEvent.objects.filter(
        action="tool_set.created", subject_id=tool_set.pk, source="admin"
    ).exists()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"url": "ftp://example.com"}, "must start with http"),
        ({"url": "https://user:pass@example.com/"}, "must not hold a user name"),
        ({"headers-name": ["Host"], "headers-value": ["x"]}, "set by Toolcrib itself"),
        ({"headers-name": [""], "headers-value": ["x"]}, "no name"),
        (
            {"secrets-name": ["lower case"], "secrets-value": ["never-shown"]},
            "capital letters",
        ),
        (
            {
                "include-attribute": ["ATTRIBUTE_NAME"],
                "include-matcher": ["regex"],
                "include-text": ["(unclosed"],
                "include-case": [""],
            },
            "regular expression",
        ),
        ({"approvals": "only"}, "Say which tools need approval"),
        ({"labels": "novalue"}, "key=value"),
        ({"sync_interval_seconds": "3"}, "At least 10 seconds"),
    ],
)
def test_what_is_wrong_is_said_in_the_form(
    changed: dict[str, Any], said: str, alice: Person, dashboard: Dashboard
) -> None:
    answer = dashboard(alice).post(
        reverse("admin:toolsets_toolset_add"), _form(**changed)
    )

    page = answer.content.decode()
    assert answer.status_code == 200
    assert said in page
    assert "never-shown" not in page
    assert not ToolSet.objects.exists()
    assert not Secret.objects.exists()


def test_a_changed_url_makes_the_sync_due(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    dashboard(alice).post(
        _page("toolset_change", world.tool_set),
        _form(name=NAME, slug=world.tool_set.slug, url="https://new.example.com/mcp"),
    )

    world.tool_set.refresh_from_db()
    assert world.tool_set.adapter["url"] == "https://new.example.com/mcp"
    assert world.tool_set.adapter_version == 2
    assert SyncState.objects.get(tool_set=world.tool_set).due_at is not None


def test_saving_unchanged_settings_changes_nothing(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    dashboard(alice).post(
        _page("toolset_change", world.tool_set),
        _form(name=NAME, slug=world.tool_set.slug, url=world.tool_set.adapter["url"]),
    )

    assert not AuditEvent.objects.filter(action="tool_set.updated").exists()


def test_sync_now_makes_the_sync_due_and_shows_that_it_waits(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    client = dashboard(alice)

    client.post(_page("toolset_sync", world.tool_set))

    sync = SyncState.objects.get(tool_set=world.tool_set)
    assert sync.due_at is not None
    assert sync.requested_by == alice.profile
    progress = client.get(_page("toolset_progress", world.tool_set)).json()
    assert progress["state"] == "queued"


def test_the_progress_of_a_sync_is_told_in_words(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    SyncState.objects.filter(tool_set=world.tool_set).update(
        claimed_at=timezone.now(), tools_seen=1200, tools_written=500
    )

    progress = dashboard(alice).get(_page("toolset_progress", world.tool_set)).json()

    assert progress["state"] == "syncing"
    assert progress["text"] == "Syncing: 1,200 tools seen, 500 written…"


@pytest.mark.parametrize("page", ["toolset_sync", "toolset_archive"])
def test_a_role_that_only_looks_may_not(
    page: str, world: World, sam: Person, dashboard: Dashboard
) -> None:
    assert dashboard(sam).post(_page(page, world.tool_set)).status_code == 403


def test_archiving_and_unarchiving(
    world: World, dan: Person, dashboard: Dashboard
) -> None:
    client = dashboard(dan)

    client.post(_page("toolset_archive", world.tool_set))
    archived = ToolSet.objects.get(pk=world.tool_set.pk)
    client.post(_page("toolset_unarchive", world.tool_set))

    assert archived.state == ToolSet.State.ARCHIVED
    world.tool_set.refresh_from_db()
    assert world.tool_set.is_active


def test_tools_are_left_out_and_restored_by_hand(
    world: World, dan: Person, dashboard: Dashboard
) -> None:
    client, tools = dashboard(dan), _page("toolset_tools", world.tool_set)
    chosen = {"_selected_action": [world.tool.pk]}

    client.post(tools, {**chosen, "action": "omit_tools"})
    omitted = Tool.objects.get(pk=world.tool.pk).status
    client.post(_page("tool_decide", world.tool), {"decision": "restore"})

    assert omitted == Tool.Status.OMITTED
    assert Tool.objects.get(pk=world.tool.pk).is_available


def test_approval_is_set_by_hand(
    world: World, dan: Person, dashboard: Dashboard
) -> None:
    dashboard(dan).post(_page("tool_decide", world.tool), {"decision": "ask"})

    world.tool.refresh_from_db()
    assert (world.tool.requires_approval, world.tool.is_approval_set_by_hand) == (
        True,
        True,
    )


def test_the_tools_of_a_managed_set_are_read_only_and_the_page_says_why(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    ToolSet.objects.filter(pk=world.tool_set.pk).update(is_managed=True)
    client, tools = dashboard(alice), _page("toolset_tools", world.tool_set)

    client.post(tools, {"_selected_action": [world.tool.pk], "action": "omit_tools"})
    client.post(_page("tool_decide", world.tool), {"decision": "omit"})

    assert Tool.objects.get(pk=world.tool.pk).is_available
    assert "Only API keys may change the tools" in client.get(tools).content.decode()


def test_a_person_cannot_change_which_tools_a_managed_set_takes(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    ToolSet.objects.filter(pk=world.tool_set.pk).update(is_managed=True)
    before = dict(world.tool_set.adapter)

    dashboard(alice).post(
        _page("toolset_change", world.tool_set),
        _form(name=NAME, slug=world.tool_set.slug, url="https://new.example.com/mcp"),
    )

    world.tool_set.refresh_from_db()
    assert world.tool_set.adapter == before


def test_the_tools_of_one_set_are_listed_without_those_of_others(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    other = ToolSet.objects.create(
        workspace=alice.workspace, name="Other", slug="other", created_by=alice.profile
    )
    made_tool(other, "foreign_tool")

    page = dashboard(alice).get(_page("toolset_tools", world.tool_set))

    assert "foreign_tool" not in page.content.decode()
    assert NAME in page.content.decode()


def test_a_schema_is_shown_as_a_table(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    schema = {
        "type": "object",
        "required": ["owner"],
        "properties": {
            "owner": {"$ref": "#/$defs/owner"},
            "filter": {"type": "object", "properties": {"since": {"type": "string"}}},
        },
        "$defs": {"owner": {"type": "string", "description": "Who owns it."}},
    }
    Tool.objects.filter(pk=world.tool.pk).update(parameters=schema)

    page = dashboard(alice).get(_page("tool_change", world.tool)).content.decode()

    assert "Who owns it." in page
    assert "since" in page
    assert "required" in page


@pytest.mark.parametrize(
    "schema", [{}, [], "text", {"properties": []}, {"properties": {"a": 1}}, None]
)
def test_any_schema_can_be_shown(
    schema: Any, world: World, alice: Person, dashboard: Dashboard
) -> None:
    Tool.objects.filter(pk=world.tool.pk).update(
        parameters=schema if schema is not None else {}, output_schema=schema
    )

    answer = dashboard(alice).get(_page("tool_change", world.tool))

    assert answer.status_code == 200


def test_what_strangers_write_is_shown_as_text(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    Tool.objects.filter(pk=world.tool.pk).update(
        name=_HOSTILE,
        title=_HOSTILE,
        description=_HOSTILE,
        status_reason=_HOSTILE,
        annotations={_HOSTILE: _HOSTILE},
        parameters={"properties": {_HOSTILE: {"description": _HOSTILE}}},
    )
    ToolSet.objects.filter(pk=world.tool_set.pk).update(name=_HOSTILE)
    ToolSetEvent.objects.update(message=_HOSTILE, error_type="x")
    pages = [
        _page("toolset_overview", world.tool_set),
        _page("toolset_tools", world.tool_set),
        _page("toolset_events", world.tool_set),
        _page("toolset_change", world.tool_set),
        _page("tool_change", world.tool),
        reverse("admin:toolsets_toolset_changelist"),
        reverse("admin:toolpacks_toolpack_tools", args=[world.pack.pk]),
        reverse(
            "admin:toolpacks_toolpack_connector",
            args=[world.pack.pk, world.tool_set.pk],
        ),
        reverse("admin:mcp_toolcall_changelist"),
        reverse("admin:index"),
    ]
    client = dashboard(alice)

    for page in pages:
        shown = client.get(page).content.decode()
        assert "<script>alert" not in shown, page
        assert "<img src=x" not in shown, page
        assert "700000002" not in shown, page


def test_header_values_are_hidden_unless_they_name_a_secret(
    world: World, rita: Person, dashboard: Dashboard
) -> None:
    headers = {"X-Plain": "hunter2", "Authorization": "Bearer ${TOKEN}"}
    ToolSet.objects.filter(pk=world.tool_set.pk).update(
        adapter={"url": "https://x.example.com", "headers": headers}
    )

    page = dashboard(rita).get(_page("toolset_overview", world.tool_set))

    assert "hunter2" not in page.content.decode()
    assert "Bearer ${TOKEN}" in page.content.decode()


def test_a_secret_gets_a_new_value_that_no_page_shows(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    client, address = dashboard(alice), _page("secret_change", world.secret)

    client.post(address, {"value": "another-value"})

    world.secret.refresh_from_db()
    assert world.secret.held.value == "another-value"
    assert world.secret.version == 2
    assert "another-value" not in client.get(address).content.decode()


def test_a_developer_stores_no_secrets(
    world: World, dan: Person, dashboard: Dashboard
) -> None:
    client = dashboard(dan)

    client.post(
        reverse("admin:toolsets_toolset_add"),
        _form(**{"secrets-name": ["TOKEN"], "secrets-value": ["s3cret-value"]}),
    )

    assert client.get(reverse("admin:toolsets_secret_add")).status_code == 403
    assert not Secret.objects.filter(name="TOKEN").exists()


def test_an_admin_opens_private_networks_in_the_form(
    alice: Person, dashboard: Dashboard
) -> None:
    form = _form(allowed_networks="10.20.0.0/16, fd12:3456::/32")

    dashboard(alice).post(reverse("admin:toolsets_toolset_add"), form)

    tool_set = ToolSet.objects.get()
    assert tool_set.allowed_networks == ["10.20.0.0/16", "fd12:3456::/32"]
    overview = dashboard(alice).get(_page("toolset_overview", tool_set))
    assert "10.20.0.0/16, fd12:3456::/32" in overview.content.decode()


def test_a_network_that_cannot_be_opened_is_an_error_of_its_field(
    alice: Person, dashboard: Dashboard
) -> None:
    form = _form(allowed_networks="169.254.169.254")

    page = dashboard(alice).post(reverse("admin:toolsets_toolset_add"), form)

    assert "clouds hand out credentials" in page.content.decode()
    assert not ToolSet.objects.exists()


def test_a_developer_does_not_see_private_networks_and_leaves_them_as_they_are(
    alice: Person, dan: Person, dashboard: Dashboard
) -> None:
    add = reverse("admin:toolsets_toolset_add")
    dashboard(alice).post(add, _form(allowed_networks="10.20.0.0/16"))
    change = _page("toolset_change", ToolSet.objects.get())

    page = dashboard(dan).get(change).content.decode()
    form = _form(name="Ours", slug="github", allowed_networks="10.0.0.0/8")
    dashboard(dan).post(change, form)

    tool_set = ToolSet.objects.get()
    assert "allowed_networks" not in page
    assert (tool_set.name, tool_set.allowed_networks) == ("Ours", ["10.20.0.0/16"])


def _within_transactions(deed: Callable[[], Any]) -> list[str]:
    """The statements of `deed` that were sent within a transaction, from its beginning on."""
    sent: list[str] = []

    def noted(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if connection.in_atomic_block:
            sent.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(noted):
        deed()
    return [sql for sql in sent if sql.startswith("SELECT")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("secrets", [{}, {"secrets-name": ["TOKEN"], "secrets-value": ["hush"]}])  # fmt: skip
def test_a_set_is_judged_before_the_transaction_that_saves_it(
    secrets: dict[str, Any], world: World, alice: Person, dashboard: Dashboard
) -> None:
    client, row = dashboard(alice), world.tool_set
    form = _form(slug="renamed", url="https://new.example.com/mcp", **secrets)

    read = _within_transactions(lambda: client.post(_page("toolset_change", row), form))

    assert ToolSet.objects.get(pk=row.pk).slug == "renamed"
    assert Secret.objects.filter(tool_set=row, name="TOKEN").exists() is bool(secrets)
    assert not [sql for sql in read if '"toolsets_toolset"."slug" = ' in sql]
    assert len([sql for sql in read if 'FROM "toolsets_toolset"' in sql]) == (2 if secrets else 1)  # fmt: skip


def test_a_set_is_not_saved_without_the_secret_that_was_typed_with_it(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    form = _form(slug="renamed", **{"secrets-name": ["TOKEN"], "secrets-value": ["é"]})

    answer = dashboard(alice).post(_page("toolset_change", world.tool_set), form)

    assert "printable ASCII characters" in answer.content.decode()
    assert ToolSet.objects.get(pk=world.tool_set.pk).slug == world.tool_set.slug

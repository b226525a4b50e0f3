"""Tool calls and the front page in the dashboard."""

from datetime import UTC, datetime, timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from ulid import ULID

from gateway.mcp.call_labels import first_id_since
from gateway.mcp.models import ToolCall
from tests.admin.conftest import NAME, Dashboard, World, made_call
from tests.conftest import Person
from toolsets.models import SyncState, ToolSetEvent

_LIST = "admin:mcp_toolcall_changelist"


def test_calls_are_found_by_state_code_pack_user_and_tool(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    made_call(
        alice.workspace,
        world.tool,
        world.pack,
        world.user,
        state=ToolCall.State.REFUSED,
        code="unauthorized_tool",
    )
    ToolCall.objects.update(tool_name="some_tool")
    asked = {
        "state__exact": "refused",
        "code": "unauthorized_tool",
        "pack": str(world.pack.pk),
        "user": world.user.pk,
        "tool_set": world.tool_set.pk,
        "since": "1h",
        "q": "some",
    }

    found = dashboard(alice).get(reverse(_LIST), asked)

    assert [call.code for call in found.context["cl"].result_list] == [
        "unauthorized_tool"
    ]


def test_the_list_counts_nothing(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    client = dashboard(alice)

    with CaptureQueriesContext(connection) as queries:
        client.get(reverse(_LIST))

    counted = [q["sql"] for q in queries if "COUNT(*)" in q["sql"]]
    assert not [sql for sql in counted if "mcp_toolcall" in sql]


def test_ids_since_a_moment_hold_all_that_were_made_from_then_on() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    later = f"call_{ULID.from_datetime(moment + timedelta(milliseconds=1))}"
    earlier = f"call_{ULID.from_datetime(moment - timedelta(milliseconds=1))}"

    assert earlier < first_id_since(moment) < later


def test_a_call_shows_where_its_time_went(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    ToolCall.objects.update(total_ms=12.5, upstream_ms=10.0)

    page = dashboard(alice).get(
        reverse("admin:mcp_toolcall_change", args=[world.call.pk])
    )

    assert "2.5 ms" in page.content.decode()
    assert "10 ms" in page.content.decode()


def test_a_call_outlives_what_it_is_about(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    ToolCall.objects.update(
        pack_id="", tool_set_id="ts_gone", registered_user_id="ru_gone"
    )

    page = dashboard(alice).get(reverse(_LIST))

    assert "ru_gone" in page.content.decode()


def test_the_front_page_tells_what_fails(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    SyncState.objects.filter(tool_set=world.tool_set).update(
        failures_in_a_row=3, last_error_type="connection_refused"
    )
    ToolSetEvent.objects.create(
        workspace=alice.workspace,
        tool_set=world.tool_set,
        type=ToolSetEvent.Type.FAILED,
        message="The upstream refused the connection.",
        created_by=alice.profile,
    )

    page = dashboard(alice).get(reverse("admin:index")).content.decode()

    assert "The upstream refused the connection." in page
    assert "connection_refused" in page
    assert NAME in page


def test_the_front_page_counts_the_calls_of_a_day(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    made_call(
        alice.workspace,
        world.tool,
        world.pack,
        world.user,
        state=ToolCall.State.FAILED,
        code="upstream_timeout",
    )

    shown = dashboard(alice).get(reverse("admin:index"))

    assert shown.context["call_total"] == 2
    assert ("failed", "Failed", 1) in shown.context["totals"]
    assert "upstream_timeout" in shown.content.decode()


def test_the_front_page_of_an_empty_workspace_says_what_to_do(
    alice: Person, dashboard: Dashboard
) -> None:
    page = dashboard(alice).get(reverse("admin:index")).content.decode()

    assert "Get to your first call" in page
    assert "Connect an upstream" in page


def test_filters_count_nothing_even_when_asked_to(
    world: World, alice: Person, dashboard: Dashboard
) -> None:
    client = dashboard(alice)

    with CaptureQueriesContext(connection) as queries:
        client.get(reverse(_LIST), {"_facets": "True"})

    assert not [q for q in queries if "COUNT(" in q["sql"] and "tool" in q["sql"]]

"""Secrets in the dashboard: which ones a tool set needs, which it has, and when they were used."""

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from tests.admin.conftest import Dashboard
from tests.conftest import Person
from toolsets.connecting import connect
from toolsets.models import Secret, ToolSet
from toolsets.secrets import store_secret
from toolsets.sync import run_sync
from toolsets.usage import note_secret_use


@pytest.fixture
def needy(alice: Person) -> ToolSet:
    """A tool set whose headers name a secret that is there, and one that is not."""
    headers = {"A": "Bearer ${HERE}", "B": "${NOT_THERE}"}
    tool_set = connect(
        alice.workspace,
        name="Needy",
        adapter_type="mcp",
        adapter={"url": "http://127.0.0.1:1/", "headers": headers},
        actor=alice.actor,
    )
    store_secret(alice.workspace, name="HERE", value="t0p", actor=alice.actor)
    run_sync(tool_set.pk)
    return tool_set


def overview(tool_set: ToolSet) -> str:
    return reverse("admin:toolsets_toolset_overview", args=[tool_set.pk])


def add(tool_set: ToolSet) -> str:
    page = reverse("admin:toolsets_secret_add")
    return f"{page}?name=NOT_THERE&tool_set={tool_set.pk}"


def test_overview_says_which_secrets_are_there_and_leads_to_the_missing(
    needy: ToolSet, alice: Person, dashboard: Dashboard
) -> None:
    page = dashboard(alice).get(overview(needy)).content.decode()

    assert "Needs credential" in page
    assert page.count(">Missing<") == page.count(">Present<") == 1
    assert add(needy).replace("&", "&amp;") in page


def test_who_may_not_keep_secrets_is_told_who_can(
    needy: ToolSet, rita: Person, dashboard: Dashboard
) -> None:
    page = dashboard(rita).get(overview(needy)).content.decode()

    assert ">Missing<" in page
    assert reverse("admin:toolsets_secret_add") not in page


def test_link_of_a_missing_secret_opens_a_form_that_is_filled_in(
    needy: ToolSet, alice: Person, dashboard: Dashboard
) -> None:
    client = dashboard(alice)

    form = client.get(add(needy)).content.decode()
    made = {"name": "NOT_THERE", "tool_set": needy.pk, "value": "t0p"}
    client.post(add(needy), made)

    assert 'value="NOT_THERE"' in form
    assert f'<option value="{needy.pk}" selected' in form
    assert ">Missing<" not in client.get(overview(needy)).content.decode()


def test_list_shows_when_a_secret_was_last_used(
    needy: ToolSet, alice: Person, dashboard: Dashboard
) -> None:
    client, page = dashboard(alice), reverse("admin:toolsets_secret_changelist")
    assert "never" in client.get(page).content.decode()

    with time_machine.travel(timezone.now(), tick=False):
        note_secret_use([Secret.objects.get().pk], at=timezone.now())

        assert "just now" in client.get(page).content.decode()

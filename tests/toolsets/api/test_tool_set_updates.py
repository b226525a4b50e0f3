"""Changes of a tool set over REST, with and without a mask."""

import pytest

from gateway.audit.models import AuditEvent
from tests.rest import Script
from tests.toolsets.api.connecting import adapter, created
from toolsets.models import SyncState, ToolSet

pytestmark = pytest.mark.django_db


def test_put_without_a_mask_replaces_what_is_present_and_keeps_the_rest(
    rest: Script,
) -> None:
    made = created(rest, externalId="gh", labels={"a": "1"})
    path = f"/v1/tool_sets/{made['metadata']['id']}"

    answer = rest.put(
        path, {"metadata": {"name": "Hub"}, "spec": {"description": "New."}}
    )

    assert answer.status == 200, answer.body
    assert answer.body["metadata"]["name"] == "Hub"
    assert answer.body["metadata"]["externalId"] == "gh"
    assert answer.body["metadata"]["labels"] == {"a": "1"}
    assert answer.body["spec"]["description"] == "New."
    assert answer.body["spec"]["adapter"] == adapter()


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize(
    "mask",
    ["metadata.externalId,spec.description", "metadata.external_id, spec.description"],
)
def test_masked_fields_are_replaced_or_cleared_and_nothing_else_is_looked_at(
    method: str, mask: str, rest: Script
) -> None:
    made = created(rest, externalId="gh", labels={"a": "1"})
    path = f"/v1/tool_sets/{made['metadata']['id']}"

    answer = rest.send(
        method,
        path,
        {
            "metadata": {"name": "Ignored", "labels": "not even labels"},
            "spec": {"description": "New.", "bogus": 1},
            "updateMask": mask,
        },
    )

    assert answer.status == 200, answer.body
    assert answer.body["metadata"]["name"] == "GitHub"
    assert answer.body["metadata"]["externalId"] == ""
    assert answer.body["metadata"]["labels"] == {"a": "1"}
    assert answer.body["spec"]["description"] == "New."


def test_mask_may_come_as_a_query_parameter_and_reach_into_the_adapter(
    rest: Script,
) -> None:
    made = created(rest)
    path = f"/v1/tool_sets/{made['metadata']['id']}"
    headers = {"X-Team": "tools"}
    rest.put(path, {"spec": {"adapter": adapter(headers={"X-A": "1", "X-B": "2"})}})

    answer = rest.put(
        path,
        {"metadata": {"name": "x"}, "spec": {"adapter": {"mcp": {"headers": headers}}}},
        updateMask="spec.adapter.mcp.headers",
    )
    cleared = rest.put(path, {}, updateMask="spec.adapter.mcp.headers")

    assert answer.body["spec"]["adapter"] == adapter(headers=headers)
    assert cleared.body["spec"]["adapter"] == adapter()


@pytest.mark.parametrize(
    ("mask", "field"),
    [
        ("metadata.id", "updateMask"),
        ("spec.nope", "updateMask"),
        ("spec.adapter.mcp.nope", "updateMask"),
        ("metadata.name.first", "updateMask"),
        ("metadata.name", "metadata.name"),
        ("spec.adapter", "spec.adapter"),
        ("a b", "updateMask"),
    ],
)
def test_mask_that_names_nothing_or_clears_what_must_be_is_a_400(
    mask: str, field: str, rest: Script
) -> None:
    made = created(rest)

    answer = rest.put(
        f"/v1/tool_sets/{made['metadata']['id']}", {"updateMask": mask, "spec": {}}
    )

    assert answer.status == 400
    assert list(answer.fields) == [field]


def test_answer_sent_back_as_it_came_changes_nothing(rest: Script) -> None:
    made = created(rest, labels={"a": "1"})
    path = f"/v1/tool_sets/{made['metadata']['id']}"
    before = rest.get(path, includeInfo="true").body

    answer = rest.put(path, before)

    assert answer.status == 200, answer.body
    assert rest.get(path, includeInfo="true").body == before
    assert not AuditEvent.objects.filter(action="tool_set.updated").exists()


def test_changed_adapter_gets_a_version_and_is_due_and_hides_headers_in_the_audit(
    rest: Script,
) -> None:
    made = created(rest)["metadata"]["id"]
    SyncState.objects.filter(tool_set=made).update(due_at=None)

    rest.put(
        f"/v1/tool_sets/{made}",
        {"spec": {"adapter": adapter(headers={"X-Key": "hunter2"})}},
    )

    assert ToolSet.objects.get(pk=made).adapter_version == 2
    assert SyncState.objects.get(tool_set=made).due_at is not None
    changes = AuditEvent.objects.get(action="tool_set.updated").changes
    assert changes["adapter"][1]["headers"] == {"X-Key": "***"}

"""Tool sets of OpenAPI documents: connected over REST, synced, and read back."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.audit.models import AuditEvent
from tests.rest import Script
from tests.toolsets.conftest import events_of, statuses_of
from tests.toolsets.openapi.documents import Recorder, document, operation
from tests.upstreams import App, Upstream
from toolsets.models import ApiDocument, Tool, ToolSet, ToolSetEvent
from toolsets.sync import run_sync

Serve = Callable[[App], Upstream]
PETS = document(
    {
        "/pets": {"get": operation("listPets", summary="List pets")},
        "/pets/{id}": {
            "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}}],
            "delete": operation("deletePet"),
        },
    }
)


def connected(rest: Script, **adapter: Any) -> ToolSet:
    body = {"metadata": {"name": "Pets"}, "spec": {"adapter": {"openapi": adapter}}}
    answer = rest.post("/v1/tool_sets", body)
    assert answer.status == 201, answer.body
    return ToolSet.objects.get(pk=answer.body["metadata"]["id"])


def synced(tool_set: ToolSet) -> ToolSetEvent:
    """The event that the sync which is due now ends with."""
    run_sync(tool_set.pk)
    events = ToolSetEvent.objects.filter(tool_set=tool_set)
    return events.order_by("created_at", "pk").last()  # type: ignore[return-value]


def changed(rest: Script, tool_set: ToolSet, **adapter: Any) -> None:
    body = {"spec": {"adapter": {"openapi": adapter}}}
    answer = rest.patch(f"/v1/tool_sets/{tool_set.pk}", body)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("given", [PETS, json.dumps(PETS)])
def test_pasted_document_becomes_tools(rest: Script, given: Any) -> None:
    tool_set = connected(rest, document=given)

    event = synced(tool_set)

    assert event.payload == {
        "message": "2 tools: 2 new, 0 changed, 0 archived.",
        "toolsSynced": 2,
    }
    tool = Tool.objects.get(tool_set=tool_set, name="deletePet")
    shown = rest.get(f"/v1/tool_sets/{tool_set.pk}/tools/{tool.pk}").body["spec"]
    assert shown["config"] == {
        "openapi": {
            "method": "DELETE",
            "path": "/pets/{id}",
            "operationId": "deletePet",
        }
    }


def test_document_is_shown_by_its_digest_and_may_be_sent_back(rest: Script) -> None:
    tool_set = connected(rest, document=PETS)
    address = f"/v1/tool_sets/{tool_set.pk}"

    spec = rest.get(address).body["spec"]
    answer = rest.put(address, {"metadata": {"name": "Pets"}, "spec": spec})

    assert spec["adapter"]["openapi"]["document"].startswith("sha256:")
    assert answer.status == 200
    assert ToolSet.objects.get(pk=tool_set.pk).adapter_version == 1
    assert "listPets" not in json.dumps(list(AuditEvent.objects.values("changes")))


def test_digest_of_another_document_is_refused(rest: Script) -> None:
    body = {
        "metadata": {"name": "Pets"},
        "spec": {"adapter": {"openapi": {"document": f"sha256:{'0' * 64}"}}},
    }

    answer = rest.post("/v1/tool_sets", body)

    assert answer.status == 400
    assert set(answer.fields) == {"spec.adapter.openapi.document"}


def test_changed_document_is_synced_again(rest: Script) -> None:
    tool_set = connected(rest, document=PETS)
    synced(tool_set)

    changed(rest, tool_set, document=document({"/pets": {"get": operation("all")}}))

    assert synced(tool_set).message == "1 tool: 1 new, 0 changed, 2 archived."
    assert statuses_of(tool_set)["listPets"] == Tool.Status.ARCHIVED


def test_address_is_fetched_again_by_every_sync(rest: Script, serve: Serve) -> None:
    recorder = Recorder({"/spec": PETS})
    at = serve(recorder.app)
    tool_set = connected(rest, url=at.url("/spec"))
    synced(tool_set)

    recorder.answers["/spec"] = document({"/pets": {"get": operation("listPets")}})
    rest.post(f"/v1/tool_sets/{tool_set.pk}:sync")

    assert synced(tool_set).message == "1 tool: 0 new, 1 changed, 1 archived."


def test_consumed_document_can_be_read_back(rest: Script, serve: Serve) -> None:
    at = serve(Recorder({"/spec": PETS}).app)
    tool_set = connected(rest, url=at.url("/spec"))
    address = f"/v1/tool_sets/{tool_set.pk}/openapi_spec"

    before = rest.get(address)
    synced(tool_set)
    after = rest.get(f"/v1/workspaces/{tool_set.workspace_id}{address[3:]}")

    assert before.status == 404
    assert json.loads(after.body["spec"]) == PETS


def test_document_that_breaks_keeps_the_tools_and_the_last_good_one(
    rest: Script, serve: Serve
) -> None:
    recorder = Recorder({"/spec": PETS})
    tool_set = connected(rest, url=serve(recorder.app).url("/spec"))
    synced(tool_set)

    recorder.answers["/spec"] = {"error": "we are moving"}
    rest.post(f"/v1/tool_sets/{tool_set.pk}:sync")
    event = synced(tool_set)

    assert event.error_type == "invalid_document"
    assert set(statuses_of(tool_set).values()) == {Tool.Status.AVAILABLE}
    spec = rest.get(f"/v1/tool_sets/{tool_set.pk}/openapi_spec").body["spec"]
    assert json.loads(spec) == PETS


def test_unchanged_document_writes_nothing(rest: Script, serve: Serve) -> None:
    tool_set = connected(rest, url=serve(Recorder({"/spec": PETS}).app).url("/spec"))
    synced(tool_set)
    before = ApiDocument.objects.values().get()

    rest.post(f"/v1/tool_sets/{tool_set.pk}:sync")
    event = synced(tool_set)

    assert event.message == "2 tools: 0 new, 0 changed, 0 archived."
    assert ApiDocument.objects.values().get() == before


def test_filters_and_approvals_decide_at_sync(rest: Script) -> None:
    named = {"attribute": "ATTRIBUTE_NAME", "matcher": {"startsWith": "delete"}}
    titled = {"attribute": "ATTRIBUTE_TITLE", "matcher": {"exact": "List pets"}}
    tool_set = connected(
        rest,
        document=PETS,
        excludeTools={"filters": [titled]},
        toolApprovals={"only": {"filters": [named]}},
    )

    synced(tool_set)

    assert statuses_of(tool_set) == {
        "listPets": Tool.Status.FILTERED,
        "deletePet": Tool.Status.AVAILABLE,
    }
    assert Tool.objects.get(name="deletePet").requires_approval


def test_large_document_is_taken(rest: Script) -> None:
    padded = {**PETS, "x-padding": "y" * 12_000_000}

    tool_set = connected(rest, document=padded)

    assert synced(tool_set).tools_synced == 2


def test_either_an_address_or_a_document_is_needed(rest: Script) -> None:
    def errors(**adapter: Any) -> dict[str, str]:
        body = {"metadata": {"name": "X"}, "spec": {"adapter": {"openapi": adapter}}}
        return rest.post("/v1/tool_sets", body).fields

    both = errors(url="https://example.com/", document=PETS)
    assert both == {"spec.adapter.openapi.document": "Give either url or document."}
    assert errors() == {"spec.adapter.openapi.document": "Give either url or document."}
    assert set(errors(document=7, baseUrl="ftp://x", serverName="")) == {
        "spec.adapter.openapi.document"
    }


def test_skipped_operations_are_named_in_the_event(rest: Script) -> None:
    body = {"$ref": "https://elsewhere.example/body.json"}
    broken = operation("broken", requestBody=body)
    good = operation("good")
    tool_set = connected(rest, document=document({"/a": {"post": broken, "get": good}}))

    event = synced(tool_set)

    assert event.message == (
        "1 tool: 1 new, 0 changed, 0 archived. Skipped 1: broken (POST /a): it refers to "
        "'https://elsewhere.example/body.json'; only references within the document (#/…) are followed."
    )
    assert events_of(tool_set)[-1] == ("sync_completed", "")

"""Every documented operation, under both roots, with every method, and addressed in every way."""

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from tests.contract.documented import (
    EVENT,
    TOOL,
    TOOL_SET,
    deviations,
)
from tests.rest import Script

pytestmark = pytest.mark.django_db


def test_every_operation_on_tool_sets_answers(
    root: str, path: str, rest: Script, tool_set: dict[str, Any]
) -> None:
    listed = rest.get(f"{root}/tool_sets")
    updated = [
        rest.send(method, path, {"spec": {"description": method}})
        for method in ("PUT", "PATCH")
    ]
    events = rest.get(f"{path}/events")
    archived, active = rest.post(f"{path}:archive"), rest.post(f"{path}:unarchive")
    deleted = rest.delete(path)

    assert listed.body["items"] == [tool_set]
    assert [(u.status, u.body["spec"]["description"]) for u in updated] == [
        (200, "PUT"),
        (200, "PATCH"),
    ]
    assert deviations([EVENT], events.body["items"]) == []
    states = [(a.status, a.body["state"]) for a in (archived, active)]
    assert states == [(200, "STATE_ARCHIVED"), (200, "STATE_ACTIVE")]
    assert deviations([TOOL_SET] * 2, [archived.body, active.body]) == []
    assert (deleted.status, deleted.body) == (204, None)
    assert rest.get(path).status == 404


def test_every_operation_on_synced_tools_answers(
    path: str, tool_path: str, rest: Script
) -> None:
    read = rest.get(tool_path)
    updated = [
        rest.send(method, tool_path, {"spec": {"requiresApproval": required}})
        for method, required in (("PUT", True), ("PATCH", False))
    ]
    omitted, restored = (
        rest.post(f"{tool_path}:omit"),
        rest.post(f"{tool_path}:restore"),
    )
    refused = [
        rest.post(f"{path}/tools", {"metadata": {"name": "x"}}),
        rest.delete(tool_path),
    ]

    assert (
        deviations([TOOL], [a.body for a in (read, *updated, omitted, restored)]) == []
    )
    assert [a.body["spec"]["requiresApproval"] for a in updated] == [True, False]
    assert omitted.body["spec"]["status"] == "TOOL_STATUS_OMITTED"
    assert restored.body["spec"]["status"] == "TOOL_STATUS_AVAILABLE"
    assert [(a.status, a.code) for a in refused] == [(409, "tools_are_synced")] * 2


def test_delete_may_come_with_a_content_type_and_no_body(
    path: str, rest: Script
) -> None:
    answer = Client().generic(
        "DELETE",
        path,
        data=b"",
        content_type="application/json",
        headers={"Authorization": f"Bearer {rest.token}"},
    )

    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("colon", [":", "%3A", "%3a"])
def test_external_ids_and_verbs_are_addressed_with_a_raw_and_an_encoded_colon(
    colon: str, root: str, tool_path: str, tool_set: dict[str, Any], rest: Script
) -> None:
    here = f"{root}/tool_sets/external_id{colon}sums.1"
    there = f"{here}/tools/external_id{colon}t.1"

    assert rest.get(here).body["metadata"]["id"] == tool_set["metadata"]["id"]
    assert rest.get(f"{here}/tools").status == 200
    assert rest.get(f"{here}/events").status == 200
    assert rest.get(there).body["metadata"]["id"] == tool_path.rpartition("/")[2]
    assert rest.post(f"{there}{colon}omit").status == 200
    assert rest.post(f"{there}{colon}restore").status == 200
    assert rest.post(f"{here}{colon}archive").status == 200
    assert rest.post(f"{here}{colon}unarchive").status == 200


def test_no_path_ends_in_a_slash(root: str, path: str, rest: Script) -> None:
    for one in (f"{root}/tool_sets", path, f"{path}/tools", f"{path}/events"):
        assert rest.get(f"{one}/").status == 404


def test_addresses_of_another_workspace_lead_nowhere(
    path: str, root: str, elsewhere: Script
) -> None:
    at_home = path if "workspaces" not in root else path.replace(root, "/v1")

    assert elsewhere.get(path).status == 404
    assert elsewhere.get(at_home).status == 404


def test_ids_are_quoted_as_clients_quote_them(
    root: str, path: str, rest: Script
) -> None:
    reference = quote("external_id:sums.1", safe="")

    assert rest.get(f"{root}/tool_sets/{reference}").status == 200

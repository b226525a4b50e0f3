"""What bodies mean: masks, unions, what is unspecified or unknown, and what is refused."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.rest import Script

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("spelling", ["updateMask", "update_mask"])
@pytest.mark.parametrize(
    "mask",
    [
        "spec.description,metadata.externalId",
        "spec.description,metadata.external_id",
        ["spec.description", "metadata.externalId"],
        {"paths": ["spec.description", "metadata.external_id"]},
    ],
)
def test_only_what_the_mask_names_is_replaced(
    method: str, spelling: str, mask: Any, path: str, rest: Script
) -> None:
    metadata = {"name": "Ignored", "externalId": "sums.2", "labels": {"no": "no"}}
    update = {"metadata": metadata, "spec": {"description": "New."}, spelling: mask}

    body = rest.send(method, path, update).body

    assert body["metadata"]["name"] == "Arithmetic"
    assert body["metadata"]["labels"] == {"team": "a"}
    assert body["metadata"]["externalId"] == "sums.2"
    assert body["spec"]["description"] == "New."


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("spelling", ["updateMask", "update_mask"])
def test_mask_may_be_a_query_parameter_and_an_absent_value_clears(
    method: str, spelling: str, path: str, rest: Script
) -> None:
    body = rest.send(
        method,
        path,
        {"metadata": {"name": "Ignored"}},
        query={spelling: "metadata.labels,metadata.external_id"},
    ).body

    assert body["metadata"]["labels"] == {}
    assert body["metadata"]["externalId"] == ""
    assert body["metadata"]["name"] == "Arithmetic"


def test_without_a_mask_members_that_are_present_are_replaced_and_others_stay(
    path: str, tool_set: dict[str, Any], rest: Script
) -> None:
    body = rest.put(
        path, {"metadata": {"name": "Sums"}, "spec": {"description": "D"}}
    ).body

    assert body["metadata"] == {**tool_set["metadata"], "name": "Sums"}
    assert body["spec"] == {**tool_set["spec"], "description": "D"}


def test_masked_member_of_the_adapter_is_replaced_whole(
    path: str, rest: Script, upstream: str
) -> None:
    mcp = {"url": upstream, "headers": {"X-B": "2"}}
    rest.put(
        path, {"spec": {"adapter": {"mcp": {"url": upstream, "headers": {"X-A": "1"}}}}}
    )

    update = {
        "spec": {"adapter": {"mcp": mcp}},
        "updateMask": "spec.adapter.mcp.headers",
    }
    body = rest.put(path, update).body

    assert body["spec"]["adapter"] == {"mcp": mcp}


def test_what_was_read_may_be_sent_back_as_it_is(
    path: str, tool_path: str, rest: Script
) -> None:
    for one in (path, tool_path):
        read = rest.get(one, includeInfo="true").body
        sent = rest.put(one, read, includeInfo="true")
        assert sent.status == 200, sent.body
        assert sent.body | {"health": "", "info": ""} == read | {
            "health": "",
            "info": "",
        }


def _unknown() -> Iterator[tuple[str, dict[str, Any], str]]:
    adapter = {"mcp": {"url": "https://mcp.example.com"}}
    spec: dict[str, Any] = {"adapter": adapter}
    yield "POST", {"metadata": {"name": "x"}, "spec": spec, "sepc": {}}, "sepc"
    yield (
        "POST",
        {"metadata": {"name": "x", "lables": {}}, "spec": spec},
        "metadata.lables",
    )
    yield "POST", {"metadata": {"name": "x"}, "spec": {**spec, "desc": ""}}, "spec.desc"
    yield (
        "POST",
        {"metadata": {"name": "x"}, "spec": {"adapter": {"mpc": adapter["mcp"]}}},
        "spec.adapter.mpc",
    )
    yield (
        "POST",
        {
            "metadata": {"name": "x"},
            "spec": {"adapter": {"mcp": {**adapter["mcp"], "uri": ""}}},
        },
        "spec.adapter.mcp.uri",
    )


@pytest.mark.parametrize(("method", "body", "field"), list(_unknown()))
def test_unknown_members_are_refused_by_name(
    method: str, body: dict[str, Any], field: str, root: str, rest: Script
) -> None:
    answer = rest.send(method, f"{root}/tool_sets", body)

    assert (answer.status, answer.code, list(answer.fields)) == (
        400,
        "invalid_argument",
        [field],
    )


@pytest.mark.parametrize(
    ("text", "status"), [("a\x00b", 400), ("a\\\\u0000", 201), ("\\\\\x00", 400)]
)
def test_no_text_of_a_body_holds_a_nul(
    text: str, status: int, root: str, rest: Script, upstream: str
) -> None:
    matcher = {"attribute": "ATTRIBUTE_NAME", "matcher": {"exact": text}}
    adapter = {"mcp": {"url": upstream, "includeTools": {"filters": [matcher]}}}

    answer = rest.post(
        f"{root}/tool_sets",
        {"metadata": {"name": "Nul"}, "spec": {"adapter": adapter}},
    )

    assert answer.status == status, answer.body


def test_taken_external_id_is_a_conflict_that_names_the_id_that_has_it(
    root: str, rest: Script, tool_set: dict[str, Any], upstream: str
) -> None:
    body = {
        "metadata": {"name": "Again", "externalId": "sums.1"},
        "spec": {"adapter": {"mcp": {"url": upstream}}},
    }

    answer = rest.post(f"{root}/tool_sets", body)

    assert (answer.status, answer.code) == (409, "external_id_taken")
    assert tool_set["metadata"]["id"] in answer.body["message"]
    assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("status", ["TOOL_STATUS_FILTERED", "TOOL_STATUS_OMITTED"])
def test_status_that_takes_a_tool_out_by_hand_is_stored_as_omitted(
    status: str, tool_path: str, rest: Script
) -> None:
    update = {"spec": {"status": status}, "updateMask": "spec.status"}

    assert rest.put(tool_path, update).body["spec"]["status"] == "TOOL_STATUS_OMITTED"


def test_unspecified_means_not_given_and_is_never_stored(
    path: str, tool_path: str, rest: Script, upstream: str
) -> None:
    chosen = {
        "operator": "OPERATOR_UNSPECIFIED",
        "filters": [{"attribute": "ATTRIBUTE_NAME", "matcher": {"exact": "add"}}],
    }
    mcp = {"url": upstream, "includeTools": chosen}

    tool = rest.put(tool_path, {"spec": {"status": "TOOL_STATUS_UNSPECIFIED"}}).body
    tool_set = rest.put(path, {"spec": {"adapter": {"mcp": mcp}}}).body
    nameless = {"attribute": "ATTRIBUTE_UNSPECIFIED", "matcher": {"exact": "add"}}
    mcp["includeTools"] = {"filters": [nameless]}
    refused = rest.put(path, {"spec": {"adapter": {"mcp": mcp}}})

    assert tool["spec"]["status"] == "TOOL_STATUS_AVAILABLE"
    assert tool_set["spec"]["adapter"]["mcp"]["includeTools"] == {
        **chosen,
        "operator": "OPERATOR_AND",
    }
    assert (refused.status, list(refused.fields)) == (
        400,
        ["spec.adapter.mcp.includeTools"],
    )


@pytest.mark.parametrize(
    "adapter",
    [
        {"mcp": {"url": "https://a.example"}, "type": "mcp"},
        {"mcp": {"url": "https://a.example"}, "http": None},
        {
            "mcp": {
                "url": "https://a.example",
                "toolApprovals": {"always": True, "type": "always"},
            }
        },
        {"http": {"baseUrl": "https://a.example"}, "type": "http"},
    ],
)
def test_unions_take_the_tag_that_agrees_and_never_answer_it(
    adapter: dict[str, Any], root: str, rest: Script
) -> None:
    made = rest.post(
        f"{root}/tool_sets",
        {"metadata": {"name": "Tagged"}, "spec": {"adapter": adapter}},
    )

    assert made.status == 201, made.body
    assert '"type"' not in str(made.body["spec"]["adapter"]).replace("'", '"')


def test_tag_that_disagrees_is_refused(root: str, rest: Script) -> None:
    adapter = {"mcp": {"url": "https://a.example"}, "type": "http"}

    answer = rest.post(
        f"{root}/tool_sets",
        {"metadata": {"name": "Tagged"}, "spec": {"adapter": adapter}},
    )

    assert (answer.status, list(answer.fields)) == (400, ["spec.adapter.type"])


def test_bundle_key_may_be_set_on_creation_and_later(
    path: str, tool_path: str, rest: Script
) -> None:
    for one in (path, tool_path):
        body = rest.put(one, {"metadata": {"bundleKey": "infra"}}).body
        assert body["metadata"]["bundleKey"] == "infra"


def test_managed_is_readable_and_settable_by_keys(path: str, rest: Script) -> None:
    assert rest.get(path).body["managed"] is False
    assert rest.put(path, {"managed": True}).body["managed"] is True


def test_upload_is_refused_with_a_word_about_the_document(
    root: str, rest: Script
) -> None:
    adapter = {"openapi": {"uploadId": "upl_1"}}

    answer = rest.post(
        f"{root}/tool_sets",
        {"metadata": {"name": "Docs"}, "spec": {"adapter": adapter}},
    )

    assert answer.status == 400
    assert "document" in answer.fields["spec.adapter.openapi.uploadId"]

"""What a body that connects a tool set may say, and how a wrong one is answered."""

from typing import Any

import pytest

from tests.rest import Script
from tests.toolsets.api.connecting import URL, adapter
from toolsets.models import ToolSet

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"spec": {"adapter": adapter()}}, "metadata"),
        ({"metadata": {"name": ""}, "spec": {"adapter": adapter()}}, "metadata.name"),
        ({"metadata": {"name": 5}, "spec": {"adapter": adapter()}}, "metadata.name"),
        ({"metadata": {"name": "x"}, "spec": {}}, "spec.adapter"),
        ({"metadata": {"name": "x"}, "spec": {"adapter": {}}}, "spec.adapter"),
        (
            {"metadata": {"name": "x", "nmae": 1}, "spec": {"adapter": adapter()}},
            "metadata.nmae",
        ),
        (
            {"metadata": {"name": "x"}, "spec": {"adapter": adapter()}, "bogus": 1},
            "bogus",
        ),
        (
            {
                "metadata": {"name": "x", "externalId": "a b"},
                "spec": {"adapter": adapter()},
            },
            "metadata.externalId",
        ),
        (
            {
                "metadata": {"name": "x", "labels": {"a b": "c"}},
                "spec": {"adapter": adapter()},
            },
            "metadata.labels",
        ),
        (
            {"metadata": {"name": "x"}, "spec": {"adapter": {"mcp": {}}}},
            "spec.adapter.mcp.url",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"mcp": {"url": "ftp://a"}}},
            },
            "spec.adapter.mcp.url",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"mcp": {"url": "https://me:pw@a.example"}}},
            },
            "spec.adapter.mcp.url",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"mcp": {"url": "https://a.example/#x"}}},
            },
            "spec.adapter.mcp.url",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"mcp": {"url": "https://a.example\\.b/"}}},
            },
            "spec.adapter.mcp.url",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"mcp": {"url": "https://a%2eexample/"}}},
            },
            "spec.adapter.mcp.url",
        ),
        (
            {"metadata": {"name": "x"}, "spec": {"adapter": adapter(nope=1)}},
            "spec.adapter.mcp.nope",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": adapter(headers={"Host": "a"})},
            },
            "spec.adapter.mcp.headers",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": adapter(headers={"X-A": "a\r\nb: c"})},
            },
            "spec.adapter.mcp.headers",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": adapter(headers={"X-A": "${lower}"})},
            },
            "spec.adapter.mcp.headers",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {
                    "adapter": adapter(
                        includeTools={
                            "filters": [
                                {"attribute": "NAME", "matcher": {"exact": "a"}}
                            ]
                        }
                    )
                },
            },
            "spec.adapter.mcp.includeTools",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {**adapter(), "type": "http"}},
            },
            "spec.adapter.type",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"openapi": {"uploadId": "up_1"}}},
            },
            "spec.adapter.openapi.uploadId",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"http": {"baseUrl": "https://a.example/?q"}}},
            },
            "spec.adapter.http.baseUrl",
        ),
        (
            {
                "metadata": {"name": "x"},
                "spec": {"adapter": {"openapi": {"baseUrl": "https://a.example"}}},
            },
            "spec.adapter.openapi.document",
        ),
    ],
)
def test_wrong_body_is_a_400_that_names_the_field(
    body: dict[str, Any], field: str, rest: Script
) -> None:
    answer = rest.post("/v1/tool_sets", body)

    assert (answer.status, answer.code) == (400, "invalid_argument")
    assert list(answer.fields) == [field]
    assert answer.headers["x-should-retry"] == "false"
    assert not ToolSet.objects.exists()


def test_body_that_is_no_object_or_no_json_is_a_400(rest: Script) -> None:
    answer = rest.post("/v1/tool_sets", ["x"])

    assert (answer.status, answer.code) == (400, "invalid_argument")


def test_tags_of_unions_that_agree_are_taken_and_never_sent(rest: Script) -> None:
    spoken = {
        "type": "mcp",
        "mcp": {
            "url": URL,
            "toolApprovals": {
                "type": "only",
                "only": {
                    "operator": "OPERATOR_UNSPECIFIED",
                    "filters": [
                        {
                            "attribute": "ATTRIBUTE_NAME",
                            "matcher": {"type": "startsWith", "startsWith": "del"},
                        }
                    ],
                },
            },
        },
    }

    answer = rest.post(
        "/v1/tool_sets", {"metadata": {"name": "x"}, "spec": {"adapter": spoken}}
    )

    condition = {"attribute": "ATTRIBUTE_NAME", "matcher": {"startsWith": "del"}}
    only = {"operator": "OPERATOR_AND", "filters": [condition]}
    assert answer.body["spec"]["adapter"] == {
        "mcp": {"url": URL, "toolApprovals": {"only": only}}
    }

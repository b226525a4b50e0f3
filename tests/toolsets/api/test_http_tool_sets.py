"""Tool sets of HTTP APIs over REST."""

from typing import Any

import pytest

from tests.rest import Script
from toolsets.models import ToolSet


def body(**http: Any) -> dict[str, Any]:
    return {"metadata": {"name": "Fish API"}, "spec": {"adapter": {"http": http}}}


def test_http_api_is_connected_and_never_waits_for_a_sync(rest: Script) -> None:
    adapter = {
        "baseUrl": "https://api.example.com/v1",
        "headers": {"Authorization": "Bearer ${TOKEN}", "Accept": "application/json"},
    }

    made = rest.post("/v1/tool_sets", body(**adapter))

    assert made.status == 201, made.body
    assert made.body["spec"]["adapter"] == {"http": adapter}
    assert made.body["health"] == "healthy"
    assert ToolSet.objects.get().sync.due_at is None


@pytest.mark.parametrize(
    ("http", "member"),
    [
        ({}, "baseUrl"),
        ({"baseUrl": "ftp://a.example"}, "baseUrl"),
        ({"baseUrl": "https://a.example/?q=1"}, "baseUrl"),
        ({"baseUrl": "https://a.example/?"}, "baseUrl"),
        ({"baseUrl": "https://a.example/#f"}, "baseUrl"),
        ({"baseUrl": "https://joe:pw@a.example/"}, "baseUrl"),
        ({"baseUrl": "https://a.example/a/../b"}, "baseUrl"),
        ({"baseUrl": "https://a.example/%2E%2e"}, "baseUrl"),
        ({"baseUrl": "https://a.example", "url": "https://a.example"}, "url"),
        ({"baseUrl": "https://a.example", "includeTools": {}}, "includeTools"),
        ({"baseUrl": "https://a.example", "headers": {"Host": "b"}}, "headers"),
        ({"baseUrl": "https://a.example", "headers": {"A": "${bad}"}}, "headers"),
    ],
)
def test_wrong_settings_are_named(
    http: dict[str, Any], member: str, rest: Script
) -> None:
    answer = rest.post("/v1/tool_sets", body(**http))

    assert answer.status == 400
    assert list(answer.fields) == [f"spec.adapter.http.{member}"]

"""Tool sets that a script connects over REST."""

from typing import Any

from tests.rest import Script

URL = "https://mcp.example.com/mcp"


def adapter(**members: Any) -> dict[str, Any]:
    return {"mcp": {"url": URL, **members}}


def created(rest: Script, name: str = "GitHub", **metadata: Any) -> dict[str, Any]:
    answer = rest.post(
        "/v1/tool_sets",
        {"metadata": {"name": name, **metadata}, "spec": {"adapter": adapter()}},
    )
    assert answer.status == 201, answer.body
    body: dict[str, Any] = answer.body
    return body

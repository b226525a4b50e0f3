"""A script that works with a running Toolcrib over REST, as whoever automates it would."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Self

import httpx

from tests.running import Product

_SYNC_SECONDS = 120


class Rest:
    """REST of a running product, with the demo's key."""

    def __init__(self, product: Product) -> None:
        self._http = httpx.Client(
            base_url=f"{product.demo['api_url']}/v1",
            headers={"Authorization": f"Bearer {product.demo['api_key']}"},
            timeout=60,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """One request that must succeed; its answer."""
        answer = self._http.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def connect(
        self, name: str, url: str, *, interactions: Mapping[str, bool] | None = None
    ) -> dict[str, Any]:
        """Connect an MCP server as a tool set."""
        spec = {"adapter": {"mcp": {"url": url}}, "interactions": interactions or {}}
        body = {"metadata": {"name": name}, "spec": spec}
        made: dict[str, Any] = self.send("POST", "/tool_sets", body)
        return made

    def events(self, tool_set: Mapping[str, Any]) -> list[dict[str, Any]]:
        path = f"/tool_sets/{tool_set['metadata']['id']}/events"
        items: list[dict[str, Any]] = self.send("GET", path)["items"]
        return [item["event"] for item in items]

    def wait_until_synced(self, tool_set: Mapping[str, Any]) -> None:
        """Wait for the first sync to complete; a failed one ends the test with its words."""
        deadline = time.monotonic() + _SYNC_SECONDS
        while True:
            events = self.events(tool_set)
            kinds = {event["type"] for event in events}
            assert "sync_failed" not in kinds, events
            if "sync_completed" in kinds:
                return
            assert time.monotonic() < deadline, f"not synced: {events}"
            time.sleep(0.1)

    def tools(self, tool_set: Mapping[str, Any]) -> list[str]:
        path = f"/tool_sets/{tool_set['metadata']['id']}/tools?limit=100"
        items = self.send("GET", path)["items"]
        return [item["metadata"]["name"] for item in items]

    def hold(self, pack_id: str, connectors: Sequence[Mapping[str, Any]]) -> None:
        """Make these the pack's only connectors."""
        path = f"/tool-packs/{pack_id}/connectors/"
        self.send("PUT", path, {"connectors": list(connectors)})

"""A sync of very many tools: it ends, in bounded memory, and lets other writers through."""

import threading
from time import monotonic
from typing import Any

import pytest
from django.db import connection

from gateway.identity.models import Account
from tests.conftest import Person
from tests.toolsets.conftest import Connect
from tests.upstreams import App, json_rpc_app, tool
from toolsets.models import Tool
from toolsets.sync import Result, request_sync, run_sync

pytestmark = pytest.mark.django_db(transaction=True)

SCHEMA = {
    "type": "object",
    "properties": {
        f"parameter_{n}": {"type": "string", "description": "What it is for." * 3}
        for n in range(6)
    },
    "required": ["parameter_0"],
}


def paged(count: int, *, page_size: int) -> App:
    """An upstream with `count` tools."""

    def page(request: dict[str, Any]) -> dict[str, Any]:
        start = int(request.get("params", {}).get("cursor", 0))
        end = min(start + page_size, count)
        tools = [tool(f"tool_{n}", inputSchema=SCHEMA) for n in range(start, end)]
        return {"tools": tools} | ({"nextCursor": str(end)} if end < count else {})

    return json_rpc_app(page)


class Writer:
    """Another writer: one row again and again, on a thread of its own, and how long each took."""

    def __init__(self, account: Account) -> None:
        self.account_id = account.pk
        self.seconds: list[float] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(30)

    def _write(self) -> None:
        while not self._ending.wait(0.005):
            began = monotonic()
            Account.objects.filter(pk=self.account_id).update(name="Acme")
            self.seconds.append(monotonic() - began)
        connection.close()


@pytest.mark.parametrize(("count", "page_size"), [(6_000, 1_000), (3_000, 3_000)])
def test_many_tools_are_synced_while_others_write(
    count: int, page_size: int, serve: Any, connect: Connect, alice: Person
) -> None:
    tool_set = connect(serve(paged(count, page_size=page_size)).url())
    request_sync(tool_set, actor=alice.actor)

    with Writer(alice.workspace.account) as writer:
        outcome = run_sync(tool_set.pk)

    assert (outcome.result, outcome.tools_synced) == (Result.COMPLETED, count)
    assert Tool.objects.filter(tool_set=tool_set).available().count() == count
    assert len(writer.seconds) > 20
    assert sorted(writer.seconds)[int(len(writer.seconds) * 0.99)] < 0.5

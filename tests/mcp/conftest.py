"""The gateway as a web process serves it, on a loopback port, with an upstream behind it and an agent before it."""

import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from django.db import connection
from django.utils import timezone
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from gateway import database
from gateway.asgi import Application
from gateway.identity.models import RegisteredUser, Workspace
from gateway.mcp.models import ToolCall
from tests.conftest import Person
from tests.mcp.agents import MODERN, Agent, Outcome
from tests.mcp.upstreams import Seen, telling_server
from tests.upstreams import App, Upstream, handshake_only, served, streamable_http_app
from toolpacks.enrolling import enroll_user
from toolpacks.key_limits import issue_pack_key
from toolpacks.models import ToolPack
from toolpacks.packing import Attachment, create_pack
from toolsets.connecting import connect
from toolsets.models import ToolSet
from toolsets.sync import Result, run_sync


async def no_worker() -> None:
    """These tests sync for themselves."""


@pytest.fixture
def told() -> dict[str, Any]:
    """Settings of the gateway that a test chooses: parametrize it."""
    return {}


@pytest.fixture
def gateway(
    transactional_db: None, settings: Any, told: dict[str, Any]
) -> Iterator[Upstream]:
    """A web process of the product."""
    for name, value in told.items():
        setattr(settings, name, value)
    with served(Application(start_worker=no_worker)) as running:
        yield running
    close_connections()


def close_connections() -> None:
    """Let go of the database on every database thread, so that the test database can be dropped."""
    together = threading.Barrier(4)

    def close() -> None:
        together.wait(60)
        connection.close()

    for closing in [database._threads.submit(close) for _ in range(4)]:
        closing.result(60)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A pack that holds all tools of one synced tool set, and an agent with a key for it."""

    operator: Person
    tool_set: ToolSet
    pack: ToolPack
    user: RegisteredUser
    agent: Agent
    gateway: Upstream

    @property
    def workspace(self) -> Workspace:
        return self.operator.workspace

    def agent_with(
        self, *, pack: str | None = None, user: str | None = None, **key: Any
    ) -> Agent:
        """An agent with another key, or at another URL."""
        key.setdefault("packs", [self.pack])
        issued = issue_pack_key(
            self.workspace,
            name="another",
            expires_at=timezone.now() + timedelta(days=1),
            actor=self.operator.actor,
            **key,
        )
        return Agent(url=self.url(pack=pack, user=user), token=issued.token)

    def url(self, *, pack: str | None = None, user: str | None = None) -> str:
        pack, user = pack or str(self.pack.pk), user or self.user.pk
        return self.gateway.url(f"/tool-packs/{pack}/registered-users/{user}/mcp")

    def call(self, era: str, name: str, **arguments: Any) -> Outcome:
        """A tool call of either era, after the handshake where there is one."""
        agent = self.agent if era == MODERN else self.agent.initialized()
        return agent.call(name, era, **arguments)

    def tool(self, name: str) -> Any:
        return self.tool_set.tools.get(name=name)


SetUp = Callable[..., Bench]


PackUp = Callable[[ToolSet], Bench]


@pytest.fixture
def pack_up(gateway: Upstream, alice: Person) -> PackUp:
    """Pack all tools of a tool set under their own names, and issue a key."""

    def bench(tool_set: ToolSet) -> Bench:
        user, _ = enroll_user(alice.workspace, origin_user_id="erin", actor=alice.actor)
        pack = create_pack(
            alice.workspace,
            name="Bench",
            attachments=[Attachment(tool_set=tool_set, tools=None, prefix="")],
            actor=alice.actor,
        )
        made = Bench(
            operator=alice,
            tool_set=tool_set,
            pack=pack,
            user=user,
            agent=Agent(url="", token=""),
            gateway=gateway,
        )
        return Bench(**{**vars(made), "agent": made.agent_with()})

    return bench


@pytest.fixture
def set_up(pack_up: PackUp, alice: Person, serve: Callable[[App], Upstream]) -> SetUp:
    """Connect an upstream, sync it, and pack it up."""

    def bench(app: App | Upstream, **members: Any) -> Bench:
        upstream = app if isinstance(app, Upstream) else serve(app)
        return pack_up(synced(alice, upstream.url(), **members))

    return bench


def synced(operator: Person, url: str, name: str = "Tools", **members: Any) -> ToolSet:
    """A tool set with the tools of the upstream at `url`."""
    adapter = {"url": url, **members.pop("adapter", {})}
    tool_set = connect(
        operator.workspace,
        name=name,
        adapter_type=ToolSet.AdapterType.MCP,
        adapter=adapter,
        actor=operator.actor,
        **members,
    )
    outcome = run_sync(tool_set.pk)
    assert outcome.result is Result.COMPLETED, outcome
    tool_set.refresh_from_db()
    return tool_set


@pytest.fixture
def seen() -> Seen:
    """What happens inside the SDK's server."""
    return Seen()


@pytest.fixture
def bench(set_up: SetUp, seen: Seen) -> Iterator[Bench]:
    """The SDK's server behind the gateway, in the newest era."""
    yield set_up(streamable_http_app(telling_server(seen)))
    seen.let_go.set()


@pytest.fixture(params=["modern", "handshake"])
def either_bench(
    request: pytest.FixtureRequest, set_up: SetUp, seen: Seen
) -> Iterator[Bench]:
    """The SDK's server behind the gateway, in both eras."""
    app = streamable_http_app(telling_server(seen))
    yield set_up(app if request.param == "modern" else handshake_only(app))
    seen.let_go.set()


@pytest.fixture(params=[MODERN, "legacy"])
def era(request: pytest.FixtureRequest) -> str:
    """Both eras, one after the other."""
    return str(request.param)


@asynccontextmanager
async def sdk_client(agent: Agent, mode: str) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {agent.token}"}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60, trust_env=False) as http,
        Client(
            streamable_http_client(agent.url, http_client=http),
            mode=mode,
        ) as client,
    ):
        yield client


def wait_until(happened: Callable[[], object], *, seconds: float = 60) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


def rows() -> list[ToolCall]:
    """The recorded calls, oldest first."""
    return list(ToolCall.objects.order_by("pk"))


def newest_row() -> ToolCall:
    return rows()[-1]


def the_row() -> ToolCall:
    """The one call that was recorded."""
    (row,) = rows()
    return row


@pytest.fixture(autouse=True)
def nothing_breaks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No exception goes unnoticed: not in a task that nobody waits for, and not in the server."""
    yield
    broken = [
        record.getMessage()
        for phase in ("setup", "call")
        for record in caplog.get_records(phase)
        if record.levelno >= logging.ERROR
        and record.name in {"asyncio", "uvicorn.error", "gateway.mcp.calling"}
    ]
    assert not broken

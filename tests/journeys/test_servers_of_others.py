"""An operator connects servers that we did not write, and clients that we did not write use them through one pack."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests import machine, peers
from tests.journeys import clients
from tests.journeys.clients import Errand
from tests.journeys.operator import signed_in
from tests.journeys.upstreams import duckdb, everything
from tests.running import Product, environment, free_port, running

pytestmark = [
    pytest.mark.browser,
    pytest.mark.node,
    pytest.mark.processes,
    pytest.mark.timeout(600),
]


@dataclass(frozen=True, kw_only=True)
class Journey:
    """What the operator leaves behind: a pack's URL, and a key for it."""

    product: Product
    url: str
    key: str


@pytest.fixture(scope="module")
def journey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Journey]:
    """An operator has connected three servers in the browser, packed them, and made a key."""
    machine.chromium()
    peers.node()
    with (
        everything() as everything_url,
        everything("sse") as old_url,
        duckdb() as duckdb_url,
        environment(tmp_path_factory.mktemp("journey"), port=free_port()) as told,
        running(told) as product,
    ):
        with signed_in(product) as operator:
            synced = operator.connect("Everything", everything_url)
            assert synced == "13 tools: 13 new, 0 changed, 0 archived."
            operator.connect("Old everything", old_url)
            operator.connect("DuckDB", duckdb_url)
            operator.make_pack("Journey", ["Everything", "Old everything", "DuckDB"])
            url, key = operator.mcp_url(), operator.create_key("Journey key")
        yield Journey(product=product, url=url, key=key)


@pytest.fixture
def echo(journey: Journey) -> Errand:
    return Errand(
        url=journey.url,
        key=journey.key,
        tool="everything__echo",
        arguments={"message": "hello"},
    )


@pytest.fixture
def query(journey: Journey) -> Errand:
    return Errand(
        url=journey.url,
        key=journey.key,
        tool="duckdb__execute_query",
        arguments={"sql": "SELECT 6 * 7 AS answer"},
    )


def check(said: dict[str, object], *, answer: str) -> None:
    """The session listed and called, was refused in both ways, and went on."""
    assert {"everything__echo", "old-everything__echo", "duckdb__execute_query"} <= set(
        said["tools"]
    )  # type: ignore[call-overload]
    assert answer in str(said["first"])
    refusal = {"code": -32602, "data": {"code": "unauthorized_tool", "status": 403}}
    assert said["refused"] == refusal
    assert said["wrong"] is True
    assert said["again"] == said["first"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_python_2_client_works_and_survives_refusals(
    echo: Errand, query: Errand, mode: str
) -> None:
    check(asyncio.run(clients.python_2(echo, mode=mode)), answer="hello")
    check(asyncio.run(clients.python_2(query, mode=mode)), answer="42")


def test_python_1_client_works_and_survives_refusals(
    echo: Errand, query: Errand
) -> None:
    check(clients.python_1(echo), answer="hello")
    check(clients.python_1(query), answer="42")


@pytest.mark.parametrize("generation", ["1", "2"])
def test_typescript_client_works_and_survives_refusals(
    echo: Errand, query: Errand, generation: str
) -> None:
    check(clients.typescript(echo, generation=generation), answer="hello")
    check(clients.typescript(query, generation=generation), answer="42")


def test_old_transport_is_called_like_any_other(echo: Errand) -> None:
    old = Errand(
        url=echo.url,
        key=echo.key,
        tool="old-everything__echo",
        arguments={"message": "hello"},
    )

    check(clients.python_1(old), answer="hello")


def test_inspector_lists_and_calls(echo: Errand) -> None:
    listed = clients.inspector(echo, "tools/list")
    called = clients.inspector(
        echo, "tools/call", "--tool-name", echo.tool, "--tool-arg", "message=hello"
    )

    assert echo.tool in {tool["name"] for tool in listed["tools"]}
    assert "hello" in called["content"][0]["text"]


def test_operator_sees_the_calls(journey: Journey, echo: Errand) -> None:
    clients.python_1(echo)

    with signed_in(journey.product) as operator:
        assert echo.tool in operator.page_says("mcp/toolcall/")

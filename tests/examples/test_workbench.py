"""The workbench's tools, called by the SDK's own client."""

from typing import Any

import pytest
from mcp import Client

from examples.workbench import primes
from examples.workbench.server import server

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def structured(name: str, arguments: dict[str, Any]) -> Any:
    async with Client(server) as client:
        result = await client.call_tool(name, arguments)
    assert not result.is_error, result.content
    return result.structured_content


async def test_every_tool_says_what_it_is_and_what_it_returns() -> None:
    async with Client(server) as client:
        tools = (await client.list_tools()).tools

    assert len(tools) == 11
    for tool in tools:
        assert tool.title
        assert tool.description
        assert tool.output_schema
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint is True


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("calculate", {"expression": "6 * 7"}, {"value": 42}),
        (
            "convert_units",
            {"value": 5, "source": "km", "target": "m"},
            {"value": 5000, "unit": "m"},
        ),
        (
            "convert_units",
            {"value": 0, "source": "K", "target": "C"},
            {"value": -273.15, "unit": "C"},
        ),
        (
            "add_to_date",
            {"day": "2024-01-31", "months": 1},
            {"date": "2024-02-29", "weekday": "Thursday"},
        ),
        (
            "days_between",
            {"start": "2026-11-20", "end": "2026-11-30"},
            {"days": 10, "working_days": 6},
        ),
        (
            "compare_texts",
            {"before": "a", "after": "a"},
            {"are_equal": True, "unified_diff": ""},
        ),
        (
            "query_json",
            {"document": '{"orders": [{"total": 3}, {"total": 4}]}', "path": "orders.*.total"},
            {"found": [3, 4]},
        ),
        (
            "digest",
            {"text": "abc"},
            {
                "algorithm": "sha256",
                "hexadecimal": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            },
        ),
        ("count_primes", {"limit": 100}, {"count": 25}),
        (
            "text_statistics",
            {"text": "Measure twice. Cut once!"},
            {
                "characters": 24,
                "words": 4,
                "lines": 1,
                "sentences": 2,
                "reading_seconds": 1,
                "most_frequent_words": ["measure", "twice", "once"],
            },
        ),
    ],
)  # fmt: skip
async def test_a_tool_returns_the_exact_answer(
    name: str, arguments: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert await structured(name, arguments) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("calculate", {"expression": "import os"}, "not an arithmetic expression"),
        ("convert_units", {"value": 1, "source": "km", "target": "kg"}, "Known units"),
        ("add_to_date", {"day": "9999-12-31", "days": 1}, "out of range"),
        ("query_json", {"document": '{"a": 1}', "path": "b"}, "Keys here: a"),
        ("current_time", {"time_zone": "Nowhere/Land"}, "no time zone"),
        ("count_primes", {"limit": -1}, "greater than or equal to 0"),
    ],
)
async def test_a_tool_says_to_the_model_what_was_wrong(
    name: str, arguments: dict[str, Any], words: str
) -> None:
    async with Client(server) as client:
        result = await client.call_tool(name, arguments)

    assert result.is_error
    assert words in result.content[0].text  # type: ignore[union-attr]


async def test_counting_primes_reports_progress_up_to_the_limit() -> None:
    seen: list[float] = []

    async def remember(
        progress: float, total: float | None, message: str | None
    ) -> None:
        seen.append(progress)

    async with Client(server) as client:
        await client.call_tool(
            "count_primes", {"limit": 120_000}, progress_callback=remember
        )

    assert seen == [50_001, 100_001, 120_000]


async def test_the_clock_and_identifiers_vary() -> None:
    assert (await structured("current_time", {}))["unix_seconds"] > 1_700_000_000
    made = await structured("make_identifiers", {"count": 3, "kind": "token"})
    assert len(set(made["identifiers"])) == 3


@pytest.mark.parametrize(
    ("limit", "count"), [(-5, 0), (1, 0), (2, 1), (50_001, 5133), (1_000_000, 78_498)]
)
def test_primes_are_counted_right_across_portions(limit: int, count: int) -> None:
    found = list(primes.count_in_portions(limit))

    assert (found[-1][1] if found else 0) == count

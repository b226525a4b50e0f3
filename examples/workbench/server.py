"""The workbench: a small MCP server of useful tools that need no network and keep nothing."""

import hashlib
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field
from typing_extensions import TypedDict

from examples.workbench import (
    calculator,
    calendar_days,
    json_paths,
    primes,
    texts,
    units,
)

Text = Annotated[str, Field(max_length=200_000)]

_ANTICIPATED = (
    calculator.NotArithmetic,
    units.UnitsDoNotMeet,
    json_paths.PathLeadsNowhere,
    OverflowError,
)
_PURE = ToolAnnotations(
    read_only_hint=True,
    idempotent_hint=True,
    destructive_hint=False,
    open_world_hint=False,
)
_VARYING = ToolAnnotations(
    read_only_hint=True,
    idempotent_hint=False,
    destructive_hint=False,
    open_world_hint=False,
)

server = MCPServer(
    "workbench",
    title="Workbench",
    log_level="WARNING",
    version="1.0.0",
    instructions="Small, exact tools: arithmetic, units, dates, texts, JSON, digests. They keep nothing.",
)


@contextmanager
def _told_to_the_model() -> Iterator[None]:
    try:
        yield
    except _ANTICIPATED as exc:
        raise ToolError(str(exc)) from exc


class Value(TypedDict):
    """One number."""

    value: float


class Measure(TypedDict):
    """A number with its unit."""

    value: float
    unit: str


@server.tool(title="Calculate", annotations=_PURE)
def calculate(
    expression: Annotated[
        str, Field(description="Arithmetic, such as 2 * (3 + 4) ** 2 or sqrt(2) / pi.")
    ],
) -> Value:
    """Work out an arithmetic expression exactly as written. Use it instead of calculating in your head."""
    with _told_to_the_model():
        return Value(value=calculator.evaluate(expression))


@server.tool(title="Convert units", annotations=_PURE)
def convert_units(
    value: float,
    source: Annotated[
        str, Field(description="The unit of the value, such as km, lb or F.")
    ],
    target: Annotated[
        str, Field(description="The unit to convert to, such as mi, kg or C.")
    ],
) -> Measure:
    """Convert between units of length, mass, volume, time, data, speed and temperature."""
    with _told_to_the_model():
        return Measure(value=units.convert(value, source, target), unit=target)


class Day(TypedDict):
    """A calendar day."""

    date: str
    weekday: str


class Distance(TypedDict):
    """How far two days are apart."""

    days: int
    working_days: int


@server.tool(title="Add to a date", annotations=_PURE)
def add_to_date(
    day: Annotated[date, Field(description="The day to start from, as YYYY-MM-DD.")],
    days: int = 0,
    weeks: int = 0,
    months: int = 0,
) -> Day:
    """Move a date by months, weeks and days, forwards or backwards, and say which weekday it lands on."""
    with _told_to_the_model():
        moved = calendar_days.shift(day, days=days, weeks=weeks, months=months)
    return Day(date=moved.isoformat(), weekday=f"{moved:%A}")


@server.tool(title="Days between two dates", annotations=_PURE)
def days_between(start: date, end: date) -> Distance:
    """Count the days, and the Mondays to Fridays, from one date up to another."""
    return Distance(
        days=(end - start).days,
        working_days=calendar_days.working_days_between(start, end),
    )


class Moment(TypedDict):
    """A moment in one time zone."""

    time: str
    weekday: str
    unix_seconds: int


@server.tool(title="Current time", annotations=_VARYING)
def current_time(
    time_zone: Annotated[
        str, Field(description="An IANA name such as Europe/Paris.")
    ] = "UTC",
) -> Moment:
    """Tell the current date and time in a time zone."""
    try:
        zone = UTC if time_zone == "UTC" else ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        raise ToolError(f"There is no time zone called {time_zone!r}.") from exc
    now = datetime.now(zone)
    return Moment(
        time=now.isoformat(timespec="seconds"),
        weekday=f"{now:%A}",
        unix_seconds=int(now.timestamp()),
    )


@server.tool(title="Text statistics", annotations=_PURE)
def text_statistics(text: Text) -> texts.Statistics:
    """Count characters, words, lines and sentences of a text, and estimate how long reading it takes."""
    return texts.measure(text)


class Difference(TypedDict):
    """How two texts differ."""

    are_equal: bool
    unified_diff: str


@server.tool(title="Compare texts", annotations=_PURE)
def compare_texts(
    before: Annotated[str, Field(max_length=20_000)],
    after: Annotated[str, Field(max_length=20_000)],
) -> Difference:
    """Show line by line how one text differs from another."""
    return Difference(
        are_equal=before == after, unified_diff=texts.difference(before, after)
    )


class Found(TypedDict):
    """What a path leads to."""

    found: Any


@server.tool(title="Query JSON", annotations=_PURE)
def query_json(
    document: Annotated[
        str, Field(description="A JSON document, as text.", max_length=500_000)
    ],
    path: Annotated[
        str,
        Field(
            description="Dotted steps such as orders.0.total; * takes every item.",
            max_length=500,
        ),
    ],
) -> Found:
    """Pick a part out of a JSON document."""
    with _told_to_the_model():
        return Found(found=json_paths.pick(document, path))


class Digest(TypedDict):
    """A digest in hexadecimal."""

    algorithm: str
    hexadecimal: str


@server.tool(title="Digest", annotations=_PURE)
def digest(
    text: Text, algorithm: Literal["sha256", "sha512", "sha3_256", "blake2b"] = "sha256"
) -> Digest:
    """Take the cryptographic digest of a text (in UTF-8)."""
    return Digest(
        algorithm=algorithm,
        hexadecimal=hashlib.new(algorithm, text.encode()).hexdigest(),
    )


class Identifiers(TypedDict):
    """Fresh identifiers."""

    identifiers: list[str]


@server.tool(title="Make identifiers", annotations=_VARYING)
def make_identifiers(
    count: Annotated[int, Field(ge=1, le=100)] = 1,
    kind: Literal["uuid", "token"] = "uuid",
) -> Identifiers:
    """Make random identifiers: UUIDs, or URL-safe tokens of 32 bytes."""
    make = uuid.uuid4 if kind == "uuid" else lambda: secrets.token_urlsafe(32)
    return Identifiers(identifiers=[str(make()) for _ in range(count)])


class Count(TypedDict):
    """How many there are."""

    count: int


@server.tool(title="Count primes", annotations=_PURE)
async def count_primes(
    limit: Annotated[
        int, Field(ge=0, le=20_000_000, description="Count the primes up to here.")
    ],
    context: Context[Any, Any],
) -> Count:
    """Count the primes up to a number. It may take a few seconds, and reports its progress."""
    count = 0
    for reached, count in primes.count_in_portions(limit):  # noqa: B007 - the last count is the answer
        await context.report_progress(reached, limit, f"looked at {reached:,} numbers")
        await anyio.lowlevel.checkpoint()
    return Count(count=count)

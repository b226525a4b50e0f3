"""The load generator: a process of its own that drives N clients, compares every answer and weighs the servers meanwhile.

`python -m benchmarks.load` reads one JSON line, a `Load`, and prints one, a `Measured`. A further line ends it early.
"""

import asyncio
import gc
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import Any

import orjson
import uvloop

from benchmarks.clients import HANDSHAKE, Client, Refused, SseClient, StreamableClient
from benchmarks.http1 import ConnectionLost
from benchmarks.machine import cpu_seconds, resident_bytes

FIRST_ID = 1_000_000_000  # so that ids have one length and lists differ in nothing else
DRAIN_SECONDS = 30
FEW_ANSWERS = 10  # per client: then work begun before the window weighs too much, and the whole run counts
MOST_SECONDS = 20  # a window that saw too few answers lasts at most this long
SLICE_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class Load:
    """What to do to a server, and which processes to weigh meanwhile (a name each for some pids)."""

    url: str
    method: str = "tools/call"
    transport: str = "streamable"
    era: str = HANDSHAKE
    token: str = ""
    tool: str = ""
    clients: int = 1
    seconds: float = 2.0
    warmup: float = 0.5
    watch: dict[str, list[int]] = field(default_factory=dict)
    is_constant: bool = False  # the server sends one answer to everything
    keeps_going: bool = (
        False  # errors are counted in the timeline, and do not end the run
    )
    urls: list[str] = field(default_factory=list)  # list once at each of these instead


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What came of it. CPU is in ms per call, latencies in ms, memory in MB."""

    calls: int
    seconds: float
    per_second: float
    p50: float
    p95: float
    p99: float
    worst: float
    answered: int  # every verified answer, those outside the measured window included
    sent: int
    errors: dict[str, int]
    cpu: dict[str, float]
    memory: dict[str, float]
    answer_bytes: int
    timeline: list[tuple[float, int, int]]  # monotonic time, right answers, errors


class WrongAnswer(Exception):
    """The server answered something else than what was asked."""


class Refusal(Exception):
    """The answer is an error that the server reports on purpose."""


class Tally:
    """What the clients saw, inside and outside the measured window."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self.errors: Counter[str] = Counter()
        self.right: Counter[int] = Counter()
        self.wrong: Counter[int] = Counter()
        self.sent = self.answered = self.answer_bytes = 0
        self.is_measuring = False
        self.is_over = False

    def saw(self, latency: float, size: int) -> None:
        self.answered += 1
        self.answer_bytes = size
        self.right[int(time.monotonic() / SLICE_SECONDS)] += 1
        if self.is_measuring:
            self.latencies.append(latency)

    def failed(self, kind: str) -> None:
        self.errors[kind] += 1
        self.wrong[int(time.monotonic() / SLICE_SECONDS)] += 1

    def timeline(self) -> list[tuple[float, int, int]]:
        slices = sorted(self.right | self.wrong)
        return [(at * SLICE_SECONDS, self.right[at], self.wrong[at]) for at in slices]


class Calls:
    """Calls of one tool, each with arguments of its own; the upstream echoes them."""

    def __init__(self, load: Load) -> None:
        self._tool = load.tool

    def params(self, request_id: int) -> dict[str, Any]:
        arguments = {
            "query": f"the words of request {request_id}",
            "limit": request_id % 1000 + 1,
            "tags": [f"tag-{request_id % 97}", "benchmark"],
            "exact": request_id % 2 == 0,
        }
        return {"name": self._tool, "arguments": arguments}

    def check(self, request_id: int, params: dict[str, Any], body: bytes) -> None:
        answer = orjson.loads(body)
        if answer.get("id") != request_id:
            raise WrongAnswer(f"asked {request_id}, got {body[:300]!r}")
        result = answer.get("result")
        if result is None or result.get("isError"):
            raise Refusal(refusal_code(answer))
        arguments = params["arguments"]
        if (
            result.get("structuredContent") != arguments
            or orjson.loads(result["content"][0]["text"]) != arguments
        ):
            raise WrongAnswer(f"sent {arguments}, got {body[:300]!r}")


class Lists:
    """`tools/list`: the first answer is parsed, the others must equal it but for the id."""

    def __init__(self, load: Load) -> None:
        self._is_constant = load.is_constant
        self._expected: tuple[bytes, ...] | None = None

    def params(self, request_id: int) -> dict[str, Any]:
        return {}

    def check(self, request_id: int, params: dict[str, Any], body: bytes) -> None:
        parts: tuple[bytes, ...] = (body,)
        if not self._is_constant:
            before, _, after = body.partition(b"%d" % request_id)
            parts = (before, after)
        if self._expected is None:
            self._check_first(body)
            self._expected = parts
        elif parts != self._expected:
            raise WrongAnswer(f"a list that differs: {body[:300]!r}")

    def _check_first(self, body: bytes) -> None:
        if self._is_constant:
            return
        answer = orjson.loads(body)
        if "tools" not in answer.get("result", {}):
            raise Refusal(refusal_code(answer))


def refusal_code(answer: dict[str, Any]) -> str:
    """The word with which the server refused or failed."""
    if "error" in answer:
        return f"rpc {answer['error'].get('code')}"
    meta = answer.get("result", {}).get("_meta") or {}
    refusal = meta.get("dev.toolcrib/refusal") or {}
    return str(refusal.get("code") or "isError")


def client_for(load: Load) -> Client:
    if load.transport == "sse":
        return SseClient(load.url, method=load.method)
    return StreamableClient(
        load.url, method=load.method, tool=load.tool, token=load.token, era=load.era
    )


async def opened(load: Load) -> Client:
    client = client_for(load)
    await client.open()
    return client


async def ask_once(
    client: Client, work: Calls | Lists, tally: Tally, request_id: int
) -> None:
    params = work.params(request_id)
    tally.sent += 1
    began = time.perf_counter()
    body = await client.ask(request_id, params)
    latency = time.perf_counter() - began
    work.check(request_id, params, body)
    tally.saw(latency, len(body))


async def drive(
    load: Load, client: Client, work: Calls | Lists, tally: Tally, ids: Iterator[int]
) -> None:
    """One client: ask, compare, ask again, until it is over."""
    while not tally.is_over:
        try:
            await ask_once(client, work, tally, next(ids))
        except (ConnectionLost, Refused, Refusal, WrongAnswer) as exc:
            tally.failed(kind_of(exc))
            if not load.keeps_going:
                return
            client = await reopened(load, client, exc, tally)


async def reopened(
    load: Load, client: Client, error: Exception, tally: Tally
) -> Client:
    """The same client after a refusal, a new one after a lost connection."""
    if isinstance(error, Refusal):
        await asyncio.sleep(0.005)
        return client
    client.close()
    while not tally.is_over:
        await asyncio.sleep(0.05)
        try:
            return await opened(load)
        except (ConnectionLost, Refused) as exc:
            tally.failed(kind_of(exc))
    return client


def kind_of(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


async def visit(
    load: Load, urls: Iterator[str], tally: Tally, ids: Iterator[int]
) -> None:
    """List once at each URL, as a client that opens no session."""
    for url in urls:
        one = Load(url=url, method=load.method, token=load.token)
        client = await opened(one)
        try:
            await ask_once(client, Lists(one), tally, next(ids))
        except (ConnectionLost, Refused, Refusal) as exc:
            tally.failed(kind_of(exc))
        client.close()


async def told_to_stop() -> None:
    """Wait for a further line of standard input; its end says nothing."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    source = sys.stdin.fileno()

    def hear() -> None:
        if os.read(source, 100):
            told.set()
        else:
            loop.remove_reader(source)

    loop.add_reader(source, hear)
    try:
        await told.wait()
    finally:
        loop.remove_reader(source)


async def all_of(drivers: list[asyncio.Task[None]]) -> None:
    await asyncio.wait(drivers)


async def window(load: Load, tally: Tally, drivers: list[asyncio.Task[None]]) -> float:
    """Measure until the time is up, someone says stop, or the clients are done; gives the seconds."""
    began = time.perf_counter()
    tally.is_measuring = True
    stop = asyncio.create_task(told_to_stop())
    done = asyncio.create_task(all_of(drivers))
    ends: list[asyncio.Task[None]] = [stop, done]
    seconds = load.seconds
    while not (stop.done() or done.done()) and (
        seconds or is_too_little(load, tally, began)
    ):
        await asyncio.wait(
            ends, timeout=seconds or 0.05, return_when=asyncio.FIRST_COMPLETED
        )
        seconds = 0
    stop.cancel()
    done.cancel()
    tally.is_measuring = False
    return time.perf_counter() - began


def is_too_little(load: Load, tally: Tally, began: float) -> bool:
    """Whether a slow server has not answered as often as there are clients: it gets more time, within reason."""
    is_patient = time.perf_counter() - began < MOST_SECONDS and not load.keeps_going
    return is_patient and len(tally.latencies) < load.clients


def started(
    load: Load, clients: list[Client], tally: Tally
) -> list[asyncio.Task[None]]:
    """The clients at work, or as many visitors that share the URLs."""
    ids = count(FIRST_ID)
    if load.urls:
        urls = iter(load.urls)
        coroutines = [visit(load, urls, tally, ids) for _ in range(load.clients)]
    else:
        work = Calls(load) if load.method == "tools/call" else Lists(load)
        coroutines = [drive(load, client, work, tally, ids) for client in clients]
    return [asyncio.create_task(coroutine) for coroutine in coroutines]


async def run(load: Load) -> Measured:
    tally = Tally()
    openings = [] if load.urls else [opened(load) for _ in range(load.clients)]
    clients = await asyncio.gather(*openings)
    at_first = weigh(load)
    drivers = started(load, clients, tally)
    await asyncio.sleep(0 if load.urls else load.warmup)
    before = weigh(load)
    seconds = await window(load, tally, drivers)
    cpu = per_call(before, weigh(load), len(tally.latencies))
    memory = {name: resident_bytes(pids) / 1e6 for name, pids in load.watch.items()}
    await drain(tally, drivers)
    if len(tally.latencies) < FEW_ANSWERS * load.clients:
        cpu = per_call(at_first, weigh(load), tally.answered)
    return measured(tally, seconds, cpu, memory)


def weigh(load: Load) -> dict[str, float]:
    held = {name: cpu_seconds(pids) for name, pids in load.watch.items()}
    return held | {"load": time.process_time()}


def per_call(
    before: dict[str, float], after: dict[str, float], calls: int
) -> dict[str, float]:
    """What each of the watched spent, in ms per call."""
    return {name: (after[name] - before[name]) * 1e3 / max(calls, 1) for name in after}


async def drain(tally: Tally, drivers: list[asyncio.Task[None]]) -> None:
    """Let the calls under way end, so that what was sent can be compared with what was recorded."""
    tally.is_over = True
    _, hanging = await asyncio.wait(drivers, timeout=DRAIN_SECONDS)
    for driver in hanging:
        driver.cancel()
        tally.failed("no answer")
    for driver in drivers:
        if not driver.cancelled() and driver.done() and (exc := driver.exception()):
            raise exc


def measured(
    tally: Tally,
    seconds: float,
    cpu: dict[str, float],
    memory: dict[str, float],
) -> Measured:
    latencies = sorted(tally.latencies)
    calls = len(latencies)
    return Measured(
        calls=calls,
        seconds=seconds,
        per_second=calls / seconds,
        p50=statistics.median(latencies or [0]) * 1e3,
        p95=quantile(latencies, 0.95) * 1e3,
        p99=quantile(latencies, 0.99) * 1e3,
        worst=quantile(latencies, 1.0) * 1e3,
        answered=tally.answered,
        sent=tally.sent,
        errors=dict(tally.errors),
        cpu=cpu,
        memory=memory,
        answer_bytes=tally.answer_bytes,
        timeline=tally.timeline(),
    )


def quantile(ordered: list[float], part: float) -> float:
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else 0.0


def main() -> None:
    gc.disable()
    load = Load(**orjson.loads(sys.stdin.readline()))
    result = uvloop.run(run(load))
    sys.stdout.buffer.write(orjson.dumps(asdict(result)) + b"\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()

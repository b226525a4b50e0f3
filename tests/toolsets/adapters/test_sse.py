from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolsets.adapters.calling import ResultTooLarge
from toolsets.adapters.mcp.sse import Event, EventParser

STREAM = (
    b"\xef\xbb\xbf: a comment\r\n\r\nid: 1\ndata:\n\nevent: message\r\ndata: {}\r\n\r\n"
    b"data: one\rdata: two\r\rretry: 250\nid: 7\ndata:three\n\ndata: unfinished"
)
EVENTS = [
    Event("message", b"{}"),
    Event("message", b"one\ntwo"),
    Event("message", b"three"),
]


def parser(bound: int = 10_000) -> EventParser:
    return EventParser(max_event_bytes=bound)


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_a_stream_cut_anywhere_gives_the_same_events(cuts: list[int]) -> None:
    parsing = parser()
    edges = [0, *sorted(cuts), len(STREAM)]

    events = [
        event
        for start, end in pairwise(edges)
        for event in parsing.feed(STREAM[start:end])
    ]

    assert events == EVENTS
    assert parsing.last_event_id == "7"
    assert parsing.retry_seconds == 0.25


def test_an_event_without_data_only_moves_the_last_event_id() -> None:
    parsing = parser()

    events = parsing.feed(b"id: prime\ndata:\n\n")

    assert (events, parsing.last_event_id) == ([], "prime")


def test_an_event_larger_than_the_bound_is_refused_before_it_ends() -> None:
    parsing = parser(100)
    parsing.feed(b"data: " + b"x" * 90)

    with pytest.raises(ResultTooLarge):
        parsing.feed(b"x" * 90)


def test_the_bound_counts_each_event_anew() -> None:
    parsing = parser(100)

    events = parsing.feed((b"data: " + b"x" * 80 + b"\n\n") * 50)

    assert len(events) == 50


def test_a_restart_forgets_the_half_event_and_keeps_the_place() -> None:
    parsing = parser()
    parsing.feed(b"id: 3\ndata: a\n\nid: 4\ndata: ha")

    parsing.restart()

    assert parsing.last_event_id == "3"
    assert parsing.feed(b"data: b\n\n") == [Event("message", b"b")]

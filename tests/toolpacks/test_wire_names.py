"""Names on the wire: allowed everywhere, unique, and stable."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolpacks.wire_names import Entry, wire_names

PREFIXES = st.text("ab_-", max_size=40)
NAMES = st.text(min_size=1, max_size=120) | st.sampled_from(
    ["a", "b", "a__b", "a b", "a/b", "ä", "x" * 64, "x" * 65]
)
ENTRIES = st.lists(
    st.tuples(PREFIXES, NAMES, st.sampled_from(["ts_1", "ts_2", "ts_3"])),
    max_size=30,
    unique_by=lambda e: (e[1], e[2]),
).map(
    lambda found: [
        Entry(prefix, name, tool_set, f"tool_{number}")
        for number, (prefix, name, tool_set) in enumerate(found)
    ]
)


@given(ENTRIES)
def test_every_name_is_allowed_and_unique(entries: list[Entry]) -> None:
    names = wire_names(entries)

    assert names.keys() == {entry.tool_id for entry in entries}
    assert len(set(names.values())) == len(entries)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) for name in names.values())


@given(ENTRIES)
def test_names_stay_when_something_unrelated_is_added(entries: list[Entry]) -> None:
    alone = wire_names(entries)
    added = wire_names([*entries, Entry("zz", "unrelated", "ts_9", "tool_new")])

    assert {tool: added[tool] for tool in alone} == alone


@pytest.mark.parametrize(
    ("prefix", "name", "expected"),
    [
        ("github", "search", "github__search"),
        ("", "search", "search"),
        ("", "files/read", "files_read"),
        ("p", "ä", "p___"),
    ],
)
def test_name_is_prefix_and_tool(prefix: str, name: str, expected: str) -> None:
    assert wire_names([Entry(prefix, name, "ts_1", "t")]) == {"t": expected}


def test_name_that_needs_no_change_is_never_displaced() -> None:
    plain, changed = Entry("", "a_b", "ts_2", "t2"), Entry("", "a/b", "ts_1", "t1")

    names = wire_names([changed, plain])

    assert names["t2"] == "a_b"
    assert re.fullmatch(r"a_b_[0-9a-f]{10}", names["t1"])


def test_long_names_end_in_a_hash_of_themselves() -> None:
    first = wire_names([Entry("", "x" * 80, "ts_1", "t")])["t"]
    second = wire_names([Entry("", "x" * 79 + "y", "ts_1", "t")])["t"]

    assert first != second
    assert len(first) == 64
    assert first == wire_names([Entry("", "x" * 80, "ts_1", "other")])["other"]


def test_name_that_pretends_to_be_the_hash_of_another_does_not_displace_it() -> None:
    long = Entry("", "x" * 80, "ts_1", "t1")
    pretender = Entry("", wire_names([long])["t1"], "ts_2", "t2")

    names = wire_names([long, pretender])

    assert len(set(names.values())) == 2

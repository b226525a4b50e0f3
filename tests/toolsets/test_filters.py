"""Filters, as tables."""

from dataclasses import dataclass
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from toolsets.filters import decide, matches, needs_approval, validate_filter
from toolsets.models import Tool

AVAILABLE, FILTERED = Tool.Status.AVAILABLE, Tool.Status.FILTERED


@dataclass
class Definition:
    name: str = "delete_file"
    title: str = "Delete a File"
    description: str = "Removes one file for good."
    needs_tasks: bool = False


def condition(attribute: str = "NAME", **matcher: Any) -> dict[str, Any]:
    return {"attribute": f"ATTRIBUTE_{attribute}", "matcher": matcher}


def filter_of(*conditions: dict[str, Any], operator: str = "") -> dict[str, Any]:
    return {"filters": list(conditions)} | ({"operator": operator} if operator else {})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (condition(exact="delete_file"), True),
        (condition(exact="DELETE_FILE"), True),
        (condition(exact="DELETE_FILE", caseSensitive=True), False),
        (condition(exact="delete"), False),
        (condition(startsWith="Delete_"), True),
        (condition(startsWith="Delete_", caseSensitive=True), False),
        (condition(endsWith="_FILE"), True),
        (condition(endsWith="_dir"), False),
        (condition(contains="ete_f"), True),
        (condition(contains="move"), False),
        (condition(regex="^delete_"), True),
        (condition(regex="^DELETE_"), True),
        (condition(regex="^DELETE_", caseSensitive=True), False),
        (condition(regex="file$"), True),
        (condition("TITLE", exact="delete a file"), True),
        (condition("TITLE", contains="_"), False),
        (condition("DESCRIPTION", contains="for good"), True),
        (condition("DESCRIPTION", startsWith="removes", caseSensitive=True), False),
        (condition(type="exact", exact="delete_file"), True),
    ],
)
def test_matcher_decides(given: dict[str, Any], expected: bool) -> None:
    assert matches(filter_of(given), Definition()) is expected


YES, NO = condition(contains="delete"), condition(contains="move")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, True),
        ({}, True),
        ({"filters": []}, True),
        ({"operator": "OPERATOR_OR", "filters": []}, True),
        (filter_of(YES, NO), False),
        (filter_of(YES, NO, operator="OPERATOR_UNSPECIFIED"), False),
        (filter_of(YES, NO, operator="OPERATOR_AND"), False),
        (filter_of(YES, YES, operator="OPERATOR_AND"), True),
        (filter_of(YES, NO, operator="OPERATOR_OR"), True),
        (filter_of(NO, NO, operator="OPERATOR_OR"), False),
    ],
)
def test_operator_joins_the_conditions(
    given: dict[str, Any] | None, expected: bool
) -> None:
    assert matches(given, Definition()) is expected


@pytest.mark.parametrize(
    ("adapter", "expected"),
    [
        ({}, AVAILABLE),
        ({"includeTools": filter_of(YES)}, AVAILABLE),
        ({"includeTools": filter_of(NO)}, FILTERED),
        ({"excludeTools": filter_of(YES)}, FILTERED),
        ({"excludeTools": filter_of(NO)}, AVAILABLE),
        (
            {"includeTools": filter_of(YES), "excludeTools": filter_of(YES)},
            FILTERED,
        ),
        ({"includeTools": {}, "excludeTools": None}, AVAILABLE),
    ],
)
def test_exclude_wins_over_include(adapter: dict[str, Any], expected: str) -> None:
    decision = decide(Definition(), adapter)

    assert decision.status == expected
    assert bool(decision.reason) is (expected == FILTERED)


def test_tool_that_needs_tasks_is_filtered_with_the_reason() -> None:
    decision = decide(Definition(needs_tasks=True), {})

    assert decision.status == FILTERED
    assert "taskSupport" in decision.reason


@pytest.mark.parametrize(
    ("approvals", "expected"),
    [
        (None, False),
        ({}, False),
        ({"always": True}, True),
        ({"always": False}, False),
        ({"only": filter_of(YES)}, True),
        ({"only": filter_of(NO)}, False),
        ({"only": {}}, True),
    ],
)
def test_approvals_are_asked_for(approvals: Any, expected: bool) -> None:
    assert needs_approval(Definition(), approvals) is expected


@pytest.mark.parametrize(
    "valid",
    [
        {},
        {"operator": "OPERATOR_UNSPECIFIED"},
        {"operator": "OPERATOR_OR", "filters": [YES, NO]},
        filter_of(condition("TITLE", type="regex", regex="a|b", caseSensitive=True)),
    ],
)
def test_valid_filter_passes(valid: Any) -> None:
    validate_filter(valid)


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ([], "A filter is an object"),
        ({"op": 1}, "op: "),
        ({"operator": "XOR"}, "operator: "),
        ({"operator": ["OPERATOR_OR"]}, "operator: "),
        ({"filters": {}}, "filters: "),
        ({"filters": [YES] * 101}, "filters: "),
        ({"filters": [YES, 3]}, "filters[1]: "),
        ({"filters": [{"matcher": {"exact": "a"}}]}, "filters[0].attribute: "),
        (filter_of(condition("UNSPECIFIED", exact="a")), "filters[0].attribute: "),
        ({"filters": [{"attribute": "ATTRIBUTE_NAME"}]}, "filters[0].matcher: "),
        (filter_of(condition()), "filters[0].matcher: "),
        (filter_of(condition(exact="a", regex="b")), "filters[0].matcher: "),
        (filter_of(condition(exact="")), "filters[0].matcher.exact: "),
        (filter_of(condition(exact=5)), "filters[0].matcher.exact: "),
        (filter_of(condition(contains="a" * 501)), "filters[0].matcher.contains: "),
        (filter_of(YES, condition(regex="(")), "filters[1].matcher.regex: "),
        (filter_of(condition(regex=r"(a)\1")), "filters[0].matcher.regex: "),
        (filter_of(condition(regex="(?=a)")), "filters[0].matcher.regex: "),
        (
            filter_of(condition(exact="a", caseSensitive="no")),
            "filters[0].matcher.caseSensitive: ",
        ),
        (filter_of(condition(exact="a", type="regex")), "filters[0].matcher.type: "),
        (filter_of(condition(exact="a", like="b")), "filters[0].matcher.like: "),
    ],
)
def test_wrong_filter_is_refused_by_the_path_of_its_fault(
    wrong: Any, path: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        validate_filter(wrong)

    assert caught.value.messages[0].startswith(path)


def test_hostile_pattern_runs_in_linear_time() -> None:
    hostile = filter_of(condition("DESCRIPTION", regex="(a+)+$"))

    assert not matches(hostile, Definition(description="a" * 50_000 + "!"))

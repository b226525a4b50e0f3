"""Says, before and after a test run, on which database it ran, how many tests that were, and how many generated requests."""

import sqlite3
from typing import TYPE_CHECKING

import psycopg
import pytest
from django.conf import settings

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


GENERATED_REQUESTS = "generated requests"
"""The property in which a test says how many requests it made up."""
_FEWEST = 5_000
_NARROWING = ("keyword", "lf", "deselect", "ignore", "ignore_glob", "collectonly")

_generated: list[int] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Called for every test of every worker; what its fixtures record is in the report of its teardown."""
    if report.when == "teardown":
        _generated.extend(
            count
            for name, count in report.user_properties
            if name == GENERATED_REQUESTS and isinstance(count, int)
        )


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.exitstatus == pytest.ExitCode.OK and _asked_too_little(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _asked_too_little(config: pytest.Config) -> bool:
    """Whether this was a whole run, and made fewer requests up than it must."""
    is_whole = (
        config.args_source is pytest.Config.ArgsSource.TESTPATHS
        and config.option.markexpr in {"", "database"}
        and not any(getattr(config.option, name, None) for name in _NARROWING)
        and not hasattr(config, "workerinput")  # which runs its share
    )
    return is_whole and sum(_generated) < _FEWEST


def pytest_report_header() -> str:
    return f"database: {_database()}"


def pytest_terminal_summary(terminalreporter: "TerminalReporter") -> None:
    stats = terminalreporter.stats
    ran = sum(
        1
        for outcome in ("passed", "failed")
        for report in stats.get(outcome, [])
        if report.when == "call"
    )
    skipped = len(stats.get("skipped", []))
    broken = len(stats.get("error", []))
    terminalreporter.section("Toolcrib")
    terminalreporter.write_line(
        f"{ran} tests ran on {_database()}; {skipped} were skipped, {broken} could not start."
    )
    if _generated or _asked_too_little(terminalreporter.config):
        terminalreporter.write_line(
            f"{sum(_generated)} requests were generated; a whole run makes {_FEWEST} or more.",
            red=_asked_too_little(terminalreporter.config),
        )
    for reason, count in sorted(_reasons(stats.get("skipped", [])).items()):
        terminalreporter.write_line(f"  skipped {count}: {reason}")


def _database() -> str:
    if not settings.DATABASE_URL:
        return f"SQLite {sqlite3.sqlite_version}"
    try:
        with psycopg.connect(settings.DATABASE_URL, connect_timeout=3) as connection:
            version = connection.info.parameter_status("server_version") or ""
    except psycopg.OperationalError:
        return "PostgreSQL (which does not answer)"
    return f"PostgreSQL {version.split()[0]}"


def _reasons(skipped: "list[pytest.TestReport]") -> dict[str, int]:
    reasons: dict[str, int] = {}
    for report in skipped:
        longrepr = report.longrepr
        reason = str(longrepr[2] if isinstance(longrepr, tuple) else longrepr)
        reason = reason.removeprefix("Skipped: ")
        reasons[reason] = reasons.get(reason, 0) + 1
    return reasons

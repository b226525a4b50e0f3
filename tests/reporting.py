"""Says, before and after a test run, on which database it ran, and how many tests that were."""

import sqlite3
from typing import TYPE_CHECKING

import psycopg
import pytest
from django.conf import settings

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter


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

"""The whole examination, in order: what stands on something broken is not looked at."""

from collections.abc import Iterator

from gateway.mcp.diagnosis.findings import Finding, Grade
from gateway.mcp.diagnosis.foundations import (
    broker,
    clock,
    database,
    migrations,
    revision_triggers,
)
from gateway.mcp.diagnosis.keys import encryption_keys
from gateway.mcp.diagnosis.upstreams import upstreams
from gateway.mcp.diagnosis.workers import waiting_syncs, workers


def examine() -> Iterator[Finding]:
    """Look at everything that can be looked at."""
    yield broker()
    for look in (database, clock, migrations):
        finding = look()
        yield finding
        if finding.grade is Grade.PROBLEM and look is not clock:
            return
    yield revision_triggers()
    yield from encryption_keys()
    yield from workers()
    yield waiting_syncs()
    yield from upstreams()

"""`manage.py doctor`: says what is wrong with this installation, why, and what to do."""

import argparse
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gateway.identity.command_base import as_json, shown
from gateway.mcp.diagnosis.examination import examine
from gateway.mcp.diagnosis.findings import Finding, Grade

_SIGNS = {Grade.OK: "ok     ", Grade.WARNING: "warning", Grade.PROBLEM: "PROBLEM"}


class Command(BaseCommand):
    help = (
        "Examine database, broker, workers, keys, triggers, upstreams and clock. "
        "The exit code is 1 where something is broken; warnings leave it 0."
    )
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", dest="is_for_scripts")

    def handle(self, *args: Any, is_for_scripts: bool, **options: Any) -> None:
        findings = []
        for finding in examine():
            findings.append(finding)
            if not is_for_scripts:
                self.stdout.write(_spoken(finding))
        if is_for_scripts:
            self.stdout.write(as_json([_plain(finding) for finding in findings]))
        broken = sum(finding.grade is Grade.PROBLEM for finding in findings)
        if broken:
            raise CommandError(f"{broken} problems were found.")


def _spoken(finding: Finding) -> str:
    lines = [f"{_SIGNS[finding.grade]}  {finding.about}: {shown(finding.said)}"]
    if finding.cause:
        lines.append(f"           cause: {shown(finding.cause)}")
    if finding.fix:
        lines.append(f"           fix:   {shown(finding.fix)}")
    return "\n".join(lines)


def _plain(finding: Finding) -> dict[str, Any]:
    return asdict(finding) | {"grade": finding.grade.value}

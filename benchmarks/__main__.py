"""`python -m benchmarks`: how fast Toolcrib is, beside its peers, in one run."""

import argparse
import os
import platform
import signal
import sys
import time
from dataclasses import replace
from types import ModuleType

from benchmarks.generator import LoadFailed
from benchmarks.processes import CACHE, DidNotStart
from benchmarks.results import Report
from benchmarks.scenarios import calls, change, lists, memory, restarts
from benchmarks.stage import FULL, QUICK, Plan, Stage, opened
from benchmarks.toolcrib import LogDiffers

SCENARIOS: dict[str, ModuleType] = {
    "calls": calls,
    "lists": lists,
    "memory": memory,  # before what leaves a large heap behind
    "change": change,
    "dependencies": restarts,
}
RESULT = CACHE / "result.json"


def main() -> int:
    options = _options()
    plan = _plan(options)
    report = Report()
    names = [name for name in SCENARIOS if _is_wanted(name, options)]
    began = time.monotonic()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with opened(plan, report) as stage:
            for name in names:
                _run(stage, name)
    except (DidNotStart, LoadFailed, LogDiffers) as exc:
        print(f"\nCould not finish: {exc}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        report.write(RESULT, _about(plan, time.monotonic() - began))
    _conclude(report)
    return 0


def _is_wanted(name: str, options: argparse.Namespace) -> bool:
    if options.only:
        return name in options.only
    return name != "dependencies" or bool(options.dependencies)


def _run(stage: Stage, name: str) -> None:
    print(f"\n{name}: {SCENARIOS[name].__doc__}", flush=True)
    SCENARIOS[name].run(stage)
    if name == "dependencies":
        return
    for toolcrib in stage.toolcribs:
        stage.report.say(toolcrib.compare_log())


def _conclude(report: Report) -> None:
    missed = [bar for bar in report.bars if not bar.is_met]
    print(
        f"\n{len(report.bars) - len(missed)} of {len(report.bars)} bars are met. CPU is the whole gateway process, its threads included."
    )
    for bar in missed:
        print(f"  {bar}")
    print(f"Everything is in {RESULT}.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="short windows, two rounds (the default)"
    )
    parser.add_argument(
        "--full",
        action="store_true",
        help="windows of 5 s, three rounds, five minutes of soak",
    )
    parser.add_argument(
        "--soak", type=float, metavar="MINUTES", help="how long the soak lasts"
    )
    parser.add_argument(
        "--dependencies",
        action="store_true",
        help="also restart the upstream, Redis and PostgreSQL under load",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=SCENARIOS,
        help="only this (may be given more than once)",
    )
    return parser.parse_args()


def _plan(options: argparse.Namespace) -> Plan:
    plan = FULL if options.full else QUICK
    return replace(plan, soak_minutes=options.soak) if options.soak else plan


def _about(plan: Plan, seconds: float) -> dict[str, object]:
    return {
        "plan": plan,
        "seconds": round(seconds),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "machine": platform.platform(),
    }


if __name__ == "__main__":
    sys.exit(main())

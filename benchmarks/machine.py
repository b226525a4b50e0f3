"""What processes cost, as Linux counts it: CPU time and resident memory of whole process trees."""

import os
import time
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of these processes, of all their threads, and of their children, ended ones included."""
    return sum(_times(pid) for pid in tree(pids)) / TICKS


def resident_bytes(pids: Iterable[int]) -> int:
    return sum(_resident(pid) for pid in tree(pids))


def wait_until_idle(pids: Iterable[int], *, within: float = 20) -> None:
    """Let what has just started come to rest: less than a tenth of a core for half a second, or `within` seconds."""
    watched = list(pids)
    deadline = time.monotonic() + within
    before = cpu_seconds(watched)
    while time.monotonic() < deadline:
        time.sleep(0.5)
        after = cpu_seconds(watched)
        if after - before < 0.05:
            return
        before = after


def tree(pids: Iterable[int]) -> set[int]:
    """These processes and all that descend from them."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[int] = set()
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting.extend(children.get(pid, []))
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat that follow the name: state, parent, …; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _times(pid: int) -> int:
    fields = _stat(pid)
    return sum(map(int, fields[11:15])) if fields else 0


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except OSError:
        return 0

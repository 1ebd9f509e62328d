"""Memory as the proportional set size: shared pages are counted once, so sums over forked processes are true."""

import re
from pathlib import Path


def pss_bytes(pid: int) -> int:
    """The process's own PSS; 0 when it is gone or belongs to another user."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def family_pss_bytes(pid: int) -> int:
    """PSS of a process and its descendants (PostgreSQL's backends)."""
    return pss_bytes(pid) + sum(family_pss_bytes(child) for child in children(pid))


def children(pid: int) -> list[int]:
    """The pids of the direct children."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in task.read_text().split()]
        except OSError:
            continue
    return found

"""Memory as the proportional set size: shared pages are counted once, so sums over forked processes are true."""

import psutil


def pss_bytes(pid: int) -> int:
    """The process's own PSS; 0 when it is gone or belongs to another user."""
    try:
        return psutil.Process(pid).memory_full_info().pss
    except psutil.Error:
        return 0


def family_pss_bytes(pid: int) -> int:
    """PSS of a process and its descendants (PostgreSQL's backends)."""
    try:
        descendants = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return 0
    return pss_bytes(pid) + sum(pss_bytes(child.pid) for child in descendants)

"""CPU time of a tree of processes, by what each is, with what it costs while nobody asks for anything taken off."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec
import psutil

from compose.state import StackState

BACKEND = "postgres: "
"""How the command lines of PostgreSQL's backends begin; the next word is whom each serves."""

CpuSeconds = dict[str, float]
"""CPU seconds by the name of what used them."""


class Use(msgspec.Struct, frozen=True):
    """Of a process: what it is, and the seconds it and its ended children have used so far."""

    name: str
    seconds: float


def usage(roots: Mapping[int, str]) -> CpuSeconds:
    """CPU seconds so far of these processes and all below them, by the name given to the nearest of `roots` above.

    What ended in between is with its parent, so that no use is lost between two looks.
    """
    found: dict[int, Use] = {}
    for pid, name in roots.items():
        _gather(pid, name, roots, found)
    return total_by_name(found.values())


def _gather(pid: int, name: str, roots: Mapping[int, str], found: dict[int, Use]) -> None:
    if pid in found:
        return
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times, own = process.cpu_times(), name
            command = " ".join(process.cmdline()[:1])
            if command.startswith(BACKEND):
                own = f"{name} {' '.join(command.removeprefix(BACKEND).split()[:1])}".strip()
            children = process.children()
    except psutil.NoSuchProcess:
        return
    found[pid] = Use(own, times.user + times.system + times.children_user + times.children_system)
    for child in children:
        _gather(child.pid, roots.get(child.pid, name), roots, found)


def total_by_name(uses: Iterable[Use]) -> CpuSeconds:
    """Summed by name."""
    sums: defaultdict[str, float] = defaultdict(float)
    for use in uses:
        sums[use.name] += use.seconds
    return dict(sums)


def spent(before: CpuSeconds, after: CpuSeconds) -> CpuSeconds:
    """Between two looks, by name; below zero where something ended, whose use is then with its parent."""
    return {name: after.get(name, 0.0) - before.get(name, 0.0) for name in sorted({*before, *after})}


def less_idle(busy: CpuSeconds, *, seconds: float, idle: CpuSeconds, idle_seconds: float) -> CpuSeconds:
    """What `busy` used beyond what the same processes use in so many seconds anyway."""
    share = seconds / idle_seconds
    return {name: busy.get(name, 0.0) - idle.get(name, 0.0) * share for name in sorted({*busy, *idle})}


def ms_each(used: CpuSeconds, count: int) -> dict[str, float]:
    """Milliseconds per piece of work, the largest first."""
    each = {name: round(seconds * 1000 / count, 2) for name, seconds in used.items()}
    return dict(sorted(each.items(), key=lambda item: -item[1]))


def fleet_processes(stack: StackState) -> dict[int, str]:
    """The processes of a fleet by name; all others below the supervisor are the supervisor's."""
    return {stack.supervisor.pid: "supervisor", **{process.pid: process.name for process in stack.processes}}


def of_kinds(used: Mapping[str, float], stack: StackState, *kinds: str) -> float:
    """The sum over engines, services, world or supervisor."""
    named = {process.name for process in stack.processes if process.kind in kinds}
    if "supervisor" in kinds:
        named.add("supervisor")
    return sum(amount for name, amount in used.items() if name.split(" ")[0] in named)

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
    children = _children()
    found: dict[int, Use] = {}
    todo = list(roots.items())
    while todo:
        pid, name = todo.pop()
        if pid in found:
            continue
        use = _use(pid, name)
        if use is not None:
            found[pid] = use
            todo += [(child, roots.get(child, name)) for child in children.get(pid, ())]
    return total_by_name(found.values())


def _children() -> dict[int, list[int]]:
    """The processes of this machine by their parent, in one pass: asking each for its own takes a pass for each."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for process in psutil.process_iter(["ppid"]):
        children[process.info["ppid"]].append(process.pid)
    return children


def _use(pid: int, name: str) -> Use | None:
    """None when it is gone."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            times = process.cpu_times()
            command = " ".join(process.cmdline()[:1])
    except psutil.NoSuchProcess:
        return None
    if command.startswith(BACKEND):
        name = f"{name} {' '.join(command.removeprefix(BACKEND).split()[:1])}".strip()
    return Use(name, times.user + times.system + times.children_user + times.children_system)


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

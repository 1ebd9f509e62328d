"""Serializability of list-append histories: which transactions cannot have come one after the other, and why not.

Each transaction appends values to lists and reads lists. What follows what is inferred from the values alone, as Elle
does (Kingsbury and Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations", VLDB 2020): an append
follows the one before it in the list (ww), a read follows the append of the last value it saw (wr), and the append
after that value follows the read (rw, an anti-dependency). A cycle of these is an anomaly, called as Adya calls it.
The judgement is sound and not complete: what it finds cannot be serialized, what no read shows stays unseen.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

import msgspec

Dependency = Literal["ww", "wr", "rw"]
STRENGTH: dict[Dependency, int] = {"ww": 0, "wr": 1, "rw": 2}
STARTS_MAX = 500
"""So many dependencies of a knot are tried as the first of its shortest cycle."""
WRITES: frozenset[Dependency] = frozenset({"ww"})
INFORMATION: frozenset[Dependency] = frozenset({"ww", "wr"})
ANY: frozenset[Dependency] = frozenset(STRENGTH)


class Append(msgspec.Struct, frozen=True):
    """`value` was put at the end of the list; a value is appended once in a history."""

    key: str
    value: str


class Read(msgspec.Struct, frozen=True):
    """The whole list was read."""

    key: str
    values: tuple[str, ...]


class Saw(msgspec.Struct, frozen=True):
    """The list was read and ended in `last` ("" when it was empty); of what was before nothing is known."""

    key: str
    last: str


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """What one transaction did, in its order. `info` may have been committed; times are epoch seconds."""

    id: str
    steps: tuple[Append | Read | Saw, ...]
    outcome: Literal["ok", "fail", "info"] = "ok"
    order_id: str = ""
    trace_id: str = ""
    at: float | None = None

    @property
    def said(self) -> str:
        return f"{self.id} (trace {self.trace_id or 'unknown'})"


class Anomaly(msgspec.Struct, frozen=True):
    """`transactions` are those of the shortest cycle of its kind, or the reader and the one it should not have read."""

    kind: str
    message: str
    transactions: tuple[Transaction, ...]


@dataclass
class _Graph:
    """Edges between transactions, by position, each with its dependency and list."""

    edges: dict[int, dict[int, tuple[Dependency, str]]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, before: int, after: int, dependency: Dependency, key: str) -> None:
        """The strongest dependency between two transactions is kept."""
        known = self.edges[before].get(after)
        if before != after and (known is None or STRENGTH[dependency] < STRENGTH[known[0]]):
            self.edges[before][after] = dependency, key

    def path(self, start: int, end: int, allowed: frozenset[Dependency]) -> list[int] | None:
        """The shortest path from `start` to `end`, both included."""
        came: dict[int, int] = {start: start}
        waiting = deque([start])
        while waiting:
            here = waiting.popleft()
            for there, (dependency, _) in self.edges.get(here, {}).items():
                if dependency not in allowed or there in came:
                    continue
                came[there] = here
                if there == end:
                    return _walked(came, start, end)
                waiting.append(there)
        return None

    def knots(self) -> Iterator[set[int]]:
        """The strongly connected components of more than one transaction: every cycle lies in one of them."""
        order: list[int] = []
        seen: set[int] = set()
        for node in list(self.edges):
            self._finish(node, seen, order)
        back: dict[int, list[int]] = defaultdict(list)
        for before, afters in self.edges.items():
            for after in afters:
                back[after].append(before)
        taken: set[int] = set()
        for node in reversed(order):
            if node in taken:
                continue
            knot, waiting = {node}, [node]
            taken.add(node)
            while waiting:
                for before in back.get(waiting.pop(), ()):
                    if before not in taken:
                        taken.add(before)
                        knot.add(before)
                        waiting.append(before)
            if len(knot) > 1:
                yield knot

    def _finish(self, root: int, seen: set[int], order: list[int]) -> None:
        """Depth first without recursion: a ledger is a path of thousands."""
        if root in seen:
            return
        seen.add(root)
        stack = [(root, iter(self.edges.get(root, {})))]
        while stack:
            node, afters = stack[-1]
            fresh = next((after for after in afters if after not in seen), None)
            if fresh is None:
                stack.pop()
                order.append(node)
            else:
                seen.add(fresh)
                stack.append((fresh, iter(self.edges.get(fresh, {}))))


def anomalies(history: Sequence[Transaction]) -> list[Anomaly]:
    """Every aborted or intermediate read, every pair of reads that no order explains, and per knot of dependent
    transactions the shortest cycle of its worst kind: G0, G1c, G-single, G2-item.
    """
    told: list[Anomaly] = []
    writers = {
        step.value: position for position, one in enumerate(history) for step in one.steps if isinstance(step, Append)
    }
    seen = {last for one in history if one.outcome == "ok" for step in one.steps for last in _shown(step)}
    committed = [_stands(one, seen) for one in history]
    orders = _orders(history, committed, told)
    _judge_reads(history, writers, told)
    graph = _dependencies(history, committed, writers, orders)
    return [*told, *(_worst_cycle(history, graph, knot) for knot in graph.knots())]


def _orders(history: Sequence[Transaction], committed: Sequence[bool], told: list[Anomaly]) -> dict[str, list[str]]:
    """The order of each list: as the longest read shows it, which every other read must be a beginning of."""
    standing = [one for one, stands in zip(history, committed, strict=True) if stands]
    reads = [(step, one) for one in standing for step in one.steps if isinstance(step, Read)]
    longest: dict[str, tuple[Read, Transaction]] = {}
    for read, one in reads:
        if read.key not in longest or len(read.values) > len(longest[read.key][0].values):
            longest[read.key] = read, one
    for read, one in reads:
        whole, other = longest[read.key]
        if read.values != whole.values[: len(read.values)]:
            message = f"{one.said} and {other.said} read {read.key} in orders that exclude each other"
            told.append(Anomaly("incompatible_order", message, (one, other)))
    appended = {step.key: [step.value] for one in standing for step in one.steps if isinstance(step, Append)}
    return {**appended, **{key: list(read.values) for key, (read, _) in longest.items()}}


def _judge_reads(history: Sequence[Transaction], writers: dict[str, int], told: list[Anomaly]) -> None:
    finals = {
        (position, step.key): step.value
        for position, one in enumerate(history)
        for step in one.steps
        if isinstance(step, Append)
    }
    for position, one in enumerate(history):
        for step in one.steps if one.outcome == "ok" else ():
            shown = _shown(step)
            for value in shown:
                told.extend(_aborted(history, one, step.key, value, writers.get(value)))
            writer = writers.get(shown[-1]) if shown else None
            if writer not in (None, position) and finals[writer, step.key] != shown[-1]:
                message = f"{one.said} read {step.key} in the middle of {history[writer].said}"
                told.append(Anomaly("g1b", message, (one, history[writer])))


def _aborted(
    history: Sequence[Transaction], reader: Transaction, key: str, value: str, writer: int | None
) -> Iterator[Anomaly]:
    if writer is None:
        yield Anomaly("g1a", f"{reader.said} read {value} of {key}, which nobody wrote", (reader,))
    elif history[writer].outcome == "fail":
        other = history[writer]
        yield Anomaly("g1a", f"{reader.said} read {value} of {key}, which {other.said} had taken back", (reader, other))


def _dependencies(
    history: Sequence[Transaction],
    committed: Sequence[bool],
    writers: dict[str, int],
    orders: dict[str, list[str]],
) -> _Graph:
    graph = _Graph()
    after: dict[tuple[str, str], str] = {}
    for key, values in orders.items():
        standing = [value for value in values if value in writers and committed[writers[value]]]
        for before, later in zip(["", *standing], standing, strict=False):
            after[key, before] = later
            if before:
                graph.add(writers[before], writers[later], "ww", key)
    for position, one in enumerate(history):
        for step in one.steps if committed[position] else ():
            if isinstance(step, Append):
                continue
            last = step.last if isinstance(step, Saw) else (step.values[-1] if step.values else "")
            if last in writers and committed[writers[last]]:
                graph.add(writers[last], position, "wr", step.key)
            later = after.get((step.key, last))
            if later is not None and writers[later] != writers.get(last):
                graph.add(position, writers[later], "rw", step.key)
    return graph


def _worst_cycle(history: Sequence[Transaction], graph: _Graph, knot: set[int]) -> Anomaly:
    inner = _Graph()
    for before in knot:
        for there, (dependency, key) in graph.edges[before].items():
            if there in knot:
                inner.add(before, there, dependency, key)
    cycle = _shortest(inner, WRITES, WRITES)
    kind = "g0"
    if cycle is None:
        kind, cycle = "g1c", _shortest(inner, frozenset({"wr"}), INFORMATION)
    if cycle is None:
        kind, cycle = "g_single", _shortest(inner, frozenset({"rw"}), INFORMATION)
    if cycle is None:
        kind, cycle = "g2_item", _shortest(inner, frozenset({"rw"}), ANY)
    assert cycle is not None, "a knot without a cycle"
    steps = [history[cycle[0]].said]
    for before, there in pairwise(cycle):
        dependency, key = inner.edges[before][there]
        steps.append(f"-{dependency} {key}→ {history[there].said}")
    return Anomaly(kind, " ".join(steps), tuple(history[position] for position in cycle[:-1]))


def _shortest(graph: _Graph, first: frozenset[Dependency], rest: frozenset[Dependency]) -> list[int] | None:
    """The shortest cycle of one edge of the `first` kinds and others of the `rest`, its start repeated at its end."""
    starts = [
        (before, there)
        for before in sorted(graph.edges)
        for there, (dependency, _) in sorted(graph.edges[before].items())
        if dependency in first
    ]
    found: list[int] | None = None
    for before, there in starts[:STARTS_MAX]:
        way = graph.path(there, before, rest)
        if way is not None and (found is None or len(way) + 1 < len(found)):
            found = [before, *way]
    return found


def _walked(came: dict[int, int], start: int, end: int) -> list[int]:
    way = [end]
    while way[-1] != start:
        way.append(came[way[-1]])
    return way[::-1]


def _shown(step: Append | Read | Saw) -> tuple[str, ...]:
    """The values that a step is sure to have seen."""
    if isinstance(step, Append):
        return ()
    return step.values if isinstance(step, Read) else tuple(filter(None, (step.last,)))


def _stands(one: Transaction, seen: Iterable[str]) -> bool:
    """Whether it was committed: by its own word, or because somebody saw what it did."""
    return one.outcome == "ok" or (
        one.outcome == "info" and any(isinstance(step, Append) and step.value in seen for step in one.steps)
    )

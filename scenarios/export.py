"""A run's histories in the words of other checkers, so that foreign code can judge them.

The clients' history is a Jepsen history: one map per record with index, time in nanoseconds, process, type, f and
value, as Knossos reads it (github.com/jepsen-io/knossos) and as elle-cli takes it in EDN, a series of maps, or in JSON,
an array of them (github.com/ligurio/elle-cli, "Usage"). Porcupine has no file format: its
`Operation{ClientId, Input, Call, Output, Return}` (github.com/anishathalye/porcupine, model.go) is the pair of records
of one process, `value` and `time` of the invocation and of its completion; a process has one operation at a time.

The stored histories are list-append histories for `elle-cli --model list-append`: values `[:append key n]` and
`[:r key [n …]]` with whole numbers for keys and elements. Nothing is known of when they were under way, so each is a
process of its own and all of them are concurrent: ask for `serializable`, not for `strict-serializable`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, cast

import msgspec

from compose.operator_error import OperatorError
from scenarios.checkers.list_append import Append, Read, Saw, Transaction
from scenarios.checkers.transactions import of_the_ledger, of_the_orders
from scenarios.evidence import Evidence, in_scope
from scenarios.history import Record

NANOSECONDS: Final = 1_000_000_000
ELEMENTS_MAX: Final = 5_000_000
"""A read is written as the whole list that it saw; a ledger of many thousand entries would be gigabytes."""
ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}

Operation = dict[str, Any]


class Keyword(str):
    """A text that EDN writes as a keyword."""

    __slots__ = ()


def clients(evidence: Evidence) -> list[Operation]:
    """What every client tried and was told."""
    return [_operation(record) for record in evidence.history]


def ledger(evidence: Evidence) -> list[Operation]:
    """The bookings. Raises OperatorError (export.too_large)."""
    return _list_append(of_the_ledger(in_scope(evidence)))


def orders(evidence: Evidence) -> list[Operation]:
    """The changes of the run's orders. Raises OperatorError (export.too_large)."""
    return _list_append(of_the_orders(in_scope(evidence)))


HISTORIES: dict[str, Callable[[Evidence], list[Operation]]] = {"clients": clients, "ledger": ledger, "orders": orders}


def as_edn(operations: Iterable[Operation]) -> Iterator[str]:
    """One line per operation."""
    return (edn(operation) for operation in operations)


def as_json(operations: Iterable[Operation]) -> Iterator[str]:
    """An array, one line per operation."""
    lines = [json.dumps(operation, separators=(",", ":")) for operation in operations]
    yield "["
    yield from (f"{line}," for line in lines[:-1])
    yield from lines[-1:]
    yield "]"


def edn(value: Any) -> str:
    """A value as EDN (github.com/edn-format/edn): nil, booleans, numbers, strings, keywords, vectors, maps."""
    match value:
        case Keyword():
            text = f":{value.replace('_', '-')}"
        case str():
            text = f'"{"".join(ESCAPES.get(char, char) for char in value)}"'
        case dict():
            pairs = cast("dict[str, Any]", value).items()
            text = f"{{{', '.join(f'{edn(Keyword(key))} {edn(item)}' for key, item in pairs)}}}"
        case list() | tuple():
            text = f"[{' '.join(edn(item) for item in cast('Sequence[Any]', value))}]"
        case None:
            text = "nil"
        case _:
            text = repr(value).lower()
    return text


def _operation(record: Record) -> Operation:
    told = {
        "index": record.index,
        "time": round(record.time_s * NANOSECONDS),
        "process": record.process,
        "type": Keyword(record.type),
        "f": Keyword(record.function),
        "value": msgspec.to_builtins(record.value),
    }
    more = {"key": record.key, "error": record.error, "trace_id": record.trace_id}
    return told | {name: value for name, value in more.items() if value}


def _list_append(history: list[Transaction]) -> list[Operation]:
    numbers = _Numbers()
    lists = _Lists(history)
    size = 0
    invoked: list[Operation] = []
    completed: list[Operation] = []
    for process, one in enumerate(history):
        asked: list[Any] = []
        told: list[Any] = []
        for step in one.steps:
            key = numbers.key(step.key)
            if isinstance(step, Append):
                asked.append([Keyword("append"), key, numbers.value(step.value)])
                told.append(asked[-1])
                continue
            values = lists.seen_by(step)
            size += len(values)
            if size > ELEMENTS_MAX:
                raise OperatorError(
                    "export.too_large",
                    f"The reads of this history have more than {ELEMENTS_MAX:,} elements.",
                    mend="Export a run of a fresh fleet (down --wipe, up), or its --history clients or orders.",
                )
            asked.append([Keyword("r"), key, None])
            told.append([Keyword("r"), key, [numbers.value(value) for value in values]])
        common = {"process": process, "f": Keyword("txn"), "trace_id": one.trace_id, "id": one.id}
        invoked.append({"type": Keyword("invoke"), "value": asked, **common})
        completed.append({"type": Keyword(one.outcome), "value": told, **common})
    every = [*invoked, *completed]
    return [{"index": index, "time": index, **operation} for index, operation in enumerate(every)]


class _Numbers:
    """Whole numbers for keys and values, in the order in which they are met."""

    def __init__(self) -> None:
        self._keys: dict[str, int] = {}
        self._values: dict[str, int] = {}

    def key(self, name: str) -> int:
        return self._keys.setdefault(name, len(self._keys) + 1)

    def value(self, name: str) -> int:
        return self._values.setdefault(name, len(self._values) + 1)


class _Lists:
    """What a read had seen that is known by its end alone: the last read of all, up to there."""

    def __init__(self, history: list[Transaction]) -> None:
        self._place: dict[str, tuple[tuple[str, ...], int]] = {
            value: (step.values, position)
            for one in history
            for step in one.steps
            if isinstance(step, Read)
            for position, value in enumerate(step.values)
        }

    def seen_by(self, step: Read | Saw) -> tuple[str, ...]:
        if isinstance(step, Read):
            return step.values
        if step.last not in self._place:
            return (step.last,) if step.last else ()
        whole, position = self._place[step.last]
        return whole[: position + 1]

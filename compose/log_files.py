"""The log files of a stack as one stream: found by process, merged by time, filtered by trace."""

import heapq
import json
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from compose.growing_file import GrowingFile
from compose.layout import Layout
from compose.operator_error import OperatorError

TAIL_BYTES_MAX: Final = 4_000_000
FOLLOW_PAUSE_SECONDS: Final = 0.2
OWN_KEYS: Final = ("time", "timestamp", "level", "service", "instance", "event", "trace_id", "logger")
TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
ISO_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)[.,]?(\d{0,6})")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of one process; `at` sorts (ISO time, or that of the line before it)."""

    at: str
    process: str
    raw: str
    fields: dict[str, Any] | None

    def is_of(self, trace: str) -> bool:
        """Whether the line says that it belongs to the trace; a line that is no JSON names it as a whole word."""
        if self.fields is not None:
            return self.fields.get("trace_id") == trace
        return re.search(rf"(?<![0-9a-f]){trace}(?![0-9a-f])", self.raw) is not None

    def pretty(self) -> str:
        """The line for people: time, process, level, event, the other fields, a short trace."""
        if self.fields is None:
            return f"{self.process:<15} {self.raw}"
        fields = self.fields
        rest = " ".join(f"{key}={_short(value)}" for key, value in fields.items() if key not in OWN_KEYS)
        trace = f" trace={fields['trace_id']}" if fields.get("trace_id") else ""
        level = str(fields.get("level", "")).upper()
        clock = self.at[11:23]
        return f"{clock:<12} {self.process:<15} {level:<7} {fields.get('event', '')} {rest}".rstrip() + trace


def find(layout: Layout, name: str) -> list[Path]:
    """The log files of a process, of all instances of a service, or all. Raises OperatorError `logs.unknown`."""
    files = sorted(layout.logs.glob("*.log"))
    files = [path for path in files if not path.name.startswith("shopctl-")]
    if not name:
        return files
    found = [path for path in files if path.stem == name or re.fullmatch(rf"{re.escape(name)}-\d+", path.stem)]
    if not found:
        known = ", ".join(path.stem for path in files) or "none yet"
        raise OperatorError(
            "logs.unknown", f"There is no log of {name!r} in {layout.logs}.", mend=f"There are: {known}."
        )
    return found


def trace_id(text: str) -> str:
    """A trace id as logs carry it, or empty for all lines. Raises OperatorError `logs.trace`."""
    if text and not TRACE_ID.fullmatch(text):
        raise OperatorError(
            "logs.trace",
            f"{text!r} is no trace id.",
            mend="It is the 32 hex digits of an answer's X-Trace-Id.",
            exit_code=2,
        )
    return text


def read(files: Iterable[Path], count: int, trace: str = "") -> list[LogLine]:
    """The last `count` lines of all files together, oldest first; with `trace`, only lines of that trace id."""
    return _merged((_tail(path) for path in files), trace)[-count:]


def follow(files: Iterable[Path], count: int, trace: str = "") -> Iterator[LogLine]:
    """What `read` gives, then every new line as it is written; never ends by itself."""
    followed = [_Followed(path) for path in files]
    yield from _merged((file.new_lines() for file in followed), trace)[-count:]
    while True:
        batch = _merged((file.new_lines() for file in followed), trace)
        yield from batch
        if not batch:
            time.sleep(FOLLOW_PAUSE_SECONDS)


def _merged(streams: Iterable[Iterable[LogLine]], trace: str) -> list[LogLine]:
    wanted = ([line for line in lines if not trace or line.is_of(trace)] for lines in streams)
    return list(heapq.merge(*wanted, key=lambda line: line.at))


class _Followed:
    """One log being written, from its tail on; a line without a time has that of the line before it."""

    def __init__(self, path: Path) -> None:
        self._process = path.stem
        self._file = GrowingFile(path, offset=_start_of_tail(path), bytes_max=TAIL_BYTES_MAX)
        self._at = ""

    def new_lines(self) -> list[LogLine]:
        lines: list[LogLine] = []
        for raw in self._file.new_lines():
            lines.append(parse(raw.decode(errors="replace"), self._process, self._at))
            self._at = lines[-1].at
        return lines


def parse(raw: str, process: str, before: str) -> LogLine:
    """One raw line; one without a time of its own sorts with the line before it."""
    fields: dict[str, Any] | None = None
    if raw.startswith("{"):
        try:
            fields = json.loads(raw)
        except ValueError:
            fields = None
    at = str(fields.get("time") or fields.get("timestamp") or "") if fields else ""
    if not at and (found := ISO_TIME.search(raw[:80])):
        at = f"{found.group(1)}T{found.group(2)}.{found.group(3)[:3]:0<3}Z"
    return LogLine(at or before, process, raw, fields)


def _tail(path: Path) -> list[LogLine]:
    with path.open("rb") as file:
        file.seek(_start_of_tail(path))
        content = file.read().decode(errors="replace")
    lines: list[LogLine] = []
    for raw in content.splitlines():
        lines.append(parse(raw, path.stem, lines[-1].at if lines else ""))
    return lines


def _start_of_tail(path: Path) -> int:
    """Where the first whole line of the last `TAIL_BYTES_MAX` bytes begins."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        if size <= TAIL_BYTES_MAX:
            return 0
        file.seek(size - TAIL_BYTES_MAX)
        file.readline()
        return file.tell()


def _short(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))

"""Long work of many runs that goes on where it was stopped, however hard: what was chosen, and what was played of it.

Every run is written down as it ends; the result is written last and says that the work is finished.
"""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import msgspec

CHOICE: Final = "choice.json"
PLAYED: Final = "played.jsonl"

PlayedT = TypeVar("PlayedT", bound=msgspec.Struct)


class Journal(Generic[PlayedT]):
    """What was played, each line on the disk before the next run begins; a line that was cut off is none."""

    def __init__(self, directory: Path, kind: type[PlayedT]) -> None:
        self._path = directory / PLAYED
        self.played: list[PlayedT] = []
        if self._path.exists():
            whole = self._path.read_bytes()
            whole = whole[: whole.rfind(b"\n") + 1]
            self._path.write_bytes(whole)
            self.played = msgspec.json.Decoder(kind).decode_lines(whole)

    def append(self, played: PlayedT) -> None:
        self.played.append(played)
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(played) + b"\n")
            file.flush()
            os.fsync(file.fileno())


def spread(count: int, *, over: int) -> list[int]:
    """`count` in `over` shares as equal as can be, the last ones the larger."""
    return [count * (number + 1) // over - count * number // over for number in range(over)]


def open_directory(folder: Path, choice: msgspec.Struct, *, result: str, now: datetime | None = None) -> Path:
    """Where work of this choice was stopped before its `result`, else a new directory `<utc>` in the folder."""
    saved = msgspec.json.encode(choice)
    for directory in sorted(folder.glob("*"), reverse=True):
        unfinished = (directory / CHOICE).exists() and not (directory / result).exists()
        if unfinished and (directory / CHOICE).read_bytes() == saved:
            return directory
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%S%fZ")
    directory = folder / stamp
    directory.mkdir(parents=True)
    (directory / CHOICE).write_bytes(saved)
    return directory


def write_result(path: Path, found: Any) -> None:
    """As JSON, whole or not at all."""
    whole = path.with_suffix(".new")
    whole.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=2) + b"\n")
    whole.replace(path)

"""Append records to one journal so that they outlive a kill -9 of this process.

Each append is one write(2) before the caller goes on: what was answered was journalled first. There is no fsync;
the journal is safe against the death of the process, not of the machine. Nothing here can shorten a journal,
but for the torn last line of a killed writer.
"""

import fcntl
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from scenarios.world.journals import Record, last_n

R = TypeVar("R", bound=Record)


class JournalInUseError(Exception):
    """Another process writes this journal."""


class JournalWriter(Generic[R]):
    """The only writer of one journal file, guarded by a lock that dies with its process."""

    def __init__(self, path: Path) -> None:
        """Raises JournalInUseError while another writer holds the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._descriptor)
            raise JournalInUseError(f"{path} is being written by another process") from error
        self._cut_torn_tail()
        self._n = last_n(path)
        self._encoder = msgspec.json.Encoder()

    @property
    def last_n(self) -> int:
        """The number of the last record written."""
        return self._n

    def append(self, record: R) -> R:
        """Number, date and write one record; returns it."""
        self.append_many((record,))
        return record

    def append_many(self, records: Iterable[R]) -> None:
        """Write several records in one piece: a crash leaves all of them, or a prefix."""
        at = time.time()
        lines = bytearray()
        n = self._n
        for record in records:
            n += 1
            record.n = n
            record.at = at
            lines += self._encoder.encode(record)
            lines += b"\n"
        try:
            self._write(lines)
        except OSError:
            # A full disk may have taken half a line; the next record must not continue it.
            self._cut_torn_tail()
            self._n = last_n(self.path)
            raise
        self._n = n

    def close(self) -> None:
        """Release the file; safe to repeat."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, lines: bytearray) -> None:
        left = memoryview(lines)
        while left:
            left = left[os.write(self._descriptor, left) :]

    def _cut_torn_tail(self) -> None:
        block = 65_536
        size = end = os.fstat(self._descriptor).st_size
        while end > 0:
            start = max(0, end - block)
            newline = os.pread(self._descriptor, end - start, start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end < size:
            os.ftruncate(self._descriptor, end)

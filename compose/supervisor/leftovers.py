"""Processes a dead supervisor left behind, known by pid and start time, and their end."""

import contextlib
import os
import signal
import time
from typing import Final

from compose.layout import Layout
from compose.state import ProcessRecord, load

GENTLE_SECONDS_MAX: Final = 3.0
KILL_SECONDS_MAX: Final = 5.0
PAUSE_SECONDS: Final = 0.02


def find(layout: Layout) -> list[ProcessRecord]:
    """The recorded processes of a home that still run."""
    known = load(layout)
    return [record for record in known.processes if record.is_running] if known else []


def sweep(layout: Layout) -> list[ProcessRecord]:
    """End every leftover; returns them. PostgreSQL is asked first, so that it frees its shared memory."""
    left = find(layout)
    end(left)
    return left


def end(left: list[ProcessRecord]) -> None:
    """End these processes; returns when they are gone."""
    for record in left:
        _send(record, signal.SIGQUIT if record.name == "postgres" else signal.SIGKILL)
        _send(record, signal.SIGCONT)
    if not _all_gone(left, GENTLE_SECONDS_MAX):
        for record in left:
            _send(record, signal.SIGKILL)
        _all_gone(left, KILL_SECONDS_MAX)


def _all_gone(records: list[ProcessRecord], seconds_max: float) -> bool:
    deadline = time.monotonic() + seconds_max
    while any(record.is_running for record in records):
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE_SECONDS)
    return True


def _send(record: ProcessRecord, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(record.pid)
        try:
            if record.is_running:  # looked at after the handle was opened: never a later process
                signal.pidfd_send_signal(handle, number)
        finally:
            os.close(handle)

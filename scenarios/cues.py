"""When something of a run is due: after some seconds of load, at a share of its work, or at a signal of the workload.

A cue is a value; `Cues` is what a workload tells of its progress, and who waits for it.
"""

import asyncio
from collections.abc import Callable

import msgspec

Callback = Callable[[], object]


class After(msgspec.Struct, frozen=True, tag=True):
    """So many seconds after the load began."""

    seconds: float

    def __str__(self) -> str:
        return f"after {self.seconds:g} s"


class AtShare(msgspec.Struct, frozen=True, tag=True):
    """When this share of the work is done, from 0 to 1; what counts as work the workload says."""

    share: float

    def __str__(self) -> str:
        return f"at {self.share:.0%} of the work"


class OnSignal(msgspec.Struct, frozen=True, tag=True):
    """When the workload gives the signal of this name."""

    name: str

    def __str__(self) -> str:
        return f"on {self.name}"


Cue = After | AtShare | OnSignal


class Cues:
    """Calls back once for every cue that came; a cue that never comes calls nobody. One event loop's own."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Cue, Callback]] = []
        self._timers: list[asyncio.TimerHandle] = []

    def at(self, cue: Cue, callback: Callback) -> None:
        """Call back once when the cue comes. Before `begin`."""
        self._waiting.append((cue, callback))

    def begin(self) -> None:
        """The load begins now."""
        loop = asyncio.get_running_loop()
        for cue, callback in self._taken(lambda cue: isinstance(cue, After)):
            assert isinstance(cue, After)
            self._timers.append(loop.call_later(cue.seconds, callback))

    def done(self, share: float) -> None:
        """So much of the work is done."""
        self._call(lambda cue: isinstance(cue, AtShare) and cue.share <= share)

    def signal(self, name: str) -> None:
        """What this name stands for has happened."""
        self._call(lambda cue: isinstance(cue, OnSignal) and cue.name == name)

    def end(self) -> None:
        """The load is over: what is not due by now never will be."""
        for timer in self._timers:
            timer.cancel()
        self._waiting.clear()

    def _call(self, due: Callable[[Cue], bool]) -> None:
        for _, callback in self._taken(due):
            callback()

    def _taken(self, due: Callable[[Cue], bool]) -> list[tuple[Cue, Callback]]:
        taken = [waiting for waiting in self._waiting if due(waiting[0])]
        self._waiting = [waiting for waiting in self._waiting if not due(waiting[0])]
        return taken

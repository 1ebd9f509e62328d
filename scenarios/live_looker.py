"""The eyes of a live watch: a process of its own, so that looking takes no time from the one that makes the load.

It is told on its standard input what to look at, one line of JSON, then the facts of each look; it answers each with a
line: the invariants that are violated, or nothing when it could not look. It ends when its input does.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from scenarios.checkers import Outcome, Result, named
from scenarios.evidence import Evidence, RunFacts, in_scope
from scenarios.history import read_history
from scenarios.snapshots import take_snapshots

NICENESS: Final = 10
LINE_BYTES_MAX: Final = 1 << 24


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look: the audit views by service, the growing history, the checkers by id."""

    urls: dict[str, str]
    history: str
    checkers: tuple[str, ...]


class LookerDiedError(Exception):
    """The process that looks is gone; what it said last is on standard error."""


async def look(sight: Sight, facts: RunFacts) -> list[Result] | None:
    """The violated invariants as the fleet stands; None when a view could not be read.

    The history is read first: a unit that comes back between the two reads is then no unit too many.
    """
    checkers = named(*sight.checkers)
    history = read_history(Path(sight.history))
    snapshots = await take_snapshots(sight.urls, only={need for checker in checkers for need in checker.needs})
    if snapshots.problems:
        return None
    evidence = in_scope(Evidence(facts=facts, history=history, audit=snapshots.tables))
    results = [checker.check(evidence) for checker in checkers]
    return [msgspec.structs.replace(result, stakes=()) for result in results if result.outcome is Outcome.FAIL]


class Looker:
    """The process, from the side of who asks it. Started by the first look; one look at a time."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._process: Process | None = None

    async def look(self, facts: RunFacts) -> list[Result] | None:
        """What `look` finds. Raises LookerDiedError."""
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", __name__, stdin=PIPE, stdout=PIPE, limit=LINE_BYTES_MAX, start_new_session=True
            )
            self._tell(self._process, self._sight)
        self._tell(self._process, facts)
        assert self._process.stdout is not None, "its output is a pipe"
        answer = await self._process.stdout.readline()
        if not answer:
            raise LookerDiedError(f"exit code {await self._process.wait()}")
        return msgspec.json.decode(answer, type=list[Result] | None)

    async def close(self) -> None:
        """It needs no goodbye: it holds nothing."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.kill()
        await self._process.communicate()
        assert self._process.stdin is not None, "its input is a pipe"
        self._process.stdin.close()
        with suppress(BrokenPipeError, ConnectionResetError):  # what was on the way to it
            await self._process.stdin.wait_closed()

    @staticmethod
    def _tell(process: Process, what: msgspec.Struct) -> None:
        assert process.stdin is not None, "its input is a pipe"
        process.stdin.write(msgspec.json.encode(what) + b"\n")


def main() -> None:
    """Answer every line until there is none."""
    os.nice(NICENESS)
    sight = msgspec.json.decode(sys.stdin.buffer.readline(), type=Sight)
    for line in sys.stdin.buffer:
        found = asyncio.run(look(sight, msgspec.json.decode(line, type=RunFacts)))
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()

"""The invariants that are watched while a run goes on: "first violation at t" while it happens.

It only looks and tells: what it sees is no part of the evidence and changes no verdict. A look may fall between two
writes, so a violation is told when two looks in a row have seen it. Its share of the time is bounded.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Self

from scenarios.checkers import Checker, Result

LIVE: Final = ("INV-02", "INV-07")
"""Those that hold at every moment, by rows that are written in one transaction each and by what clients were told."""
PAUSE_S_MIN: Final = 1.0
PAUSE_SHARE: Final = 4
"""A pause is at least so many times as long as the look before it."""

Look = Callable[[], Awaitable[list[Result] | None]]
Tell = Callable[[str], None]


def live(checkers: Iterable[Checker]) -> tuple[Checker, ...]:
    """Those of the checkers that can be asked at any moment."""
    return tuple(checker for checker in checkers if checker.id in LIVE)


class LiveWatch:
    """Looks again and again between entering and leaving, and tells each invariant's first violation once.

    `look` gives the violated invariants as they stand, or None when it could not look; `since_at` (epoch seconds) is
    what moments are told from. A watch that fails says so and ends; the run goes on.
    """

    def __init__(self, look: Look, tell: Tell, *, since_at: float | None = None, pause_s: float = PAUSE_S_MIN) -> None:
        self.seen: dict[str, Result] = {}
        self._look = look
        self._tell = tell
        self._since_at = since_at
        self._pause_s = pause_s
        self._suspected: frozenset[str] = frozenset()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *failure: object) -> None:
        assert self._task is not None, "left without having been entered"
        self._task.cancel()
        (ended,) = await asyncio.gather(self._task, return_exceptions=True)
        if isinstance(ended, Exception):
            self._tell(f"the live watch ended early, the run did not: {type(ended).__name__}: {ended}")

    async def until_seen(self) -> None:
        """Look until a violation is seen."""
        while not self.seen:
            await self.turn()

    async def once(self) -> None:
        """One look, and a word about each invariant that this look and the one before saw violated."""
        found = await self._look()
        if found is None:
            return
        failed = {result.id: result for result in found}
        for invariant in sorted(failed.keys() & self._suspected - self.seen.keys()):
            self.seen[invariant] = failed[invariant]
            self._tell(self._said(failed[invariant]))
        self._suspected = frozenset(failed)

    async def _watch(self) -> None:
        while True:
            await self.turn()

    async def turn(self) -> None:
        """One look, and the pause that it earns."""
        started = time.monotonic()
        await self.once()
        await asyncio.sleep(max(self._pause_s, PAUSE_SHARE * (time.monotonic() - started)))

    def _said(self, result: Result) -> str:
        first = result.first
        assert first is not None, "a failed result without a violation"
        when = ""
        if first.at is not None and self._since_at is not None:
            when = f" at t = {first.at - self._since_at:.1f} s"
        return f"first violation{when} (the run goes on): {result.id} {result.name}: {first.message}"

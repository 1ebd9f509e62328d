"""Ending background tasks for certain."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_S = 2.0
"""Longer than what a task has to tidy up, shorter than the patience of who stops the process."""


async def cancel_all(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel the tasks until each has ended, however; what they raise is theirs to report.

    Cancelling once is not enough before Python 3.12: `asyncio.wait_for`, with which the Redis client sends, loses a
    cancellation that comes when the command is just done (python/cpython#86296), and a loop goes on for ever.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)

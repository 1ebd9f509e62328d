"""What the gateway follows in the background for as long as it runs: the key set of auth, and ended sessions."""

import asyncio

import structlog

from shared.cancellation import cancel_all
from svc.gateway.revocations import Revocations
from svc.gateway.user_tokens import UserTokens

log = structlog.get_logger(__name__)


class Watchers:
    """Two tasks; one that ends by itself is a bug and is logged as such."""

    def __init__(self, users: UserTokens, revocations: Revocations) -> None:
        self._work = (("jwks", users.refresh_forever), ("revocations", revocations.watch))
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        for name, run in self._work:
            task = asyncio.create_task(run(), name=name)
            task.add_done_callback(_report_end)
            self._tasks.append(task)

    async def close(self) -> None:
        await cancel_all(self._tasks)


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        log.error("watcher_ended", task=task.get_name(), error=repr(task.exception()))

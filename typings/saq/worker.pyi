from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, ClassVar

from saq.job import CronJob
from saq.queue.redis import RedisQueue

class Worker:
    SIGNALS: ClassVar[list[Any]]
    def __init__(
        self,
        queue: RedisQueue,
        functions: Collection[tuple[str, Callable[..., Awaitable[None]]]],
        *,
        concurrency: int = 10,
        cron_jobs: Collection[CronJob] | None = None,
        timers: Mapping[str, int] | None = None,
        dequeue_timeout: float = 0.0,
        shutdown_grace_period_s: int | None = None,
    ) -> None: ...
    async def start(self) -> None: ...

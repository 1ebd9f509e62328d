"""Works off one service's queue inside its own process."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

import structlog
from saq.job import CronJob, Job
from saq.worker import Worker

from shared import metrics
from shared.errors import WorldError
from shared.jobs_queue.queue import ATTEMPTS_MAX, DEQUEUE_S, JobKind, JobQueue
from shared.tracing import span

SCHEDULE_EVERY_S = 1
SWEEP_EVERY_S = 3
STOP_GRACE_S = 1

Run = Callable[..., Awaitable[None]]

logging.getLogger("saq").setLevel(logging.CRITICAL)  # it tells every job three times; what went wrong is logged here
log = structlog.get_logger(__name__)


class JobGivenUpError(Exception):
    """No further attempt would help: the job is dead now, until a person retries or drops it."""


class _Worker(Worker):
    SIGNALS: ClassVar[list[Any]] = []  # the server of the process ends it, not this worker


class JobWorker:
    """Runs the jobs of the kinds it is given; a kind with a cron line (UTC) also comes by itself."""

    name = "jobs"

    def __init__(
        self,
        queue: JobQueue,
        kinds: Mapping[JobKind, Run],
        *,
        at_once_max: int,
        crons: Mapping[JobKind, str] | None = None,
    ) -> None:
        self._queue = queue
        self._kinds = kinds
        self._at_once_max = at_once_max
        self._crons = crons or {}

    async def run(self) -> None:
        """Work until cancelled; jobs cut off go back to the queue."""
        functions = {kind: _function(kind, run) for kind, run in self._kinds.items()}
        worker = _Worker(
            self._queue.saq,
            [(kind.name, function) for kind, function in functions.items()],
            concurrency=self._at_once_max,
            cron_jobs=[
                CronJob(functions[kind], cron, timeout=kind.timeout_s, retries=kind.attempts_max)
                for kind, cron in self._crons.items()
            ],
            timers={"schedule": SCHEDULE_EVERY_S, "sweep": SWEEP_EVERY_S},
            dequeue_timeout=DEQUEUE_S,
            shutdown_grace_period_s=STOP_GRACE_S,
        )
        await worker.start()  # returns when it is cancelled, instead of passing that on
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError


def _function(kind: JobKind, run: Run) -> Callable[..., Awaitable[None]]:
    async def attempt(context: Mapping[str, Any], **arguments: str) -> None:
        job: Job = context["job"]
        outcome = "failed"
        with span(f"job {kind.name}", kind="consumer", parent=job.meta.get("traceparent", "")):
            try:
                await run(**arguments)
                outcome = "done"
            except JobGivenUpError as error:
                job.meta[ATTEMPTS_MAX], job.retries = job.retries, job.attempts
                outcome = "dead"
                log.exception("job_given_up", job=kind.name, key=job.key, reason=str(error))
                raise
            except WorldError as error:
                log.warning("job_waits", job=kind.name, key=job.key, attempt=job.attempts, error=repr(error))
                raise
            except Exception:
                log.exception("job_failed", job=kind.name, key=job.key, attempt=job.attempts)
                raise
            finally:
                metrics.observe_work(kind.name, outcome)

    attempt.__qualname__ = kind.name  # by which SAQ knows it
    return attempt

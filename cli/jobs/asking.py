"""What the commands of this group share: the board of the running stack, and its refusals in two lines."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from compose import state
from compose.operator_error import OperatorError
from scenarios.job_board import job_board
from shared.errors import RedisUnavailableError
from shared.jobs_queue import JobBoard, JobRow, JobUnknown

COLUMNS = ("service", "kind", "state", "attempts", "key", "error")


@asynccontextmanager
async def running_board() -> AsyncGenerator[JobBoard]:
    """The board of the running stack. Raises `OperatorError` (stack.down, redis.away, jobs.unknown)."""
    layout, _ = state.running()
    try:
        async with job_board(layout) as board:
            yield board
    except RedisUnavailableError as error:
        raise OperatorError("redis.away", "Redis does not answer.", mend="Look with: shopctl status.") from error
    except JobUnknown as unknown:
        raise OperatorError(
            "jobs.unknown", f"{unknown.detail.capitalize()}.", mend="List them with: shopctl jobs list."
        ) from unknown


def table_row(row: JobRow) -> tuple[object, ...]:
    """One line of the table."""
    return row.service, row.kind, row.state, f"{row.attempts}/{row.attempts_max}", row.key, row.error

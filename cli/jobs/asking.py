"""What the commands of this group share: the board of the running stack, its refusals, and dealing with dead jobs."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import typer

from cli import terminal
from compose import state
from compose.operator_error import OperatorError
from scenarios.job_board import job_board
from shared.errors import RedisUnavailableError
from shared.jobs_queue import JobBoard, JobRow, JobUnknown

COLUMNS = ("service", "kind", "state", "attempts", "key", "error")


@asynccontextmanager
async def running_board() -> AsyncGenerator[JobBoard]:
    """The board of the running stack. Raises `OperatorError` (stack.down, redis.away, jobs.unknown)."""
    _, running = state.running()
    try:
        async with job_board(running) as board:
            yield board
    except RedisUnavailableError as error:
        raise OperatorError("redis.away", "Redis does not answer.", mend="Look with: shopctl status.") from error
    except JobUnknown as unknown:
        raise OperatorError(
            "jobs.unknown", f"{unknown.detail.capitalize()}.", mend="List them with: shopctl jobs list."
        ) from unknown


def settle(how: Callable[[JobBoard, str], Awaitable[JobRow]], key: str, *, every: bool, json: bool, told: str) -> None:
    """Deal with one dead job, or with every one, and say so."""
    if bool(key) == every:
        raise typer.BadParameter("name one job, or give --all")

    async def carry_out() -> list[JobRow]:
        async with running_board() as board:
            keys = [row.key for row in await board.rows() if row.state == "dead"] if every else [key]
            return [await how(board, one) for one in keys]

    rows = asyncio.run(carry_out())
    if json:
        terminal.json([msgspec.to_builtins(row) for row in rows])
    else:
        terminal.ok(f"{told}: {len(rows)}.")


def table_row(row: JobRow) -> tuple[object, ...]:
    """One line of the table."""
    return row.service, row.kind, row.state, f"{row.attempts}/{row.attempts_max}", row.key, row.error

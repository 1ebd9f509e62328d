"""A process dies at the point it is told to, and passes all others."""

import asyncio
import signal
import sys

PLAY = """
from shared import crash_points
crash_points.reach("charge", "after-call")
crash_points.arm(crash_points.name_of("charge", "after-call"))
crash_points.reach("charge", "before-call")
crash_points.reach("refund", "after-call")
print("alive", flush=True)
{last}
crash_points.reach("charge", "after-call")
print("still alive", flush=True)
"""


async def played(last: str) -> tuple[int | None, list[str]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PLAY.format(last=last), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode().splitlines()


async def test_a_process_dies_at_its_point_and_at_no_other() -> None:
    assert await played("") == (-signal.SIGKILL, ["alive"])


async def test_a_process_that_is_to_die_nowhere_lives() -> None:
    assert await played("crash_points.arm(crash_points.NOWHERE)") == (0, ["alive", "still alive"])

"""Attackers that others wrote, each in an environment of its own: some of them pin libraries of the project's own.

A tool is the program of a package of the Python index, at a version of its own; nothing of it is shipped or imported.
"""

import asyncio
import os
import signal
from pathlib import Path
from typing import NamedTuple

VERSIONS = {
    "schemathesis": "4.32.5",
    "sqlmap": "1.10.10",
    "wapiti3": "3.2.3",
    "bandit": "1.9.4",
    "semgrep": "1.185.0",
}
PROGRAMS = {"wapiti3": "wapiti"}
"""Where the program is not called as its package is."""


class Ended(NamedTuple):
    """What a tool said, and with which exit code."""

    code: int
    output: str


async def run(tool: str, *arguments: str, cwd: Path, deadline_s: float, **environment: str) -> Ended:
    """Run the tool to its end. Raises TimeoutError at the deadline, when it and what it started are ended."""
    wanted = f"{tool}=={VERSIONS[tool]}"
    command = ("uv", "tool", "run", "--quiet", "--from", wanted, PROGRAMS.get(tool, tool), *arguments)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    started = await asyncio.create_subprocess_exec(
        *command,
        cwd=cwd,
        env=inherited | environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(deadline_s):
            output, _ = await started.communicate()
    finally:
        if started.returncode is None:
            os.killpg(started.pid, signal.SIGKILL)
            await started.wait()
    assert started.returncode is not None
    return Ended(started.returncode, output.decode(errors="replace"))

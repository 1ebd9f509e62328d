"""The fork parent reports the exit code of each process as it was, however many start and end meanwhile."""

import subprocess
import sys
from typing import Final

FORKS: Final = 800
SECONDS_MAX: Final = 60.0
PROGRAM: Final = f"""
import asyncio, collections, os
from compose.supervisor.forks import ForkParent

async def main():
    parent = ForkParent([], None)
    codes = collections.Counter()
    async def lane():
        for _ in range({FORKS} // 16):
            forked = await parent.fork(os._exit, 7)
            await forked.ended.wait()
            codes[forked.exit_code] += 1
    await asyncio.gather(*(lane() for _ in range(16)))
    print(dict(codes))

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_every_exit_code_is_read_once_and_by_whom_it_concerns(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)

    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )

    assert done.stderr == ""
    assert done.stdout.strip() == str({7: FORKS})

"""What outlives the command that started it keeps nothing of that command's."""

import os
import sys
from pathlib import Path

from compose import launch


def test_the_supervisor_inherits_no_open_file(tmp_path: Path) -> None:
    """A lock of the caller's shell, or the pipe somebody waits at the end of, would be held for as long as it runs."""
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    log = tmp_path / "log"
    code = "import os; print(sorted(int(name) for name in os.listdir('/proc/self/fd')))"
    try:
        pid = launch._spawn_detached([sys.executable, "-c", code], log, dict(os.environ))
        assert os.waitpid(pid, 0)[1] == 0
    finally:
        os.close(reading)
        os.close(writing)
    listed = 3
    assert log.read_text() == f"{[0, 1, 2, listed]}\n"

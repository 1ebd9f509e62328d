"""What outlives the command that started it keeps nothing of that command's."""

import os
import sys
from pathlib import Path

import pytest

from compose import launch
from compose.layout import Layout


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


def test_memory_goes_back_to_the_system_unless_the_caller_has_said_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "7")
    monkeypatch.delenv("MALLOC_MMAP_THRESHOLD_", raising=False)
    environ = launch._environ(Layout(tmp_path, tmp_path, 21_000))
    assert (environ["MALLOC_TRIM_THRESHOLD_"], environ["MALLOC_MMAP_THRESHOLD_"]) == ("7", "131072")

"""What outlives the command that started it keeps nothing of that command's."""

import os
import sys
from pathlib import Path

import pytest

from compose import launch
from compose.layout import Layout
from compose.operator_error import OperatorError


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


@pytest.mark.parametrize("base", [80, 70_000])
def test_a_refused_start_leaves_no_home_behind(tmp_path: Path, base: int) -> None:
    home = tmp_path / "home"
    with pytest.raises(OperatorError) as refused:
        launch.up(home, port_base=base)
    assert refused.value.code == "port.range"
    assert not home.exists()


def test_a_refused_start_leaves_a_home_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("kept")
    with pytest.raises(OperatorError):
        launch.up(tmp_path, port_base=80)
    assert (tmp_path / "mine").read_text() == "kept"

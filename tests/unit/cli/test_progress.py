"""Bars on a terminal, and the one line where there is none."""

from io import StringIO

import pytest
from rich.console import Console

from cli import terminal


def test_a_total_that_turns_out_to_be_another_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, width=100, color_system=None)
    monkeypatch.setattr(terminal, "_console", lambda **_: console)
    with terminal.progress() as bars:
        bars.report("documents", 0, 1)
        bars.report("documents", 100, 250)
        bars.report("documents", 248, 248)
    assert "248/248" in screen.getvalue()


def test_without_a_terminal_only_the_end_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.progress() as bars:
        bars.report("documents", 100, 250)
        bars.report("documents", 250, 250)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "documents: 250\n")

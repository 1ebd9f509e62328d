"""What a command line says when its output takes nothing, and how it prints where there is little room."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import terminal
from tests.support.command_line import ROOT, shopctl_apart

COMMANDS = [["scenario", "list"], ["scenario", "list", "--json"], ["--help"], ["--version"]]
NARROW = 40


def lines_of(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_closed_output_is_the_operators_matter(command: list[str]) -> None:
    said = shopctl_apart(*command, prepare=lambda: os.close(1))
    assert said.code == 3
    assert lines_of(said.err) == [
        "The output cannot be written: Bad file descriptor.",
        "Send it to a file or terminal that is open and has room.",
    ]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_full_output_blames_the_output_and_not_the_disk_of_the_stack(command: list[str]) -> None:
    argv = [sys.executable, "-m", "cli.main", *command]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(argv, check=False, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert done.returncode == 3
    assert lines_of(done.stderr)[0] == "The output cannot be written: No space left on device."
    assert len(lines_of(done.stderr)) == 2


def test_a_closed_error_stream_changes_no_exit_code() -> None:
    assert shopctl_apart("frob", prepare=lambda: os.close(2)).code == 2


def test_a_reader_that_has_seen_enough_is_no_failure() -> None:
    argv = [sys.executable, "-m", "cli.main", "scenario", "list"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_a_table_too_wide_for_the_terminal_becomes_records(capsys, monkeypatch) -> None:
    monkeypatch.setattr(terminal, "PLAIN_WIDTH", NARROW)
    rows = [("inventory-1", "ready", "http://127.0.0.1:8003/health/ready", None), ("kafka", "crashed", "", 7)]
    terminal.table(("process", "state", "address", "restarts"), rows)
    assert capsys.readouterr().out == (
        "process: inventory-1\nstate: ready\naddress: http://127.0.0.1:8003/health/ready\n\n"
        "process: kafka\nstate: crashed\nrestarts: 7\n\n"
    )


def test_a_table_whose_words_fit_stays_a_table(capsys, monkeypatch) -> None:
    monkeypatch.setattr(terminal, "PLAIN_WIDTH", NARROW)
    terminal.table(("process", "what"), [("kafka", "a long sentence that is folded between its words")])
    out = capsys.readouterr().out
    assert "process: " not in out
    assert all(
        word in out.split() for word in ["a", "long", "sentence", "that", "is", "folded", "between", "its", "words"]
    )


@pytest.mark.parametrize(("columns", "widest"), [(str(NARROW), NARROW), ("", 200), ("wide", 200), ("0", 200)])
def test_a_pipe_is_as_wide_as_columns_says(capsys, monkeypatch, columns, widest) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    terminal.table(("process", "what"), [("kafka", "word " * 100)])
    lines = capsys.readouterr().out.splitlines()
    assert widest - len("word ") <= max(len(line.rstrip()) for line in lines) <= widest

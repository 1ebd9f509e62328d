import os
import subprocess
import sys
from pathlib import Path

import pytest

import cli
from cli import main
from compose.ports import DEFAULT_BASE

HELP_SECONDS_MAX = 0.3
TRIES = 5


def test_help_is_quick():
    """By its own use of the processor: a busy machine makes it wait, not work."""

    def seconds() -> float:
        argv = [sys.executable, "-m", "cli.main", "--help"]
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return used.ru_utime + used.ru_stime

    assert min(seconds() for _ in range(TRIES)) < HELP_SECONDS_MAX


def test_help_imports_nothing_heavy():
    heavy = ("rich", "asyncpg", "litestar", "asyncio", "sqlalchemy")
    code = f"import sys, cli.main; cli.main.build(); print([name for name in {heavy} if name in sys.modules])"
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_every_command_file_is_listed():
    files = {path.stem for path in Path(cli.__file__).parent.glob("*.py")}
    packages = {path.parent.name for path in Path(cli.__file__).parent.glob("*/__init__.py")}
    assert (files | packages) - {"__init__", "main", "output", "terminal"} <= set(main.COMMANDS)


@pytest.mark.parametrize("command", ["up", "down", "status", "logs", "restart", "doctor"])
def test_every_command_shows_an_example(command, capsys):
    assert main.run([command, "--help"]) == 0
    assert f"shopctl {command}" in capsys.readouterr().out.split("Examples:")[1]


def test_no_arguments_show_the_help(capsys):
    assert main.run([]) == 0
    assert "Exit codes" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["frob"], ["up", "--frob"], ["up", "--only", "frob"], ["up", "--scale", "orders"], ["logs", "frob"]]
)
def test_usage_errors_exit_with_2_and_two_lines(arguments, capsys):
    assert main.run(arguments) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 2


def test_a_stack_that_is_down_exits_with_3_and_says_how_to_start_it(capsys):
    assert main.run(["status"]) == 3
    what, mend = capsys.readouterr().err.strip().splitlines()
    assert "No stack is running" in what
    assert mend == "Start one: shopctl up."


def test_stopping_what_does_not_run_is_fine(capsys):
    assert main.run(["down"]) == 0


def test_an_internal_error_exits_with_70_and_leaves_a_log_instead_of_a_traceback(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("compose.diagnosis.examine", lambda: 1 / 0)
    assert main.run(["doctor"]) == 70
    error = capsys.readouterr().err
    assert "Traceback" not in error
    (log,) = (tmp_path / "home" / "logs").glob("shopctl-*.log")
    assert str(log) in error
    assert "ZeroDivisionError" in log.read_text()


def test_the_version_is_printed(capsys):
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("shopctl ")


def test_doctor_names_the_engines_chosen(capsys):
    assert main.run(["doctor", "--json"]) in {0, 3}
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("postgres", "redis", "java", "kafka", "elasticsearch", str(DEFAULT_BASE)))

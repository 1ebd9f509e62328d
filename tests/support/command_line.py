"""`shopctl` as an operator meets it: one command line, its exit code and what it said."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cli import main

ROOT = Path(__file__).parents[2]
SECONDS_MAX = 60


@dataclass(frozen=True)
class Said:
    """What one command line came to."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it said to a person."""
        return self.err.strip().splitlines()


@pytest.fixture
def shopctl(capsys: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run a command line inside this process."""

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        code = main.run(arguments)
        return Said(code, *capsys.readouterr())

    return run


def shopctl_apart(*arguments: str, prepare: Callable[[], None] | None = None, **environ: str) -> Said:
    """Run a command line as a process of its own, which `prepare` may limit first."""
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=environ,
        preexec_fn=prepare,
        timeout=SECONDS_MAX,
    )
    return Said(done.returncode, done.stdout, done.stderr)

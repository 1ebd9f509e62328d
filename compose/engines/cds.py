"""Class-data archives: they cut a JVM engine's boot by more than half.

An archive is written by the JVM itself when its first run ends, is keyed by Java version and jar list,
and is only a speed-up: whatever goes wrong, the engine starts without one.
"""

import contextlib
import hashlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from compose.engines.java import NO_TRACE, Java

BASE_DUMP_SECONDS_MAX: Final = 60
ARCHIVE_BYTES_MIN: Final = 100_000
GC_FLAGS: Final = ("-XX:+UseSerialGC",)
QUIET: Final = (
    "-Xshare:auto",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "-Xlog:cds=off",
    "-Xlog:cds+dynamic=off",
)


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive of one engine on one Java: its flags for this start, and what to keep afterwards."""

    final: Path
    partial: Path | None
    flags: tuple[str, ...]

    def keep(self) -> None:
        """After a clean end: the archive just written becomes the one later starts use."""
        if self.partial is None:
            return
        with contextlib.suppress(OSError):
            if self.partial.stat().st_size >= ARCHIVE_BYTES_MIN:
                self.partial.replace(self.final)

    def discard(self) -> None:
        """The engine did not start with this archive: forget it."""
        with contextlib.suppress(OSError):
            self.final.unlink()


def prepare(cache: Path, java: Java, *, engine: str, jar_digest: str) -> Archive:
    """Flags that use the archive, or that write one at the end of this run. Blocking."""
    key = hashlib.sha256(f"{java.version_text}\n{jar_digest}\n{GC_FLAGS}".encode()).hexdigest()[:16]
    home = cache / "cds"
    final = home / f"{engine}-{key}.jsa"
    try:
        home.mkdir(parents=True, exist_ok=True)
        base = _base_archive(home, java)
        if final.is_file():
            chain = f"{base}:{final}" if base else str(final)
            return Archive(final, None, (*QUIET, f"-XX:SharedArchiveFile={chain}"))
        for abandoned in home.glob(f"{final.name}.*.partial"):
            if not Path(f"/proc/{abandoned.suffixes[-2][1:]}").exists():
                abandoned.unlink()
        partial = home / f"{final.name}.{os.getpid()}.partial"
        uses = (f"-XX:SharedArchiveFile={base}",) if base else ()
        return Archive(final, partial, (*QUIET, *uses, f"-XX:ArchiveClassesAtExit={partial}"))
    except (OSError, subprocess.SubprocessError):
        return Archive(final, None, QUIET)


def _base_archive(home: Path, java: Java) -> Path | None:
    """A wheel's Java ships without the base archive that a dynamic one builds on: dump it once."""
    if not java.from_wheel:
        return None
    key = hashlib.sha256(f"{java.version_text}\n{GC_FLAGS}".encode()).hexdigest()[:16]
    base = home / f"base-{key}.jsa"
    if base.is_file():
        return base
    partial = home / f"{base.name}.{os.getpid()}"
    subprocess.run(  # noqa: S603 -- the Java we chose
        [java.binary, NO_TRACE, *GC_FLAGS, "-Xshare:dump", f"-XX:SharedArchiveFile={partial}"],
        capture_output=True,
        timeout=BASE_DUMP_SECONDS_MAX,
        check=True,
    )
    partial.replace(base)
    return base

"""Compile the Elasticsearch launcher into shop-elasticsearch.jar, byte for byte the same on every run.

Run by a maintainer after a change: python -m compose.engines.launcher.build
"""

import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Final

from compose.engines import jars, java
from compose.layout import default_cache

SOURCE: Final = Path(__file__).with_name("ShopElasticsearch.java")
RELEASE: Final = "11"
TIMESTAMP: Final = (2000, 1, 1, 0, 0, 0)
MANIFEST: Final = "META-INF/MANIFEST.MF"


def javac_major() -> int:
    """The major version of the javac on PATH; raises FileNotFoundError without one."""
    done = subprocess.run([*_javac(), "-version"], capture_output=True, text=True, check=True)  # noqa: S603
    found = re.search(r"javac (\d+)", done.stdout + done.stderr)
    assert found, done
    return int(found.group(1))


def _javac() -> list[str]:
    found = shutil.which("javac")
    if found is None:
        raise FileNotFoundError("javac is not on PATH: a maintainer needs a JDK")
    return [found, f"-J{java.NO_TRACE}"]


def build(target: Path, *, class_path: list[Path]) -> None:
    """Write the jar to `target`. The compiler's major version is part of the manifest."""
    with tempfile.TemporaryDirectory() as scratch:
        joined = ":".join(str(path) for path in class_path)
        subprocess.run(  # noqa: S603 -- a maintainer's tool
            [
                *_javac(),
                "--release",
                RELEASE,
                "-g:none",
                "-proc:none",
                "-cp",
                joined,
                "-d",
                scratch,
                str(SOURCE),
            ],
            check=True,
        )
        manifest = f"Manifest-Version: 1.0\r\nMain-Class: {SOURCE.stem}\r\nBuild-Jdk-Spec: {javac_major()}\r\n\r\n"
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as jar:
            _add(jar, MANIFEST, manifest.encode())
            for compiled in sorted(Path(scratch).glob("*.class")):
                _add(jar, compiled.name, compiled.read_bytes())


def _add(jar: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, TIMESTAMP)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    jar.writestr(entry, content)


def main() -> None:
    wanted = jars.locked("elasticsearch")
    home = jars.ensure(default_cache(), wanted)
    build(jars.LAUNCHER_JAR, class_path=jars.class_path(home, wanted))


if __name__ == "__main__":
    main()

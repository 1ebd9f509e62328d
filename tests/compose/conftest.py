"""A Docker daemon with every image, and a stack in containers that shopctl keeps."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.compose import daemon, stand_ins
from tests.compose.containers import PORT_BASE, Shop, left

OTLP = "http://collector:4318"
OBSERVERS = ("collector", "jaeger", "prometheus")
KEPT = os.environ.get("SHOPSTREAM_TEST_DOCKER", "")


@pytest.fixture(scope="session")
def docker():
    """The environment that reaches a daemon which has every image."""
    if packages := daemon.missing():
        pytest.fail(f"first: apt-get install {' '.join(packages)}")
    home = Path(KEPT or tempfile.mkdtemp(prefix="shopstream-docker-"))
    try:
        with daemon.running(home) as environ:
            stand_ins.build(environ, home / "contexts")
            yield environ
    finally:
        if not KEPT:
            shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def shop(docker):
    """`shopctl` on a stack in containers, observed and seeded; down and wiped afterwards."""
    stand_ins.build_observers(docker, Path(docker["DOCKER_CONFIG"]).parent / "contexts")
    home = Path(tempfile.mkdtemp(prefix="shopstream-compose-"))
    home.chmod(0o755)
    one = Shop({**docker, "SHOPSTREAM_OTLP_ENDPOINT": OTLP}, home)
    try:
        one("up", "--profile", "compose", "--port-base", str(PORT_BASE))
        one.compose("--profile", "observability", "up", "--detach", "--no-deps", *OBSERVERS)
        one("seed", "--size", "s")
        yield one
    finally:
        one("down", "--wipe")
        assert left(docker) == []
        shutil.rmtree(home, ignore_errors=True)

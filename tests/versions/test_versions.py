"""The whole shop on each set of engines: let in by name, seeded, an order bought and shipped, all invariants judged."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from compose.external.findings import VARIABLES
from tests.integration.compose.conftest import free_base
from tests.support.guest_buying import buy
from tests.versions import programs
from tests.versions.sets import SETS

pytestmark = [pytest.mark.versions, pytest.mark.timeout(1800)]

ROOT = Path(__file__).parents[2]
KEPT = os.environ.get("SHOPSTREAM_TEST_VERSIONS", "")
UNTIL_S = 120.0
ENGINES_S = 120.0


@pytest.fixture(scope="module")
def work():
    """Where programs of other versions are."""
    if lacking := programs.missing():
        pytest.fail(f"first install {', '.join(lacking)}")
    directory = Path(KEPT or tempfile.mkdtemp(prefix="shopstream-versions-"))
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    yield directory
    if not KEPT:
        shutil.rmtree(directory)


@pytest.fixture
def engines(request, work):
    """One of each in the wanted version, by name; gone afterwards."""
    wanted = request.param
    path = (programs.postgres(wanted.postgres, work), wanted.redis(work), os.environ["PATH"])
    environ = {**os.environ, "PATH": os.pathsep.join(str(it) for it in path), "SHOPSTREAM_CACHE": str(work / "cache")}
    lock = programs.lock_of_jars(wanted.kafka, work)
    home = Path(tempfile.mkdtemp(prefix="shopstream-engines-"))
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.versions.engines", lock, "--home", home, "--port-base", str(free_base())],
        stdout=subprocess.PIPE, text=True, env=environ, cwd=ROOT,
    )  # fmt: skip
    try:
        told = ""
        while not told.endswith("}\n"):
            line = running.stdout.readline()
            assert line, "the engines did not start"
            told += line
        yield json.loads(told)
    finally:
        running.terminate()
        running.communicate(timeout=ENGINES_S)
        shutil.rmtree(home)


@pytest.fixture
def shop(engines):
    """`shopctl` on these engines."""
    home = Path(tempfile.mkdtemp(prefix="shopstream-versions-home-"))
    home.chmod(0o755)
    named = {variable: engines[name] for name, variable in VARIABLES.items()}
    environ = {**os.environ, **named, "SHOPSTREAM_PROFILE": "external", "SHOPSTREAM_HOME": str(home)}

    def shopctl(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments], env=environ, cwd=ROOT, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"shopctl {' '.join(arguments)}: {done.returncode}\n{done.stderr}\n{done.stdout}"
        return done.stdout

    yield shopctl
    shopctl("down", "--wipe")
    assert not home.exists()


@pytest.mark.parametrize(("engines", "told"), [(it, it.told) for it in SETS], ids=map(str, SETS), indirect=["engines"])
def test_a_shop_works_on(shop, told):
    found = {row["name"]: row for row in json.loads(shop("doctor", "--json"))}
    said = [found[name]["detail"] for name in VARIABLES]
    assert all(line.startswith(name) for line, name in zip(said, told, strict=True)), said
    base = free_base()
    shop("up", "--port-base", str(base))
    shop("seed", "--size", "s")
    order = asyncio.run(buy(f"http://127.0.0.1:{base}")).order_id
    deadline = time.monotonic() + UNTIL_S
    while "order_shipped" not in (story := shop("order", order)):
        assert time.monotonic() < deadline, story
    print(shop("invariants"))  # noqa: T201 -- what was judged

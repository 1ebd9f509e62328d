"""The compose file as it is, without shopctl: a shop comes up, and nothing is left of it."""

import time

import aiohttp
import pytest

from tests.compose import stand_ins
from tests.compose.containers import compose, left, run

pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]


def test_composes_own_config_takes_the_file(docker):
    compose(docker, "config", "--quiet")
    for profile in ("engines", "load", "observability"):
        compose(docker, "--profile", profile, "config", "--quiet")


async def test_docker_compose_up_alone_is_a_shop_and_down_leaves_nothing(docker):
    began = time.monotonic()
    try:
        compose(docker, "up", "--wait")
        took = time.monotonic() - began
        async with aiohttp.ClientSession("http://127.0.0.1:8000") as http:
            async with http.post("/api/v1/guest") as answer:
                assert answer.status == 201
            async with http.get("/health/live") as answer:
                assert answer.status == 200
        user = compose(
            docker, "exec", "orders", "python", "-c", "import os; print(os.getuid(), os.access('/opt', os.W_OK))"
        )
        assert user == ["10001 False"]
        size = run(docker, "docker", "image", "inspect", "-f", "{{.Size}}", stand_ins.IMAGE)
        print(f"\nup in {took:.0f} s; image {int(size[0]) / 1e6:.0f} MB on its base")  # noqa: T201 -- for the note
        for line in run(docker, "docker", "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}}"):
            print(line)  # noqa: T201 -- the same
    finally:
        compose(docker, "down", "--volumes")
    assert left(docker) == []

"""The compose file as it is, alone and under shopctl: up, seeded, judged, broken, killed, paused, loaded, and gone."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import aiohttp
import pytest

from compose import stack
from compose.containers import dashboards
from compose.containers.definition import COMPOSE_FILE
from tests.compose import daemon, observing, pictures, stand_ins
from tests.support.guest_buying import buy

pytestmark = [pytest.mark.containers, pytest.mark.timeout(3600)]

KEPT = os.environ.get("SHOPSTREAM_TEST_DOCKER", "")
PORT_BASE = 29_000
UNTIL_S = 120.0
PICTURES = os.environ.get("SHOPSTREAM_TEST_PICTURES", "")
THROUGH = {"gateway", "orders", "inventory", "payments", "shipping", "notifications"}


@pytest.fixture(scope="module")
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


@pytest.fixture(scope="module")
def shop(docker):
    """`shopctl` on a stack in containers, seeded; down and wiped afterwards."""
    home = Path(tempfile.mkdtemp(prefix="shopstream-compose-"))
    home.chmod(0o755)
    environ = {**docker, "SHOPSTREAM_HOME": str(home), "SHOPSTREAM_OTLP_ENDPOINT": "http://collector:4318"}

    def shopctl(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments], env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, (
            f"shopctl {' '.join(arguments)}: {done.returncode}\n{done.stderr}\n{done.stdout}"
        )
        return done.stdout

    shopctl("up", "--profile", "compose", "--port-base", str(PORT_BASE))
    try:
        shopctl("seed", "--size", "s")
        yield shopctl
    finally:
        shopctl("down", "--wipe")
        assert left(docker) == []
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def observed(shop, docker):
    """The same with a collector, Jaeger and Prometheus, and a sale that they saw."""
    file = ("--env-file", str(env_file(shop)), "--profile", "observability")
    compose(docker, *file, "up", "--detach", "--no-deps", "collector", "jaeger", "prometheus")
    shop("scenario", "run", "flash-sale", "--quick")
    return shop


def left(environ: dict[str, str]) -> list[str]:
    """Containers, volumes and networks of any project of ours."""
    asked = (("ps", "-aq"), ("volume", "ls", "-q"), ("network", "ls", "-q"))
    return [
        name for kind in asked for name in run(environ, "docker", *kind, "--filter", "label=com.docker.compose.project")
    ]


def run(environ: dict[str, str], *command: str) -> list[str]:
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.returncode}\n{done.stderr[-3000:]}"
    return done.stdout.split("\n")[:-1]


def compose(environ: dict[str, str], *arguments: str) -> list[str]:
    return run(environ, "docker", "compose", "-f", str(COMPOSE_FILE), *arguments)


def rows(shop) -> dict[str, dict]:
    return {row["name"]: row for row in json.loads(shop("status", "--json"))["processes"]}


def test_composes_own_config_takes_the_file(docker):
    compose(docker, "config", "--quiet")
    for profile in ("engines", "load", "observability"):
        compose(docker, "--profile", profile, "config", "--quiet")


async def test_docker_compose_up_alone_is_a_shop_and_down_leaves_nothing(docker):
    began = time.monotonic()
    compose(docker, "up", "--wait")
    took = time.monotonic() - began
    try:
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


@pytest.mark.parametrize("scenario", ["flash-sale", "double-charge"])
def test_a_scenario_passes_healthy_and_fails_broken(shop, scenario):
    known = json.loads(shop("scenario", "show", scenario, "--json"))
    shop("scenario", "run", scenario, "--quick")
    shop("scenario", "run", scenario, "--quick", "--defect", known["defects"][0]["id"], code=1)


def test_who_is_killed_or_paused_comes_back(shop):
    before = rows(shop)["orders-1"]
    shop("fault", "inject", "kill", "orders-1")
    until(lambda: rows(shop)["orders-1"]["state"] == "ready")
    assert rows(shop)["orders-1"]["restarts"] == before["restarts"] + 1
    shop("fault", "inject", "pause", "payments-1", "--for", "3")
    until(lambda: rows(shop)["payments-1"]["state"] == "ready")


def test_more_of_a_service_are_added_and_taken_away(shop):
    shop("up", "--scale", "search=2")
    assert rows(shop)["search-2"]["state"] == "ready"
    shop("up", "--scale", "search=1")
    assert "search-2" not in rows(shop)


def test_logs_mails_and_orders_are_told_as_on_the_local_profile(shop):
    assert "started" in shop("logs", "orders")
    mails = json.loads(shop("mail", "list", "--json"))
    assert mails
    order = next(mail["order_id"] for mail in mails if mail.get("order_id"))
    assert order in shop("order", order)


def test_one_checkout_is_one_trace_through_outbox_and_kafka_in_jaegers_api(observed):
    bought = asyncio.run(buy(f"http://127.0.0.1:{PORT_BASE}"))
    until(lambda: {span.service for span in observing.trace(bought.trace_id)} >= THROUGH)
    spans = observing.trace(bought.trace_id)
    read = [span for span in spans if (span.kind, span.name) == ("consumer", "order.created")]
    assert read, "nobody read the event within the trace"
    assert {span.parent_id for span in read} <= {span.span_id for span in spans}
    picture("trace", pictures.trace(spans))


def test_all_ten_services_tell_three_signals(observed, docker):
    file = str(env_file(observed))
    services = {service.name for service in stack.load().services}
    until(lambda: services <= set(observing.jaeger("/api/services")["data"]))
    counted = 'count by (service_name) ({__name__=~"shopstream_.+"})'
    until(lambda: services <= {it["metric"].get("service_name") for it in observing.query(counted)})

    def logged() -> set[str]:
        lines = compose(docker, "--env-file", file, "logs", "--no-log-prefix", "collector")
        return {name for line in lines for name in re.findall(r"\bservice=(\w+)", line)}

    until(lambda: services <= logged())


@pytest.mark.parametrize("uid", sorted(dashboards.DASHBOARDS))
def test_every_panel_of_a_dashboard_asks_for_series_that_are_there(observed, uid):
    title, panels = dashboards.DASHBOARDS[uid]
    known = set(observing.prometheus("/api/v1/label/__name__/values")["data"])
    for panel in panels:
        asked = set(re.findall(r"shopstream_[a-z_]+", panel.query))
        assert asked <= known, panel.title
    drawn = [(panel, observing.query_range(panel.query)) for panel in panels]
    assert [panel.title for panel, series in drawn if series], "nothing to see"
    picture(uid, pictures.dashboard(title, drawn))


def picture(name: str, page: str) -> None:
    """Kept where SHOPSTREAM_TEST_PICTURES says."""
    if PICTURES:
        pictures.shoot(page, Path(PICTURES) / f"{name}.png")


def env_file(shop) -> Path:
    (directory,) = [it["detail"] for it in json.loads(shop("doctor", "--json")) if it["name"] == "state directory"]
    return Path(directory) / "compose.env"


def test_locust_with_two_workers_buys(shop, docker):
    load = ("--env-file", str(env_file(shop)), "--profile", "load")
    compose(docker, *load, "up", "--detach", "--no-deps", "--scale", "locust-worker=2", "locust-worker")
    said = compose(
        docker, *load, "run", "--rm", "--no-deps", "--use-aliases", "locust-master", "locust",
        "-f", "/opt/load/guests.py", "--master", "--expect-workers", "2", "--headless", "--host",
        "http://gateway:8000", "--users", "10", "--spawn-rate", "5", "--run-time", "20s", "--only-summary", "--json",
    )  # fmt: skip
    told = {it["name"]: it for it in json.loads("\n".join(said[said.index("[") :]))}
    assert told["order"]["num_requests"] > 0
    assert told["order"]["num_failures"] == 0


def until(condition) -> None:
    deadline = time.monotonic() + UNTIL_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)

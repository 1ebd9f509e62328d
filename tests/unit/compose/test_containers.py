"""The compose file and its env file are the stack definition's, byte for byte."""

import re

import pytest
import yaml

from compose import ports, stack
from compose.containers import dashboards, definition
from compose.containers.images import IMAGES
from shared.settings import read
from svc.orders.settings import Settings

WRITTEN = definition.COMPOSE_FILE.read_text()
PARSED = yaml.safe_load(WRITTEN)
SOURCES = [definition.FOLDER.parent / path for path in ("shared/metrics.py", "shared/service.py", "svc/gateway/app.py")]
SERVICES = [service.name for service in stack.load().services]


def test_the_written_files_are_what_the_definition_makes():
    assert definition.compose_yaml() == WRITTEN, "run: python -m compose.containers"
    assert definition.development() == definition.ENV_FILE.read_text()
    assert dashboards.dashboards() == {path.name: path.read_bytes() for path in dashboards.FOLDER.iterdir()}


def test_an_eleventh_service_comes_with_its_container(monkeypatch, tmp_path):
    eleven = tmp_path / "stack.toml"
    entry = ('name = "orders2"', 'kind = "service"', "port = 20", 'argument = "svc.orders"', 'depends_on = ["redis"]')
    eleven.write_text("\n".join((stack.STACK_FILE.read_text(), "[[components]]", *entry)))
    monkeypatch.setenv("SHOPSTREAM_STACK_FILE", str(eleven))
    made = yaml.safe_load(definition.compose_yaml())["services"]["orders2"]
    assert made["ports"] == ["127.0.0.1:${SHOPSTREAM_PORT_ORDERS2:-8020}:8020"]
    assert made["depends_on"]["redis"] == {"condition": "service_healthy"}


def test_every_image_has_a_version_and_ours_is_one_for_all():
    images = {name: it["image"] for name, it in PARSED["services"].items()}
    assert set(IMAGES.values()) <= set(images.values())
    assert {images[name] for name in (*SERVICES, "world", "prepare")} == {images["gateway"]}
    assert not [image for image in images.values() if ":" not in image or image.endswith(":latest")]


@pytest.mark.parametrize("name", sorted(PARSED["services"]))
def test_every_container_is_bounded_and_nothing_listens_beyond_loopback(name):
    service = PARSED["services"][name]
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert service["networks"] == ["shop"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_runs_as_nobody_reads_only_and_waits_for_what_it_needs(name):
    service = PARSED["services"][name]
    assert service["command"] == ["python", "-m", f"svc.{name}"]
    assert service["read_only"]
    assert service["user"] == "${SHOPSTREAM_USER:-10001:10001}"
    assert service["cap_drop"] == ["ALL"]
    assert service["healthcheck"]
    waits = {needed: how["condition"] for needed, how in service["depends_on"].items()}
    needs = dict.fromkeys((*stack.load().get(name).depends_on, "world"), "service_healthy")
    assert waits == {**needs, "prepare": "service_completed_successfully"}


def test_what_a_container_is_told_are_settings_that_a_service_reads():
    told = {name: str(value) for name, value in PARSED["services"]["orders"]["environment"].items()}
    filled = {name: re.sub(r"\$\{[A-Z_]+(:-([^}]*))?\}", r"\2", value) for name, value in told.items()}
    settings = read(Settings, {**filled, "SHOPSTREAM_INTERNAL_SECRET": "x" * 40})
    assert settings.kafka_bootstrap == "kafka:9092"
    assert settings.database_url.endswith("@postgres:5432/orders")
    assert settings.otlp == ()


def test_every_variable_of_the_file_has_a_default_or_is_in_the_env_file():
    given = {line.partition("=")[0] for line in definition.ENV_FILE.read_text().splitlines() if "=" in line}
    bare = set(re.findall(r"\$\{([A-Z_]+)\}", WRITTEN))
    assert bare <= given


def test_another_base_moves_every_port():
    text = definition.variables(definition._placeholders(stack.load()), port_base=21_000, extra={})
    moved = dict(line.split("=", 1) for line in text.splitlines() if line.startswith("SHOPSTREAM_PORT_"))
    defaults = dict(re.findall(r"127\.0\.0\.1:\$\{(SHOPSTREAM_PORT_[A-Z0-9_]+):-(\d+)\}", WRITTEN))
    observers = {f"SHOPSTREAM_PORT_{name}" for name in ("LOCUST", "JAEGER", "PROMETHEUS", "GRAFANA")}
    assert set(moved) == set(defaults) - observers
    assert all(int(moved[name]) - 21_000 == int(defaults[name]) - ports.DEFAULT_BASE for name in moved)


def test_dashboards_ask_only_for_metrics_that_the_fleet_tells():
    told = set(re.findall(r"shopstream_[a-z_]+", " ".join(path.read_text() for path in SOURCES)))
    told |= {
        f"shopstream_{name}" for path in SOURCES for name in re.findall(r'watch\(\s*"([a-z_]+)"', path.read_text())
    }
    for content in dashboards.dashboards().values():
        asked = {re.sub("_(total|bucket)$", "", name) for name in re.findall(r"shopstream_[a-z_]+", content.decode())}
        assert asked <= told

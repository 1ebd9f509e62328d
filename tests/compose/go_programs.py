"""Programs that exist as Go modules, built once into a directory: compose, the OpenTelemetry collector, Jaeger."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

COMPOSE = "v2.39.4"
COMPOSE_MODULE = "github.com/docker/compose/v2"
BUILDER = "go.opentelemetry.io/collector/cmd/builder@v0.165.0"
JAEGER = "github.com/jaegertracing/jaeger/cmd/jaeger"
JAEGER_VERSION = "v1.76.0"
PARTS = Path(__file__).parent / "stand_ins" / "collector" / "builder.yaml"


def compose(plugin: Path, work: Path) -> None:
    """Compose as Docker's plugin: two minutes and 67 MB."""
    if not plugin.exists():
        plugin.parent.mkdir(parents=True, exist_ok=True)
        flags = f"-s -w -X {COMPOSE_MODULE}/internal.Version={COMPOSE}"
        _module(work / "compose", f"{COMPOSE_MODULE}/cmd@{COMPOSE}")
        _build(work / "compose", plugin, f"{COMPOSE_MODULE}/cmd", flags)


def collector(work: Path) -> Path:
    """The collector with the parts that our configuration names, put together by its own builder."""
    folder = work / "collector"
    if not (folder / "otelcol").exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(PARTS, folder / "builder.yaml")
        _run(folder, ["go", "install", BUILDER], GOBIN=str(folder / "bin"))
        _run(folder, ["bin/builder", "--config", "builder.yaml", "--skip-strict-versioning"], CGO_ENABLED="0")
    return folder / "otelcol"


def jaeger(work: Path) -> Path:
    """Jaeger without the pages of its user interface, which its module does not hold: its API is whole."""
    folder = work / "jaeger"
    if not (folder / "jaeger").exists():
        _module(folder, f"{JAEGER}@{JAEGER_VERSION}", "-tool")
        _build(folder, folder / "jaeger", JAEGER, "-s -w")
    return folder / "jaeger"


def _module(folder: Path, wanted: str, *options: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "go.mod").write_text(f"module shopstream.test/{folder.name}\n\ngo 1.24\n")
    _run(folder, ["go", "get", *options, wanted])


def _build(folder: Path, program: Path, package: str, flags: str) -> None:
    _run(folder, ["go", "build", "-trimpath", "-ldflags", flags, "-o", str(program), package], CGO_ENABLED="0")


def _run(folder: Path, command: Sequence[str], **environ: str) -> None:
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, **environ})

"""What a machine may lack or refuse, and what the operator is told."""

import contextlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from compose import layout as layouts
from compose.engines import boot, jars
from compose.engines.launcher import build
from compose.layout import Layout, default_cache
from compose.operator_error import OperatorError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of one megabyte."""
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root can mount a small file system")
    disk = Path("/tmp") / f"shopstream-tiny-disk-{os.getpid()}"  # noqa: S108 -- entered by another user
    disk.mkdir()
    mounted = subprocess.run([mount, "-t", "tmpfs", "-o", "size=1m", "none", disk], check=False)
    if mounted.returncode != 0:
        disk.rmdir()
        pytest.skip("this machine lets nobody mount")
    yield disk
    subprocess.run([shutil.which("umount") or "umount", disk], check=True)
    disk.rmdir()


async def test_a_disk_that_fills_while_starting_is_named(tiny_disk, layout):
    small = Layout(tiny_disk / "home", default_cache(), layout.port_base)
    with pytest.raises(OperatorError) as refusal:
        await boot(small, only=("postgres",))
    assert refusal.value.code == "disk.full"
    assert "SHOPSTREAM_HOME" in refusal.value.mend


def test_a_disk_that_is_full_already_is_named_before_anything_starts(tiny_disk):
    home = tiny_disk / "home"
    layouts.make_directories(Layout(home, default_cache(), 21_000))
    _fill(tiny_disk / "fill")
    with pytest.raises(OperatorError) as refusal:
        layouts.make_directories(Layout(home, default_cache(), 21_000))
    assert refusal.value.code == "home.unwritable"
    assert "No space left" in refusal.value.what


def _fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        for _ in range(1_000):
            file.write(b"x" * 4096)


async def test_a_second_start_needs_no_network(layout, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    jars.ensure(default_cache(), jars.locked("kafka"))
    running = await boot(layout, only=("kafka",))
    await running.stop()


async def test_a_first_start_without_network_says_so(layout, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    empty = Layout(layout.home, tmp_path / "cache", layout.port_base)
    with pytest.raises(OperatorError) as refusal:
        await boot(empty, only=("kafka",))
    assert refusal.value.code == "jars.download"
    assert "network" in refusal.value.mend
    assert not list((tmp_path / "cache").rglob("*.jar"))


def test_the_shipped_launcher_is_what_its_source_compiles_to(tmp_path):
    if shutil.which("javac") is None:
        pytest.skip("no JDK on this machine")
    wanted = jars.locked("elasticsearch")
    home = jars.ensure(default_cache(), wanted)
    rebuilt = tmp_path / "rebuilt.jar"
    build.build(rebuilt, class_path=jars.class_path(home, wanted))
    with zipfile.ZipFile(jars.LAUNCHER_JAR) as shipped, zipfile.ZipFile(rebuilt) as made:
        assert shipped.namelist() == made.namelist()
        same_compiler = shipped.read(build.MANIFEST) == made.read(build.MANIFEST)
    if same_compiler:
        assert jars.LAUNCHER_JAR.read_bytes() == rebuilt.read_bytes()


def test_interrupting_a_boot_leaves_nothing_running(tiny_stack):
    code = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from compose import launch\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell's background jobs ignore it
        "def on_event(event):\n"
        "    if event.get('name') == 'kafka':\n"
        "        signal.raise_signal(signal.SIGINT)\n"
        "launch.up(Path(sys.argv[1]), port_base=int(sys.argv[2]), names=['kafka'], on_event=on_event)\n"
    )
    argv = [sys.executable, "-c", code, str(tiny_stack.home), str(tiny_stack.port_base)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, timeout=60)
    assert "KeyboardInterrupt" in done.stderr
    assert not _processes_of(tiny_stack.home)


def _processes_of(home: Path) -> list[str]:
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(home) in line:
            found.append(line)
    return found

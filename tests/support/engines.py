"""One set of engines for a whole test session, whichever worker asks first; or the ones an environment names."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec

SHARED_DIRECTORY_VARIABLE = "SHOPSTREAM_TEST_DIRECTORY"
SESSION_PID_VARIABLE = "SHOPSTREAM_TEST_SESSION"
GIVEN_ENGINES_VARIABLE = "SHOPSTREAM_TEST_ENGINES"
BOOT_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 90.0
ENGINE_PORTS_SPAN = 140


class EngineUrls(msgspec.Struct, frozen=True):
    postgres: str
    redis: str
    kafka: str
    elasticsearch: str


def engine_urls(directory: Path) -> EngineUrls:
    """The session's engines, booted on first demand. `SHOPSTREAM_TEST_ENGINES` may name a JSON file of URLs."""
    if given := os.environ.get(GIVEN_ENGINES_VARIABLE):
        return msgspec.json.decode(Path(given).read_bytes(), type=EngineUrls)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        urls = directory / "urls.json"
        if not urls.exists():
            _boot(directory, urls)
        return msgspec.json.decode(urls.read_bytes(), type=EngineUrls)


def stop_engines(directory: Path) -> None:
    """Stop what this session started, by pid."""
    record = directory / "pid"
    if not record.exists():
        return
    pid = int(record.read_text())
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise RuntimeError(f"the engines of the test session (pid {pid}) did not stop")


def _boot(directory: Path, urls: Path) -> None:
    """Start the engines detached from this worker, which may end before its siblings; they outlive no session."""
    output = directory / "engines.out"
    with output.open("wb") as out, (directory / "engines.err").open("wb") as err:
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:  # an intermediate parent, so that the engines belong to no worker
            child = subprocess.Popen(
                [sys.executable, "-m", "compose.engines", "--home", str(directory / "home"),
                 "--port-base", str(free_port_base()), "--while", os.environ[SESSION_PID_VARIABLE]],
                stdout=out, stderr=err, stdin=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            os.write(writer, str(child.pid).encode())
            os._exit(0)
        os.waitpid(pid, 0)
        os.close(writer)
        child_pid = int(os.read(reader, 32))
        os.close(reader)
    (directory / "pid").write_text(str(child_pid))
    deadline = time.monotonic() + BOOT_TIMEOUT_S
    while time.monotonic() < deadline:
        try:
            urls.write_text(json.dumps(json.loads(output.read_text())))
        except ValueError:
            os.kill(child_pid, 0)
            time.sleep(0.05)
        else:
            return
    raise TimeoutError((directory / "engines.err").read_text())


def free_port_base() -> int:
    """A base whose engine ports are free now; ephemeral ports are avoided because clients take those."""
    start = 24_000 + os.getpid() % 40 * 150
    for base in [*range(start, 30_000, 150), *range(24_000, start, 150)]:
        if all(_is_free(base + offset) for offset in range(100, 106)):
            return base
    raise RuntimeError("no free ports for the engines")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True

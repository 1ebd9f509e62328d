"""The health check of a container: by itself, without what is installed, over in time."""

import socket
import subprocess
import sys
import threading

import pytest
import yaml

from compose.containers import definition, healthy

SECRET = "a-secret-of-forty-characters-0123456789ab"
SERVICES = yaml.safe_load(definition.COMPOSE_FILE.read_text())["services"]


@pytest.fixture
def answering():
    """Somebody who answers one request with these bytes; the port, and what was asked."""
    listening = socket.create_server(("127.0.0.1", 0))
    asked: list[bytes] = []

    def answer(said: bytes) -> int:
        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                asked.append(connection.recv(65_536))
                connection.sendall(said)

        threading.Thread(target=serve, daemon=True).start()
        return listening.getsockname()[1]

    yield answer, asked
    listening.close()


def check(port: int) -> subprocess.CompletedProcess[str]:
    environ = {"SHOPSTREAM_INTERNAL_SECRET": SECRET, "SHOPSTREAM_PORT": str(port)}
    return subprocess.run(
        [sys.executable, "-S", healthy.__file__], env=environ, cwd="/", capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("status", "code"), [("200 OK", 0), ("503 Service Unavailable", 1), ("404 Not Found", 1)])
def test_a_container_is_healthy_when_its_process_says_that_it_is_ready(answering, status, code):
    answer, asked = answering
    done = check(answer(f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n\r\n".encode() + b'{"checks": {}}'))
    assert (done.returncode, done.stdout, done.stderr) == (code, '{"checks": {}}', "")
    assert asked[0].startswith(b"GET /health/ready ")
    assert b"\r\nAuthorization: Bearer " in asked[0]


def test_nobody_there_is_unhealthy_with_the_reason():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    done = check(port)
    assert (done.returncode, done.stdout) == (1, "[Errno 111] Connection refused")


@pytest.mark.parametrize("name", sorted(name for name, it in SERVICES.items() if "test" in it.get("healthcheck", {})))
def test_checks_do_not_pile_up(name):
    check = SERVICES[name]["healthcheck"]
    seconds = {part: int(check[part].removesuffix("s")) for part in ("interval", "timeout")}
    assert seconds["timeout"] > healthy.SECONDS_MAX
    assert seconds["interval"] >= 4, "each costs a process"
